use std::fmt;

/// The exit code of `webservice`, `jobs` and `quota-check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExitCode {
    /// 0: success, or the change fits.
    Success,
    /// 1: invalid request, or the check failed.
    Failed,
    /// 2: usage error.
    Usage,
    /// 3: exceeds the quota or the limits; nothing was changed.
    DoesNotFit,
    /// 4: the cluster refused or is unreachable.
    Cluster,
    /// 5: a rollout or a wait failed or timed out.
    Rollout,
    /// 6: partially done; the output lists what was done.
    Partial,
    /// The exit code of a command in a container (`shell`, `exec`, `run --wait`), or 128 plus the number of the signal that
    /// terminated the program.
    Propagated(u8),
}

impl ExitCode {
    /// All exit codes with a meaning of their own.
    pub const ALL: &'static [Self] = &[
        Self::Success,
        Self::Failed,
        Self::Usage,
        Self::DoesNotFit,
        Self::Cluster,
        Self::Rollout,
        Self::Partial,
    ];

    /// Returns the number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::DoesNotFit => 3,
            Self::Cluster => 4,
            Self::Rollout => 5,
            Self::Partial => 6,
            Self::Propagated(code) => code,
        }
    }

    /// Returns the meaning as a short phrase.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => "success, or the change fits",
            Self::Failed => "invalid request, or the check failed",
            Self::Usage => "usage error",
            Self::DoesNotFit => "exceeds the quota or the limits; nothing was changed",
            Self::Cluster => "the cluster refused or is unreachable",
            Self::Rollout => "a rollout or a wait failed or timed out",
            Self::Partial => "partially done; the output lists what was done",
            Self::Propagated(_) => {
                "the exit code of a command in a container, or 128 plus the number of a signal"
            }
        }
    }
}

impl From<u8> for ExitCode {
    fn from(code: u8) -> Self {
        Self::ALL.iter().copied().find(|known| known.code() == code).unwrap_or(Self::Propagated(code))
    }
}

impl From<ExitCode> for u8 {
    fn from(exit_code: ExitCode) -> Self {
        exit_code.code()
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code())
    }
}

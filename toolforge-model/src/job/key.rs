use std::fmt;

/// What can be said of a job: a key of a jobs file, and the option of the same name (jobs-cli 16; `env` is ours).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobKey {
    /// The job's name.
    Name,
    /// What it runs.
    Command,
    /// The image in which it runs.
    Image,
    /// That it writes no log files.
    NoFileLog,
    /// That it writes log files.
    FileLog,
    /// The file of standard output.
    FileLogStdout,
    /// The file of standard error.
    FileLogStderr,
    /// How often a failed run is tried again.
    Retry,
    /// The memory limit.
    Memory,
    /// The CPU limit.
    Cpu,
    /// Which mails are sent.
    Emails,
    /// Which storage is mounted.
    Mount,
    /// After how many seconds a run is ended.
    Timeout,
    /// When it runs.
    Schedule,
    /// That it always runs.
    Continuous,
    /// That its end is waited for.
    Wait,
    /// A command that tells whether it is well.
    HealthCheckScript,
    /// A page that tells whether it is well.
    HealthCheckHttp,
    /// Where other pods reach it.
    Port,
    /// How many pods.
    Replicas,
    /// That the tool's domain leads to it.
    Publish,
    /// That it is a web service.
    WebService,
    /// Variables.
    Environment,
}

impl JobKey {
    /// All keys, in the order in which a file is best written.
    pub const ALL: [Self; 23] = [
        Self::Name,
        Self::Command,
        Self::Image,
        Self::Schedule,
        Self::Continuous,
        Self::Cpu,
        Self::Memory,
        Self::Replicas,
        Self::Port,
        Self::Publish,
        Self::HealthCheckScript,
        Self::HealthCheckHttp,
        Self::Retry,
        Self::Timeout,
        Self::Emails,
        Self::Mount,
        Self::FileLog,
        Self::NoFileLog,
        Self::FileLogStdout,
        Self::FileLogStderr,
        Self::Environment,
        Self::Wait,
        Self::WebService,
    ];

    /// Returns the key as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Command => "command",
            Self::Image => "image",
            Self::NoFileLog => "no-filelog",
            Self::FileLog => "filelog",
            Self::FileLogStdout => "filelog-stdout",
            Self::FileLogStderr => "filelog-stderr",
            Self::Retry => "retry",
            Self::Memory => "mem",
            Self::Cpu => "cpu",
            Self::Emails => "emails",
            Self::Mount => "mount",
            Self::Timeout => "timeout",
            Self::Schedule => "schedule",
            Self::Continuous => "continuous",
            Self::Wait => "wait",
            Self::HealthCheckScript => "health-check-script",
            Self::HealthCheckHttp => "health-check-http",
            Self::Port => "port",
            Self::Replicas => "replicas",
            Self::Publish => "publish",
            Self::WebService => "webservice",
            Self::Environment => "env",
        }
    }

    /// Returns the key with a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.as_str() == name)
    }
}

impl fmt::Display for JobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

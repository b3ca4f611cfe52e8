//! The exit code and the hint for each error of the libraries that every program can meet.

use toolforge_client::{
    AdmissionRefusal, ApiStatus, ApplyError, ConnectError, Error, FactsError, FileProblem, FileRole,
    IdentityError, KubeconfigError, PlatformFilesError, StatusKind,
};
use toolforge_model::{Untrusted, platform, quote_word};
use toolforge_render::namespace::DocumentsError;
use toolforge_report::FailureCode;

use crate::failure::{ExitCode, Failure};

/// The hint for a kubeconfig that is not the tool's.
const BECOME: &str = "Become the tool first, `become TOOL`, or name another file with `--kubeconfig`.";

/// How a command works without a cluster.
pub(crate) const WITHOUT_CLUSTER: &str = "Without a cluster: `--tool NAME` with `--quota toolforge-2023`, or with `--from FILE` to \
                                          read what `kubectl get … -o yaml` printed.";

/// How a command works without a cluster that has no `--quota`.
pub(crate) const FROM_FILES: &str =
    "Without a cluster: `--tool NAME` with `--from FILE` to read what `kubectl get … -o yaml` printed.";

/// Returns a failure of a command that works with facts from files; if it is a missing kubeconfig, with a hint that says how.
#[must_use]
pub fn without_cluster_from_files(failure: Failure) -> Failure {
    if failure.code() == FailureCode::Kubeconfig { failure.hint(FROM_FILES) } else { failure }
}

/// Returns a failure of a command that also works without a cluster; if it is a missing kubeconfig, with a hint that says how.
#[must_use]
pub fn without_cluster(failure: Failure) -> Failure {
    if failure.code() != FailureCode::Kubeconfig {
        return failure;
    }
    failure.hint(WITHOUT_CLUSTER)
}

/// The hint for an expired certificate.
const RENEWAL: &str = "The platform renews certificates a month before they expire; ask its admins why this one was not renewed.";

impl From<KubeconfigError> for Failure {
    fn from(error: KubeconfigError) -> Self {
        let failure = Self::from_error(ExitCode::Cluster, &error).with_code(FailureCode::Kubeconfig);
        match &error {
            KubeconfigError::File { role: FileRole::Kubeconfig, problem: FileProblem::Empty, .. }
            | KubeconfigError::NotYaml { .. }
            | KubeconfigError::NotAKubeconfig { .. } => failure
                .hint("The platform writes this file; move it away, and it is re-created within minutes."),
            KubeconfigError::File { .. } | KubeconfigError::NoPath => failure.hint(BECOME),
            KubeconfigError::Expired { .. } => failure.hint(RENEWAL),
            KubeconfigError::NotYetValid { .. } => failure.hint("Check this machine's clock."),
            KubeconfigError::Mismatch { .. } => {
                failure.hint("The platform may be renewing them; try again in a minute.")
            }
            _ => failure,
        }
    }
}

impl From<IdentityError> for Failure {
    fn from(error: IdentityError) -> Self {
        Self::from_error(ExitCode::Cluster, &error)
            .with_code(FailureCode::UnknownTool)
            .hint("Name the tool: `--tool NAME`.")
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Self::from_error(ExitCode::Cluster, &error).with_code(FailureCode::Kubeconfig)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::OutcomeUnknown(error) => {
                of_request(&error).hint("The last step may have been applied; check before you try again.")
            }
            error @ Error::Transport(_) => of_request(&error).hint("Try again in a minute."),
            error => of_request(&error),
        }
    }
}

fn of_request(error: &Error) -> Failure {
    if let Some(refusal) = error.api_status() {
        return refused(refusal);
    }
    let failure = Failure::from_error(ExitCode::Cluster, error);
    match error {
        Error::CertificateExpired { .. } => failure.with_code(FailureCode::Kubeconfig).hint(RENEWAL),
        _ => failure.with_code(FailureCode::Unreachable),
    }
}

fn refused(refusal: &ApiStatus) -> Failure {
    let message = refusal.message().escaped();
    let failure = |text: String| Failure::new(ExitCode::Cluster, text);
    match refusal.kind() {
        StatusKind::Unauthorized => failure("the cluster rejected your certificate".to_owned())
            .with_code(FailureCode::Unauthorized)
            .detail(message.to_string())
            .hint("Check that the kubeconfig is for this cluster; if it is, ask the platform's admins."),
        StatusKind::Forbidden { .. } => {
            let failure = failure("the cluster refused: permission denied".to_owned());
            failure.with_code(FailureCode::Forbidden).detail(message.to_string()).hint(
                "A tool may only use its own namespace; check that `--tool` and the kubeconfig are for the same tool.",
            )
        }
        StatusKind::Admission(AdmissionRefusal::Quota { exceeded, .. }) => {
            let resources: Vec<String> =
                exceeded.iter().map(|exceeded| exceeded.resource.escaped().to_string()).collect();
            failure(format!("the cluster refused: quota exceeded for {}", resources.join(", ")))
                .with_code(FailureCode::QuotaExceeded)
                .detail(message.to_string())
                .hint(format!(
                    "`quota-check` shows the usage; {} explains how to request more.",
                    platform::QUOTA_HELP
                ))
        }
        StatusKind::Admission(AdmissionRefusal::Webhook { name, message }) => {
            failure(format!("the cluster's {} refused: {}", name.escaped(), message.escaped()))
        }
        StatusKind::TooManyRequests | StatusKind::Unavailable => {
            failure("the cluster is overloaded".to_owned())
                .with_code(FailureCode::Overloaded)
                .detail(message.to_string())
                .hint("Try again in a minute.")
        }
        StatusKind::Conflict => {
            failure("the object was changed by somebody else at the same time".to_owned())
                .with_code(FailureCode::Conflict)
                .detail(message.to_string())
                .hint("Check the current state, then try again.")
        }
        _ => failure("the cluster refused".to_owned()).detail(message.to_string()),
    }
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Request(error) => error.into(),
            ApplyError::DoesNotFit { set } => Self::does_not_fit(&set),
            ApplyError::Interrupted => Self::from_error(ExitCode::Partial, &error),
            ApplyError::StillExists { .. } => {
                let failure = Self::from_error(ExitCode::Rollout, &error).with_code(FailureCode::TimedOut);
                failure.hint("Try again in a minute.")
            }
            ApplyError::ChangedMeanwhile { .. } => Self::from_error(ExitCode::Cluster, &error)
                .hint("Run the command again; it continues from the current state."),
            error => Self::from_error(ExitCode::Cluster, &error),
        }
    }
}

impl From<FactsError> for Failure {
    fn from(error: FactsError) -> Self {
        match error {
            FactsError::Request(error) => return error.into(),
            FactsError::Platform(error) => return error.into(),
            _ => {}
        }
        Self::from_error(ExitCode::Cluster, &error).with_code(FailureCode::InvalidFile).hint(
            "The platform's admins publish it; offline, use `--from FILE` with the output of `kubectl get -o yaml`.",
        )
    }
}

impl From<PlatformFilesError> for Failure {
    fn from(error: PlatformFilesError) -> Self {
        Self::from_error(ExitCode::Cluster, &error).with_code(FailureCode::InvalidFile)
    }
}

impl From<DocumentsError> for Failure {
    fn from(error: DocumentsError) -> Self {
        let failure = Self::from_error(ExitCode::Failed, &error).with_code(FailureCode::InvalidFile);
        match &error {
            DocumentsError::JobsFile { file } => {
                let file = Untrusted::new(quote_word(file));
                let file = file.escaped();
                failure.hint(format!(
                    "Pass it without `--from`, as in `quota-check {file}` or `toolforge jobs plan {file}`."
                ))
            }
            DocumentsError::Text { .. } => {
                failure.hint("Write the file again, and check that `kubectl get … -o yaml` prints objects.")
            }
            _ => failure,
        }
    }
}

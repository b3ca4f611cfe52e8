//! What each library's error means at the edge: how the command ends, and what to type next.

use toolforge_client::{
    ConnectError, Error, FactsError, FileProblem, FileRole, IdentityError, KubeconfigError, ManifestError,
    PlatformFilesError, Refusal, RefusalKind, TemplateError,
};
use toolforge_images::NoSuchType;
use toolforge_model::{MountNeeded, Untrusted, platform};
use toolforge_render::namespace::DocumentsError;
use toolforge_render::web_service::{MissingNeed, PlanError, Unobservable};

use crate::failure::{ExitCode, Failure};

/// What to do where the kubeconfig is not the tool's.
const BECOME: &str =
    "Are you the tool? Become it first, `become TOOL`, or name another file with `--kubeconfig`.";

/// What to do where a certificate's time is over.
const RENEWAL: &str = "The platform renews certificates by itself a month before they expire; ask its admins why this one was not.";

impl From<KubeconfigError> for Failure {
    fn from(error: KubeconfigError) -> Self {
        let failure = Self::from_error(ExitCode::Cluster, &error);
        match &error {
            KubeconfigError::File { role: FileRole::Kubeconfig, problem: FileProblem::Empty, .. }
            | KubeconfigError::NotYaml { .. }
            | KubeconfigError::NotAKubeconfig { .. } => failure
                .hint("The platform writes this file; move it away and it is written anew within minutes."),
            KubeconfigError::File { .. } | KubeconfigError::NoPath => failure.hint(BECOME),
            KubeconfigError::Expired { .. } => failure.hint(RENEWAL),
            KubeconfigError::NotYetValid { .. } => failure.hint("Is this machine's clock right?"),
            KubeconfigError::Mismatch { .. } => {
                failure.hint("The platform may be renewing them just now; try again in a minute.")
            }
            _ => failure,
        }
    }
}

impl From<IdentityError> for Failure {
    fn from(error: IdentityError) -> Self {
        Self::from_error(ExitCode::Cluster, &error).hint("Name the tool: `--tool NAME`.")
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Self::from_error(ExitCode::Cluster, &error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Some(refusal) = error.refusal() {
            return refused(refusal);
        }
        let failure = Self::from_error(ExitCode::Cluster, &error);
        match &error {
            Error::CertificateExpired { .. } => failure.hint(RENEWAL),
            Error::Transport(_) if !error.may_have_happened() => {
                failure.hint("Nothing was sent; try again in a minute.")
            }
            _ if error.may_have_happened() => {
                failure.hint("Whether the last step was done is not known; look before you try again.")
            }
            _ => failure,
        }
    }
}

fn refused(refusal: &Refusal) -> Failure {
    let message = refusal.message().escaped();
    let failure = |text: String| Failure::new(ExitCode::Cluster, text);
    match refusal.kind() {
        RefusalKind::Unauthorized => failure("the cluster does not know who you are".to_owned())
            .detail(message.to_string())
            .hint("The certificate of the kubeconfig is not one that this cluster accepts; ask the platform's admins."),
        RefusalKind::Forbidden { .. } => failure("the cluster refused: this is forbidden".to_owned())
            .detail(message.to_string())
            .hint("A tool may only work in its own namespace; is `--tool` or the kubeconfig another tool's?"),
        RefusalKind::Quota { exceeded, .. } => {
            let resources: Vec<String> =
                exceeded.iter().map(|exceeded| exceeded.resource.escaped().to_string()).collect();
            failure(format!("the cluster refused: the quota has no room for {}", resources.join(", ")))
                .detail(message.to_string())
                .hint(format!("`quota-check` shows what is used; {} tells how to ask for more.", platform::QUOTA_HELP))
        }
        RefusalKind::Webhook { name, message } => {
            failure(format!("the cluster's {} refused: {}", name.escaped(), message.escaped()))
        }
        RefusalKind::TooManyRequests | RefusalKind::Unavailable => {
            failure("the cluster is too busy now".to_owned()).detail(message.to_string()).hint("Try again in a minute.")
        }
        RefusalKind::Conflict => failure("somebody else changed the same object meanwhile".to_owned())
            .detail(message.to_string())
            .hint("Look at what stands now, then try again."),
        _ => failure("the cluster refused".to_owned()).detail(message.to_string()),
    }
}

impl From<FactsError> for Failure {
    fn from(error: FactsError) -> Self {
        Self::from_error(ExitCode::Cluster, &error).hint(
            "The platform's admins publish it; offline, `--from FILE` takes what `kubectl get -o yaml` printed.",
        )
    }
}

impl From<PlatformFilesError> for Failure {
    fn from(error: PlatformFilesError) -> Self {
        Self::from_error(ExitCode::Cluster, &error)
    }
}

impl From<DocumentsError> for Failure {
    fn from(error: DocumentsError) -> Self {
        Self::from_error(ExitCode::Failed, &error)
    }
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        let failure = Self::from_error(ExitCode::Failed, &error);
        match &error {
            TemplateError::Several { paths } => paths
                .iter()
                .fold(failure, |failure, path| {
                    failure.detail(Untrusted::new(path.display().to_string()).escaped().to_string())
                })
                .hint("Rename or remove the others."),
            TemplateError::Mistakes { mistakes, .. } => {
                mistakes.0.iter().fold(failure, |failure, mistake| failure.detail(mistake.to_string()))
            }
            _ => failure,
        }
    }
}

impl From<MissingNeed> for Failure {
    fn from(error: MissingNeed) -> Self {
        let failure = Self::from_error(ExitCode::Failed, &error);
        match &error {
            MissingNeed::Site { .. } => failure.hint("Make the folder first: `mkdir ~/public_html`."),
            MissingNeed::PythonSource { .. } => {
                failure.hint("Put the application there first: `mkdir -p ~/www/python/src`.")
            }
            MissingNeed::Package { .. } => {
                failure.hint("Put the application there first: `mkdir -p ~/www/js`.")
            }
            MissingNeed::Command { name } => {
                failure.hint(format!("Say what it shall run: `webservice {name} start COMMAND`."))
            }
            _ => failure,
        }
    }
}

impl From<ManifestError> for Failure {
    fn from(error: ManifestError) -> Self {
        Self::from_error(ExitCode::Failed, &error)
            .hint("Mend or remove that file; or name the type: `webservice TYPE start`.")
    }
}

impl From<MountNeeded> for Failure {
    fn from(error: MountNeeded) -> Self {
        Self::from_error(ExitCode::Failed, &error).hint("Leave `--mount` out.")
    }
}

impl From<NoSuchType> for Failure {
    fn from(error: NoSuchType) -> Self {
        let failure = Self::from_error(ExitCode::Failed, &error);
        match &error {
            NoSuchType::Gone { replacement, .. } => {
                let name = replacement.as_ref().map_or("buildservice", |name| name.as_str());
                failure.hint(format!("Type `webservice {name} start`."))
            }
            NoSuchType::Unknown { nearest: Some(nearest), .. } => {
                failure.hint(format!("Type `webservice {nearest} start`."))
            }
            _ => failure.hint("`webservice types` lists what there is."),
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let error = match error {
            PlanError::NoSuchType(error) => return error.into(),
            error => error,
        };
        let failure = Self::from_error(ExitCode::Failed, &error);
        match &error {
            PlanError::Foreign { .. } => {
                failure.hint("Rename or delete that object with kubectl; a web service needs its name.")
            }
            _ => failure,
        }
    }
}

impl From<Unobservable> for Failure {
    fn from(error: Unobservable) -> Self {
        Self::from_error(ExitCode::Failed, &error).hint(
            "Name the type that shall run: `webservice TYPE restart`, like `webservice php8.2 restart`.",
        )
    }
}

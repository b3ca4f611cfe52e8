//! Advice about causes.

use toolforge_model::platform;
use toolforge_render::pod::Cause;

/// Returns what to do about a cause, with the commands to type. `serves` is whether other pods of the web service run.
pub(crate) fn advice(cause: &Cause, serves: bool) -> String {
    match cause {
        Cause::OutOfMemory => "Increase the memory limit: `webservice restart -m 1Gi`.".to_owned(),
        Cause::CrashLoop { .. } | Cause::ContainerStart => {
            "Fix the error that `webservice logs` shows, then type `webservice restart`; `webservice stop` stops the attempts.".to_owned()
        }
        Cause::HealthCheckFails { .. } | Cause::NotHealthy { .. } | Cause::NotListening { .. } => {
            "Fix it, then type `webservice restart`, which loads changed files. A program that only needs more time to start comes up by itself; `webservice status` shows it."
                .to_owned()
        }
        Cause::ImagePull { .. } => {
            "Check that the image exists and its name is correct. `webservice TYPE restart` runs another type; `webservice stop` stops the attempts."
                .to_owned()
        }
        Cause::QuotaExceeded if serves => format!(
            "The old pods use the quota that the new ones need: `webservice restart` replaces them one after the other. `quota-check` shows the usage; {} explains how to request more.",
            platform::QUOTA_HELP
        ),
        Cause::QuotaExceeded => format!(
            "`quota-check` shows what uses the quota: stop something else, or request less with `webservice restart -m 256Mi`; {} explains how to request more.",
            platform::QUOTA_HELP
        ),
        Cause::LimitRange => format!(
            "`quota-check` shows the limits: request less with `webservice restart -m 256Mi`; {} explains how to request more.",
            platform::QUOTA_HELP
        ),
        Cause::Paused => "`webservice restart` ends the pause and replaces the pods.".to_owned(),
        Cause::RefusedForNow | Cause::Unschedulable | Cause::Terminating { .. } => {
            "The cluster tries again by itself; `webservice status` shows the state.".to_owned()
        }
        _ => "`webservice restart` tries again; `webservice stop` stops the attempts.".to_owned(),
    }
}

//! Advice about causes.

use toolforge_model::platform;
use toolforge_render::pod::Cause;

/// Returns what to do about a cause, with the commands to type.
pub(crate) fn advice(cause: &Cause) -> String {
    match cause {
        Cause::OutOfMemory => "Increase the memory limit: `webservice restart -m 1Gi`.".to_owned(),
        Cause::CrashLoop { .. } | Cause::ContainerStart => {
            "Fix the error in the log, then type `webservice restart`; `webservice stop` stops the attempts.".to_owned()
        }
        Cause::ImagePull { .. } => {
            "Check that the image exists and its name is correct. `webservice TYPE restart` runs another type; `webservice stop` stops the attempts."
                .to_owned()
        }
        Cause::QuotaExceeded | Cause::LimitRange => format!(
            "`quota-check` shows the usage; {} explains how to request more. `webservice stop` stops the attempts.",
            platform::QUOTA_HELP
        ),
        _ => "`webservice status` shows the details; `webservice stop` stops the attempts.".to_owned(),
    }
}

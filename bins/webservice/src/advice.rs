//! What to type next.

use toolforge_model::platform;
use toolforge_render::pod::Cause;

/// Returns what to do about a cause.
pub(crate) fn advice(cause: &Cause) -> String {
    match cause {
        Cause::OutOfMemory => "Give it more memory: `webservice restart -m 1Gi`.".to_owned(),
        Cause::CrashLoop { .. } | Cause::ContainerStart => {
            "Mend what the lines print_text, then `webservice restart`; `webservice stop` ends the attempts.".to_owned()
        }
        Cause::ImagePull { .. } => {
            "Is the image built, and its name right? `webservice TYPE restart` runs another; `webservice stop` ends the attempts."
                .to_owned()
        }
        Cause::QuotaExceeded | Cause::LimitRange => format!(
            "`quota-check` shows what is used; {} tells how to ask for more. `webservice stop` ends the attempts.",
            platform::QUOTA_HELP
        ),
        _ => "`webservice status` tells more; `webservice stop` ends the attempts.".to_owned(),
    }
}

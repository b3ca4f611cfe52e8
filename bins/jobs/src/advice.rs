//! What to type next.

use toolforge_model::{JobName, platform};
use toolforge_render::observe::Cause;

/// Returns what to do about a cause; a job that runs once cannot be restarted.
pub(crate) fn advice(cause: &Cause, name: &JobName, runs_once: bool) -> String {
    match cause {
        Cause::OutOfMemory => {
            "Give it more memory: `mem: 1Gi` in its file and `toolforge jobs load`, or `toolforge jobs run --mem 1Gi`."
                .to_owned()
        }
        Cause::CrashLoop { .. } | Cause::ContainerStart if runs_once => {
            format!("Mend its command; then `toolforge jobs delete {name}`, and run it again.")
        }
        Cause::CrashLoop { .. } | Cause::ContainerStart => format!(
            "Mend what `toolforge jobs logs {name}` says, then `toolforge jobs restart {name}`; `toolforge jobs delete {name}` ends the attempts."
        ),
        Cause::ImagePull { .. } => {
            format!("Is the image built, and its name right? `toolforge jobs delete {name}` ends the attempts.")
        }
        Cause::QuotaExceeded | Cause::LimitRange => format!(
            "`toolforge jobs quota` shows what is used; delete what is not needed, or ask for more: {}.",
            platform::QUOTA_HELP
        ),
        _ => format!("`toolforge jobs show {name}` tells more; `toolforge jobs delete {name}` ends it."),
    }
}

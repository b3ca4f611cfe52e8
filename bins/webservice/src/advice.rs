//! Advice about causes.

use toolforge_model::platform;
use toolforge_render::pod::{Cause, ReadyPods};

use crate::invocation::Action;

/// Returns what to do about a cause, with the commands to run; not with that of the `action` that prints it, if it only shows
/// something.
pub(crate) fn advice(cause: &Cause, ready: ReadyPods, action: Action) -> String {
    match cause {
        Cause::OutOfMemory => {
            "Increase the memory limit with `webservice restart -m MEMORY`: `quota-check what-if` shows how much fits, with and without downtime."
                .to_owned()
        }
        Cause::CrashLoop { .. } | Cause::ContainerStart { .. } if action == Action::Logs => {
            "Fix the error, then run `webservice restart`; `webservice stop` stops the attempts.".to_owned()
        }
        Cause::CrashLoop { .. } | Cause::ContainerStart { .. } => {
            "Fix the error that `webservice logs` shows, then run `webservice restart`; `webservice stop` stops the attempts.".to_owned()
        }
        Cause::HealthCheckFails { .. } | Cause::NotHealthy { .. } | Cause::NotListening { .. } => {
            let state = if action == Action::Status { "" } else { "; `webservice status` shows it" };
            format!(
                "Fix it, then run `webservice restart`, which loads changed files. If the program only needs more time to start, wait: it becomes ready by itself{state}."
            )
        }
        Cause::InitCrashLoop { container, .. } => format!(
            "`kubectl logs POD -c {}` shows its output. `webservice restart` replaces the pods; `webservice stop` stops the attempts.",
            container.escaped()
        ),
        Cause::ImagePull { .. } => {
            "Check that the image exists and its name is correct; `toolforge build start URL` builds the one of a build service. `webservice TYPE restart` runs another type; `webservice stop` stops the attempts."
                .to_owned()
        }
        Cause::QuotaExceeded if ready == ReadyPods::Old => format!(
            "The old pods use the quota that the new ones need: `webservice restart` stops old pods first, which is an outage if there is only one. `quota-check` shows the usage; {} explains how to request more.",
            platform::QUOTA_HELP
        ),
        Cause::QuotaExceeded if ready == ReadyPods::New => format!(
            "Request fewer replicas with `webservice start --replicas COUNT`, or stop something else: `quota-check` shows the usage; {} explains how to request more.",
            platform::QUOTA_HELP
        ),
        Cause::QuotaExceeded => format!(
            "`quota-check` shows what uses the quota: stop something else, or request less with `webservice restart -m MEMORY`, as far as `quota-check what-if` says that it fits; {} explains how to request more.",
            platform::QUOTA_HELP
        ),
        Cause::LimitRange => format!(
            "`quota-check what-if` shows how much is allowed: set the memory with `webservice restart -m MEMORY`; {} explains how to request more.",
            platform::QUOTA_HELP
        ),
        Cause::Paused => "`webservice restart` resumes the Deployment and replaces its pods.".to_owned(),
        Cause::VolumeMount => {
            "Create what the message names, or leave the volume out; the cluster tries again by itself.".to_owned()
        }
        Cause::RefusedForNow | Cause::Unschedulable | Cause::PodSandbox | Cause::Terminating { .. } => {
            let state = if action == Action::Status { "" } else { "; `webservice status` shows the state" };
            let what = if matches!(cause, Cause::Terminating { .. }) {
                "The new pod starts by itself"
            } else {
                "The cluster tries again by itself"
            };
            format!("{what}{state}.")
        }
        _ => "`webservice restart` tries again; `webservice stop` stops the attempts.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use toolforge_model::Untrusted;
    use toolforge_render::pod::HealthProbe;

    use super::*;

    #[test]
    fn full_quota_advice_depends_on_running_pods() {
        for (ready, outdated, advised) in [
            (2, 2, "`webservice restart` stops old pods first"),
            (2, 1, "`webservice restart` stops old pods first"),
            (1, 0, "fewer replicas"),
            (0, 0, "request less"),
        ] {
            let text = advice(&Cause::QuotaExceeded, ReadyPods::of(ready, outdated), Action::Start);
            assert!(text.contains(advised), "{text}");
        }
    }

    #[test]
    fn no_action_advises_itself() {
        let check = || HealthProbe::Path(Untrusted::new("/healthz"));
        let causes = [
            Cause::OutOfMemory,
            Cause::CrashLoop { exit_code: 1 },
            Cause::InitCrashLoop { container: Untrusted::new("setup"), exit_code: 1 },
            Cause::ImagePull { image: Untrusted::default() },
            Cause::ContainerStart { reason: Untrusted::default() },
            Cause::QuotaExceeded,
            Cause::LimitRange,
            Cause::Refused,
            Cause::RefusedForNow,
            Cause::HealthCheckFails { check: check() },
            Cause::NotHealthy { check: check() },
            Cause::Unschedulable,
            Cause::NotListening { port: 8000 },
            Cause::VolumeMount,
            Cause::PodSandbox,
            Cause::DeadlineExceeded,
            Cause::Paused,
            Cause::Terminating { until: Timestamp::UNIX_EPOCH },
            Cause::FormerDefinition,
        ];
        for (action, own) in [(Action::Logs, "webservice logs"), (Action::Status, "webservice status")] {
            for cause in &causes {
                for ready in [ReadyPods::None, ReadyPods::Old, ReadyPods::New] {
                    let text = advice(cause, ready, action);
                    assert!(!text.contains(own), "{text}");
                }
            }
        }
    }
}

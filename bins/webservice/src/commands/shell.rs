use std::cell::Cell;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::ControlFlow;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use tokio::time::timeout;
use toolforge_cli::{
    DryRunOption, ExitCode, Failure, Notice, ProgressLine, RemoteContainer, Session, WorkloadName,
    interrupted, is_terminal, print_text, quota_wait_line, run_remote, terminating_line, waiting_line,
    warn_of_unread,
};
use toolforge_client::kube::api::{DeleteParams, ListParams, PostParams, Preconditions};
use toolforge_client::{Client, Collection, MissingQuota, ResourceType, post_params, wait_for_quota};
use toolforge_model::{Untrusted, platform};
use toolforge_quota::QuotaCheck;
use toolforge_render::usage::{QuotaConsumer, quota_consumers};
use toolforge_render::web_service::{
    OrphanedShell, ShellName, ShellProgress, orphaned_shells, shell_command, shell_pod, shell_progress,
    shell_verdict,
};
use toolforge_report::WorkloadType;

use super::facts;
use crate::advice::advice;
use crate::arguments::Arguments;
use crate::fetch;
use crate::invocation::{Action, Invocation};
use crate::shell_process;
use toolforge_render::pod::ReadyPods;

/// How long a pod is tried to be deleted whose creation had no answer.
const CLEANUP: Duration = Duration::from_secs(10);

/// How long the pod may take to start, including the pull of its image.
const TIMEOUT: Duration = Duration::from_mins(5);

/// Opens a shell in a new pod with the type's image and limits, or runs a command there, and returns its exit code. The
/// pod is deleted afterwards.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let facts = fetch::facts(session)?;
    warn_of_unread(&facts.namespace.limits);
    // The shell does not need the names of the web service's objects.
    let mut own = facts.clone();
    own.live = own.live.without_foreign_objects();
    let plan = facts::plan(session, arguments, invocation, &own)?.plan;
    let now = Timestamp::now();
    let owner = shell_process::owner();
    let name = ShellName::new(&now, RandomState::new().hash_one(std::process::id()));
    let pod = shell_pod(&plan, &name, &owner);
    let (runtime, client) = session.cluster()?;
    let shell = Shell {
        client,
        pods: ResourceType::of::<Pod>().in_namespace(session.tool.namespace()),
        namespace: session.tool.namespace(),
        name: name.to_string(),
    };
    let orphans = async || -> Result<Vec<OrphanedShell>, Failure> {
        let shells = ListParams::default().labels(&format!(
            "{}={},{}={}",
            platform::LABEL_COMPONENT,
            platform::COMPONENT_SHELL,
            platform::LABEL_MANAGED_BY,
            platform::MANAGED_BY_WEBSERVICE
        ));
        let found = client.list::<Pod>(&shell.pods, &shells).await?.items;
        Ok(orphaned_shells(&found, &owner, &now, shell_process::is_running))
    };
    let known = Cell::new(Some(facts));
    let look = async || {
        let facts = match known.take() {
            Some(facts) => facts,
            None => fetch::fetch_facts(session).await?,
        };
        let left = orphans().await?;
        let deleted: Vec<Pod> = left.iter().map(|left| left.pod.clone()).collect();
        Ok::<_, Failure>((shell_verdict(&pod, &deleted, &facts), left))
    };
    let missing = |(verdict, _): &(QuotaCheck, Vec<OrphanedShell>)| match arguments.dry_run {
        None => MissingQuota::of_pods_until(verdict.terminating().iter().map(|pod| pod.until)),
        Some(_) => MissingQuota::Nothing,
    };
    let mut line = ProgressLine::new();
    let waiting = |(verdict, _): &(QuotaCheck, Vec<OrphanedShell>)| {
        line.show(&quota_wait_line(verdict.terminating()));
    };
    let (verdict, left) = runtime.block_on(wait_for_quota(look, missing, waiting))?;
    line.clear();
    runtime.block_on(async {
        shell.refuse_what_does_not_fit(&verdict).await?;
        if let Some(dry_run) = arguments.dry_run {
            return shell.try_out(&pod, dry_run).await;
        }
        shell.sweep(left).await;
        shell.open(&pod, &shell_command(&invocation.arguments)).await
    })
}

/// A shell and its pod.
struct Shell<'a> {
    client: &'a Client,
    pods: Collection,
    namespace: String,
    name: String,
}

impl Shell<'_> {
    async fn refuse_what_does_not_fit(&self, verdict: &QuotaCheck) -> Result<(), Failure> {
        if verdict.fits() {
            return Ok(());
        }
        let mut failure = Failure::new(
            ExitCode::DoesNotFit,
            "the pod of the shell exceeds the quota or the limits; nothing was changed",
        );
        for violation in verdict.violations() {
            let shell = WorkloadName {
                r#type: WorkloadType::Shell,
                object_kind: Some(Untrusted::new("Pod")),
                name: Untrusted::new(self.name.as_str()),
            };
            failure = failure.violation(violation, Some(shell));
        }
        for row in verdict.shortfalls() {
            failure = failure.detail(row.to_string());
        }
        for pods in verdict.waiting() {
            failure = failure.detail(waiting_line(pods));
        }
        for pod in verdict.terminating() {
            failure = failure.detail(format!("{}, and will free the missing quota", terminating_line(pod)));
        }
        if !verdict.violations().is_empty() {
            return Err(failure.hint("`quota-check` shows the limits."));
        }
        // The consumers are listed only if the quota is exceeded.
        let all = self.client.list::<Pod>(&self.pods, &ListParams::default()).await?.items;
        let consumers = quota_consumers(&all);
        if consumers.is_empty() {
            return Err(failure.hint(format!(
                "There is nothing to stop; request less with `-m` and `-c`, or request more quota: {}.",
                platform::QUOTA_HELP
            )));
        }
        let has_web_service = consumers.iter().any(|found| matches!(found, QuotaConsumer::WebService { .. }));
        for consumer in consumers {
            failure = failure.detail(format!("running: {consumer}{}", stop_advice(&consumer)));
        }
        Err(failure.hint(if has_web_service {
            "Stop one of these, request less with `-m` and `-c`, or use `webservice exec`, which needs no new pod."
        } else {
            "Stop one of these, or request less with `-m` and `-c`."
        }))
    }

    async fn try_out(&self, pod: &Pod, dry_run: DryRunOption) -> Result<ExitCode, Failure> {
        let outcome = match dry_run {
            DryRunOption::Client => "nothing was sent",
            DryRunOption::Server => {
                let params = PostParams { dry_run: true, ..post_params() };
                self.client.create::<Pod>(&self.pods, pod, &params).await?;
                "the cluster accepts it; nothing was stored"
            }
        };
        print_text(&format!("create Pod {}\n{outcome} (dry run)\n", self.name))?;
        Ok(ExitCode::Success)
    }

    /// Deletes orphaned shells; a failure to do so does not matter for this shell.
    async fn sweep(&self, left: Vec<OrphanedShell>) {
        for OrphanedShell { name, uid, .. } in left {
            let params = delete_params(Some(uid));
            if self.client.delete(&self.pods.clone().named(name.as_str()), &params).await.is_ok() {
                Notice::note(format!("deleted shell {name}, whose command was killed")).print();
            }
        }
    }

    /// Creates the pod, runs the command in it, and deletes the pod in any case.
    async fn open(&self, pod: &Pod, command: &[String]) -> Result<ExitCode, Failure> {
        let params = post_params();
        let created = tokio::select! {
            created = self.client.create::<Pod>(&self.pods, pod, &params) => created,
            signal = interrupted() => {
                // Without the response, it is unknown whether the pod exists.
                self.delete(None).await;
                return signal;
            }
        };
        let uid = match created {
            Ok(created) => created.metadata.uid,
            Err(error) => {
                // A server that has not responded may not respond again; the next shell deletes what is left.
                if error.outcome_unknown() && timeout(CLEANUP, self.delete(None)).await.is_err() {
                    Notice::warning(format!(
                        "the pod {} may exist; the next `webservice shell` deletes it",
                        self.name
                    ))
                    .print();
                }
                return Err(error.into());
            }
        };
        let ended = tokio::select! {
            ended = self.inside(command) => ended,
            signal = interrupted() => signal,
        };
        self.delete(uid).await;
        ended
    }

    async fn inside(&self, command: &[String]) -> Result<ExitCode, Failure> {
        self.until_running().await?;
        if is_terminal() {
            Notice::note(
                "this shell runs in its own pod, which is removed when you leave it, or after 8 hours",
            )
            .print();
        }
        let container =
            RemoteContainer { namespace: &self.namespace, pod: &self.name, container: &self.name };
        run_remote(self.client, container, command, "webservice status").await
    }

    async fn until_running(&self) -> Result<(), Failure> {
        let mut line = ProgressLine::new();
        let path = self.pods.clone().named(self.name.as_str());
        let waited = self.client.wait_object(&path, TIMEOUT, |pod: Option<&Pod>| {
            let gone =
                || Failure::new(ExitCode::Rollout, "the pod of the shell terminated before it started");
            let Some(pod) = pod else { return ControlFlow::Break(Err(gone())) };
            match shell_progress(pod) {
                ShellProgress::Running => ControlFlow::Break(Ok(())),
                ShellProgress::Waiting(evidence) => {
                    // In a script, progress is printed only with a reason.
                    if is_terminal() || evidence.is_some() {
                        let why =
                            evidence.map(|evidence| format!(": {}", evidence.cause)).unwrap_or_default();
                        line.show(&format!("waiting for the pod of the shell{why}"));
                    }
                    ControlFlow::Continue(())
                }
                ShellProgress::Failed(evidence) => {
                    let failure = format!("the pod of the shell cannot start: {}", evidence.cause);
                    let failure = Failure::new(ExitCode::Rollout, failure)
                        .detail(evidence.message.escaped().to_string());
                    ControlFlow::Break(Err(failure.hint(advice(
                        &evidence.cause,
                        ReadyPods::None,
                        Action::Shell,
                    ))))
                }
                ShellProgress::Terminated(message) => {
                    ControlFlow::Break(Err(gone().detail(message.escaped().to_string())))
                }
                _ => ControlFlow::Continue(()),
            }
        });
        let waited = waited.await;
        line.clear();
        waited?.unwrap_or_else(|| {
            let seconds = TIMEOUT.as_secs();
            let failure = format!("the pod of the shell did not start within {seconds} seconds");
            Err(Failure::new(ExitCode::Rollout, failure))
        })
    }

    async fn delete(&self, uid: Option<String>) {
        let params = delete_params(uid);
        if let Err(error) = self.client.delete(&self.pods.clone().named(self.name.as_str()), &params).await {
            let name = &self.name;
            Notice::warning(format!("the pod {name} could not be deleted: {error}"))
                .detail(format!("it stops after 8 hours; `kubectl delete pod {name}` deletes it now"))
                .print();
        }
    }
}

/// Returns the parameters that delete only the pod of that uid.
fn delete_params(uid: Option<String>) -> DeleteParams {
    DeleteParams::default().preconditions(Preconditions { uid, ..Preconditions::default() })
}

/// Returns how to stop what uses the quota, as the end of a line.
fn stop_advice(consumer: &QuotaConsumer) -> String {
    match consumer {
        QuotaConsumer::WebService { .. } => "; `webservice stop` stops it".to_owned(),
        QuotaConsumer::Shell { pod } => {
            format!("; exit it, or run `kubectl delete pod {}`", pod.escaped())
        }
        QuotaConsumer::Job { name, .. } => format!("; `toolforge jobs delete {}` deletes it", name.escaped()),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use toolforge_model::Untrusted;

    use toolforge_render::change::WorkloadKind;

    use super::*;

    #[test]
    fn quota_consumers_show_stop_command() {
        let consumers = [
            QuotaConsumer::WebService { pods: 2 },
            QuotaConsumer::Shell { pod: Untrusted::new("shell-1-bcd") },
            QuotaConsumer::Job { kind: WorkloadKind::OneOff, name: Untrusted::new("report") },
            QuotaConsumer::Pod { name: Untrusted::new("by-hand") },
        ];
        let shown: String =
            consumers.iter().map(|consumer| format!("{consumer}{}\n", stop_advice(consumer))).collect();
        insta::assert_snapshot!(shown, @r"
        the web service, with 2 pods; `webservice stop` stops it
        the shell shell-1-bcd; exit it, or run `kubectl delete pod shell-1-bcd`
        the job report; `toolforge jobs delete report` deletes it
        the pod by-hand
        ");
    }
}

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::jiff::Timestamp;
use serde::de::IgnoredAny;
use serde_json::json;
use toolforge_cli::{DryRunOption, ExitCode, Failure, Session, print_text};
use toolforge_client::kube::api::{DeleteParams, PatchParams, PostParams, Preconditions};
use toolforge_client::{JobFetchOptions, JobObject, merge_params, post_params};
use toolforge_model::platform;
use toolforge_render::job::{LiveJob, LiveWorkload, has_room_to_surge, runs_of, verdict_of_run_instead};

use super::{carry_out, facts, trigger};
use crate::arguments::{Arguments, RestartArguments};

/// Starts a continuous job anew, or ends the runs of a scheduled job and begins another one.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &RestartArguments,
) -> Result<ExitCode, Failure> {
    let facts =
        facts::facts(session, arguments, JobFetchOptions { limits: true, ..JobFetchOptions::for_names() })?;
    let job = facts::job(&facts, &options.name)?;
    if matches!(job.workload, LiveWorkload::OneOff(_)) {
        return Err(Failure::new(ExitCode::Failed, "unable to restart a one-off job")
            .hint(format!("`toolforge jobs delete {}`, then run it again.", job.name)));
    }
    let dry_run = options.dry_run.dry_run;
    if dry_run == Some(DryRunOption::Client) {
        print_text(&format!("job {} would be started anew\n", job.name))?;
        return Ok(ExitCode::Success);
    }
    let sent = PostParams { dry_run: dry_run.is_some(), ..post_params() };
    match &job.workload {
        LiveWorkload::OneOff(_) => Ok(ExitCode::Success),
        LiveWorkload::Continuous(deployment) => {
            if is_recreated(deployment) {
                anstream::eprintln!(
                    "note: job {} does not run from its old pods' end until its new ones are up",
                    job.name
                );
            }
            let one_by_one = !is_recreated(deployment) && !has_room_to_surge(&job, &facts);
            restart_pods(session, &job, one_by_one, &sent)
        }
        LiveWorkload::Scheduled(cron_job) => {
            let (runtime, client) = session.cluster()?;
            let runs = runs_of(&job, &facts.live);
            trigger::refuse_without_room(&verdict_of_run_instead(&job, &facts))?;
            runtime.block_on(async {
                for run in &runs {
                    let path =
                        JobObject::Job.of(&session.tool).named(run.metadata.name.clone().unwrap_or_default());
                    let preconditions =
                        Preconditions { uid: run.metadata.uid.clone(), ..Preconditions::default() };
                    let params = DeleteParams { dry_run: sent.dry_run, ..DeleteParams::background() };
                    client.delete(&path, &params.preconditions(preconditions)).await?;
                }
                if !runs.is_empty() && !sent.dry_run {
                    client.wait_pods_gone(&session.tool, &job.name, carry_out::LEAVING).await?;
                }
                let created = trigger::create(client, &session.tool, cron_job, Timestamp::now(), &sent).await;
                match created {
                    Err(failure) if !runs.is_empty() && !sent.dry_run => {
                        Err(failure.detail("the runs that were under way have been ended"))
                    }
                    created => created,
                }
            })?;
            Ok(ExitCode::Success)
        }
    }
}

/// Returns whether all old pods leave before new ones come.
fn is_recreated(deployment: &Deployment) -> bool {
    let strategy = deployment.spec.as_ref().and_then(|spec| spec.strategy.as_ref());
    strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("Recreate")
}

/// Replaces every pod, by the moment that is written on them; nothing else of the job is touched.
fn restart_pods(
    session: &Session,
    job: &LiveJob,
    one_by_one: bool,
    sent: &PostParams,
) -> Result<ExitCode, Failure> {
    let (runtime, client) = session.cluster()?;
    // As the platform writes it: with microseconds, and the zone as an offset (jobs-api, 2026).
    let moment = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string();
    let mut patch = json!({"spec": {"template": {"metadata": {"annotations": {platform::ANNOTATION_RESTARTED_AT: moment}}}}});
    if one_by_one {
        anstream::eprintln!(
            "note: the quota has no room for one pod more, so the pods are replaced one after the other"
        );
        patch["spec"]["strategy"] = json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}});
    }
    let path = JobObject::Deployment.of(&session.tool).named(job.name.as_str());
    let params = PatchParams { dry_run: sent.dry_run, ..merge_params() };
    let _: IgnoredAny = runtime.block_on(client.merge(&path, &patch, &params))?;
    Ok(ExitCode::Success)
}

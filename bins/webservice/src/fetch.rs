//! The facts about a web service, from the cluster or from files.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    ExitCode, Failure, Session, Source, catalog_or_bundled, print_message, warn_of_unread_kinds,
};
use toolforge_client::WebServiceFetchOptions;
use toolforge_images::Catalog;
use toolforge_render::job::JobFacts;
use toolforge_render::pod::RolloutProgress;
use toolforge_render::web_service::{LiveWebService, WebServiceFacts, web_service_progress};

/// Returns the facts for a plan.
pub(crate) fn facts(session: &Session) -> Result<WebServiceFacts, Failure> {
    session.block_on(fetch_facts(session))?
}

/// Returns the facts for a plan, and those of the jobs.
pub(crate) fn facts_with_jobs(session: &Session) -> Result<(WebServiceFacts, JobFacts), Failure> {
    session.block_on(fetch_facts_with_jobs(session))?
}

/// Fetches the facts as [`facts`] does.
pub(crate) async fn fetch_facts(session: &Session) -> Result<WebServiceFacts, Failure> {
    Ok(fetch_facts_with_jobs(session).await?.0)
}

async fn fetch_facts_with_jobs(session: &Session) -> Result<(WebServiceFacts, JobFacts), Failure> {
    match &session.source {
        Source::Files(documents) => {
            let namespace = session.namespace_of(documents)?;
            let jobs = documents.job_facts(namespace.clone())?;
            Ok((documents.web_service_facts(namespace)?, jobs))
        }
        Source::Cluster { client, .. } => {
            let objects = client.fetch_web_service(&session.tool, WebServiceFetchOptions::for_plan()).await?;
            let namespace = session.namespace(objects.namespace.catalog()?);
            let facts = objects.facts_with_jobs(namespace);
            Ok((facts.web_service, facts.jobs))
        }
    }
}

/// Fetches the facts for a change, and those of the jobs; waits for a Deployment that is being deleted.
pub(crate) async fn facts_to_write(session: &Session) -> Result<(WebServiceFacts, JobFacts), Failure> {
    let Source::Cluster { client, .. } = &session.source else { return fetch_facts_with_jobs(session).await };
    let wanted = WebServiceFetchOptions::for_plan();
    let waiting = || print_message("note: the web service that was stopped is still terminating");
    let objects = client.fetch_web_service_after_deletion(&session.tool, wanted, waiting).await?;
    let namespace = session.namespace(objects.namespace.catalog()?);
    let facts = objects.facts_with_jobs(namespace);
    Ok((facts.web_service, facts.jobs))
}

/// Returns the facts for a status, without what the user may not read, and the exit code of an answer from them. Without a
/// catalog, it prints a warning and uses the bundled one.
pub(crate) fn status_facts(session: &Session) -> Result<(WebServiceFacts, ExitCode), Failure> {
    session.block_on(fetch_live(session, true))?
}

/// Fetches the facts for a change that needs only the live objects, without a catalog.
pub(crate) async fn fetch_live_facts(session: &Session) -> Result<WebServiceFacts, Failure> {
    Ok(fetch_live(session, false).await?.0)
}

async fn fetch_live(
    session: &Session,
    leave_out_unread: bool,
) -> Result<(WebServiceFacts, ExitCode), Failure> {
    let Source::Cluster { client, .. } = &session.source else {
        return Ok((fetch_facts(session).await?, ExitCode::Success));
    };
    let mut wanted = WebServiceFetchOptions::for_status();
    wanted.leave_out_unread = leave_out_unread;
    wanted.namespace.catalog = leave_out_unread;
    wanted.replica_sets = false;
    let mut objects = client.fetch_web_service(&session.tool, wanted).await?;
    if needs_events(&objects.live) {
        let mut wanted = WebServiceFetchOptions::default();
        wanted.replica_sets = true;
        wanted.events = true;
        wanted.leave_out_unread = leave_out_unread;
        let found = client.fetch_web_service(&session.tool, wanted).await?;
        objects.unread.extend(found.unread);
        (objects.live.replica_sets, objects.live.events) = (found.live.replica_sets, found.live.events);
    }
    let catalog = if leave_out_unread { catalog_or_bundled(&objects.namespace) } else { Catalog::default() };
    let namespace = session.namespace(catalog);
    let exit_code = warn_of_unread_kinds(&objects.unread);
    Ok((objects.facts(namespace), exit_code))
}

/// Returns whether events may show why pods are missing, not ready or restarted.
pub(crate) fn needs_events(live: &LiveWebService) -> bool {
    let statuses =
        live.pods.iter().flat_map(|pod| pod.status.iter().flat_map(|status| &status.container_statuses));
    let is_restarted = statuses.flatten().any(|status| status.restart_count > 0);
    let has_check = live.deployment.as_ref().is_some_and(has_liveness_probe);
    live.deployment.is_some()
        && (is_restarted
            || has_check
            || web_service_progress(live, None, Timestamp::now()) != RolloutProgress::Ready)
}

fn has_liveness_probe(deployment: &Deployment) -> bool {
    let pod = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    pod.is_some_and(|pod| pod.containers.iter().any(|container| container.liveness_probe.is_some()))
}

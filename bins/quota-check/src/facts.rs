//! What is known of a namespace: from the cluster, or from files.

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Failure, FileFactsOptions, Session, Source, file_facts};
use toolforge_client::{JobFetchOptions, NamespaceFetchOptions};
use toolforge_images::Catalog;
use toolforge_quota::Limits;
use toolforge_quota::profiles::Profile;
use toolforge_render::files::FilePlanFacts;
use toolforge_render::job::JobFacts;
use toolforge_render::usage::PodMetrics;

/// Returns the facts, with the quotas of a profile instead of the namespace's if there is one.
pub(crate) fn facts(
    session: &Session,
    wanted: FileFactsOptions<'_>,
    profile: Option<Profile>,
) -> Result<FilePlanFacts, Failure> {
    let mut facts = file_facts(session, wanted)?;
    if let Some(profile) = profile {
        let limits = std::mem::take(&mut facts.jobs.namespace.limits);
        facts.jobs.namespace.limits = limits.with_profile(profile);
        facts.web_service.namespace = facts.jobs.namespace.clone();
    }
    Ok(facts)
}

/// What is known of a namespace and of what runs in it.
pub(crate) struct Overview {
    pub(crate) facts: JobFacts,
    /// Measurements of pods; `None` if there are none.
    pub(crate) metrics: Option<Vec<PodMetrics>>,
    /// Whether the objects of the namespace are known, and not only its quotas.
    pub(crate) has_objects: bool,
    pub(crate) now: Timestamp,
}

impl Overview {
    pub(crate) fn limits(&self) -> &Limits {
        &self.facts.namespace.limits
    }
}

/// Returns the quotas of a namespace, what uses them, and what is blocked. A user who may read only the quotas gets these.
pub(crate) fn overview(session: &Session, profile: Option<Profile>) -> Result<Overview, Failure> {
    let now = Timestamp::now();
    let (facts, metrics, has_objects) = match &session.source {
        Source::Files(documents) => {
            let facts = documents.job_facts(session.namespace_of(documents)?)?;
            let has_objects = !facts.live.pods.is_empty() || !facts.live.cron_jobs.is_empty();
            (facts, None, has_objects)
        }
        Source::Cluster { runtime, client } => {
            let mut wanted = JobFetchOptions::for_names();
            wanted.namespace = NamespaceFetchOptions::limits();
            wanted.events = true;
            let (fetched, metrics) = runtime.block_on(async {
                tokio::join!(
                    client.fetch_jobs(&session.tool, wanted),
                    client.fetch_pod_metrics(&session.tool),
                )
            });
            match fetched {
                Ok(fetched) => (fetched.facts(session.namespace(Catalog::default())), metrics, true),
                Err(error) if error.api_status().is_some_and(|status| status.code() == 403) => {
                    let namespace = session.namespace(Catalog::default()).with_limits(session.limits()?);
                    (JobFacts::new(namespace), None, false)
                }
                Err(error) => return Err(error.into()),
            }
        }
    };
    let mut facts = facts;
    if let Some(profile) = profile {
        let limits = std::mem::take(&mut facts.namespace.limits);
        facts.namespace.limits = limits.with_profile(profile);
    }
    Ok(Overview { facts, metrics, has_objects, now })
}

//! What is known of a namespace: from the cluster, or from files.

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Failure, Session, Source};
use toolforge_client::{Error, JobFetchOptions, NamespaceFetchOptions, WebServiceFetchOptions};
use toolforge_images::Catalog;
use toolforge_quota::profiles::Profile;
use toolforge_quota::{Limits, Resource};
use toolforge_render::files::FilePlanFacts;
use toolforge_render::job::JobFacts;
use toolforge_render::manifest::Manifest;
use toolforge_render::usage::PodMetrics;

/// Which facts a command needs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// The image catalog.
    pub(crate) catalog: bool,
    /// The records of the platform's jobs service.
    pub(crate) records: bool,
    /// The web service's own objects.
    pub(crate) web_service: bool,
    /// The namespace's events.
    pub(crate) events: bool,
    /// Objects of which it matters whether they exist.
    pub(crate) manifests: &'a [&'a Manifest],
}

/// Returns the facts, with the quotas of a profile instead of the namespace's if there is one.
pub(crate) fn facts(
    session: &Session,
    wanted: Wanted<'_>,
    profile: Option<Profile>,
) -> Result<FilePlanFacts, Failure> {
    let mut facts = match &session.source {
        Source::Files(documents) => documents.file_facts(session.namespace_of(documents)?)?,
        Source::Cluster { .. } => fetch(session, wanted)?,
    };
    if let Some(profile) = profile {
        let limits = std::mem::take(&mut facts.jobs.namespace.limits);
        facts.jobs.namespace.limits = limits.with_profile(profile);
    }
    facts.web_service.namespace = facts.jobs.namespace.clone();
    Ok(facts)
}

fn fetch(session: &Session, wanted: Wanted<'_>) -> Result<FilePlanFacts, Failure> {
    let (runtime, client) = session.cluster()?;
    let mut jobs = JobFetchOptions::for_plan();
    jobs.namespace = NamespaceFetchOptions::limits();
    jobs.namespace.catalog = wanted.catalog;
    jobs.records = wanted.records;
    jobs.events = wanted.events;
    let mut web = WebServiceFetchOptions::for_plan();
    web.namespace = NamespaceFetchOptions::default();
    web.unsettled = false;
    let (fetched, objects, web) = runtime.block_on(async {
        let fetched = client.fetch_jobs(&session.tool, jobs).await?;
        let objects = client.fetch_manifest_objects(&session.tool, wanted.manifests).await?;
        let web =
            if wanted.web_service { Some(client.fetch_web_service(&session.tool, web).await?) } else { None };
        Ok::<_, Error>((fetched, objects, web))
    })?;
    let catalog = if wanted.catalog { fetched.namespace.catalog()? } else { Catalog::default() };
    let jobs = fetched.facts(session.namespace(catalog));
    let mut facts = FilePlanFacts::with_live(jobs, objects);
    let replica_sets = Resource::Count("replicasets.apps".to_owned());
    let mut quotas = facts.jobs.namespace.limits.quotas.iter();
    if !wanted.manifests.is_empty() && quotas.any(|quota| quota.hard.contains_key(&replica_sets)) {
        facts.replica_sets = runtime.block_on(client.fetch_replica_sets(&session.tool))?;
    }
    if let Some(web) = web {
        facts.web_service = web.facts(facts.jobs.namespace.clone());
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

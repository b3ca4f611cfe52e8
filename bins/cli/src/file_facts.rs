//! What is known of a namespace to plan files: from the cluster, or from files.

use toolforge_client::{Error, JobFetchOptions, NamespaceFetchOptions, WebServiceFetchOptions};
use toolforge_images::Catalog;
use toolforge_quota::Resource;
use toolforge_render::files::{FileContents, FilePlanFacts};
use toolforge_render::manifest::{Manifest, ManifestObject};

use crate::failure::Failure;
use crate::session::{Session, Source};

/// Which facts files need.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileFactsOptions<'a> {
    /// The image catalog.
    pub catalog: bool,
    /// The records of the platform's jobs service.
    pub records: bool,
    /// The web service's own objects.
    pub web_service: bool,
    /// The namespace's events.
    pub events: bool,
    /// Objects of which it matters whether they exist.
    pub manifests: &'a [&'a Manifest],
}

impl<'a> FileFactsOptions<'a> {
    /// Returns the facts that these files need; `manifests` are all of theirs.
    #[must_use]
    pub fn of_files(files: &[FileContents], manifests: &'a [&'a Manifest]) -> Self {
        let web_service = files.iter().any(|contents| !contents.templates.is_empty());
        let records = files.iter().any(|contents| !contents.jobs.is_empty());
        Self { catalog: records || web_service, records, web_service, events: false, manifests }
    }
}

/// Returns the facts for a plan of files.
///
/// # Errors
/// When they cannot be read.
pub fn file_facts(session: &Session, options: FileFactsOptions<'_>) -> Result<FilePlanFacts, Failure> {
    let mut facts = match &session.source {
        Source::Files(documents) => documents.file_facts(session.namespace_of(documents)?)?,
        Source::Cluster { .. } => fetch(session, options)?,
    };
    facts.web_service.namespace = facts.jobs.namespace.clone();
    Ok(facts)
}

fn fetch(session: &Session, options: FileFactsOptions<'_>) -> Result<FilePlanFacts, Failure> {
    let (runtime, client) = session.cluster()?;
    let mut jobs = JobFetchOptions::for_plan();
    jobs.namespace = NamespaceFetchOptions::limits();
    jobs.namespace.catalog = options.catalog;
    jobs.records = options.records;
    jobs.events = options.events;
    let mut web = WebServiceFetchOptions::for_plan();
    web.namespace = NamespaceFetchOptions::default();
    web.unsettled = false;
    let (fetched, objects, web) = runtime.block_on(async {
        let fetched = client.fetch_jobs(&session.tool, jobs).await?;
        let objects = client.fetch_manifest_objects(&session.tool, options.manifests).await?;
        let web = if options.web_service {
            Some(client.fetch_web_service(&session.tool, web).await?)
        } else {
            None
        };
        Ok::<_, Error>((fetched, objects, web))
    })?;
    let catalog = if options.catalog { fetched.namespace.catalog()? } else { Catalog::default() };
    let jobs = fetched.facts(session.namespace(catalog));
    let mut facts = FilePlanFacts::with_live(jobs, objects);
    let replica_sets = Resource::Count("replicasets.apps".to_owned());
    let mut quotas = facts.jobs.namespace.limits.quotas.iter();
    let is_counted = quotas.any(|quota| quota.hard.contains_key(&replica_sets));
    let is_paused = |manifest: &&Manifest| match &manifest.object {
        ManifestObject::Deployment(found) => {
            found.spec.as_ref().is_some_and(|spec| spec.paused == Some(true))
        }
        _ => false,
    };
    if (is_counted && !options.manifests.is_empty()) || options.manifests.iter().any(is_paused) {
        facts.replica_sets = runtime.block_on(client.fetch_replica_sets(&session.tool))?;
    }
    if let Some(web) = web {
        facts.web_service = web.facts(facts.jobs.namespace.clone());
    }
    Ok(facts)
}

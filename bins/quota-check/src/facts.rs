//! What is known of a namespace: from the cluster, or from files.

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, FileFactsOptions, Session, Source, file_facts};
use toolforge_client::{Client, Error, JobFetchOptions, NamespaceFetchOptions, ResourceType};
use toolforge_images::Catalog;
use toolforge_model::{ToolName, Untrusted};
use toolforge_quota::Limits;
use toolforge_quota::profiles::Profile;
use toolforge_render::files::FilePlanFacts;
use toolforge_render::job::JobFacts;
use toolforge_render::usage::PodMetrics;
use toolforge_report::FailureCode;

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

/// Fails if a tool has no namespace, as far as that may be read.
async fn check_tool(client: &Client, tool: &ToolName) -> Result<(), Failure> {
    let path = ResourceType::of::<Namespace>().all_namespaces().named(tool.namespace());
    match client.get_opt::<Namespace>(&path).await {
        Ok(None) => Err(Failure::new(ExitCode::Failed, format!("tool {tool} does not exist"))
            .with_code(FailureCode::NotFound)
            .detail(format!("the cluster has no namespace {}", tool.namespace()))
            .hint("`quota-check --all --output ndjson` lists the tools for admins.")),
        _ => Ok(()),
    }
}

/// What is known of a namespace and of what runs in it.
pub(crate) struct Overview {
    pub(crate) facts: JobFacts,
    /// Measurements of pods; `None` if there are none.
    pub(crate) metrics: Option<Vec<PodMetrics>>,
    /// Whether the objects of the namespace are known, and not only its quotas.
    pub(crate) has_objects: bool,
    /// Why the objects of the namespace cannot be read.
    pub(crate) unread: Option<Error>,
    /// Whether the user may not read events, so that it is unknown what is blocked.
    pub(crate) has_unread_events: bool,
    pub(crate) now: Timestamp,
}

impl Overview {
    pub(crate) fn limits(&self) -> &Limits {
        &self.facts.namespace.limits
    }

    /// Returns the resource that the user may not read, like `pods`.
    pub(crate) fn unread_resource(&self) -> Option<Untrusted> {
        if self.has_unread_events {
            return Some(Untrusted::new("events"));
        }
        let kind = self.unread.as_ref()?.api_status()?.object_kind();
        Some(if kind.is_empty() { Untrusted::new("objects") } else { kind.clone() })
    }
}

/// Returns the quotas of a namespace, what uses them, and what is blocked. A user who may read only the quotas gets these.
pub(crate) fn overview(session: &Session, profile: Option<Profile>) -> Result<Overview, Failure> {
    let now = Timestamp::now();
    let mut has_unread_events = false;
    let (facts, metrics, has_objects, unread) = match &session.source {
        Source::Files(documents) => {
            let facts = documents.job_facts(session.namespace_of(documents)?)?;
            let has_objects = !facts.live.pods.is_empty() || !facts.live.cron_jobs.is_empty();
            (facts, None, has_objects, None)
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
                Ok(fetched) => {
                    has_unread_events = fetched.has_unread_events;
                    let facts = fetched.facts(session.namespace(Catalog::default()));
                    if facts.namespace.limits.quotas.is_empty() && facts.live.pods.is_empty() {
                        runtime.block_on(check_tool(client, &session.tool))?;
                    }
                    (facts, metrics, true, None)
                }
                Err(error) if error.api_status().is_some_and(|status| status.code() == 403) => {
                    let namespace = session.namespace(Catalog::default()).with_limits(session.limits()?);
                    (JobFacts::new(namespace), None, false, Some(error))
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
    Ok(Overview { facts, metrics, has_objects, unread, has_unread_events, now })
}

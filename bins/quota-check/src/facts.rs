//! What is known of a namespace: from the cluster, or from files.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::{DaemonSet, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Namespace, ReplicationController};
use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use toolforge_cli::{ExitCode, Failure, Session, Source, file_facts};
use toolforge_client::kube::api::ListParams;
use toolforge_client::{
    Client, FileFetchOptions, JobFetchOptions, NamespaceFetchOptions, ResourceType, Unread,
};
use toolforge_images::Catalog;
use toolforge_model::ToolName;
use toolforge_quota::profiles::Profile;
use toolforge_quota::{Limits, Resource, ResourceQuota};
use toolforge_render::files::FilePlanFacts;
use toolforge_render::job::{JobFacts, LiveJobs};
use toolforge_render::object::ObjectKind;
use toolforge_render::pod::{PodSet, PodSetKind};
use toolforge_render::usage::{PodMetrics, blocked_objects, unknown_sets};
use toolforge_report::FailureCode;

/// Returns the facts, with the quotas of a profile instead of the namespace's if there is one.
pub(crate) fn facts(
    session: &Session,
    wanted: FileFetchOptions<'_>,
    profile: Option<Profile>,
) -> Result<FilePlanFacts, Failure> {
    let mut facts = file_facts(session, wanted)?;
    if let Some(profile) = profile {
        let limits = std::mem::take(&mut facts.jobs.namespace.limits);
        facts.jobs.namespace.limits = limits.with_profile(profile);
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

/// The known facts about a namespace and its workloads.
pub(crate) struct Overview {
    pub(crate) facts: JobFacts,
    /// Measurements of pods; `None` if there are none.
    pub(crate) metrics: Option<Vec<PodMetrics>>,
    /// Whether the objects of the namespace are known, and not only its quotas.
    pub(crate) has_objects: bool,
    /// The kinds of objects that the user may not read.
    pub(crate) unread: Vec<Unread>,
    /// The resources whose usage the cluster has counted.
    pub(crate) counted: BTreeSet<Resource>,
    pub(crate) now: Timestamp,
}

impl Overview {
    pub(crate) fn limits(&self) -> &Limits {
        &self.facts.namespace.limits
    }

    /// Returns whether the usage of a quota is known. For a profile, or for a quota in a file, it may not be.
    pub(crate) fn is_usage_known(&self, quota: &ResourceQuota) -> bool {
        quota.hard.is_empty() || quota.hard.keys().any(|resource| self.counted.contains(resource))
    }

    /// Returns whether it is known which workloads use the quota.
    pub(crate) fn has_workloads(&self) -> bool {
        self.has_objects && !self.unread.iter().any(|unread| unread.object_kind() == Some(ObjectKind::Pod))
    }

    /// Returns whether blocked objects are known.
    pub(crate) fn has_blocked(&self) -> bool {
        let has_events = !self.facts.live.events.is_empty();
        let is_known = self.has_objects || has_events || !blocked_objects(&self.facts, self.now).is_empty();
        is_known && self.unread.is_empty()
    }

    /// Returns whether the next runs and the other workloads are known.
    pub(crate) fn has_runs(&self) -> bool {
        self.has_objects && self.unread.iter().all(|unread| unread.object_kind().is_none())
    }
}

/// Fetches the objects whose pods were refused, as far as they may be read: only they say how many are missing.
async fn fetch_unknown_sets(client: &Client, tool: &ToolName, live: &mut LiveJobs) -> Result<(), Failure> {
    for kind in unknown_sets(live) {
        let sets = match kind {
            PodSetKind::StatefulSet => sets::<StatefulSet>(client, tool, kind).await?,
            PodSetKind::DaemonSet => sets::<DaemonSet>(client, tool, kind).await?,
            PodSetKind::ReplicaSet => sets::<ReplicaSet>(client, tool, kind).await?,
            PodSetKind::ReplicationController => sets::<ReplicationController>(client, tool, kind).await?,
        };
        live.sets.extend(sets);
    }
    Ok(())
}

async fn sets<T>(client: &Client, tool: &ToolName, kind: PodSetKind) -> Result<Vec<PodSet>, Failure>
where
    T: k8s_openapi::Resource + DeserializeOwned + Serialize,
{
    let path = ResourceType::of::<T>().in_namespace(tool.namespace());
    let mut pages = client.pages::<T>(&path, &ListParams::default());
    let mut found = Vec::new();
    loop {
        match pages.next().await {
            Ok(Some(page)) => found.extend(
                page.items
                    .iter()
                    .filter_map(|object| PodSet::of_json(kind, &serde_json::to_value(object).ok()?)),
            ),
            Ok(None) => return Ok(found),
            Err(error) if error.is_forbidden() => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Returns the quotas of a namespace, their consumers, and blocked objects; only the quotas if the user may read nothing else.
pub(crate) fn overview(session: &Session, profile: Option<Profile>) -> Result<Overview, Failure> {
    let now = Timestamp::now();
    let (mut facts, metrics, has_objects, unread) = match &session.source {
        Source::Files(documents) => {
            let facts = documents.job_facts(session.namespace_of(documents)?)?;
            let has_objects = !facts.live.pods.is_empty() || !facts.live.cron_jobs.is_empty();
            (facts, None, has_objects, Vec::new())
        }
        Source::Cluster { runtime, client } => {
            let mut wanted = JobFetchOptions::for_names();
            wanted.namespace = NamespaceFetchOptions::limits();
            wanted.events = true;
            wanted.leave_out_unread = true;
            let (fetched, metrics) = runtime.block_on(async {
                tokio::join!(
                    client.fetch_jobs(&session.tool, wanted),
                    client.fetch_pod_metrics(&session.tool),
                )
            });
            let mut fetched = fetched?;
            let unread = std::mem::take(&mut fetched.unread);
            let mut facts = fetched.facts(session.namespace(Catalog::default()));
            runtime.block_on(fetch_unknown_sets(client, &session.tool, &mut facts.live))?;
            if facts.namespace.limits.quotas.is_empty() && facts.live.pods.is_empty() {
                runtime.block_on(check_tool(client, &session.tool))?;
            }
            (facts, metrics, true, unread)
        }
    };
    let used = facts.namespace.limits.quotas.iter().flat_map(|quota| quota.used.iter());
    let counted = used.map(|(resource, _)| resource.clone()).collect();
    if let Some(profile) = profile {
        let limits = std::mem::take(&mut facts.namespace.limits);
        facts.namespace.limits = limits.with_profile(profile);
    }
    Ok(Overview { facts, metrics, has_objects, unread, counted, now })
}

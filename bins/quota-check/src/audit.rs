//! Quotas and LimitRanges that contradict each other, of one namespace or of all.

use std::collections::BTreeMap;
use std::path::Path;

use k8s_openapi::Metadata;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{
    LimitRange, PersistentVolumeClaim, Pod, ReplicationController, ResourceQuota,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toolforge_cli::{
    Document, ExitCode, Failure, Input, Notice, ProgressLine, Session, Source, Table, for_each_object, print,
    to_json, warn_of_unread_kinds,
};
use toolforge_client::kube::api::ListParams;
use toolforge_client::{Client, Collection, ResourceType, Unread};
use toolforge_model::{ToolName, Untrusted};
use toolforge_quota::profiles::Profile;
use toolforge_quota::{AuditLevel, AuditedWorkload, Limits, ObjectName};
use toolforge_render::manifest::ManifestObject;
use toolforge_render::namespace::limits;
use toolforge_render::object::ObjectKind;
use toolforge_render::usage::audited_workload;
use toolforge_report::{AuditCode, AuditFinding, FailureCode, Level, NamespaceAudit, QuotaAudit};

use crate::arguments::Arguments;
use crate::facts;
use crate::fleet::failure_of_all;

/// The resources that kubectl writes to a file that can be audited.
const RESOURCES: &str = "resourcequota,limitrange,deployment,replicaset,replicationcontroller,statefulset,daemonset,cronjob,job,pod,\
                         persistentvolumeclaim";

/// The objects of a namespace that an audit compares, by name: several files may have the same ones.
#[derive(Default)]
struct Audited {
    quotas: BTreeMap<String, ResourceQuota>,
    limit_ranges: BTreeMap<String, LimitRange>,
    workloads: BTreeMap<ObjectName, AuditedWorkload>,
}

impl Audited {
    /// Returns whether there is anything to compare.
    fn has_limits(&self) -> bool {
        !self.quotas.is_empty() || !self.limit_ranges.is_empty()
    }

    fn add(&mut self, object: &impl Audit) {
        let name = object.metadata().name.clone().unwrap_or_default();
        if let Some(found) = audited_workload(&object.clone().object(), &name) {
            self.workloads.insert(found.pod.object.clone().unwrap_or_default(), found);
        }
    }

    fn report(self, namespace: String, profile: Option<Profile>) -> NamespaceAudit {
        let quotas: Vec<ResourceQuota> = self.quotas.into_values().collect();
        let limit_ranges: Vec<LimitRange> = self.limit_ranges.into_values().collect();
        let live = limits(&quotas, &limit_ranges);
        let limits = match profile {
            Some(profile) => live.with_profile(profile),
            None => live,
        };
        let workloads: Vec<AuditedWorkload> = self.workloads.into_values().collect();
        audit(namespace, &limits, &workloads)
    }
}

/// Compares the quotas of one tool, with those of a profile instead of its own if there is one.
pub(crate) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let overview = facts::overview(session, arguments.quota.clone())?;
    let mut complete = ExitCode::Success;
    let workloads = match &session.source {
        Source::Files(documents) => documents.audited_workloads(&session.tool)?,
        Source::Cluster { runtime, client } => {
            let mut namespace = Audited::default();
            let live = &overview.facts.live;
            let is_audited = |unread: &&Unread| {
                let kind = unread.object_kind();
                let pods = [ObjectKind::Deployment, ObjectKind::CronJob, ObjectKind::Job, ObjectKind::Pod];
                kind.is_some_and(|kind| pods.contains(&kind))
            };
            let unread: Vec<Unread> = overview.unread.iter().filter(is_audited).cloned().collect();
            complete = warn_of_unread_kinds(&unread);
            live.deployments.iter().for_each(|found| namespace.add(found));
            live.cron_jobs.iter().for_each(|found| namespace.add(found));
            live.jobs.iter().for_each(|found| namespace.add(found));
            live.pods.iter().for_each(|found| namespace.add(found));
            runtime.block_on(fetch_others(client, &session.tool, &mut namespace))?;
            namespace.workloads.into_values().collect()
        }
    };
    let limits = overview.limits();
    if limits.quotas.is_empty() && limits.limit_ranges.is_empty() && limits.unread.is_empty() {
        return Err(no_limits("the namespace has neither a ResourceQuota nor a LimitRange", arguments, ""));
    }
    let found = audit(session.tool.namespace(), limits, &workloads);
    match finish(vec![found], arguments)? {
        ExitCode::Success => Ok(complete),
        exit_code => Ok(exit_code),
    }
}

/// Compares the quotas of all tools: of the cluster, or of a file that kubectl printed.
pub(crate) fn run_all(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut namespaces: BTreeMap<String, Audited> = BTreeMap::new();
    if arguments.cluster.from.is_empty() {
        let session = Session::open(&arguments.session_options()?, "quota-check")?;
        if let Source::Cluster { runtime, client } = &session.source {
            runtime.block_on(fetch(client, &mut namespaces))?;
        }
    } else {
        arguments.cluster.from.iter().try_for_each(|file| read(file, &mut namespaces))?;
    }
    let is_tool = |namespace: &String| match (&arguments.tool, ToolName::from_namespace(namespace)) {
        (None, tool) => tool.is_some(),
        (Some(pattern), tool) => tool.is_some_and(|tool| pattern.matches(tool.as_str())),
    };
    namespaces.retain(|namespace, _| is_tool(namespace));
    if let Some(pattern) = arguments.tool.as_ref().filter(|_| namespaces.is_empty()) {
        let pattern = Untrusted::new(pattern.as_str());
        return Err(nothing_found(&format!("no tool matches {}", pattern.quoted())));
    }
    if arguments.quota.is_none() && !namespaces.values().any(Audited::has_limits) || namespaces.is_empty() {
        let reason = "no namespace of a tool has a ResourceQuota or a LimitRange";
        return Err(no_limits(reason, arguments, " --all-namespaces"));
    }
    let reports = namespaces.into_iter();
    let reports = reports.map(|(namespace, audited)| audited.report(namespace, arguments.quota.clone()));
    finish(reports.collect(), arguments)
}

/// Returns the failure that there is nothing to compare.
fn nothing_found(reason: &str) -> Failure {
    Failure::new(ExitCode::Failed, format!("there is nothing to audit: {reason}"))
        .with_code(FailureCode::NotFound)
}

/// Returns the failure that there is neither a quota nor a limit; `scope` are kubectl's options for the namespaces that are
/// audited.
fn no_limits(reason: &str, arguments: &Arguments, scope: &str) -> Failure {
    let failure = nothing_found(reason);
    if arguments.cluster.from.is_empty() {
        return failure;
    }
    failure.hint(kubectl_hint(scope))
}

/// Returns how kubectl writes a file that can be audited.
fn kubectl_hint(scope: &str) -> String {
    format!("Write the file with `kubectl get {RESOURCES}{scope} --output json`.")
}

/// Fetches everything that is compared.
async fn fetch(client: &Client, namespaces: &mut BTreeMap<String, Audited>) -> Result<(), Failure> {
    let mut progress = ProgressLine::only_on_terminal();
    for_each_page(client, |page: Vec<ResourceQuota>| {
        for quota in page {
            add_quota(namespaces, quota);
        }
        progress.show(&format!("{} namespaces", namespaces.len()));
    })
    .await?;
    for_each_page(client, |page: Vec<LimitRange>| {
        for range in page {
            add_range(namespaces, range);
        }
        progress.show(&format!("{} namespaces", namespaces.len()));
    })
    .await?;
    for_each_page(client, |page: Vec<Deployment>| page.iter().for_each(|found| add(namespaces, found)))
        .await?;
    for_each_page(client, |page: Vec<CronJob>| page.iter().for_each(|found| add(namespaces, found))).await?;
    for_each_page(client, |page: Vec<Job>| page.iter().for_each(|found| add(namespaces, found))).await?;
    let mut unread = Vec::new();
    let others = [
        for_each_of::<StatefulSet>(client, None, &mut unread, |found| add(namespaces, found)).await,
        for_each_of::<DaemonSet>(client, None, &mut unread, |found| add(namespaces, found)).await,
        for_each_of::<ReplicaSet>(client, None, &mut unread, |found| add(namespaces, found)).await,
        for_each_of::<ReplicationController>(client, None, &mut unread, |found| add(namespaces, found)).await,
        for_each_of::<Pod>(client, None, &mut unread, |found| add(namespaces, found)).await,
        for_each_of::<PersistentVolumeClaim>(client, None, &mut unread, |found| add(namespaces, found)).await,
    ];
    progress.clear();
    others.into_iter().collect::<Result<(), _>>().map_err(failure_of_all)?;
    warn_of_unread(&unread);
    Ok(())
}

/// Fetches the objects of a tool that its facts do not have, as far as they may be read.
async fn fetch_others(client: &Client, tool: &ToolName, namespace: &mut Audited) -> Result<(), Failure> {
    let (tool, mut unread) = (Some(tool), Vec::new());
    for_each_of::<StatefulSet>(client, tool, &mut unread, |found| namespace.add(found)).await?;
    for_each_of::<DaemonSet>(client, tool, &mut unread, |found| namespace.add(found)).await?;
    for_each_of::<ReplicaSet>(client, tool, &mut unread, |found| namespace.add(found)).await?;
    for_each_of::<ReplicationController>(client, tool, &mut unread, |found| namespace.add(found)).await?;
    for_each_of::<PersistentVolumeClaim>(client, tool, &mut unread, |found| namespace.add(found)).await?;
    warn_of_unread(&unread);
    Ok(())
}

/// Prints a warning of each kind that may not be read.
fn warn_of_unread(unread: &[ResourceType]) {
    for kind in unread {
        Notice::warning(format!("the cluster does not let you list {kind}, so they are left out")).print();
    }
}

/// Calls `each` with the objects of a kind, of a tool or of all; adds the kind to `unread` if they may not be read.
async fn for_each_of<T: k8s_openapi::Resource + DeserializeOwned>(
    client: &Client,
    tool: Option<&ToolName>,
    unread: &mut Vec<ResourceType>,
    each: impl FnMut(&T),
) -> Result<(), toolforge_client::Error> {
    let kind = ResourceType::of::<T>();
    let objects = match tool {
        Some(tool) => kind.in_namespace(tool.namespace()),
        None => kind.all_namespaces(),
    };
    if !for_each_readable(client, &objects, each).await? {
        unread.push(kind);
    }
    Ok(())
}

/// Calls `each` with the objects of a collection; returns whether they may be read.
async fn for_each_readable<T: k8s_openapi::Resource + DeserializeOwned>(
    client: &Client,
    collection: &Collection,
    mut each: impl FnMut(&T),
) -> Result<bool, toolforge_client::Error> {
    let mut pages = client.pages::<T>(collection, &ListParams::default());
    loop {
        match pages.next().await {
            Ok(Some(page)) => page.items.iter().for_each(&mut each),
            Ok(None) => return Ok(true),
            Err(error) if error.is_forbidden() => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// Calls `each` with the objects of a kind in all namespaces, page by page.
async fn for_each_page<T: k8s_openapi::Resource + DeserializeOwned>(
    client: &Client,
    mut each: impl FnMut(Vec<T>),
) -> Result<(), Failure> {
    let mut pages = client.pages::<T>(&ResourceType::of::<T>().all_namespaces(), &ListParams::default());
    while let Some(page) = pages.next().await.map_err(failure_of_all)? {
        each(page.items);
    }
    Ok(())
}

/// Reads everything that is compared from the output of kubectl.
fn read(path: &Path, namespaces: &mut BTreeMap<String, Audited>) -> Result<(), Failure> {
    let name = Untrusted::new(path.display().to_string());
    let input = Input::open(path)?;
    let kinds = [
        "ResourceQuota",
        "LimitRange",
        "Deployment",
        "ReplicaSet",
        "ReplicationController",
        "StatefulSet",
        "DaemonSet",
        "CronJob",
        "Job",
        "Pod",
        "PersistentVolumeClaim",
    ];
    let read = for_each_object(input, &kinds, |kind, object| {
        match kind {
            "ResourceQuota" => {
                let quota: ResourceQuota = typed(object)?;
                add_quota(namespaces, quota);
            }
            "LimitRange" => {
                let range: LimitRange = typed(object)?;
                add_range(namespaces, range);
            }
            "Deployment" => add(namespaces, &typed::<Deployment>(object)?),
            "ReplicaSet" => add(namespaces, &typed::<ReplicaSet>(object)?),
            "ReplicationController" => add(namespaces, &typed::<ReplicationController>(object)?),
            "StatefulSet" => add(namespaces, &typed::<StatefulSet>(object)?),
            "DaemonSet" => add(namespaces, &typed::<DaemonSet>(object)?),
            "CronJob" => add(namespaces, &typed::<CronJob>(object)?),
            "Job" => add(namespaces, &typed::<Job>(object)?),
            "Pod" => add(namespaces, &typed::<Pod>(object)?),
            _ => add(namespaces, &typed::<PersistentVolumeClaim>(object)?),
        }
        Ok::<_, serde_json::Error>(())
    });
    read.map_err(|error| {
        let reason = Untrusted::new(error.to_string());
        let message = format!("{}: {}", name.escaped(), reason.escaped());
        Failure::new(ExitCode::Failed, message).hint(kubectl_hint(" --all-namespaces"))
    })
}

fn typed<T: DeserializeOwned>(object: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(object)
}

fn audited<'a>(namespaces: &'a mut BTreeMap<String, Audited>, namespace: Option<&String>) -> &'a mut Audited {
    namespaces.entry(namespace.cloned().unwrap_or_default()).or_default()
}

fn add_quota(namespaces: &mut BTreeMap<String, Audited>, quota: ResourceQuota) {
    let name = quota.metadata.name.clone().unwrap_or_default();
    audited(namespaces, quota.metadata.namespace.as_ref()).quotas.insert(name, quota);
}

fn add_range(namespaces: &mut BTreeMap<String, Audited>, range: LimitRange) {
    let name = range.metadata.name.clone().unwrap_or_default();
    audited(namespaces, range.metadata.namespace.as_ref()).limit_ranges.insert(name, range);
}

fn add(namespaces: &mut BTreeMap<String, Audited>, object: &impl Audit) {
    audited(namespaces, object.metadata().namespace.as_ref()).add(object);
}

/// An object that an audit may compare.
trait Audit: Metadata<Ty = ObjectMeta> + Clone {
    fn object(self) -> ManifestObject;
}

/// Makes kinds comparable that [`ManifestObject`] has a variant of.
macro_rules! audit {
    ($($kind:ident),+) => {
        $(impl Audit for $kind {
            fn object(self) -> ManifestObject {
                ManifestObject::$kind(Box::new(self))
            }
        })+
    };
}

audit!(
    Deployment,
    ReplicaSet,
    ReplicationController,
    StatefulSet,
    DaemonSet,
    CronJob,
    Job,
    Pod,
    PersistentVolumeClaim
);

fn audit(namespace: String, limits: &Limits, workloads: &[AuditedWorkload]) -> NamespaceAudit {
    let findings = limits.audit(workloads);
    let findings = findings.iter().map(|finding| AuditFinding {
        code: AuditCode::from_code(finding.as_str()),
        level: match finding.level() {
            AuditLevel::Error => Level::Error,
            AuditLevel::Warning => Level::Warning,
        },
        object_kind: object_of(finding).map(|object| Untrusted::new(object.kind.as_str())),
        name: object_of(finding).map(|object| Untrusted::new(object.name.as_str())),
        message: finding.to_string(),
    });
    NamespaceAudit {
        tool: ToolName::from_namespace(&namespace).map(|tool| tool.to_string()),
        namespace,
        findings: findings.collect(),
    }
}

/// Returns the object that a finding is about; `None` if it is about none.
fn object_of(finding: &toolforge_quota::AuditFinding) -> Option<&ObjectName> {
    match finding {
        toolforge_quota::AuditFinding::Stranded { object, .. } => Some(object),
        _ => None,
    }
}

/// Prints the namespaces with findings.
fn finish(reports: Vec<NamespaceAudit>, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let format = arguments.document_format()?;
    let namespaces = reports.len() as u64;
    let reports: Vec<NamespaceAudit> =
        reports.into_iter().filter(|report| !report.findings.is_empty()).collect();
    let found = reports.iter().map(|report| report.findings.len()).sum::<usize>();
    let mut table = Table::new(&["TOOL", "LEVEL", "CODE", "FINDING"]);
    for report in &reports {
        let name = Untrusted::new(report.tool.as_deref().unwrap_or(&report.namespace)).escaped().to_string();
        for finding in &report.findings {
            let (level, code) = (finding.level.as_str().to_owned(), finding.code.as_str().to_owned());
            table.row([name.clone(), level, code, finding.message.clone()]);
        }
    }
    let summary = format!(
        "{found} {} in {} of {namespaces} {}\n",
        if found == 1 { "finding" } else { "findings" },
        reports.len(),
        if namespaces == 1 { "namespace" } else { "namespaces" }
    );
    let text = if reports.is_empty() { summary } else { format!("{}\n{summary}", table.to_text(None)) };
    let exit_code = if reports.is_empty() { ExitCode::Success } else { ExitCode::Failed };
    let value = to_json(QuotaAudit { namespaces: reports, checked: namespaces })?;
    print(&Document { text, value }, format)?;
    Ok(exit_code)
}

//! Creates and deletes one tool, as maintain-kubeusers does.

use std::fs;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ResourceQuota, ServiceAccount};
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, Client};
use serde_json::{Map, Value, json};
use tokio::time::sleep;
use toolforge_model::ToolName;
use toolforge_quota::profiles::{self, Profile};
use toolforge_quota::{Amounts, LimitRange};

pub(crate) use super::home::{is_complete, tools, uid};
use super::objects::apply;
use super::{certificate, home};
use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};
use crate::progress::Report;

/// The default quota profile.
pub(crate) const DEFAULT_PROFILE: &str = "tools-2023";

/// How often, and at which interval, to check whether the cluster's controllers are done.
const ATTEMPTS: u32 = 600;
const PAUSE: Duration = Duration::from_millis(100);

/// The `ConfigMap` that the cluster creates in each namespace, with the certificate that pods trust.
const ROOT_CERTIFICATE: &str = "kube-root-ca.crt";

/// Creates a tool: its home and user ID, namespace, quota, limits, rights, certificate and kubeconfig. Waits until the
/// cluster lets it create pods.
pub(crate) async fn add(
    sandbox: &Sandbox,
    tool: &ToolName,
    profile: &str,
    report: &Report,
) -> Result<u32, Failure> {
    let Profile { quota, limit_range: limits, .. } =
        profiles::by_name(profile).map_err(|error| Failure::new(error.to_string()).code(2))?;
    let ports = sandbox.ports()?;
    reject_existing(sandbox, tool)?;
    let client = sandbox.client().await?;
    let (home, uid) = home::make_home(sandbox, tool)?;
    // Held until the end: if two commands signed for one tool, the key might not match the certificate.
    if home.as_file().try_lock().is_err() {
        return Err(Failure::new(format!("another command is creating the tool {tool}"))
            .hint(format!("Wait for it, then check: `{}`.", sandbox.typed("tool list"))));
    }
    reject_existing(sandbox, tool)?;
    let namespace = tool.namespace();
    let key = report.begin(format!("Create a key for {tool}"));
    let pki = sandbox.pki();
    let cluster = async {
        let step = report.begin(format!("Create the tool {tool}"));
        let hard: Map<String, Value> = quota
            .hard
            .iter()
            .map(|(resource, amount)| (resource.to_string(), json!(resource.amount(*amount))))
            .collect();
        apply(&client, vec![namespace_of(tool)]).await?;
        wait_for_first_objects(sandbox, &client, &namespace).await?;
        apply(&client, objects(tool, &hard, &limits)).await?;
        wait_for_usage(sandbox, &client, &namespace).await?;
        step.done();
        Ok(())
    };
    let request = async {
        let request = certificate::request(tool, &pki).await?;
        key.done();
        Ok::<_, Failure>(request)
    };
    let ((), request) = tokio::try_join!(cluster, request)?;
    let step = report.begin(format!("Sign the certificate of {tool}"));
    let signed = certificate::sign(sandbox, &client, tool, &request).await?;
    home::write_credentials(sandbox, tool, (&signed, &request.key), ports.api)?;
    apply(&client, vec![note(tool, Timestamp::now())]).await?;
    step.done();
    Ok(uid)
}

/// Rejects a tool that exists. One that is incomplete may be created again.
fn reject_existing(sandbox: &Sandbox, tool: &ToolName) -> Result<(), Failure> {
    if !home::is_complete(sandbox, tool) {
        return Ok(());
    }
    Err(Failure::new(format!("the tool {tool} already exists")).hint(format!(
        "Use it: `{}`; or remove it first: `{}`.",
        sandbox.typed(&format!("as {tool}")),
        sandbox.typed(&format!("tool remove {tool}")),
    )))
}

fn namespace_of(tool: &ToolName) -> Value {
    let namespace = tool.namespace();
    json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": namespace, "labels": {"name": namespace, "tenancy": "tool"}},
    })
}

/// Returns the objects in the namespace of a tool, in the platform's order.
fn objects(tool: &ToolName, hard: &Map<String, Value>, limits: &LimitRange) -> Vec<Value> {
    let namespace = tool.namespace();
    let amount = |amount: Option<String>| amount.map_or(Value::Null, Value::String);
    let pair = |amounts: &Amounts| {
        let cpu = amounts.cpu().map(|cpu| cpu.to_string());
        let memory = amounts.memory().map(|memory| memory.to_string());
        json!({"cpu": amount(cpu), "memory": amount(memory)})
    };
    vec![
        json!({
            "apiVersion": "v1", "kind": "ResourceQuota",
            "metadata": {"name": namespace, "namespace": namespace}, "spec": {"hard": hard},
        }),
        json!({
            "apiVersion": "v1", "kind": "LimitRange",
            "metadata": {"name": namespace, "namespace": namespace},
            "spec": {"limits": [{
                "type": "Container",
                "default": pair(&limits.default),
                "defaultRequest": pair(&limits.default_request),
                "max": pair(&limits.container.max),
                "min": pair(&limits.container.min),
            }]},
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"name": format!("{tool}-tool-binding"), "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "tools-user"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": tool}],
        }),
    ]
}

/// Returns the ConfigMap in which maintain-kubeusers records its work.
fn note(tool: &ToolName, now: Timestamp) -> Value {
    let year = k8s_openapi::jiff::SignedDuration::from_hours(365 * 24);
    let expires = now.checked_add(year).unwrap_or(now);
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": format!("maintain-kubeusers-{tool}"), "namespace": tool.namespace()},
        "data": {
            "status": format!("user created: {}", now.strftime("%Y-%m-%dT%H:%M:%S%.6f")),
            "expires": expires.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        },
    })
}

/// Waits until the cluster has created the objects that each namespace has. A quota that is created later counts them; one that is
/// created at the same time may count them minutes later.
async fn wait_for_first_objects(sandbox: &Sandbox, client: &Client, namespace: &str) -> Result<(), Failure> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let configs: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    for _ in 0..ATTEMPTS {
        let exist = accounts.get_opt("default").await?.is_some()
            && configs.get_opt(ROOT_CERTIFICATE).await?.is_some();
        if exist {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    Err(not_set_up(sandbox, namespace))
}

/// Waits until the quota's usage is known, so that pods can be created.
async fn wait_for_usage(sandbox: &Sandbox, client: &Client, namespace: &str) -> Result<(), Failure> {
    let quotas: Api<ResourceQuota> = Api::namespaced(client.clone(), namespace);
    for _ in 0..ATTEMPTS {
        let counted = quotas.get_opt(namespace).await?.and_then(|quota| quota.status?.hard);
        if counted.is_some_and(|hard| !hard.is_empty()) {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    Err(not_set_up(sandbox, namespace))
}

fn not_set_up(sandbox: &Sandbox, namespace: &str) -> Failure {
    Failure::new(format!("the cluster has not finished setting up the namespace {namespace}"))
        .hint(format!("See the log: `{}`.", sandbox.typed("logs kube-controller-manager")))
}

/// Deletes a tool: its namespace with everything in it, and its home.
pub(crate) async fn remove(sandbox: &Sandbox, tool: &ToolName) -> Result<(), Failure> {
    sandbox.ports()?;
    let client = sandbox.client().await?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = tool.namespace();
    let known = namespaces.get_opt(&namespace).await?.is_some();
    let home = home::home(sandbox, tool);
    if !known && !home.exists() {
        return Err(Failure::new(format!("there is no tool {tool}"))
            .hint(format!("List the tools: `{}`.", sandbox.typed("tool list"))));
    }
    if known {
        namespaces.delete(&namespace, &DeleteParams::default()).await?;
        // The pods need no grace period, because the tool is deleted.
        let pods: Api<Pod> = Api::namespaced(client, &namespace);
        pods.delete_collection(&DeleteParams::default().grace_period(0), &ListParams::default()).await?;
        wait_until_gone(sandbox, &namespaces, &namespace).await?;
    }
    match fs::remove_dir_all(&home) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).or_fail(format!("cannot delete the home {}", home.display()))
        }
        _ => Ok(()),
    }
}

async fn wait_until_gone(
    sandbox: &Sandbox,
    namespaces: &Api<Namespace>,
    namespace: &str,
) -> Result<(), Failure> {
    for _ in 0..ATTEMPTS {
        if namespaces.get_opt(namespace).await?.is_none() {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
    Err(Failure::new(format!("the cluster has not deleted the namespace {namespace} yet")).hint(format!(
        "See what it waits for: `{}`; then run the same command again.",
        sandbox.typed(&format!("kubectl get namespace {namespace} -o yaml")),
    )))
}

/// Updates the API server's port on the host in the tools' kubeconfigs.
pub(crate) fn rewrite_kubeconfigs(sandbox: &Sandbox, api_port: u16) -> Result<(), Failure> {
    home::rewrite_kubeconfigs(sandbox, api_port)
}

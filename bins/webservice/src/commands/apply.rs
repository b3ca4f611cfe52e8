//! Sending what has changed, object by object, and saying what was done where not all of it could be.

use std::ops::ControlFlow;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use serde_json::Value;
use toolforge_cli::{ExitCode, Failure};
use toolforge_client::kube::api::{DeleteParams, PatchParams, Preconditions};
use toolforge_client::{Client, Error, ObjectPath, ResourceType, apply_params, merge_params};
use toolforge_model::{ToolName, Untrusted};
use toolforge_render::object::{HttpRoute, ObjectKind};
use toolforge_render::web_service::{
    Change, LiveWebService, Removal, Routing, WebServicePlan, removals, render,
};

/// How long a gateway may take to say that it serves a route.
const ROUTE_PATIENCE: Duration = Duration::from_secs(5);

/// Applies the changed objects in their order and removes a route of the other kind last. Returns the Deployment's
/// generation where it was written.
pub(super) async fn apply(
    client: &Client,
    plan: &WebServicePlan,
    live: &LiveWebService,
    changes: &[Change],
    dry_run: bool,
) -> Result<Option<i64>, Failure> {
    let manifests = render(plan);
    let mut done = Vec::new();
    let mut generation = None;
    for manifest in manifests.objects() {
        let is_changed =
            changes.iter().any(|change| !change.is_keep() && change.object().0 == manifest.kind());
        if !is_changed {
            continue;
        }
        let name = format!("{} {}", manifest.kind(), manifest.name());
        let path = path(&plan.request().tool, manifest.kind(), manifest.name());
        if changes.iter().any(|change| change.object().0 == manifest.kind() && removes_fields(change)) {
            let params = PatchParams { dry_run, ..merge_params() };
            let merged = client.merge::<Value>(&path, &manifest.to_merge_patch(live), &params).await;
            merged.map_err(|error| broken_off(error, &done, &name))?;
            done.push(format!("merged {name}"));
        }
        let params = PatchParams { dry_run, ..apply_params() };
        let stored = client.apply::<Value>(&path, &manifest.to_json(), &params).await;
        let stored = stored.map_err(|error| broken_off(error, &done, &name))?;
        if manifest.kind() == ObjectKind::Deployment {
            generation = stored.pointer("/metadata/generation").and_then(Value::as_i64);
        }
        done.push(format!("applied {name}"));
    }
    let is_obsolete = |removal: &Removal| {
        changes.iter().any(|change| {
            matches!(change, Change::Delete { kind, name } if *kind == removal.kind && *name == removal.name)
        })
    };
    let obsolete: Vec<Removal> = removals(live).into_iter().filter(is_obsolete).collect();
    if !obsolete.is_empty() && plan.routing() == Routing::HttpRoute && !dry_run {
        until_accepted(client, &plan.request().tool).await.map_err(|failure| {
            done.iter().fold(failure.with_exit_code(ExitCode::Partial), Failure::detail)
        })?;
    }
    for removal in obsolete {
        delete(client, &plan.request().tool, &removal, &mut done, dry_run).await?;
    }
    Ok(generation)
}

/// Waits until a gateway serves the new route, so that the old one can go. Where none says anything, as in a cluster
/// whose gateway writes no status, that is believed after a while.
async fn until_accepted(client: &Client, tool: &ToolName) -> Result<(), Failure> {
    let path = path(tool, ObjectKind::HttpRoute, tool.as_str());
    let refused = client
        .wait_object(&path, ROUTE_PATIENCE, |route: Option<&HttpRoute>| {
            let parents = route.and_then(|route| route.status.as_ref()).map(|status| &status.parents);
            let conditions = parents.into_iter().flatten().flat_map(|parent| &parent.conditions);
            let accepted: Vec<_> = conditions.filter(|condition| condition.type_ == "Accepted").collect();
            match accepted.iter().find(|condition| condition.status == "False") {
                Some(condition) => ControlFlow::Break(Some(Untrusted::new(condition.message.clone()))),
                None if accepted.iter().any(|condition| condition.status == "True") => {
                    ControlFlow::Break(None)
                }
                None => ControlFlow::Continue(()),
            }
        })
        .await?;
    match refused.flatten() {
        None => Ok(()),
        Some(message) => Err(Failure::new(
            ExitCode::Cluster,
            "the gateway does not take the new route, so the old one stays",
        )
        .detail(message.escaped().to_string())),
    }
}

/// Returns whether a change takes a field of the pods away, which applying does not do where another owns it.
fn removes_fields(change: &Change) -> bool {
    match change {
        Change::Update { differences, .. } => differences
            .iter()
            .any(|difference| difference.wanted.is_none() && difference.path.starts_with("spec.")),
        Change::Create { .. } | Change::Keep { .. } | Change::Delete { .. } => false,
    }
}

/// Deletes objects in their order.
pub(super) async fn delete_all(
    client: &Client,
    tool: &ToolName,
    removals: &[Removal],
    dry_run: bool,
) -> Result<(), Failure> {
    let mut done = Vec::new();
    for removal in removals {
        delete(client, tool, removal, &mut done, dry_run).await?;
    }
    Ok(())
}

async fn delete(
    client: &Client,
    tool: &ToolName,
    removal: &Removal,
    done: &mut Vec<String>,
    dry_run: bool,
) -> Result<(), Failure> {
    let Removal { kind, name, uid } = removal;
    let object = format!("{kind} {name}");
    let preconditions = Preconditions { uid: Some(uid.clone()), ..Preconditions::default() };
    let params = DeleteParams { dry_run, ..DeleteParams::background() }.preconditions(preconditions);
    client
        .delete(&path(tool, *kind, name), &params)
        .await
        .map_err(|error| broken_off(error, done, &object))?;
    done.push(format!("deleted {object}"));
    Ok(())
}

/// Returns a failure that says what was done before it.
fn broken_off(error: Error, done: &[String], object: &str) -> Failure {
    let may_have_happened = error.outcome_unknown();
    let failure = Failure::from(error);
    let unknown = format!("{object}: not known whether it was done");
    let not_done = format!("{object}: not done");
    let last = if may_have_happened { unknown } else { not_done };
    if done.is_empty() && !may_have_happened {
        return failure.detail(last).detail("nothing was changed");
    }
    let failure = done.iter().fold(failure.with_exit_code(ExitCode::Partial), Failure::detail);
    failure.detail(last).hint("The same command again goes on from here.")
}

fn path(tool: &ToolName, kind: ObjectKind, name: &str) -> ObjectPath {
    let resource = match kind {
        ObjectKind::Deployment => ResourceType::of::<Deployment>(),
        ObjectKind::Service => ResourceType::of::<Service>(),
        ObjectKind::Ingress => ResourceType::of::<Ingress>(),
        ObjectKind::HttpRoute => ResourceType::HTTP_ROUTES,
    };
    resource.in_namespace(tool.namespace()).named(name)
}

/// Returns the generation of a Deployment that stands.
pub(super) fn generation(deployment: Option<&Deployment>) -> Option<i64> {
    deployment.and_then(|deployment| deployment.metadata.generation)
}

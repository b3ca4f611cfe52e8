//! Sending what has changed, object by object, and saying what was done where not all of it could be.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use serde_json::Value;
use toolforge_cli::{ExitKind, Failure};
use toolforge_client::{
    ApplyOptions, Client, CreateOptions, DeleteOptions, Error, ObjectPath, Propagation, ResourceType,
};
use toolforge_model::ToolName;
use toolforge_render::change::{Change, Removal, removals};
use toolforge_render::facts::LiveWebService;
use toolforge_render::facts::ObjectKind;
use toolforge_render::plan::WebServicePlan;
use toolforge_render::render::render;

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
            let options = CreateOptions { dry_run, ..CreateOptions::default() };
            let merged = client.merge::<Value>(&path, &manifest.to_merge_patch(live), options).await;
            merged.map_err(|error| broken_off(error, &done, &name))?;
            done.push(format!("merged {name}"));
        }
        let options = ApplyOptions { dry_run, ..ApplyOptions::default() };
        let stored = client.apply::<Value>(&path, &manifest.to_json(), options).await;
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
    for removal in removals(live).into_iter().filter(is_obsolete) {
        delete(client, &plan.request().tool, &removal, &mut done, dry_run).await?;
    }
    Ok(generation)
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
    let propagation = Some(Propagation::Background);
    let options = DeleteOptions { uid: Some(uid.clone()), propagation, dry_run, ..DeleteOptions::default() };
    client
        .delete(&path(tool, *kind, name), &options)
        .await
        .map_err(|error| broken_off(error, done, &object))?;
    done.push(format!("deleted {object}"));
    Ok(())
}

/// Returns a failure that says what was done before it.
fn broken_off(error: Error, done: &[String], object: &str) -> Failure {
    let may_have_happened = error.may_have_happened();
    let failure = Failure::from(error);
    let unknown = format!("{object}: not known whether it was done");
    let not_done = format!("{object}: not done");
    let last = if may_have_happened { unknown } else { not_done };
    if done.is_empty() && !may_have_happened {
        return failure.detail(last).detail("nothing was changed");
    }
    let failure = done.iter().fold(failure.of_kind(ExitKind::Partly), Failure::detail);
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

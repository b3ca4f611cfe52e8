//! Sending what has changed, object by object, and saying what was done where not all of it could be.

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::Value;
use toolforge_cli::{ExitKind, Failure};
use toolforge_client::{ClientError, Connection, DryRun, paths};
use toolforge_render::facts::LiveWebService;
use toolforge_render::plan::{Change, ObjectKind, Removal, WebServicePlan, removals};
use toolforge_render::render::render;

/// Applies the changed objects in their order and removes a route of the other kind last. Returns the Deployment's
/// generation where it was written.
pub(super) async fn apply(
    connection: &Connection,
    plan: &WebServicePlan,
    live: &LiveWebService,
    changes: &[Change],
    dry_run: DryRun,
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
        let path = path(connection, manifest.kind(), manifest.name());
        if changes.iter().any(|change| change.object().0 == manifest.kind() && removes_fields(change)) {
            let merged = connection.merge(&path, &manifest.to_merge_patch(), dry_run).await;
            merged.map_err(|error| broken_off(error, &done, &name))?;
            done.push(format!("merged {name}"));
        }
        let stored = connection.apply(&path, &manifest.to_json(), dry_run).await;
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
        delete(connection, &removal, &mut done, dry_run).await?;
    }
    Ok(generation)
}

/// Returns whether a change takes a field of the container away, which applying does not do where another owns it.
fn removes_fields(change: &Change) -> bool {
    match change {
        Change::Update { differences, .. } => differences
            .iter()
            .any(|difference| difference.wanted.is_none() && difference.path.contains(".containers[")),
        Change::Create { .. } | Change::Keep { .. } | Change::Delete { .. } => false,
    }
}

/// Deletes objects in their order.
pub(super) async fn delete_all(
    connection: &Connection,
    removals: &[Removal],
    dry_run: DryRun,
) -> Result<(), Failure> {
    let mut done = Vec::new();
    for removal in removals {
        delete(connection, removal, &mut done, dry_run).await?;
    }
    Ok(())
}

async fn delete(
    connection: &Connection,
    removal: &Removal,
    done: &mut Vec<String>,
    dry_run: DryRun,
) -> Result<(), Failure> {
    let Removal { kind, name, uid } = removal;
    let path = path(connection, *kind, name);
    let object = format!("{kind} {name}");
    connection.delete(&path, uid, dry_run).await.map_err(|error| broken_off(error, done, &object))?;
    done.push(format!("deleted {object}"));
    Ok(())
}

/// Returns a failure that says what was done before it.
fn broken_off(error: ClientError, done: &[String], object: &str) -> Failure {
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

fn path(connection: &Connection, kind: ObjectKind, name: &str) -> String {
    let (group_version, resource) = match kind {
        ObjectKind::Deployment => ("apps/v1", "deployments"),
        ObjectKind::Service => ("v1", "services"),
        ObjectKind::Ingress => ("networking.k8s.io/v1", "ingresses"),
        ObjectKind::HttpRoute => ("gateway.networking.k8s.io/v1", "httproutes"),
    };
    paths::object(group_version, &connection.tool().namespace(), resource, name)
}

/// Returns the generation of a Deployment that stands.
pub(super) fn generation(deployment: Option<&Deployment>) -> Option<i64> {
    deployment.and_then(|deployment| deployment.metadata.generation)
}

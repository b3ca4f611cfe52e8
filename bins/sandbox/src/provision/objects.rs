//! Applying objects of any kind.

use std::time::Duration;

use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind, TypeMeta};
use kube::{Api, Client};
use serde_json::Value;
use tokio::time::sleep;

use crate::failure::{Failure, OrFail};

/// The field manager of the objects that the sandbox creates.
const MANAGER: &str = "toolforge-sandbox";

/// How often, and at which interval, to try an object whose kind has just been defined.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_millis(200);

/// Parses YAML documents.
pub(super) fn parse(yaml: &str) -> Result<Vec<Value>, Failure> {
    serde_saphyr::from_multiple(yaml)
        .map_err(|error| Failure::new(format!("invalid YAML in a manifest: {error}")))
}

/// Applies objects with server-side apply, one after the other.
pub(super) async fn apply(client: &Client, objects: Vec<Value>) -> Result<(), Failure> {
    for object in objects {
        apply_one(client, object).await?;
    }
    Ok(())
}

async fn apply_one(client: &Client, object: Value) -> Result<(), Failure> {
    let object: DynamicObject = serde_json::from_value(object)?;
    let types: TypeMeta = object.types.clone().unwrap_or_default();
    let (kind, name) = (types.kind.clone(), object.metadata.name.clone().unwrap_or_default());
    let resource = GroupVersionKind::try_from(&types).map_err(|_| Failure::new("a manifest has no kind"))?;
    let resource = ApiResource::from_gvk(&resource);
    let api: Api<DynamicObject> = match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let parameters = PatchParams::apply(MANAGER).force();
    let mut tries = 1;
    loop {
        match api.patch(&name, &parameters, &Patch::Apply(&object)).await {
            // The API server needs a moment to serve a new kind or a new namespace.
            Err(kube::Error::Api(status)) if status.code == 404 && tries < TRIES => {
                tries += 1;
                sleep(PAUSE).await;
            }
            result => return result.map(drop).or_fail(format!("cannot apply {kind} {name}")),
        }
    }
}

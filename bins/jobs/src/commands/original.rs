//! The object that an adoption deletes and creates again: it is not lost if the API server refuses the new one.

use toolforge_cli::{ExitCode, Failure, Session};
use toolforge_client::serde_json::Value;
use toolforge_client::{
    AdmissionRefusal, ApiStatus, Client, ObjectPath, ResourceType, StatusKind, post_params,
};
use toolforge_model::yaml;
use toolforge_render::convert::{Adoption, as_created};
use toolforge_render::job::JobObjects;

/// Lets the API server check the object that is created in place of another one, before that is deleted.
pub(super) async fn check_recreation(
    client: &Client,
    session: &Session,
    job: &JobObjects,
    adoption: &Adoption,
) -> Result<(), Failure> {
    let kind = job.workload.kind();
    let mut objects = adoption.set.objects();
    let Some(wanted) = objects.find(|object| object.kind() == kind) else { return Ok(()) };
    let collection = ResourceType::of_kind(kind).in_namespace(session.tool.namespace());
    let Err(error) = client.check_creation(&collection, &wanted.to_json()).await else { return Ok(()) };
    match error.api_status().map(ApiStatus::kind) {
        // Everything else is checked before the name.
        Some(StatusKind::AlreadyExists) => Ok(()),
        // What the deletion frees counts for the quota until then.
        Some(StatusKind::Admission(AdmissionRefusal::Quota { .. })) => Ok(()),
        _ => {
            let failure = Failure::from(error);
            Err(failure.detail(format!("{} is left as it is", job.workload_ref())))
        }
    }
}

/// Creates an object again that an adoption has deleted and not replaced. Returns the failure with what became of it.
pub(super) async fn put_back(
    client: &Client,
    session: &Session,
    job: &JobObjects,
    failure: Failure,
) -> Failure {
    let subject = job.workload_ref();
    let collection = ResourceType::of_kind(job.workload.kind()).in_namespace(session.tool.namespace());
    let path: ObjectPath = collection.clone().named(job.name.as_str());
    match client.get_opt::<Value>(&path).await {
        Ok(Some(_)) => return failure,
        Ok(None) => {}
        Err(error) => {
            return failure.detail(format!("whether {subject} exists is not known: {error}"));
        }
    }
    let original = as_created(job);
    let cause = failure.to_string().trim_end().to_owned();
    match client.create::<Value>(&collection, &original, &post_params()).await {
        Ok(_) => {
            let message =
                format!("{subject} did not become a job: it was deleted, and created again as it was");
            Failure::new(ExitCode::Cluster, message).detail(cause)
        }
        Err(error) => {
            let text = yaml::to_text(&original).unwrap_or_default();
            let message = format!("{subject} was deleted, and could not be created again: {error}");
            Failure::new(ExitCode::Partial, message)
                .detail(cause)
                .detail(format!("it was:\n{text}"))
                .hint("Save the manifest above, and create it with `kubectl create --filename FILE`.")
        }
    }
}

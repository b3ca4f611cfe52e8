//! What the cluster provides: facts, and a dry run of each object.

use serde::de::IgnoredAny;
use toolforge_client::{
    AdmissionRefusal, ApiStatus, Client, Error, FileFetchOptions, Kubeconfig, NamespaceFetchOptions,
    ResourceType, StatusKind, ToolHome,
};
use toolforge_model::{ExpectedDocument, ToolName, Untrusted};
use toolforge_render::files::FileContents;
use toolforge_render::lint::{Finding, LintContext, LintHome, LintObject, refused_by_server, server_objects};

use crate::failure::Failure;
use crate::file_facts::file_facts;
use crate::notice::Notice;
use crate::options::GlobalOptions;
use crate::session::{Session, Source, kubeconfig_files, tool_and_home};

/// The facts, and their source.
pub(super) struct Facts {
    /// The facts.
    pub(super) context: LintContext,
    /// Whether they are from the cluster or from files of its objects.
    pub(super) is_live: bool,
}

/// Returns the facts of a session; without one, or if they cannot be fetched, the bundled ones.
pub(super) fn facts(
    session: Option<&Session>,
    global: &GlobalOptions,
    texts: &[(ExpectedDocument, &str)],
) -> Facts {
    let (tool, home) = match session {
        Some(session) => (Some(session.tool.clone()), session.home.clone()),
        None => tool(global),
    };
    let mut facts = match session.map(|session| live(session, texts)) {
        Some(Ok(context)) => Facts { context, is_live: true },
        Some(Err(failure)) => {
            Notice::note(format!("the cluster's limits and images are not available: {}", failure.message()))
                .print();
            Facts { context: LintContext::offline(tool), is_live: false }
        }
        None => Facts { context: LintContext::offline(tool), is_live: false },
    };
    let is_asked = session.is_some_and(|session| matches!(session.source, Source::Cluster { .. }));
    facts.context.asks_server = facts.is_live && is_asked;
    facts.context.home = home.map(|home| LintHome::new(home.files(), move |path| home.look(path)));
    facts
}

/// Returns the tool of the options, else that of the kubeconfig, if there is one, and its home.
fn tool(global: &GlobalOptions) -> (Option<ToolName>, Option<ToolHome>) {
    let kubeconfig = Kubeconfig::load(&kubeconfig_files(global)).ok();
    match kubeconfig.map(|kubeconfig| tool_and_home(global, &kubeconfig)) {
        Some(Ok((tool, home))) => (Some(tool), home),
        _ => (global.tool.clone(), None),
    }
}

fn live(session: &Session, texts: &[(ExpectedDocument, &str)]) -> Result<LintContext, Failure> {
    let uid = session.uid.map(i64::from);
    let files: Vec<FileContents> = texts
        .iter()
        .map(|(expected, text)| FileContents::parse_expected(text, &session.tool, *expected))
        .collect();
    let manifests: Vec<_> = files.iter().flat_map(|contents| &contents.manifests).collect();
    let mut options = FileFetchOptions::for_files(&files, &manifests);
    options.catalog = true;
    let failure = match file_facts(session, options) {
        Ok(facts) => {
            let mut context = LintContext::of_namespace(&facts.jobs.namespace, uid);
            context.facts = Some(facts);
            return Ok(context);
        }
        Err(failure) => failure,
    };
    // If the user may read only the limits, these are enough.
    let Source::Cluster { runtime, client } = &session.source else { return Err(failure) };
    let fetched = runtime.block_on(client.fetch_namespace(&session.tool, NamespaceFetchOptions::all()))?;
    let namespace = fetched.facts(session.namespace(fetched.catalog()?));
    Notice::note(format!("existing objects are not counted against the quota: {}", failure.message()))
        .print();
    Ok(LintContext::of_namespace(&namespace, uid))
}

/// Returns the refusals of the API server in a dry run with strict validation, for the objects without findings so far.
pub(super) fn server_findings(
    session: &Session,
    text: &str,
    context: &LintContext,
    findings: &[Finding],
) -> Vec<Finding> {
    let Source::Cluster { runtime, client } = &session.source else { return Vec::new() };
    let mut found = Vec::new();
    for object in server_objects(text, context, findings) {
        let Some(resource) = ResourceType::of_manifest(&object.kind) else { continue };
        match runtime.block_on(dry_run(client, &session.tool, resource, &object)) {
            Ok(()) => {}
            Err(Error::Api(status)) if is_about_object(&status) => {
                let field = status.fields().next();
                found.extend(refused_by_server(text, context, &object, status.message(), field));
            }
            Err(error) => {
                let name = Untrusted::new(object.name.as_str());
                Notice::note(format!(
                    "{} {} is not checked by the API server: {error}",
                    object.kind,
                    name.escaped()
                ))
                .print();
                return found;
            }
        }
    }
    found
}

/// Checks an object. An existing one is not created again, so the quota does not matter.
async fn dry_run(
    client: &Client,
    tool: &ToolName,
    resource: ResourceType,
    object: &LintObject,
) -> Result<(), Error> {
    let collection = resource.in_namespace(tool.namespace());
    let Err(error) = client.check_creation(&collection, &object.json).await else { return Ok(()) };
    match error.api_status().map(ApiStatus::kind) {
        Some(StatusKind::AlreadyExists) => Ok(()),
        Some(StatusKind::Admission(AdmissionRefusal::Quota { .. }))
            if client.get_opt::<IgnoredAny>(&collection.named(object.name.as_str())).await?.is_some() =>
        {
            Ok(())
        }
        _ => Err(error),
    }
}

/// Returns whether a refusal is about the object, and not about the user or the state of the cluster.
fn is_about_object(status: &ApiStatus) -> bool {
    match status.kind() {
        StatusKind::Invalid | StatusKind::Admission(_) => true,
        // Strict decoding errors, and webhooks without a reason.
        StatusKind::Other => matches!(status.code(), 400 | 403 | 413 | 415 | 422),
        _ => false,
    }
}

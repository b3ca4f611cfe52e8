//! The facts of a namespace for a plan of files: from the cluster, or from files.

use toolforge_client::FileFetchOptions;
use toolforge_images::Catalog;
use toolforge_render::change::ChangeSet;
use toolforge_render::files::FilePlanFacts;
use toolforge_render::job::JobFacts;
use toolforge_render::object::KnownKind;

use crate::failure::Failure;
use crate::notice::Notice;
use crate::session::{Session, Source};

/// Returns the facts for a plan of files.
///
/// # Errors
/// When they cannot be read.
pub fn file_facts(session: &Session, options: FileFetchOptions<'_>) -> Result<FilePlanFacts, Failure> {
    match &session.source {
        Source::Files(documents) => Ok(documents.file_facts(session.namespace_of(documents)?)?),
        Source::Cluster { runtime, client } => {
            let fetched = runtime.block_on(client.fetch_file_facts(&session.tool, options))?;
            let catalog =
                if options.catalog { fetched.jobs.namespace.catalog()? } else { Catalog::default() };
            Ok(fetched.facts(session.namespace(catalog)))
        }
    }
}

/// Prints a warning if the files of `--from` have no objects of a kind that the changes create and the quota counts.
pub fn warn_of_missing_kinds(set: &ChangeSet, facts: &JobFacts) {
    let kinds: Vec<&str> = facts.missing_kinds(set).into_iter().map(KnownKind::plural).collect();
    if kinds.is_empty() {
        return;
    }
    Notice::warning(format!(
        "the files of `--from` have no {}, but the quota counts some, so what exists may be planned as new",
        kinds.join(" and no ")
    ))
    .with_hint(format!("Add the output of `kubectl get {} -o yaml` to these files.", kinds.join(",")))
    .end_paragraph()
    .print();
}

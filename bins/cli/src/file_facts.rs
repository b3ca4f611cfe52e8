//! What is known of a namespace to plan files: from the cluster, or from files.

use toolforge_client::FileFetchOptions;
use toolforge_images::Catalog;
use toolforge_render::files::FilePlanFacts;

use crate::failure::Failure;
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

//! The facts about a web service, from the cluster or from files.

use toolforge_cli::{Failure, Session, Source};
use toolforge_client::{Error, FetchOptions};
use toolforge_images::Catalog;
use toolforge_render::web_service::{Facts, RolloutProgress, web_service_progress};

/// Returns the facts for a plan.
pub(crate) fn facts(session: &Session) -> Result<Facts, Failure> {
    match &session.source {
        Source::Files(documents) => Ok(documents.facts(&session.tool, session.platform.clone())?),
        Source::Cluster { runtime, client } => {
            let objects =
                runtime.block_on(client.fetch_web_service(&session.tool, FetchOptions::for_plan()))?;
            Ok(objects.facts(None, session.platform.clone())?)
        }
    }
}

/// Returns the facts for a status; without a catalog, it prints a warning and uses the bundled one.
pub(crate) fn status_facts(session: &Session) -> Result<Facts, Failure> {
    let Source::Cluster { runtime, client } = &session.source else { return facts(session) };
    let wanted = FetchOptions { catalog: true, replica_sets: false, ..FetchOptions::for_status() };
    let objects = runtime.block_on(async {
        let mut objects = client.fetch_web_service(&session.tool, wanted).await?;
        // Only missing pods need the reason for it.
        if objects.live.deployment.is_some()
            && web_service_progress(&objects.live, None) != RolloutProgress::Ready
        {
            let wanted = FetchOptions { replica_sets: true, events: true, ..FetchOptions::default() };
            let found = client.fetch_web_service(&session.tool, wanted).await?.live;
            (objects.live.replica_sets, objects.live.events) = (found.replica_sets, found.events);
        }
        Ok::<_, Error>(objects)
    })?;
    let without_catalog = objects.clone();
    match objects.facts(None, session.platform.clone()) {
        Ok(facts) => Ok(facts),
        Err(error) => {
            anstream::eprintln!("warning: {error}");
            Ok(without_catalog.facts(Some(Catalog::bundled()), session.platform.clone())?)
        }
    }
}

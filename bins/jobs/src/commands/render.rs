use toolforge_cli::{Document, ExitCode, Failure, Notice, OutputFormat, Session, print};
use toolforge_client::JobFetchOptions;
use toolforge_model::JobRequest;
use toolforge_render::job::JobPlan;
use toolforge_render::object::{Object, to_json_list, to_yaml};

use super::{facts, load};
use crate::arguments::{Arguments, FileOptions, RenderArguments};
use crate::failures;

/// Prints the objects of a file's jobs, or of one that is described as for `run`: YAML documents, or one JSON `List`.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &RenderArguments,
) -> Result<ExitCode, Failure> {
    let requests = requests(session, options)?;
    facts::needs_uid(session)?;
    let facts = facts::facts(session, JobFetchOptions::for_plan())?;
    let mut objects: Vec<Object> = Vec::new();
    for request in requests {
        let plan =
            JobPlan::new(request, &facts).map_err(|error| failures::of_plan(&error, &facts.namespace))?;
        for warning in plan.warnings() {
            Notice::warning(format!("job {}: {warning}", plan.request().name)).print();
        }
        objects.extend(plan.objects().into_objects());
    }
    let (text, value) = (to_yaml(&objects), to_json_list(&objects));
    let format = match arguments.output.of_document() {
        OutputFormat::Json => OutputFormat::Json,
        // The output is YAML, whether requested or not.
        OutputFormat::Table | OutputFormat::Yaml => OutputFormat::Table,
    };
    print(&Document { text, value }, format)?;
    Ok(ExitCode::Success)
}

fn requests(session: &Session, options: &RenderArguments) -> Result<Vec<JobRequest>, Failure> {
    if options.job.has_image() {
        return Ok(vec![options.job.request(&session.tool)?]);
    }
    let Some(file) = &options.job.name else {
        return Err(Failure::new(ExitCode::Usage, "no jobs file given")
            .hint("Name a file, `toolforge jobs render jobs.yaml`, or describe a job as for `run`."));
    };
    let options = FileOptions { file: file.into(), job: None, prune: false };
    Ok(load::read(session, &options)?.jobs.into_iter().map(|job| job.request).collect())
}

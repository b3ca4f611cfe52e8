//! The quota is checked by the code of `quota-check FILE`.

use proptest::prelude::*;
use toolforge_images::Catalog;
use toolforge_quota::{Limits, profiles};
use toolforge_render::files::{FileContents, FilePlanFacts, FileProblemKind, plan_files};
use toolforge_render::lint::{LintContext, lint};
use toolforge_render::namespace::Namespace;

use crate::support::context;

const RESOURCES: &str =
    "resources: {limits: {cpu: CPU, memory: 512Mi}, requests: {cpu: 100m, memory: 256Mi}}";
const CONTAINER: &str = "{name: a, image: tools-harbor.wmcloud.org/tool-a/a:1, command: [a], RESOURCES}";

/// Returns the document of an item: a kind, a number of pods, and CPU in halves.
fn document(index: usize, (kind, count, halves): (u8, u8, u8)) -> String {
    let cpu = format!("{}m", u32::from(halves) * 500);
    let container = CONTAINER.replace("RESOURCES", &RESOURCES.replace("CPU", &cpu));
    let template = |restart: &str| {
        format!(
            "{{metadata: {{labels: {{toolforge: tool}}}}, spec: {{restartPolicy: {restart}, containers: [{container}]}}}}"
        )
    };
    let (version, name, spec) = match kind {
        0 => ("apps/v1", "Deployment", {
            let template = template("Always");
            format!(
                "{{replicas: {count}, selector: {{matchLabels: {{toolforge: tool}}}}, template: {template}}}"
            )
        }),
        1 => ("batch/v1", "Job", format!("{{parallelism: {count}, template: {}}}", template("Never"))),
        2 => ("batch/v1", "CronJob", {
            let template = template("Never");
            format!(
                "{{schedule: '5 4 * * *', jobTemplate: {{spec: {{parallelism: {count}, template: {template}}}}}}}"
            )
        }),
        _ => ("v1", "Service", "{ports: [{port: 8000}]}".to_owned()),
    };
    format!("apiVersion: {version}\nkind: {name}\nmetadata: {{name: a{index}}}\nspec: {spec}\n")
}

/// Returns the facts of a namespace in which something is used.
fn facts(used: u64) -> FilePlanFacts {
    let mut limits = Limits::from(profiles::by_name("toolforge-2023").unwrap());
    for quota in &mut limits.quotas {
        let resources: Vec<_> = quota.hard.keys().cloned().collect();
        quota.used.extend(resources.into_iter().map(|resource| (resource, used)));
    }
    FilePlanFacts::new(Namespace::new(&"a".parse().unwrap(), Catalog::bundled()).with_limits(limits))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn verdict_is_that_of_plan_files(
        items in prop::collection::vec((0..4_u8, 0..5_u8, 1..3_u8), 1..6),
        used in 0..3_u64,
        is_live in any::<bool>(),
    ) {
        let documents: Vec<String> =
            items.iter().enumerate().map(|(index, item)| document(index, *item)).collect();
        let text = documents.join("---\n");
        let mut known: LintContext = context("a");
        let facts = facts(if is_live { used } else { 0 });
        if is_live {
            known.facts = Some(facts.clone());
        }
        let findings = lint(&text, &known);
        let found: Vec<_> = findings.iter().filter(|found| found.rule.id() == "exceeds-quota").collect();
        let plan = plan_files(&[FileContents::parse(&text, &"a".parse().unwrap())], &facts);
        let never = plan.problems.iter().any(|problem| matches!(problem.kind, FileProblemKind::NeverFits { .. }));
        prop_assert_eq!(found.is_empty(), plan.set.fits() && !never, "{}\n{:?}", text, found);
        // Each resource is reported once.
        let rows = if plan.set.at_rest.fits() { plan.set.at_peak.shortfalls() } else { plan.set.at_rest.shortfalls() };
        let rows: Vec<String> = rows.map(ToString::to_string).collect();
        let messages = found.iter().map(|found| found.message.as_raw());
        let of_rows = messages
            .filter(|message| !message.contains("never fits") && rows.iter().any(|row| message.ends_with(row)));
        prop_assert_eq!(of_rows.count(), rows.len());
    }
}

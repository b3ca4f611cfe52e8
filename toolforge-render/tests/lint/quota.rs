//! The quota is checked by the code of `quota-check FILE`.

use k8s_openapi::api::apps::v1::Deployment;
use proptest::prelude::*;
use toolforge_images::Catalog;
use toolforge_quota::{Demand, Limits, QuotaCheck, Resource, profiles};
use toolforge_render::files::{FileContents, FilePlanFacts, FileProblemKind, plan_files};
use toolforge_render::job::JobFacts;
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

/// Returns facts in which Deployments exist, by their index, number of pods and CPU in halves, and pods of others.
fn facts_with(deployments: &[(usize, u8, u8)], others: u64) -> FilePlanFacts {
    let facts = facts(0);
    let mut limits = facts.jobs.namespace.limits.clone();
    let mut jobs = JobFacts::new(facts.jobs.namespace.clone());
    let mut used = Demand::from([(Resource::Pods, others)]);
    for (index, replicas, halves) in deployments {
        let text = document(*index, (0, *replicas, *halves));
        let mut live: Deployment = serde_yaml::from_str(&text).unwrap();
        live.metadata.uid = Some(format!("u-{index}"));
        jobs.live.deployments.push(live);
        let (replicas, cpu) = (u64::from(*replicas), u64::from(*halves) * 500);
        used.extend([
            (Resource::Pods, replicas),
            (Resource::LimitsCpu, replicas * cpu),
            (Resource::LimitsMemory, replicas * (512 << 20)),
            (Resource::RequestsCpu, replicas * 100),
            (Resource::RequestsMemory, replicas * (256 << 20)),
            (Resource::Count("deployments.apps".to_owned()), 1),
        ]);
    }
    limits.quotas.iter_mut().for_each(|quota| quota.used = used.clone());
    jobs.namespace.limits = limits;
    FilePlanFacts::with_live(jobs, Vec::new())
}

/// Returns the lines of the items that are named for exceeding the quota, and what they exceed.
fn named(documents: &[String], facts: &FilePlanFacts) -> Vec<(usize, String)> {
    let mut known: LintContext = context("a");
    known.facts = Some(facts.clone());
    let text = documents.join("---\n");
    let found = lint(&text, &known);
    let found = found.iter().filter(|found| found.rule.id() == "quota-exceeded");
    let index = |line: u64| usize::try_from(line / 5).unwrap();
    found.map(|found| (index(found.location.line), found.message.as_raw().to_owned())).collect()
}

/// Returns which resources an array of documents exceeds.
fn exceeded(documents: &[String], facts: &FilePlanFacts) -> (Vec<Resource>, Vec<Resource>) {
    let contents = FileContents::parse(&documents.join("---\n"), &"a".parse().unwrap());
    let set = plan_files(&[contents], facts).set;
    let keys = |check: &QuotaCheck| check.shortfalls().map(|row| row.resource.clone()).collect();
    (keys(&set.at_rest), keys(&set.at_peak))
}

#[test]
fn quota_freed_by_earlier_items_is_not_exceeded() {
    // a1 uses 6 of 10 pods; a0 requests 5, a1 shrinks to 1, and with a2's 6 there are 12.
    let documents = [document(0, (0, 5, 1)), document(1, (0, 1, 1)), document(2, (0, 6, 1))];
    let mut named = named(&documents, &facts_with(&[(1, 6, 1)], 0));
    named.retain(|(_, message)| message.contains("pods: "));
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].0 == 2 && named[0].1.contains("pods: 12 of 10"), "{named:?}");
}

#[test]
fn template_findings_are_at_their_keys() {
    let places = |text: &str| {
        let mut found: Vec<String> = lint(text, &context("a"))
            .iter()
            .map(|found| {
                let message = found.message.as_raw();
                let resource = message.rsplit(": ").nth(1).unwrap_or(message);
                format!("{} {resource}", found.location)
            })
            .collect();
        found.sort();
        found.join("\n")
    };
    insta::assert_snapshot!(places("type: php8.2\ncpu: \"9\"\nmem: 99Gi\nreplicas: 50\n"), @"
    line 2, column 1 CPU
    line 2, column 1 limits.cpu
    line 2, column 1 requests.cpu
    line 3, column 1 limits.memory
    line 3, column 1 memory
    line 3, column 1 requests.memory
    line 4, column 1 pods
    ");
    insta::assert_snapshot!(places("# web\ntype: php8.2\nreplicas: 50\n"), @"
    line 3, column 1 limits.cpu
    line 3, column 1 limits.memory
    line 3, column 1 pods
    line 3, column 1 requests.cpu
    line 3, column 1 requests.memory
    ");
}

#[test]
fn quota_exceeded_at_rest_does_not_name_the_peak() {
    // a0 replaces its pod in addition to nine others, which is too many only during the rollout; a1 is one pod too many at rest.
    let documents = [document(0, (0, 1, 2)), document(1, (0, 1, 1))];
    let named = named(&documents, &facts_with(&[(0, 1, 1)], 9));
    assert_eq!(named.len(), 1, "{named:?}");
    assert!(named[0].0 == 1 && named[0].1.contains("pods: 11 of 10"), "{named:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn names_the_item_that_exceeds_the_quota(
        items in prop::collection::vec((prop_oneof![3 => Just(0_u8), 1 => 1..4_u8], 0..6_u8, 1..3_u8), 1..6),
        live in prop::collection::vec((0..9_u8, 1..3_u8), 0..5),
        others in 0..4_u64,
    ) {
        let documents: Vec<String> =
            items.iter().enumerate().map(|(index, item)| document(index, *item)).collect();
        let live: Vec<(usize, u8, u8)> =
            live.iter().enumerate().map(|(index, (count, halves))| (index, *count, *halves)).collect();
        let facts = facts_with(&live, others);
        for (line, message) in named(&documents, &facts).iter().filter(|(_, message)| !message.contains("never fits")) {
            let is_peak = message.contains("while its pods are replaced");
            let has = |count: usize| {
                let (at_rest, at_peak) = exceeded(&documents[..count], &facts);
                let mut found = at_rest.iter().chain(at_peak.iter().filter(|_| is_peak));
                found.any(|resource| message.contains(&format!("{resource}: ")))
            };
            let expected = (0..documents.len()).rev().find(|count| *count == 0 || !has(*count));
            prop_assert_eq!(Some(*line), expected, "{} {:?} {:?} {}", message, items, live, others);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn verdict_matches_plan_files(
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
        let found: Vec<_> = findings.iter().filter(|found| found.rule.id() == "quota-exceeded").collect();
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

//! The recorded behavior of the platform's Python tools, case by case.
//!
//! Each case of `fixtures/parity/jobs/run` is a command line, and what came of it: an exit code and the objects that were
//! sent. A difference is allowed only by an entry of [`allowed`]; an entry that no case needs fails the test, and so does
//! a case that is not visited. Amounts compare as numbers, rounded up to whole millis and bytes.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use toolforge_images::Catalog;
use toolforge_model::{Cpu, JobRequest, Memory, ToolName};
use toolforge_quota::{LimitRange, Limits};
use toolforge_render::job::{
    JobFacts, JobObjects, JobPlan, JobWorkload, LoadOptions, job_differences, observe_job, plan_load,
};
use toolforge_render::namespace::{Namespace, Platform, limit_range};
use toolforge_render::object::Object;

/// An intended difference: the case (`*` for all), the JSON path, the value of the Python tools, the value here,
/// and why. `null` means absent.
fn allowed() -> Vec<(&'static str, &'static str, Value, Value, &'static str)> {
    let any = || json!("*");
    vec![
        ("*", "kind", Value::Null, any(), "an object that says what it is can be applied by other programs"),
        (
            "oneoff-filelog-custom-absolute",
            "spec.template.spec.containers[0].command[3]",
            json!("exec 1>>/dev/null;exec 2>>/data/project/tf-test/x y.err;./job.sh"),
            json!("exec 1>>/dev/null;exec 2>>'/data/project/tf-test/x y.err';./job.sh"),
            "a path with a space kills the job unless it is quoted",
        ),
        (
            "continuous-publish",
            "exit_code",
            json!(1),
            json!(0),
            "the platform publishes jobs since 30 July 2026; the recorded server is older",
        ),
        ("continuous-publish", "created", json!(0), json!(3), "as before"),
        (
            "err-buildservice-unbalanced-quote",
            "exit_code",
            json!(2),
            json!(1),
            "an unclosed quotation is an invalid request, not a bug of the platform",
        ),
        (
            "err-cpu-over",
            "exit_code",
            json!(1),
            json!(3),
            "what does not fit the limits ends with 3, so that scripts can tell",
        ),
        (
            "err-schedule-dow-range-names",
            "exit_code",
            json!(1),
            json!(0),
            "the API server accepts names in ranges",
        ),
        ("err-schedule-dow-range-names", "created", json!(0), json!(1), "as before"),
        (
            "err-schedule-range-step",
            "exit_code",
            json!(1),
            json!(0),
            "the API server accepts ranges with steps",
        ),
        ("err-schedule-range-step", "created", json!(0), json!(1), "as before"),
        (
            "oneoff-buildservice-shell-ops",
            "metadata.annotations",
            Value::Null,
            json!({"cli.toolforge.org/command": "a && b > c"}),
            "a command as written is kept where the object holds it otherwise",
        ),
    ]
}

/// Spellings that a job's objects do not keep, with the observed ones: names for the same image, and defaults given
/// by hand.
const LOST_SPELLINGS: [&str; 0] = [];

fn tool() -> ToolName {
    "tf-test".parse().unwrap()
}

fn facts() -> JobFacts {
    let catalog =
        Catalog::parse(&toolforge_fixtures::read("parity/jobs/image-config-for-golden.yaml")).unwrap();
    let mut platform = Platform::default();
    platform.build_service_repository = "harbor.example.org".to_owned();
    let limits = json!({
        "metadata": {"name": "tool-tf-test"},
        "spec": {"limits": [{
            "type": "Container",
            "max": {"cpu": "3", "memory": "6Gi"},
            "min": {"cpu": "50m", "memory": "100Mi"},
        }]},
    });
    let limits: LimitRange = limit_range(&serde_json::from_value(limits).unwrap());
    let mut facts = JobFacts::new(Namespace::new(&tool(), catalog).with_uid(52503).with_platform(platform));
    facts.namespace.limits = Limits { limit_ranges: vec![limits], ..Limits::default() };
    facts
}

/// Returns the exit code and the objects of a command line.
fn ours(words: &[&str], facts: &JobFacts) -> (u8, Vec<Value>) {
    let request = match jobs::requested(words.iter().copied(), &tool()) {
        Ok(request) => request,
        Err(failure) => return (failure.exit_code().code(), Vec::new()),
    };
    let plan = plan_load(&[request], facts, &LoadOptions::default());
    if !plan.problems.is_empty() {
        return (1, Vec::new());
    }
    if !plan.fits() {
        return (3, Vec::new());
    }
    (0, plan.set.objects().map(Object::to_json).collect())
}

#[test]
fn command_lines_render_as_recorded() {
    let facts = facts();
    let (mut visited, mut wrong, mut used) = (0, Vec::new(), BTreeMap::<usize, usize>::new());
    for path in toolforge_fixtures::files("parity/jobs/run", ".json") {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        visited += 1;
        let words: Vec<&str> = std::iter::once("jobs")
            .chain(case["argv"].as_array().unwrap().iter().filter_map(Value::as_str))
            .collect();
        let (code, objects) = ours(&words, &facts);
        let created = case["created"].as_array().unwrap();
        let mut differences = Vec::new();
        if case["exit_code"] != json!(code) {
            differences.push(("exit_code".to_owned(), case["exit_code"].clone(), json!(code)));
        }
        if created.len() == objects.len() {
            for (theirs, ours) in created.iter().zip(&objects) {
                assert!(path_of(&theirs["path"]).ends_with(&collection(ours)), "{name}: {}", theirs["path"]);
                compare(&theirs["object"], ours, String::new(), &mut differences);
            }
        } else {
            differences.push(("created".to_owned(), json!(created.len()), json!(objects.len())));
        }
        for (path, theirs, ours) in differences {
            let entry = allowed().iter().position(|(case, allowed, was, is, _)| {
                (*case == "*" || *case == name)
                    && *allowed == path
                    && (*was == json!("*") || *was == theirs)
                    && (*is == json!("*") || *is == ours)
            });
            match entry {
                Some(index) => *used.entry(index).or_default() += 1,
                None => wrong.push(format!("{name}: {path}: python {theirs}, here {ours}")),
            }
        }
    }
    println!("{visited} cases, {} allowed differences", used.values().sum::<usize>());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(visited >= 50, "only {visited} cases were visited");
    for (index, (case, path, ..)) in allowed().iter().enumerate() {
        assert!(used.contains_key(&index), "no case needs the difference of {case} at {path}");
    }
}

/// Returns the collection that a request's path leads to.
fn path_of(path: &Value) -> String {
    path.as_str().unwrap().trim_end_matches("/myjob").to_owned()
}

fn collection(object: &Value) -> String {
    format!("/{}s", object["kind"].as_str().unwrap().to_ascii_lowercase())
}

#[test]
fn recorded_objects_are_observed() {
    let facts = facts();
    let (mut visited, mut lost) = (0, BTreeSet::new());
    for path in toolforge_fixtures::files("parity/jobs/run", ".json") {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let Some(live) = live_job(&case) else { continue };
        visited += 1;
        let observed = observe_job(&live, &facts);
        let again = JobPlan::new(observed.clone(), &facts).unwrap().objects().into_objects();
        let mut differences = Vec::new();
        for (theirs, ours) in
            case["created"].as_array().unwrap().iter().zip(again.iter().map(Object::to_json))
        {
            compare(&theirs["object"], &ours, String::new(), &mut differences);
        }
        // Only a path with a space is quoted here.
        differences.retain(|(path, theirs, ours)| {
            path != "kind"
                && !(path.ends_with(".command[3]")
                    && theirs.as_str().map(|text| text.replace('\'', ""))
                        == ours.as_str().map(|text| text.replace('\'', "")))
        });
        assert!(differences.is_empty(), "{name}: {differences:?}");
        let asked = asked(&case, &facts);
        if let Some(asked) = asked.filter(|asked| !job_differences(&observed, asked).is_empty()) {
            assert!(
                LOST_SPELLINGS.contains(&name.as_str()),
                "{name}: {:?}",
                job_differences(&observed, &asked)
            );
            lost.insert(name);
        }
    }
    println!("{visited} objects, {} lost spellings", lost.len());
    assert!(visited >= 25, "only {visited} cases were visited");
    for name in LOST_SPELLINGS {
        assert!(lost.contains(name), "{name} loses no spelling");
    }
}

/// Returns what the command line of a case asks for, by the image's shortest name.
fn asked(case: &Value, facts: &JobFacts) -> Option<JobRequest> {
    let words =
        std::iter::once("jobs").chain(case["argv"].as_array().unwrap().iter().filter_map(Value::as_str));
    let request = jobs::requested(words, &tool()).ok()?;
    Some(JobPlan::new(request, facts).unwrap().request().clone())
}

fn live_job(case: &Value) -> Option<JobObjects> {
    let created = case["created"].as_array().unwrap();
    let first = created.first()?;
    let object = first["object"].clone();
    let path = first["path"].as_str().unwrap();
    let workload = if path.ends_with("/cronjobs") {
        JobWorkload::Scheduled(serde_json::from_value(object).unwrap())
    } else if path.ends_with("/jobs") {
        JobWorkload::OneOff(serde_json::from_value(object).unwrap())
    } else {
        JobWorkload::Continuous(serde_json::from_value(object).unwrap())
    };
    let name = workload.metadata().name.as_ref().unwrap().parse().unwrap();
    let service = created.get(1).map(|service| serde_json::from_value(service["object"].clone()).unwrap());
    Some(JobObjects { name, workload, service, http_route: None })
}

/// Adds every path at which two values differ: `null`, `false` and an empty list count as absent, amounts compare as
/// numbers.
fn compare(theirs: &Value, ours: &Value, path: String, differences: &mut Vec<(String, Value, Value)>) {
    let is_absent = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match (theirs, ours) {
        (theirs, ours) if theirs == ours || (is_absent(theirs) && is_absent(ours)) => {}
        (Value::Object(left), Value::Object(right)) => {
            let keys: BTreeSet<_> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let side =
                    |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&side(left), &side(right), path, differences);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                compare(left, right, format!("{path}[{index}]"), differences);
            }
        }
        (Value::String(left), Value::String(right))
            if path.ends_with(".cpu") && Cpu::parse_quantity(left) == Cpu::parse_quantity(right) => {}
        (Value::String(left), Value::String(right))
            if path.ends_with(".memory") && Memory::parse_quantity(left) == Memory::parse_quantity(right) => {
        }
        (theirs, ours) => differences.push((path, theirs.clone(), ours.clone())),
    }
}

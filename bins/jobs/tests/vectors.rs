//! The recorded answers of the platform's jobs service to single values.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use serde_json::{Value, json};
use toolforge_images::Catalog;
use toolforge_model::{Cpu, JobName, JobOptions, Memory};
use toolforge_render::job::{JobFacts, JobPlan};
use toolforge_render::namespace::Namespace;
use toolforge_render::pod::PodResources;

fn vectors(key: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(&toolforge_fixtures::read("parity/jobs/vectors.json")).unwrap();
    all[key].as_array().unwrap().clone()
}

/// Returns the bytes to which the platform converts an amount of memory: rounded to thousandths of a Gi.
fn rounded(text: &str) -> u64 {
    Memory::parse_quantity(text).unwrap().bytes()
}

#[test]
fn recorded_names_match_the_platform() {
    let all = vectors("job_names");
    for vector in &all {
        let text = vector["in"].as_str().unwrap();
        assert_eq!(text.parse::<JobName>().is_ok(), vector["ok"] == true, "{text:?}");
    }
    println!("{} names", all.len());
}

#[test]
fn recorded_amounts_give_the_platforms_resources() {
    let facts =
        JobFacts::new(Namespace::new(&"tf-test".parse().unwrap(), Catalog::bundled()).with_uid(52503));
    let (all, mut exact) = (vectors("resources"), 0);
    for vector in &all {
        let options = JobOptions {
            name: Some("myjob".parse().unwrap()),
            command: Some("x".to_owned()),
            image: Some("python3.11".parse().unwrap()),
            memory: vector["mem"].as_str().map(|text| text.parse().unwrap()),
            cpu: vector["cpu"].as_str().map(|text| text.parse().unwrap()),
            ..JobOptions::default()
        };
        let asked = options.memory;
        let plan = JobPlan::new(options.into_request(&facts.namespace.tool).unwrap(), &facts).unwrap();
        let PodResources { limits, requests } = plan.resources();
        let text =
            |kind: &str, dimension: &str| vector["resources"][kind][dimension].as_str().unwrap().to_owned();
        assert_eq!(Cpu::parse_quantity(&text("limits", "cpu")), Ok(limits.cpu), "{vector}");
        assert_eq!(Cpu::parse_quantity(&text("requests", "cpu")), Ok(requests.cpu), "{vector}");
        let theirs = (rounded(&text("limits", "memory")), rounded(&text("requests", "memory")));
        if asked.is_none_or(|asked| theirs.0 == asked.bytes()) {
            exact += 1;
            assert_eq!(theirs, (limits.memory.bytes(), requests.memory.bytes()), "{vector}");
        } else {
            // Only amounts that they round differ here: these are exactly as requested.
            assert_eq!(Some(limits.memory), asked);
            let half_a_thousandth = (1_u64 << 30) / 2000 + 1;
            assert!(theirs.0.abs_diff(limits.memory.bytes()) <= half_a_thousandth, "{vector}");
        }
    }
    println!("{} pairs, {exact} exact there, too", all.len());
    assert!(exact > 0 && exact < all.len());
}

#[test]
fn recorded_amounts_parse_or_have_an_error() {
    /// What the platform reads and this program refuses: amounts that no pod can have.
    const REFUSED: [&str; 5] = ["0", "-1Gi", "100m", ".5", "500m"];
    let all = vectors("quantities");
    for vector in &all {
        let text = vector["in"].as_str().unwrap();
        let memory = text.parse::<Memory>();
        match (vector.get("memory_error"), &memory) {
            (Some(_), Err(_)) => {}
            (None, Ok(memory)) => {
                let theirs = rounded(vector["memory"].as_str().unwrap());
                assert!(theirs.abs_diff(memory.bytes()) <= (1 << 30) / 2000 + 1, "{text}: {theirs} {memory}");
            }
            (None, Err(_)) => {
                assert!(REFUSED.contains(&text) || text == "2500m", "{text:?}");
            }
            (Some(error), Ok(_)) => panic!("{text:?} is read here, and there it is {error}"),
        }
        if vector.get("cpu_error").is_none()
            && let Ok(cpu) = text.parse::<Cpu>()
        {
            let theirs: f64 = vector["cpu"].as_str().unwrap().parse().unwrap();
            assert_eq!(json!(theirs), json!(cpu.millis() as f64 / 1000.0), "{text}");
        }
    }
    println!("{} amounts", all.len());
}

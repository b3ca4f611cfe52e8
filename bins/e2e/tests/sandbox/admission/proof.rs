//! Random pods, their predicted answers and the real ones.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use toolforge_e2e::{Api, Connection, Sandbox};
use toolforge_quota::{Admission, Limits};

use super::answer::{Answer, Verdict, verdict_of};
use super::world::{self, World};
use crate::random::Random;

/// How many pods are sent.
const PODS: usize = 2100;

/// How many namespaces they are sent to.
const WORLDS: usize = 45;

/// How many pods are drawn to find one with the verdict whose turn it is.
const DRAWS: usize = 60;

/// One pod, and where it is sent.
struct Case {
    world: usize,
    pod: Value,
    predicted: Vec<Admission>,
}

impl Case {
    fn is_answered_by(&self, answer: &Answer) -> bool {
        self.predicted.iter().any(|predicted| answer.is(predicted))
    }
}

#[test]
fn random_pods_are_admitted_as_predicted() {
    let seed = std::env::var("TOOLFORGE_E2E_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(2026);
    let mut random = Random::new(seed);
    let api = Api::of(&Sandbox::for_tests());
    let mut connection = api.connect();
    world::create_classes(&mut connection);
    let worlds: Vec<World> = (0..WORLDS).map(|number| World::new(&mut random, number)).collect();
    let limits = world::create(&worlds, &mut connection);
    let cases = cases(&mut random, &limits);
    let mut answers: Vec<Answer> = send(&api, &worlds, &cases);
    // The cluster recounts all quotas every five minutes, which overwrites the usage that was set.
    for (case, answer) in cases.iter().zip(&mut answers) {
        if !case.is_answered_by(answer) {
            world::set_used(&worlds[case.world], &mut connection);
            *answer = create(&mut connection, &worlds, case);
        }
    }
    world::delete(&worlds, &mut connection);

    let mut histogram: BTreeMap<Verdict, usize> = BTreeMap::new();
    let mut several = 0;
    let mut wrong = Vec::new();
    for (case, answer) in cases.iter().zip(&answers) {
        *histogram.entry(answer.verdict()).or_default() += 1;
        several += usize::from(case.predicted.len() > 1);
        if !case.is_answered_by(answer) {
            wrong.push(format!(
                "in {}: {}\npredicted: {:?}\nanswered: {answer:?}",
                worlds[case.world], case.pod["spec"], case.predicted
            ));
        }
    }
    println!(
        "seed {seed}, {} pods in {WORLDS} namespaces, {several} with several possible answers",
        cases.len()
    );
    for (verdict, count) in &histogram {
        println!("{verdict:?}: {count} ({} %)", count * 100 / cases.len());
    }
    println!("{} disagreements", wrong.len());
    assert!(
        wrong.is_empty(),
        "{} disagreements, the first ones:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(10)].join("\n\n")
    );
    for verdict in Verdict::ALL {
        let count = histogram.get(&verdict).copied().unwrap_or(0);
        assert!(count * 100 >= cases.len() * 15, "only {count} pods are {verdict:?}");
    }
}

/// Returns random pods; every verdict has its turn.
fn cases(random: &mut Random, limits: &[Limits]) -> Vec<Case> {
    let mut cases = Vec::new();
    for number in 0..PODS {
        let wanted = Verdict::ALL[number % Verdict::ALL.len()];
        let drawn = (0..DRAWS).find_map(|draw| {
            let case = draw_case(random, limits);
            (draw + 1 == DRAWS || verdict_of(&case.predicted[0]) == wanted).then_some(case)
        });
        cases.extend(drawn);
    }
    cases
}

fn draw_case(random: &mut Random, limits: &[Limits]) -> Case {
    let world = random.below(limits.len());
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": world::pod_spec(random),
    });
    let spec = serde_json::from_value(pod["spec"].clone()).unwrap();
    let predicted = limits[world].admissions(&toolforge_render::pod::stated_pod(&spec));
    Case { world, pod, predicted }
}

/// Sends pods over two connections, and returns the answers in their order.
fn send(api: &Api, worlds: &[World], cases: &[Case]) -> Vec<Answer> {
    let half = cases.len() / 2;
    let all = |cases: &[Case]| {
        let mut connection = api.connect();
        cases.iter().map(|case| create(&mut connection, worlds, case)).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| all(&cases[..half]));
        let second = all(&cases[half..]);
        first.join().unwrap().into_iter().chain(second).collect()
    })
}

fn create(connection: &mut Connection, worlds: &[World], Case { world, pod, .. }: &Case) -> Answer {
    let path = format!("/api/v1/namespaces/{}/pods?dryRun=All", worlds[*world].namespace);
    let (code, body) = connection.request("POST", &path, pod);
    Answer::of(code, &body)
}

//! Adoptions: what becomes of the object.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use serde_json::{Value, json};
use toolforge_client::scripted::{Answer, Requests, Script};
use toolforge_client::{AdoptionOutcome, ApplyError, ApplyOptions, Attempt, LostReason};
use toolforge_images::Catalog;
use toolforge_model::ToolName;
use toolforge_render::change::ChangeSet;
use toolforge_render::convert::{plan_adoption, resume_adoption};
use toolforge_render::job::{FoundWorkload, JobFacts, JobObjects, WorkloadRef};
use toolforge_render::namespace::Namespace;

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/tool-x/deployments";

fn tool() -> ToolName {
    "x".parse().unwrap()
}

/// Returns a Deployment that no tool manages and whose selector no job has.
fn deployment(uid: &str) -> Value {
    let labels = json!({"name": "bot"});
    let image = Catalog::bundled().newest_for_jobs("bookworm").unwrap().job.clone();
    json!({
        "metadata": {"name": "bot", "namespace": "tool-x", "uid": uid, "resourceVersion": "5"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "bot", "image": image, "command": ["./bot"]}]},
            },
        },
    })
}

fn facts(deployments: &[Value]) -> JobFacts {
    let mut facts = JobFacts::new(Namespace::new(&tool(), Catalog::bundled()).with_uid(52503));
    facts.live.deployments =
        deployments.iter().map(|object| serde_json::from_value(object.clone()).unwrap()).collect();
    facts
}

struct Planned {
    set: ChangeSet,
    object: JobObjects,
}

impl AsRef<ChangeSet> for Planned {
    fn as_ref(&self) -> &ChangeSet {
        &self.set
    }
}

/// Adopts `deployment/bot`, for which each attempt finds one of the given lists, and returns the outcome of each deleted object.
async fn adopt(found: &[&[Value]], is_refused: bool, script: Script) -> (bool, Vec<String>, Requests) {
    let (client, requests) = script.client();
    let planner = async |attempt: &Attempt| {
        let index = usize::try_from(attempt.earlier_attempts).unwrap();
        if is_refused && index > 0 {
            return Err(ApplyError::Interrupted);
        }
        let facts = facts(found[index.min(found.len() - 1)]);
        let name: WorkloadRef = "bot".parse().unwrap();
        let (object, adoption) = match (facts.live.find(&tool(), &name), &attempt.deleted) {
            (Ok(FoundWorkload::Job(job)), _) => (*job.clone(), plan_adoption(&job, &facts)),
            (_, Some(job)) => (job.clone(), resume_adoption(job, &facts)),
            _ => return Err(ApplyError::Interrupted),
        };
        Ok(Planned { set: adoption.unwrap().set, object })
    };
    let (result, deleted) =
        client.adopt(&tool(), ApplyOptions::default(), &planner, |planned: &Planned| &planned.object).await;
    let is_done = result.is_ok_and(|applied| applied.report.is_done());
    let outcomes = deleted.iter().map(|deleted| {
        let uid = deleted.object.workload.metadata().uid.clone().unwrap();
        let outcome = match &deleted.outcome {
            AdoptionOutcome::Lost(LostReason::Request(error)) => format!("lost: {error}"),
            outcome => format!("{outcome:?}"),
        };
        format!("{uid} {} {outcome}", if deleted.is_accepted { "deleted" } else { "perhaps deleted" })
    });
    (is_done, outcomes.collect(), requests)
}

/// Returns answers in which the deletion is done at once, and these to the creations after the check.
fn script(creations: &[Answer]) -> Script {
    let post = format!("POST {DEPLOYMENTS}");
    let list = Answer::json(200, &json!({"metadata": {"resourceVersion": "10"}, "items": []}));
    let script = Script::new()
        .answer(&format!("DELETE {DEPLOYMENTS}/bot"), Answer::json(200, &json!({})))
        .answer(&format!("GET {DEPLOYMENTS}"), list.clone())
        .answer("GET /api/v1/namespaces/tool-x/pods", list)
        .answer(&post, taken());
    creations.iter().fold(script, |script, answer| script.answer(&post, answer.clone()))
}

fn created() -> Answer {
    Answer::json(201, &json!({"metadata": {"uid": "job"}}))
}

fn taken() -> Answer {
    Answer::refusal(409, "AlreadyExists", "deployments.apps \"bot\" already exists")
}

fn refused() -> Answer {
    Answer::refusal(403, "Forbidden", "admission webhook \"policy\" denied the request: no")
}

fn gone() -> Answer {
    Answer::not_found("deployments.apps", "bot")
}

fn in_place(script: Script, answer: Answer) -> Script {
    script.answer(&format!("GET {DEPLOYMENTS}/bot"), answer)
}

#[tokio::test(start_paused = true)]
async fn adopted_object_is_a_job() {
    let (is_done, outcomes, _) = adopt(&[&[deployment("one")]], false, script(&[created()])).await;
    assert!(is_done);
    assert_eq!(outcomes, ["one deleted Job"]);
    // The second attempt continues with the creation.
    let script = script(&[taken(), created()]);
    let (is_done, outcomes, _) = adopt(&[&[deployment("one")], &[]], false, script).await;
    assert!(is_done);
    assert_eq!(outcomes, ["one deleted Job"]);
}

#[tokio::test(start_paused = true)]
async fn object_without_a_job_is_recreated() {
    let script = in_place(script(&[refused(), created()]), gone());
    let (is_done, outcomes, requests) = adopt(&[&[deployment("one")]], false, script).await;
    assert!(!is_done);
    assert_eq!(outcomes, ["one deleted Recreated"]);
    assert_eq!(requests.writes().matches("POST").count(), 3, "{requests}");
}

#[tokio::test(start_paused = true)]
async fn refused_deletion_has_no_outcome() {
    let conflict = Answer::refusal(409, "Conflict", "the resourceVersion in the precondition does not match");
    let script = Script::new()
        .answer(&format!("POST {DEPLOYMENTS}"), taken())
        .answer(&format!("DELETE {DEPLOYMENTS}/bot"), conflict);
    let (is_done, outcomes, requests) = adopt(&[&[deployment("one")], &[]], false, script).await;
    assert!(!is_done);
    assert_eq!(outcomes, [""; 0]);
    assert_eq!(requests.count(), 2, "{requests}");
}

#[tokio::test(start_paused = true)]
async fn object_whose_name_is_taken_is_lost() {
    let other = json!({"metadata": {"name": "bot", "uid": "two"}});
    // Somebody creates another object, and the second attempt is refused.
    let again = in_place(script(&[taken()]), Answer::json(200, &other));
    let (is_done, outcomes, requests) = adopt(&[&[deployment("one")]], true, again).await;
    assert!(!is_done);
    assert_eq!(outcomes, ["one deleted Lost(NameTaken)"]);
    assert_eq!(requests.writes().matches("POST").count(), 2, "{requests}");
    // The second attempt turns the other object into the job.
    let script = script(&[taken(), taken(), created()]);
    let (is_done, outcomes, _) = adopt(&[&[deployment("one")], &[deployment("two")]], false, script).await;
    assert!(is_done);
    assert_eq!(outcomes, ["one deleted Lost(NameTaken)", "two deleted Job"]);
}

#[tokio::test(start_paused = true)]
async fn lost_answer_to_a_creation_may_be_a_job() {
    let labels = json!({
        "toolforge": "tool",
        "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
        "app.kubernetes.io/created-by": "x",
    });
    let job = Answer::json(200, &json!({"metadata": {"name": "bot", "uid": "job", "labels": labels}}));
    let lost = in_place(script(&[Answer::lost()]), job.clone());
    let (_, outcomes, _) = adopt(&[&[deployment("one")]], false, lost).await;
    assert_eq!(outcomes, ["one deleted Job"]);
    // A job that somebody else has created is not the object's.
    let refused = in_place(script(&[refused()]), job);
    let (_, outcomes, _) = adopt(&[&[deployment("one")]], false, refused).await;
    assert_eq!(outcomes, ["one deleted Lost(NameTaken)"]);
}

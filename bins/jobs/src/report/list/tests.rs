use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use toolforge_images::Catalog;
use toolforge_model::ToolName;
use toolforge_render::job::{JobFacts, JobPlan};
use toolforge_render::namespace::{Documents, Namespace};
use toolforge_render::object::Object;

use super::{ListedJob, cells, hints, list, show};
use crate::arguments::JobsFormat;

const UID: i64 = 52503;

fn tool() -> ToolName {
    "stashbot".parse().unwrap()
}

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

/// Lays one value over another, field by field.
fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

/// Returns the objects of the job that `toolforge jobs run` with some words and a command makes, with what the cluster adds to its
/// workload.
fn objects(words: &str, command: &str, added: Value) -> Vec<Value> {
    let words = ["jobs", "run", "--command", command].into_iter().chain(words.split_whitespace());
    let request = crate::requested(words, &tool()).unwrap();
    let facts = JobFacts::new(Namespace::new(&tool(), Catalog::bundled()).with_uid(UID));
    let objects = JobPlan::new(request, &facts).unwrap().objects().into_objects();
    let mut objects: Vec<Value> = objects.iter().map(Object::to_json).collect();
    let is_workload =
        |object: &&mut Value| matches!(object["kind"].as_str(), Some("Deployment" | "CronJob" | "Job"));
    merge(objects.iter_mut().find(is_workload).unwrap(), added);
    objects
}

fn pod(job: &str, status: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": format!("{job}-1"),
            "labels": {"app.kubernetes.io/managed-by": "toolforge-jobs-framework", "app.kubernetes.io/name": job},
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": job, "uid": format!("uid-{job}")}],
        },
        "status": status,
    })
}

fn jobs(objects: &[Value]) -> Vec<ListedJob> {
    let mut documents = Documents::default();
    documents.read("test", &json!({"kind": "List", "items": objects}).to_string()).unwrap();
    ListedJob::all(&documents.job_facts(documents.namespace(&tool()).unwrap().with_uid(UID)).unwrap(), now())
}

/// Returns a continuous job that runs.
fn bot() -> Vec<Value> {
    let mut objects = objects(
        "bot --image python3.13 --continuous --cpu 0.2 --port 8080 --publish --health-check-http /healthz
         --replicas 2 --emails onfailure --env A=b",
        "./bot.py",
        json!({
            "metadata": {"creationTimestamp": "2026-11-24T12:00:00Z", "generation": 1},
            "status": {"observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 2},
        }),
    );
    objects.push(pod(
        "bot",
        &json!({"phase": "Running", "containerStatuses": [{
            "name": "job", "image": "i", "imageID": "", "ready": true, "restartCount": 3,
            "state": {"running": {"startedAt": "2026-11-25T09:57:55Z"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-25T09:57:00Z"}},
        }]}),
    ));
    objects
}

/// Returns a scheduled job whose last runs were missed.
fn daily() -> Vec<Value> {
    let mut objects = objects(
        "daily --image node12 --schedule @daily --retry 2 --timeout 60 --mem 1Gi --no-filelog",
        "one\ntwo\u{1b}[2J",
        json!({
            "metadata": {"creationTimestamp": "2026-11-01T00:00:00Z", "uid": "uid-daily"},
            "status": {"lastScheduleTime": "2026-11-23T05:00:00Z", "lastSuccessfulTime": "2026-11-23T05:10:00Z"},
        }),
    );
    objects.push(json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "daily.1"},
        "involvedObject": {"kind": "CronJob", "name": "daily", "uid": "uid-daily"},
        "reason": "FailedCreate", "lastTimestamp": "2026-11-25T12:00:00Z",
        "message": "jobs.batch \"daily-1\" is forbidden: exceeded quota: tool-stashbot, requested: count/jobs.batch=1, used: count/jobs.batch=15, limited: count/jobs.batch=15",
    }));
    objects
}

/// Returns a one-off job that was killed.
fn once() -> Vec<Value> {
    let mut objects = objects(
        "once --image tool-stashbot/once:latest --retry 1",
        "once 'a b'",
        json!({
            "metadata": {"creationTimestamp": "2026-11-25T11:00:00Z", "uid": "uid-once"},
            "status": {"failed": 1, "conditions": [{
                "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded",
                "lastTransitionTime": "2026-11-25T11:30:00Z",
            }]},
        }),
    );
    objects.push(pod(
        "once",
        &json!({"phase": "Failed", "containerStatuses": [{
            "name": "job", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-25T11:29:59Z"}},
        }]}),
    ));
    objects
}

/// Returns a continuous job whose image is not there.
fn lost() -> Vec<Value> {
    let mut objects = objects(
        "lost --image tool-stashbot/lost:latest --continuous",
        "web",
        json!({
            "metadata": {"creationTimestamp": "2026-11-25T11:59:00Z", "generation": 1},
            "status": {"observedGeneration": 1, "replicas": 1, "unavailableReplicas": 1, "updatedReplicas": 1},
        }),
    );
    objects.push(pod(
        "lost",
        &json!({"phase": "Pending", "containerStatuses": [{
            "name": "job", "image": "tools-harbor.wmcloud.org/tool-stashbot/lost:latest", "imageID": "", "ready": false,
            "restartCount": 0, "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"tools-harbor.wmcloud.org/tool-stashbot/lost:latest\""}},
        }]}),
    ));
    objects
}

fn all() -> Vec<ListedJob> {
    jobs(&[once(), daily(), bot()].concat())
}

fn listed(format: JobsFormat) -> String {
    list(&all(), Vec::new(), now(), format).unwrap().text
}

#[test]
fn list_matches_the_platforms() {
    insta::assert_snapshot!(listed(JobsFormat::Normal), @"
    +-----------+-------------------+------------------------------------------------------------------------------------+
    | Job name: |     Job type:     |                                      Status:                                       |
    +-----------+-------------------+------------------------------------------------------------------------------------+
    |    bot    |    continuous     |      Running for 2h2m5s: restarted 3 times, last terminated with exit code 1       |
    |   daily   | scheduled: @daily | Waiting for 2d6h50m: next run in 11h43m; 2 runs were missed: the quota was reached |
    |   once    |      one-off      |            Failed for 30m: killed for using more memory than its limit             |
    +-----------+-------------------+------------------------------------------------------------------------------------+
    ");
    insta::assert_snapshot!(listed(JobsFormat::Long), @r"
    +-----------+--------------+-------------------+---------------------------+----------+---------------------------------+-----------+--------------------------------+--------------------------------+-----------+--------------------------+-----------+---------+----------------+----------+----------------+------------------------------------------------------------------------------------+
    | Job name: |   Command:   |     Job type:     |          Image:           |  Port:   |             Public:             | File log: |          Output log:           |           Error log:           |  Emails:  |        Resources:        | Replicas: | Mounts: |     Retry:     | Timeout: | Health check:  |                                      Status:                                       |
    +-----------+--------------+-------------------+---------------------------+----------+---------------------------------+-----------+--------------------------------+--------------------------------+-----------+--------------------------+-----------+---------+----------------+----------+----------------+------------------------------------------------------------------------------------+
    |    bot    |   ./bot.py   |    continuous     |        python3.13         | 8080/tcp | https://stashbot.toolforge.org/ |    yes    | /data/project/stashbot/bot.out | /data/project/stashbot/bot.err | onfailure |  mem: default, cpu: 0.2  |     2     |   all   |      N/A       |   N/A    | http: /healthz |      Running for 2h2m5s: restarted 3 times, last terminated with exit code 1       |
    |   daily   |     one      | scheduled: @daily |    node12 (deprecated)    |   N/A    |               N/A               |    no     |                                |                                |   none    | mem: 1.0Gi, cpu: default |    N/A    |   all   | yes: 2 time(s) | yes: 60s |      N/A       | Waiting for 2d6h50m: next run in 11h43m; 2 runs were missed: the quota was reached |
    |           | two\u{1b}[2J |                   |                           |          |                                 |           |                                |                                |           |                          |           |         |                |          |                |                                                                                    |
    |   once    |  once 'a b'  |      one-off      | tool-stashbot/once:latest |   N/A    |               N/A               |    no     |                                |                                |   none    |         default          |    N/A    |  none   | yes: 1 time(s) |   N/A    |      N/A       |            Failed for 30m: killed for using more memory than its limit             |
    +-----------+--------------+-------------------+---------------------------+----------+---------------------------------+-----------+--------------------------------+--------------------------------+-----------+--------------------------+-----------+---------+----------------+----------+----------------+------------------------------------------------------------------------------------+
    ");
    assert_eq!(listed(JobsFormat::Name), "bot\ndaily\nonce\n");
    for format in
        [JobsFormat::Normal, JobsFormat::Long, JobsFormat::Name, JobsFormat::Table, JobsFormat::Wide]
    {
        assert_eq!(list(&[], Vec::new(), now(), format).unwrap().text, "");
    }
}

#[test]
fn our_own_tables_have_no_borders() {
    insta::assert_snapshot!(listed(JobsFormat::Table), @"
    NAME   TYPE               STATUS
    bot    continuous         Running for 2h2m5s: restarted 3 times, last terminated with exit code 1
    daily  scheduled: @daily  Waiting for 2d6h50m: next run in 11h43m; 2 runs were missed: the quota was reached
    once   one-off            Failed for 30m: killed for using more memory than its limit
    ");
    insta::assert_snapshot!(listed(JobsFormat::Wide), @"
    NAME   TYPE        IMAGE                      CPU      MEMORY   SCHEDULE OR PORT  RETRY  LOGS                                                            STATUS
    bot    continuous  python3.13                 200m     default  8080/tcp                 /data/project/stashbot/bot.out, /data/project/stashbot/bot.err  Running for 2h2m5s: restarted 3 times, last terminated with exit code 1
    daily  scheduled   node12 (deprecated)        default  1Gi      @daily            2      pod                                                             Waiting for 2d6h50m: next run in 11h43m; 2 runs were missed: the quota was reached
    once   one-off     tool-stashbot/once:latest  default  default                    1      pod                                                             Failed for 30m: killed for using more memory than its limit
    ");
}

#[test]
fn first_exit_is_named() {
    let status = |ready: u32, state: &Value| {
        let mut objects = bot();
        objects[0]["status"]["readyReplicas"] = ready.into();
        let pod = objects.last_mut().unwrap();
        let container = &mut pod["status"]["containerStatuses"][0];
        container["lastState"] = json!({});
        (container["ready"], container["restartCount"]) = (false.into(), 0.into());
        container["state"] = state.clone();
        let [.., line] = cells::wide(&jobs(&objects)[0], now());
        line.split_once(": ").unwrap().1.to_owned()
    };
    let ended = |code: i32| json!({"terminated": {"exitCode": code, "reason": "Error", "finishedAt": "2026-11-25T11:59:50Z"}});
    assert_eq!(status(0, &ended(3)), "terminated with exit code 3; will be restarted");
    assert_eq!(status(0, &ended(0)), "terminated with exit code 0; will be restarted");
    assert_eq!(status(1, &ended(3)), "1 of 2 pods ready; terminated with exit code 3; will be restarted");
    assert_eq!(status(0, &json!({"waiting": {"reason": "ContainerCreating"}})), "starting");
}

#[test]
fn every_field_of_a_job_is_shown() {
    let shown = |format| show(&jobs(&bot())[0], now(), format, None).unwrap().text;
    insta::assert_snapshot!(shown(JobsFormat::Table), @"
    +---------------+-------------------------------------------------------------------------+
    | Job name:     | bot                                                                     |
    +---------------+-------------------------------------------------------------------------+
    | Command:      | ./bot.py                                                                |
    +---------------+-------------------------------------------------------------------------+
    | Job type:     | continuous                                                              |
    +---------------+-------------------------------------------------------------------------+
    | Image:        | python3.13                                                              |
    +---------------+-------------------------------------------------------------------------+
    | Port:         | 8080/tcp                                                                |
    +---------------+-------------------------------------------------------------------------+
    | Public:       | https://stashbot.toolforge.org/                                         |
    +---------------+-------------------------------------------------------------------------+
    | File log:     | yes                                                                     |
    +---------------+-------------------------------------------------------------------------+
    | Output log:   | /data/project/stashbot/bot.out                                          |
    +---------------+-------------------------------------------------------------------------+
    | Error log:    | /data/project/stashbot/bot.err                                          |
    +---------------+-------------------------------------------------------------------------+
    | Emails:       | onfailure                                                               |
    +---------------+-------------------------------------------------------------------------+
    | Resources:    | mem: default, cpu: 0.2                                                  |
    +---------------+-------------------------------------------------------------------------+
    | Replicas:     | 2                                                                       |
    +---------------+-------------------------------------------------------------------------+
    | Mounts:       | all                                                                     |
    +---------------+-------------------------------------------------------------------------+
    | Retry:        | N/A                                                                     |
    +---------------+-------------------------------------------------------------------------+
    | Timeout:      | N/A                                                                     |
    +---------------+-------------------------------------------------------------------------+
    | Health check: | http: /healthz                                                          |
    +---------------+-------------------------------------------------------------------------+
    | Status:       | Running for 2h2m5s: restarted 3 times, last terminated with exit code 1 |
    +---------------+-------------------------------------------------------------------------+
    | Hints:        | Last termination: terminated with exit code 1, 2026-11-25 09:57:00      |
    |               | UTC.                                                                    |
    +---------------+-------------------------------------------------------------------------+
    ");
    assert_eq!(shown(JobsFormat::Name), "bot\n");
}

#[test]
fn status_hints_name_the_next_command() {
    let hinted = |objects: &[Value]| {
        let job = &jobs(objects)[0];
        hints(
            &job.status,
            crate::advice::Asked {
                verb: crate::advice::AdvisingVerb::Show,
                ..crate::advice::Asked::from(&job.request)
            },
        )
    };
    insta::assert_snapshot!(hinted(&daily()), @r#"
    Previous run: 2026-11-23 05:00:00 UTC.
    Next run: 2026-11-25 23:43:00 UTC.
    Missed: 2 runs, the last at 2026-11-24 23:43:00 UTC; a run exceeded
    the quota: jobs.batch "daily-1" is forbidden: exceeded quota:
    tool-stashbot, requested: count/jobs.batch=1, used:
    count/jobs.batch=15, limited: count/jobs.batch=15.
    `toolforge jobs quota` shows the usage; delete jobs that are not
    needed, or request more: https://w.wiki/6YLP.
    "#);
    insta::assert_snapshot!(hinted(&once()), @"
    Last termination: killed for using more memory than its limit,
    2026-11-25 11:29:59 UTC.
    Increase the memory limit: set a larger `mem` in its file and run
    `toolforge jobs load FILE`; or delete it, `toolforge jobs delete
    once`, and run it again with a larger `--mem`. `quota-check what-if
    once` shows how much fits.
    ");
    insta::assert_snapshot!(hinted(&lost()), @r#"
    Image "tools-harbor.wmcloud.org/tool-stashbot/lost:latest" cannot be
    pulled.
    Pod lost-1: Back-off pulling image
    "tools-harbor.wmcloud.org/tool-stashbot/lost:latest"
    Check that the image exists and its name is correct; `toolforge jobs
    delete lost` stops the attempts.
    "#);
    let mut suspended = daily();
    suspended.truncate(1);
    suspended[0]["spec"]["suspend"] = true.into();
    insta::assert_snapshot!(hinted(&suspended), @"
    Previous run: 2026-11-23 05:00:00 UTC.
    Run `toolforge jobs resume daily` to resume its schedule.
    ");
    assert_eq!(hinted(&objects("fresh --image bookworm", "x", json!({}))), "N/A");
}

#[test]
fn unknown_images_are_marked() {
    let mut objects = objects("old --image bookworm", "x", json!({}));
    let image = "docker-registry.tools.wmflabs.org/gone\u{1b}[2J";
    objects[0]["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
    let cells = cells::wide(&jobs(&objects)[0], now());
    assert_eq!(cells[2], r"docker-registry.tools.wmflabs.org/gone\u{1b}[2J (unknown)");
}

#[test]
fn json_shows_every_field_of_a_job() {
    let answer = list(&jobs(&bot()), Vec::new(), now(), JobsFormat::Json).unwrap();
    insta::assert_snapshot!(answer.value, @r#"{"apiVersion":"cli.toolforge.org/v1","jobs":[{"command":"./bot.py","cpu":"200m","cronExpression":null,"emails":"onfailure","environment":{"A":"b"},"fileLog":{"enabled":true,"stderr":"/data/project/stashbot/bot.err","stdout":"/data/project/stashbot/bot.out"},"healthCheck":{"http":"/healthz","script":null},"image":"python3.13","imageState":"current","managed":true,"memory":null,"mount":"all","name":"bot","port":"8080/tcp","publicUrl":"https://stashbot.toolforge.org/","replicas":2,"retry":null,"schedule":null,"status":{"causes":[],"lastTermination":{"code":"exit-code","exitCode":1,"finished":"2026-11-25T09:57:00Z","message":"terminated with exit code 1","pod":"bot-1","reason":"Error"},"missed":null,"nextRun":null,"previousRun":null,"ready":2,"restarts":3,"short":"running","since":"2026-11-25T09:57:55Z","state":"running"},"timeout":null,"type":"continuous"}],"kind":"JobList","unmanaged":[]}"#);
    let answer = show(&jobs(&daily())[0], now(), JobsFormat::Json, None).unwrap();
    insta::assert_snapshot!(answer.value, @r#"{"apiVersion":"cli.toolforge.org/v1","command":"one\ntwo\u001b[2J","cpu":null,"cronExpression":"43 23 * * *","emails":"none","environment":{},"fileLog":{"enabled":false,"stderr":null,"stdout":null},"healthCheck":null,"image":"node12","imageState":"deprecated","kind":"Job","managed":true,"memory":"1Gi","mount":"all","name":"daily","port":null,"publicUrl":null,"replicas":null,"retry":2,"schedule":"@daily","status":{"causes":[],"lastTermination":null,"missed":{"code":"quota-exceeded","count":2,"last":"2026-11-24T23:43:00Z","message":"a run exceeded the quota: jobs.batch \"daily-1\" is forbidden: exceeded quota: tool-stashbot, requested: count/jobs.batch=1, used: count/jobs.batch=15, limited: count/jobs.batch=15"},"nextRun":"2026-11-25T23:43:00Z","previousRun":"2026-11-23T05:00:00Z","ready":null,"restarts":0,"short":"pending","since":"2026-11-23T05:10:00Z","state":"waiting"},"timeout":60,"type":"scheduled"}"#);
    let answer = show(&jobs(&lost())[0], now(), JobsFormat::Json, None).unwrap();
    insta::assert_snapshot!(answer.value["status"], @r#"{"causes":[{"clusterMessage":"Back-off pulling image \"tools-harbor.wmcloud.org/tool-stashbot/lost:latest\"","code":"image-pull","message":"image \"tools-harbor.wmcloud.org/tool-stashbot/lost:latest\" cannot be pulled","name":"lost-1","objectKind":"Pod"}],"lastTermination":null,"missed":null,"nextRun":null,"previousRun":null,"ready":0,"restarts":0,"short":"failed","since":"2026-11-25T11:59:00Z","state":"failing"}"#);
}

#[test]
fn hint_of_a_failed_run_names_its_output() {
    let hinted = |options: &str| {
        let status =
            json!({"lastScheduleTime": "2026-11-25T05:00:00Z", "lastSuccessfulTime": "2026-11-24T05:10:00Z"});
        let found = json!({"metadata": {"creationTimestamp": "2026-11-01T00:00:00Z", "uid": "uid"}, "status": status});
        let job =
            &jobs(&objects(&format!("nightly --image bookworm --schedule @daily {options}"), "x", found))[0];
        hints(&job.status, crate::advice::Asked::from(&job.request)).replace('\n', " ")
    };
    let files = hinted("--filelog");
    assert!(
        files.contains("The pod of the last run, which has the reason, is deleted 30 seconds after"),
        "{files}"
    );
    assert!(files.contains("nightly.err") && files.ends_with("shows its output."), "{files}");
    let none = hinted("--no-filelog");
    assert!(
        none.ends_with("`toolforge jobs logs nightly --follow` shows the output of the next one."),
        "{none}"
    );
}

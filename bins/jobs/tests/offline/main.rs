//! The program itself, without a cluster: facts from files, objects for whoever snapshots them, and the errors.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

mod convert;
mod notes;
mod options;
mod plan;
mod refused;

use std::path::PathBuf;
use std::process::{Command, Output};

use insta::assert_snapshot;
use serde_json::{Value, json};
use toolforge_fixtures::document_on_stderr;

const JOBS: &str = "\
- name: bot
  command: ./bot.py --verbose
  image: python3.11
  continuous: true
  port: 8000
  health-check-http: /healthz
  env: {LANG: C.UTF-8}
- name: daily
  command: ./daily.sh
  image: bookworm
  schedule: '@daily'
  mem: 1Gi
  retry: 2
- name: once
  command: process 'a b'
  image: tool-tf-test/web:v2
";

/// A file of a test's own.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, text: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("toolforge-jobs-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("jobs.yaml"), text).unwrap();
        Self(directory)
    }

    /// Writes a quota of one resource to `quota.json`.
    fn write_quota(&self, resource: &str, hard: &str, used: &str) {
        let quota = json!({
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "q"},
            "status": {"hard": {resource: hard}, "used": {resource: used}},
        });
        std::fs::write(self.0.join("quota.json"), quota.to_string()).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn jobs(directory: &Scratch, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobs"));
    command.args(words).current_dir(&directory.0).env_clear().env("HOME", "/nonexistent");
    command.output().unwrap()
}

/// Returns the exit code and the output, standard output first.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("[exit {}]\n{}{}", output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// The options of verbs that do not render jobs.
const TOOL: [&str; 2] = ["--tool", "tf-test"];

/// The options of verbs that render jobs.
const OFFLINE: [&str; 4] = ["--tool", "tf-test", "--uid", "52503"];

#[test]
fn file_is_rendered_without_a_cluster() {
    let directory = Scratch::new("render", JOBS);
    let yaml = said(&jobs(&directory, &[&["render", "jobs.yaml"], &OFFLINE[..]].concat()));
    assert_snapshot!(yaml);
    let json = jobs(&directory, &[&["render", "jobs.yaml", "--output", "json"], &OFFLINE[..]].concat());
    let list: Value = serde_json::from_slice(&json.stdout).unwrap();
    let kinds: Vec<&str> =
        list["items"].as_array().unwrap().iter().filter_map(|item| item["kind"].as_str()).collect();
    assert_eq!(
        (list["kind"].as_str(), kinds),
        (Some("List"), vec!["Deployment", "Service", "CronJob", "Job"])
    );
    // The rendered objects, read as facts, match the file.
    std::fs::write(
        directory.0.join("live.yaml"),
        jobs(&directory, &[&["render", "jobs.yaml"], &OFFLINE[..]].concat()).stdout,
    )
    .unwrap();
    let plan =
        jobs(&directory, &["plan", "jobs.yaml", "--tool", "tf-test", "--from", "live.yaml", "--exit-code"]);
    assert_snapshot!(said(&plan), @"
    [exit 0]
    keep bot, daily, once
    nothing would change
    a restart of bot would replace the pods; whether there would be downtime is not known
    ");
}

#[test]
fn render_accepts_the_options_of_run() {
    let directory = Scratch::new("one", "");
    let line = ["render", "once", "--image", "bookworm", "--command", "true"];
    let one = jobs(&directory, &[&line[..], &OFFLINE[..]].concat());
    assert!(said(&one).starts_with("[exit 0]\n---\napiVersion: batch/v1\nkind: Job\n"), "{}", said(&one));
    // The user that it runs as is never guessed.
    let refused = said(&jobs(&directory, &[&line[..], &["--tool", "tf-test"]].concat()));
    assert!(refused.starts_with("[exit 1]\nerror: a job runs as the tool's user"), "{refused}");
}

#[test]
fn crontab_is_converted_without_a_cluster() {
    let crontab = "*/5 * * * * jsub -N watch -once -mem 300m ./watch.py\n@reboot ./start.sh\n";
    let directory = Scratch::new("convert", crontab);
    let shown = |words: &[&str]| said(&jobs(&directory, words));
    assert_snapshot!(shown(&["convert", "jobs.yaml", "--tool", "tf-test"]), @r#"
    [exit 6]
    # image python3.13 is a guess
    - name: watch
      command: ./watch.py
      image: python3.13
      schedule: "*/5 * * * *"
      mem: 300Mi

    # jobs.yaml:2: @reboot ./start.sh: not converted: there is no reboot; a job with `continuous: true` always runs
    warning: jobs.yaml:2: @reboot ./start.sh: not converted: there is no reboot; a job with `continuous: true` always runs
    note: images were guessed; `toolforge jobs images` lists the others
    "#);
    std::fs::write(directory.0.join("bad.yaml"), format!("- {}\n- kind: Pod\n", "long ".repeat(99))).unwrap();
    assert_snapshot!(shown(&["convert", "bad.yaml", "--tool", "tf-test"]), @"
    [exit 1]
    error: bad.yaml:1:1: this is a list of Kubernetes objects: write each as a document, with `---` between them
    ");
    for (text, expected) in [
        (
            "- {name: a, image: bookworm, command: ./a}\n",
            "this is a jobs file already; `toolforge jobs load` loads it",
        ),
        ("name: a\nimage: bookworm\ncommand: ./a\n", "this is one job: write `- ` before its first key"),
        ("type: php8.2\nreplicas: 2\n", "this is a service.template already; `webservice start --template`"),
        ("- a\n", "an object is a mapping that begins with `apiVersion:`, not a list"),
        ("a\n", "an object is a mapping that begins with `apiVersion:`, not \"a\""),
    ] {
        std::fs::write(directory.0.join("bad.yaml"), text).unwrap();
        let refused = shown(&["convert", "bad.yaml", "--tool", "tf-test"]);
        assert!(refused.starts_with(&format!("[exit 1]\nerror: bad.yaml:1:1: {expected}")), "{refused}");
    }
    // Incomplete lines are still lines of a crontab.
    for line in ["0 3 * * ./a.sh", "0 3 * * *", "*/5 * * *", "@daily"] {
        std::fs::write(directory.0.join("bad.yaml"), format!("{line}\n")).unwrap();
        let refused = shown(&["convert", "bad.yaml", "--tool", "tf-test"]);
        let expected =
            format!("bad.yaml:1: {line}: not converted: expected five fields of cron and a command");
        assert!(refused.starts_with("[exit 1]\n") && refused.contains(&expected), "{refused}");
    }
    std::fs::write(directory.0.join("secret.yaml"), "{apiVersion: v1, kind: Secret, metadata: {name: a}}\n")
        .unwrap();
    assert_snapshot!(shown(&["convert", "secret.yaml", "--tool", "tf-test"]), @"
    [exit 1]
    warning: secret.yaml:1: Secret a: not converted: a jobs file has no such objects
    error: nothing could be converted

    hint: Convert Kubernetes manifests, a crontab, or lines of jsub.
    ");
}

/// A pod that runs as the tool's user is one of the tool.
#[test]
fn convert_knows_the_user_of_the_tool() {
    let manifest = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      \
                    securityContext: {runAsUser: 52503}\n      containers:\n      - name: a\n        image: bookworm\n        command: [./a]\n";
    let directory = Scratch::new("uid", manifest);
    let line = ["convert", "jobs.yaml", "--tool", "tf-test"];
    let note = "runAsUser: was 52503";
    let shown = said(&jobs(&directory, &[&line[..], &["--uid", "52503"]].concat()));
    assert!(!shown.contains(note), "{shown}");
    let shown = said(&jobs(&directory, &[&line[..], &["--uid", "52504"]].concat()));
    assert!(shown.contains(note), "{shown}");
}

#[test]
fn web_service_is_converted_to_a_template() {
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: tf-test\n  labels: {app.kubernetes.io/component: web, app.kubernetes.io/managed-by: webservice}\n\
                    spec:\n  replicas: 2\n  selector: {}\n  template:\n    spec:\n      containers:\n      - name: webservice\n        \
                    image: docker-registry.tools.wmflabs.org/toolforge-php82-sssd-web:latest\n";
    let directory = Scratch::new("template", manifest);
    let line = ["convert", "jobs.yaml", "--tool", "tf-test", "--service-template", "service.template"];
    assert_snapshot!(said(&jobs(&directory, &line)), @"[exit 0]");
    let template = std::fs::read_to_string(directory.0.join("service.template")).unwrap();
    assert_snapshot!(template, @"
    # spec.template.spec.containers[webservice].resources.limits.cpu: was not set, is now 500m, the default
    # spec.template.spec.containers[webservice].resources.limits.memory: was not set, is now 512Mi, the default
    # spec.template.spec.containers[webservice].resources.requests.cpu: was not set, is now 125m, the default
    # spec.template.spec.containers[webservice].resources.requests.memory: was not set, is now 256Mi, the default
    # spec.strategy.rollingUpdate.maxSurge: was 25%, is now 1
    # spec.strategy.rollingUpdate.maxUnavailable: was 25%, is now 0
    type: php8.2
    replicas: 2
    ");
    std::fs::write(directory.0.join("service.template"), "type: jdk17\n").unwrap();
    assert_snapshot!(said(&jobs(&directory, &line)), @"
    [exit 1]
    error: service.template exists and has other content; nothing was changed

    hint: Name another file.
    ");
}

#[test]
fn broken_conversion_is_incomplete() {
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: tf-test\n  labels: {app.kubernetes.io/component: web, app.kubernetes.io/managed-by: webservice}\n\
                    spec:\n  selector: {}\n  template:\n    spec:\n      containers:\n      - name: webservice\n        \
                    command: [./run.sh]\n        image: docker-registry.svc.toolforge.org/toolforge-php82-sssd-web:latest\n---\n\
                    apiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\nspec:\n  template:\n    spec:\n      \
                    restartPolicy: Never\n      containers: [{name: a, image: nginx, command: [./a]}]\n";
    let directory = Scratch::new("incomplete", manifest);
    let line = ["convert", "jobs.yaml", "--tool", "tf-test", "--service-template", "service.template"];
    let shown = said(&jobs(&directory, &line));
    // A template that is printed has the reason as a comment.
    let printed = said(&jobs(&directory, &line[..4]));
    assert_eq!(printed.matches("starts its own web server").count(), 1, "{printed}");
    let shown: Vec<&str> = shown.lines().filter(|line| !line.starts_with("# ")).collect();
    assert_snapshot!(shown.join("\n"), @r#"
    [exit 6]
    - name: once
      command: ./a
      image: nginx
      no-filelog: true
    warning: job once: image "nginx" is not in the catalog; jobs run the images of the catalog and of the build service
    warning: the web service: type php8.2 starts its own web server, not the command: ["./run.sh"]
    "#);
}

#[test]
fn image_named_after_the_tool_has_a_hint() {
    let directory = Scratch::new("own-image", "");
    std::fs::write(directory.0.join("none.yaml"), "apiVersion: v1\nkind: List\nitems: []\n").unwrap();
    let hint = "name it as the job's image: `tool-tf-test/tool-tf-test:latest`";
    for (image, has_hint) in
        [("tf-test", true), ("tf-test:latest", true), ("tool-tf-test", true), ("nginx:latest", false)]
    {
        let line = ["run", "a", "--image", image, "--command", "x", "--from", "none.yaml"];
        let shown = said(&jobs(&directory, &[&line[..], &OFFLINE].concat()));
        assert_eq!(shown.contains(hint), has_hint, "{shown}");
    }
}

#[test]
fn errors_of_images_are_listed_with_the_others() {
    let file = "- name: a\n  comand: x\n  image: bookwrm\n- name: b\n  command: x\n  image: pyhton3.11\n  schedule: '@dayly'\n";
    let directory = Scratch::new("images", file);
    std::fs::write(directory.0.join("none.yaml"), "apiVersion: v1\nkind: List\nitems: []\n").unwrap();
    assert_snapshot!(said(&jobs(&directory, &["plan", "jobs.yaml", "--tool", "tf-test", "--from", "none.yaml"])), @r#"
    [exit 1]
    error: jobs.yaml has 4 errors; nothing was changed
      jobs.yaml:2:3: unknown key "comand"; did you mean "command"?
      jobs.yaml:3:10: unknown image type "bookwrm"; did you mean "bookworm"?
      jobs.yaml:6:10: unknown image type "pyhton3.11"; did you mean "python3.11"?
      jobs.yaml:7:13: unknown schedule "@dayly"; the names are @hourly, @daily, @weekly, @monthly, @yearly; did you mean "@daily"?
    "#);
}

#[test]
fn errors_are_listed_with_hints() {
    let directory =
        Scratch::new("errors", "- name: My_Job\n  comand: x\n  image: bookworm\n  schedule: */5 * * * *\n");
    let shown = |words: &[&str]| said(&jobs(&directory, words));
    std::fs::write(directory.0.join("none.yaml"), "apiVersion: v1\nkind: List\nitems: []\n").unwrap();
    assert_snapshot!(shown(&["plan", "jobs.yaml", "--tool", "tf-test", "--from", "none.yaml"]), @"
    [exit 1]
    error: jobs.yaml:4:13: invalid YAML: the alias */5 has no anchor before it in this document; quote the value: schedule: '*/5 * * * *'
      nothing was changed
    ");
    let run = |more: &[&str]| {
        shown(&[&["run", "--tool", "tf-test", "--uid", "52503", "--from", "none.yaml"], more].concat())
    };
    assert_snapshot!(run(&["x"]), @"
    [exit 2]
    error: the following arguments are required: --image

    hint: `toolforge jobs images` lists the images.

    hint: If x is a scheduled job that exists, `toolforge jobs trigger x` runs it now.
    ");
    assert_snapshot!(run(&["My_Job", "--image", "bookworm", "--mem", "512", "--retry", "1", "--continuous"]), @r#"
    [exit 1]
    error: this job has 4 errors
      NAME: job name "My_Job" has 'M'; use a-z, 0-9, '-' and '.'; did you mean "my-job"?
      --retry: retries are only for one-off and scheduled jobs; a continuous job is always restarted
      --mem: 512 bytes of memory are too little for any program; did you mean 512Mi?
      --command: a job needs a command
    "#);
    assert_snapshot!(run(&["a", "--image", "bokworm", "--command", "x"]), @r#"
    [exit 1]
    error: unknown image type "bokworm"; did you mean "bookworm"?

    hint: `toolforge jobs images` lists the images.

    hint: The bundled catalog of August 2025 was used; `--from FILE` reads the cluster's catalog.
    "#);
    assert_snapshot!(run(&["a", "--image", "bookworm", "--command", "x", "--schedule", "0 0 31 2 *", "--dry-run"]), @r#"
    [exit 1]
    error: --schedule: this never runs, because February has no day 31; write "0 0 28 2 *" to run
    "#);
    let schedule = "- {name: a, command: x, image: bookworm, schedule: '0 0 31 2 *'}\n";
    std::fs::write(directory.0.join("never.yaml"), schedule).unwrap();
    assert_snapshot!(shown(&["plan", "never.yaml", "--tool", "tf-test", "--from", "none.yaml"]), @r#"
    [exit 0]
    create scheduled job a

    no quota is known, so this was not checked
    warning: job a: this never runs, because February has no day 31; write "0 0 28 2 *" to run
    "#);
    assert_snapshot!(run(&["a", "--image", "bookworm", "--command", "x", "--cpu", "0.1", "--dry-run"]), @"
    [exit 0]
    create one-off job a

    no quota is known, so this was not checked
    note: --cpu 100m is the default, with a limit of 1, which counts against the quota; any other value is also the limit
    ");
    assert_snapshot!(shown(&["run", "a", "--image", "bookworm", "--command", "python", "daily.py"]), @r#"
    [exit 2]
    error: unexpected argument "daily.py"

    hint: The command is one argument of `--command`, in quotes: `--command "python daily.py"`.
    "#);
}

#[test]
fn typographic_quotes_of_a_command_are_a_warning() {
    let directory = Scratch::new("quotes", "- {name: b, image: bookworm, command: 'echo ‘b’'}\n");
    std::fs::write(directory.0.join("none.yaml"), "apiVersion: v1\nkind: List\nitems: []\n").unwrap();
    let shown = |line: &[&str]| said(&jobs(&directory, &[line, &OFFLINE, &["--from", "none.yaml"]].concat()));
    let run = ["run", "a", "--image", "bookworm", "--command", "echo “a b”", "--dry-run"];
    assert_snapshot!(shown(&run), @r#"
    [exit 0]
    create one-off job a

    no quota is known, so this was not checked
    warning: job a: the command contains "“", which a shell does not read as quotes; write ' or "
    "#);
    assert_snapshot!(shown(&["plan", "jobs.yaml"]), @r#"
    [exit 0]
    create one-off job b

    no quota is known, so this was not checked
    warning: job b: the command contains "‘", which a shell does not read as quotes; write ' or "
    "#);
}

#[test]
fn invalid_values_need_no_kubeconfig() {
    let directory = Scratch::new("values", "");
    let shown = |line: &str| said(&jobs(&directory, &line.split(' ').collect::<Vec<_>>()));
    assert_snapshot!(shown("run bot --image bookworm --schedule @daly --command x --mem lots"), @r#"
    [exit 1]
    error: this job has 2 errors
      --mem: "lots" is not an amount of memory; write it like 512Mi, 1.5Gi or 1G
      --schedule: unknown schedule "@daly"; the names are @hourly, @daily, @weekly, @monthly, @yearly; did you mean "@daily"?
    "#);
    assert_snapshot!(shown("render bot --image bookworm --schedule @daly --command x"), @r#"
    [exit 1]
    error: --schedule: unknown schedule "@daly"; the names are @hourly, @daily, @weekly, @monthly, @yearly; did you mean "@daily"?
    "#);
    assert_snapshot!(shown("render jobs.yaml --mem 1Gi"), @"
    [exit 2]
    error: options of a job need --image

    hint: Name the image, or leave these options out to render a file.
    ");
    assert_snapshot!(shown("cron --calendar --suggest"), @"
    [exit 2]
    error: `--calendar` cannot be used with `--suggest`

    hint: Leave `--calendar` out, or `--suggest`.
    ");
}

#[test]
fn json_is_rejected_by_verbs_without_it() {
    let directory = Scratch::new("json", "");
    let shown = |line: &str| said(&jobs(&directory, &line.split(' ').collect::<Vec<_>>()));
    assert_snapshot!(shown("logs bot --output json"), @r#"
    [exit 2]
    {"apiVersion":"cli.toolforge.org/v1","kind":"Failure","code":"invalid-arguments","message":"logs has no JSON or YAML output","details":[],"hints":["Leave `--output` out."],"notes":[],"exitCode":2}
    "#);
    assert_snapshot!(shown("dump --output json"), @r#"
    [exit 2]
    {"apiVersion":"cli.toolforge.org/v1","kind":"Failure","code":"invalid-arguments","message":"dump has no JSON output: a jobs file is YAML","details":[],"hints":["Leave `--output` out."],"notes":[],"exitCode":2}
    "#);
    assert!(shown("exec bot --output yaml").starts_with("[exit 2]"));
}

/// Returns the document on standard error.
fn failure(output: &Output) -> Value {
    document_on_stderr(&output.stderr).unwrap()
}

#[test]
fn failures_are_documents_with_json() {
    let directory = Scratch::new("failures", "- name: once\n  command: x\n  image: bookwrm\n  memm: 1Gi\n");
    std::fs::write(directory.0.join("none.yaml"), "apiVersion: v1\nkind: List\nitems: []\n").unwrap();
    let files = ["--tool", "tf-test", "--from", "none.yaml"];
    let cases: [(&[&str], u8, &str, usize); 10] = [
        (&["plan", "jobs.yaml"], 1, "invalid-file", 2),
        (&["plan", "missing.yaml"], 1, "file-access", 0),
        (&["show", "bot"], 1, "not-found", 0),
        (
            &["run", "bot", "--image", "bookwrm", "--command", "x", "--dry-run", "--uid", "52503"],
            1,
            "unknown-image",
            0,
        ),
        (&["run", "Bot_", "--image", "bookworm", "--command", "x"], 1, "invalid-request", 0),
        (&["logs", "bot"], 2, "invalid-arguments", 0),
        (&["list", "--bogus"], 2, "invalid-arguments", 0),
        (&["show"], 2, "invalid-arguments", 0),
        (&["fly"], 2, "invalid-arguments", 0),
        (&[], 2, "invalid-arguments", 0),
    ];
    for (line, exit_code, code, details) in cases {
        let output = jobs(&directory, &[line, &["--output", "json"], &files].concat());
        let document = failure(&output);
        let shown = format!("{line:?}: {document:#}");
        assert!(output.stdout.is_empty(), "{shown}");
        assert_eq!(output.status.code(), Some(exit_code.into()), "{shown}");
        assert_eq!(document["kind"], "Failure", "{shown}");
        assert_eq!((&document["code"], &document["exitCode"]), (&code.into(), &exit_code.into()), "{shown}");
        assert_eq!(document["details"].as_array().map(Vec::len), Some(details), "{shown}");
        let yaml = jobs(&directory, &[line, &["--output", "yaml"], &files].concat());
        let stderr = String::from_utf8(yaml.stderr).unwrap();
        assert!(stderr.contains("---\napiVersion: cli.toolforge.org/v1\nkind: Failure\n"), "{stderr}");
    }
    let unreachable = jobs(&directory, &["list", "--output", "json"]);
    assert_eq!(failure(&unreachable)["code"], "kubeconfig");
}

#[test]
fn errors_of_a_file_have_their_lines_in_json() {
    let directory = Scratch::new("lines", "- name: once\n  command: x\n  image: bookwrm\n  memm: 1Gi\n");
    std::fs::write(directory.0.join("none.yaml"), "apiVersion: v1\nkind: List\nitems: []\n").unwrap();
    let line = ["plan", "jobs.yaml", "--output", "json", "--tool", "tf-test", "--from", "none.yaml"];
    let document = failure(&jobs(&directory, &line));
    assert_snapshot!(document["details"][0], @r#"{"cause":null,"code":"diagnostic","column":10,"file":"jobs.yaml","line":3,"message":"unknown image type \"bookwrm\"; did you mean \"bookworm\"?","quota":null,"violation":null}"#);
}

#[test]
fn jobs_file_is_limited() {
    let scratch = Scratch::new("limit", "");
    for file in ["/dev/zero", "large.yaml"] {
        std::fs::write(scratch.0.join("large.yaml"), vec![b'#'; 4 * 1024 * 1024 + 1]).unwrap();
        let output = said(&jobs(&scratch, &[&OFFLINE[..], &["render", file]].concat()));
        assert!(output.starts_with(&format!("[exit 1]\nerror: {file} is larger than 4 MiB")), "{output}");
    }
}

#[test]
fn help_refuses_an_output_format() {
    let scratch = Scratch::new("help-output", "");
    for line in [&["help", "--output", "json"][..], &["help", "logs", "-o", "json"], &["help", "-o", "json"]]
    {
        let output = jobs(&scratch, line);
        assert!(toolforge_fixtures::document_on_stderr(&output.stderr).is_some(), "{line:?}");
        let output = said(&output);
        assert!(output.starts_with("[exit 2]"), "{line:?}: {output}");
        assert!(output.contains("help has no JSON or YAML output"), "{line:?}: {output}");
    }
}

#[test]
fn quota_without_relevant_keys_is_reported() {
    // The seed's quota: it has no `count/` keys.
    let quota = "apiVersion: v1\nkind: List\nitems:\n- kind: ResourceQuota\n  apiVersion: v1\n  metadata: {name: q, namespace: tool-tf-test}\n  spec: {hard: &h {limits.cpu: '2', limits.memory: 8Gi, pods: '4'}}\n  status: {hard: *h, used: {limits.cpu: '0', limits.memory: '0', pods: '0'}}\n";
    let scratch =
        Scratch::new("seed", "- name: nightly\n  command: ./x\n  image: bookworm\n  schedule: '@daily'\n");
    std::fs::write(scratch.0.join("quota.yaml"), quota).unwrap();
    let line = ["plan", "jobs.yaml", "--tool", "tf-test", "--from", "quota.yaml"];
    let output = said(&jobs(&scratch, &line));
    assert!(output.contains("it fits; it needs no quota now"), "{output}");
    std::fs::write(scratch.0.join("quota.yaml"), "apiVersion: v1\nkind: List\nitems: []\n").unwrap();
    let output = said(&jobs(&scratch, &line));
    assert!(output.contains("no quota is known, so this was not checked"), "{output}");
}

#[test]
fn silent_pipe_is_named() {
    let scratch = Scratch::new("pipe", "");
    assert!(Command::new("mkfifo").arg(scratch.0.join("pipe")).status().unwrap().success());
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobs"));
    command.args(OFFLINE).args(["render", "pipe"]).current_dir(&scratch.0);
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(line, "note: waiting for the end of pipe\n");
}

#[test]
fn too_few_open_files_are_an_error() {
    let program = env!("CARGO_BIN_EXE_jobs");
    let output =
        Command::new("sh").args(["-c", "ulimit -n 6; exec \"$0\" \"$@\"", program, "list"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: this process may not open enough files\n"), "{stderr}");
    assert!(stderr.ends_with("hint: Raise the limit: `ulimit -n 64`.\n"), "{stderr}");
}

#[test]
fn files_that_are_not_yaml_change_nothing() {
    let deep = format!(
        "{}a: 1\n",
        (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>() + &" ".repeat(200)
    );
    let files: [(&str, &[u8], &str); 4] = [
        ("utf-16", b"\xff\xfe-\0 \0", "the file is UTF-16; save it as UTF-8"),
        ("nul", b"- name: a\0b\n", "zero bytes"),
        ("deep", deep.as_bytes(), "levels deep"),
        ("brackets", &[b'['; 5000], "levels deep"),
    ];
    for (name, bytes, expected) in files {
        let scratch = Scratch::new(name, "");
        std::fs::write(scratch.0.join("jobs.yaml"), bytes).unwrap();
        std::fs::write(scratch.0.join("none.yaml"), "apiVersion: v1\nkind: List\nitems: []\n").unwrap();
        for verb in ["plan", "load", "render"] {
            let line = [verb, "jobs.yaml", "--tool", "tf-test", "--from", "none.yaml"];
            let output = said(&jobs(&scratch, &line));
            assert!(output.starts_with("[exit 1]\nerror: jobs.yaml"), "{name}, {verb}: {output}");
            assert!(output.contains(expected), "{name}, {verb}: {output}");
        }
    }
}

#[test]
fn jobs_of_another_file_are_one_note() {
    let job = |number| {
        format!("- {{name: job{number}, command: ./x, image: bookworm, schedule: '{number} 1 * * *'}}\n")
    };
    let scratch = Scratch::new("other-file", &(1..=15).map(job).collect::<String>());
    let rendered = jobs(&scratch, &[&OFFLINE[..], &["render", "jobs.yaml", "--output", "json"]].concat());
    let mut list: Value = serde_json::from_slice(&rendered.stdout).unwrap();
    for item in list["items"].as_array_mut().unwrap() {
        item["metadata"]["annotations"]["cli.toolforge.org/file"] = "/data/project/tf-test/old.yaml".into();
        item["metadata"]["uid"] = "u-1".into();
    }
    std::fs::write(scratch.0.join("live.json"), list.to_string()).unwrap();
    let line = ["plan", "jobs.yaml", "--tool", "tf-test", "--from", "live.json"];
    let output = said(&jobs(&scratch, &line));
    let notes: Vec<&str> = output.lines().filter(|line| line.starts_with("note: ")).collect();
    assert_eq!(notes.len(), 1, "{output}");
    let note = "note: 15 jobs were created from /data/project/tf-test/old.yaml; `load --prune` of that file";
    assert!(notes[0].starts_with(note) && notes[0].contains("job1, "), "{output}");
}

#[test]
fn unreadable_limit_is_a_warning() {
    let scratch =
        Scratch::new("unreadable", "- {name: bot, command: ./x, image: bookworm, continuous: true}\n");
    let metadata = json!({"name": "q", "namespace": "tool-tf-test"});
    let hard = json!({"limits.memory": "lots", "pods": "4"});
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata,
        "spec": {"hard": hard}, "status": {"hard": hard, "used": {"limits.memory": "0", "pods": "0"}},
    });
    std::fs::write(scratch.0.join("quota.yaml"), quota.to_string()).unwrap();
    for verb in [&["plan", "jobs.yaml"][..], &["quota"]] {
        let output = said(&jobs(&scratch, &[verb, &["--tool", "tf-test", "--from", "quota.yaml"]].concat()));
        let warning =
            "warning: the limit of limits.memory in quota q is not a quantity, so nothing is checked";
        assert!(output.contains(warning), "{verb:?}: {output}");
    }
}

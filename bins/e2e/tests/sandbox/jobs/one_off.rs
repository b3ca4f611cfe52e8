//! One-off jobs.

use toolforge_e2e::Tool;

/// The CPU of a small job: several of them fit the quota of two CPUs.
const SMALL: [&str; 2] = ["--cpu", "200m"];

fn run(tool: &Tool, name: &str, command: &str, more: &[&str]) -> toolforge_e2e::Outcome {
    tool.jobs(&[&["run", name, "--image", "bookworm", "--command", command], &SMALL[..], more].concat())
}

#[test]
fn job_output_is_appended_to_files() {
    let tool = Tool::new("job-files");
    for _ in 0..2 {
        // A completed job is replaced by the next one with its name.
        run(&tool, "once", "echo out $HOME; echo err >&2", &["--wait"])
            .exits(0)
            .says("completed")
            .and_that_is_all();
    }
    tool.shell("cat ~/once.out ~/once.err")
        .exits(0)
        .says("out /data/project/job-files\nout /data/project/job-files\nerr\nerr\n")
        .and_that_is_all();
    // A path with spaces, which the platform's tool does not quote.
    run(&tool, "space", "echo here", &["-o", "logs of mine.out", "-e", "/dev/null", "--wait"])
        .exits(0)
        .and_that_is_all();
    tool.shell("cat ~/'logs of mine.out'").exits(0).says("here").and_that_is_all();
    let labels = tool.object("job", "space")["spec"]["template"]["metadata"]["labels"].clone();
    assert_eq!(labels["jobs.toolforge.org/filelog"], "yes");
    assert_eq!(labels["jobs.toolforge.org/emails"], "none");
}

#[test]
fn failed_job_shows_exit_code_and_output() {
    let tool = Tool::new("job-fails");
    run(&tool, "bad", "echo oh no; exit 3", &["--no-filelog", "--wait"])
        .exits(3)
        .says("job 'bad' failed: terminated with exit code 3")
        .says("oh no")
        .and_that_is_all();
    // A failed job is kept for half a minute, and its name is taken.
    tool.jobs(&["list"]).exits(0).says("Failed for").says("terminated with exit code 3").and_that_is_all();
    run(&tool, "bad", "true", &[]).exits(1).says("already exists").and_that_is_all();
    tool.jobs(&["logs", "bad"]).exits(0).says("oh no").and_that_is_all();
    tool.jobs(&["delete", "bad"]).exits(0).and_that_is_all();
    tool.jobs(&["list"]).exits(0).and_that_is_all();
    tool.jobs(&["delete", "bad"]).exits(1).says("job 'bad' does not exist").and_that_is_all();
}

#[test]
fn wait_continues_through_retries() {
    let tool = Tool::new("job-retries");
    let command = "if [ -e ~/tried ]; then echo now; else touch ~/tried; exit 1; fi";
    run(&tool, "again", command, &["--retry", "2", "--wait", "120"])
        .exits(0)
        .says("completed")
        .and_that_is_all();
    tool.shell("cat ~/again.out").exits(0).says("now").and_that_is_all();
}

#[test]
fn out_of_memory_differs_from_a_kill() {
    let tool = Tool::new("job-memory");
    run(&tool, "hungry", "exec tail /dev/zero", &["--no-filelog", "--mem", "100Mi", "--wait"])
        .exits(137)
        .says("killed for using more memory than its limit")
        .says("Increase the memory limit")
        .and_that_is_all();
    // The same exit code with another cause.
    run(&tool, "killed", "bash -c 'kill -9 $BASHPID'; exit $?", &["--no-filelog", "--wait"])
        .exits(137)
        .says("terminated by signal 9")
        .and_that_is_all();
}

#[test]
fn run_exceeding_the_quota_sends_nothing() {
    let tool = Tool::new("job-quota");
    for (name, code) in [("a", 0), ("b", 0), ("c", 3)] {
        run(&tool, name, "sleep 60", &["--mem", "3Gi"]).exits(code).and_that_is_all();
    }
    run(&tool, "d", "true", &["--mem", "5Gi"]).exits(3).says("memory").and_that_is_all();
    let jobs = tool.kubectl(&["get", "jobs", "-o", "name"]);
    assert_eq!(jobs, "job.batch/a\njob.batch/b\n");
    tool.jobs(&["flush", "--yes"]).exits(0).and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "jobs,pods", "-o", "name"]), "");
}

#[test]
fn missing_image_ends_the_wait() {
    let tool = Tool::new("job-image");
    tool.jobs(&[
        "run",
        "built",
        "--image",
        "tool-job-image/nothing:latest",
        "--command",
        "web",
        "--cpu",
        "200m",
        "--wait",
        "60",
    ])
    .exits(5)
    .says("cannot be pulled")
    .and_that_is_all();
    tool.jobs(&["show", "built"]).exits(0).says("cannot be pulled").and_that_is_all();
    tool.jobs(&["delete", "built"]).exits(0).and_that_is_all();
}

#[test]
fn build_service_image_runs_arguments() {
    let tool = Tool::new("job-built");
    let built = |name: &str, command: &str, more: &[&str]| {
        let image = "tool-built/tool-built";
        tool.jobs(
            &[&["run", name, "--image", image, "--command", command, "--cpu", "200m", "--wait"], more]
                .concat(),
        )
    };
    built("words", "echo \"a  b\" && c > d", &["--env", "GREETING=hello"]).exits(0).and_that_is_all();
    tool.jobs(&["logs", "words"]).exits(0).says("a  b && c > d").and_that_is_all();
    let environment =
        tool.object("job", "words")["spec"]["template"]["spec"]["containers"][0]["env"].to_string();
    assert!(environment.contains("NO_HOME") && environment.contains("GREETING"), "{environment}");
    built("line", "echo one; echo two", &["--filelog", "--mount", "all"]).exits(0).and_that_is_all();
    tool.shell("cat ~/line.out").exits(0).says("one\ntwo\n").and_that_is_all();
    built("none", "echo one", &["--filelog"]).exits(1).says("set `mount` to `all`").and_that_is_all();
}

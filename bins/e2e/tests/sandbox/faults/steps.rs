//! The verbs that write, each with a command line, what it needs, and when it is done.

use toolforge_e2e::Tool;

/// A verb that writes; `NAME` stands for the name of a job.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) verb: &'static str,
    pub(crate) line: &'static str,
    /// A shell command line that creates what the verb changes.
    pub(crate) before: &'static str,
    pub(crate) is_done: fn(&Tool, &str) -> bool,
    /// The exit codes of the same command when it is done.
    pub(crate) again: &'static [i32],
}

const RUN: &str = "toolforge-jobs run NAME --image bookworm --command true --schedule '17 4 1 1 *'";

/// Creates a CronJob that no tool manages, from one of the tool's jobs.
pub(crate) const CREATE: &str = "toolforge-jobs run NAME --image bookworm --command true --schedule '17 4 1 1 *' && \
     image=$(kubectl get cronjob NAME -o jsonpath='{..containers[0].image}') && toolforge-jobs delete NAME && \
     kubectl create cronjob NAME --schedule '17 4 1 1 *' --image $image -- true";

/// Creates a CronJob that no tool manages.
pub(crate) fn create_by_hand(tool: &Tool, name: &str) {
    tool.shell(&CREATE.replace("NAME", name)).exits(0).and_that_is_all();
}

/// The verbs for jobs.
pub(crate) const JOBS: [Step; 12] = [
    Step {
        verb: "jobs run",
        line: RUN,
        before: "true",
        is_done: |tool, name| cron_job(tool, name, "{.spec.schedule}") == "17 4 1 1 *",
        again: &[1],
    },
    Step {
        verb: "jobs load",
        line: "toolforge-jobs load NAME.yaml",
        before: "echo \"- {name: NAME, image: bookworm, command: 'true', schedule: '18 4 1 1 *'}\" > NAME.yaml",
        is_done: |tool, name| cron_job(tool, name, "{.spec.schedule}") == "18 4 1 1 *",
        again: &[0],
    },
    // The command takes longer than the start of a wait, and its Job exists until the wait has read it again.
    Step {
        verb: "jobs run --wait",
        line: "toolforge-jobs run NAME --image bookworm --command 'sleep 4; touch NAME.done' --wait",
        before: "true",
        is_done: has_finished,
        again: &[0, 1],
    },
    Step {
        verb: "jobs load with wait",
        line: "toolforge-jobs load NAME.yaml",
        before: "echo \"- {name: NAME, image: bookworm, command: 'sleep 4; touch NAME.done', wait: true}\" > NAME.yaml",
        is_done: has_finished,
        again: &[0],
    },
    Step {
        verb: "jobs trigger --wait",
        line: "toolforge-jobs trigger NAME --wait",
        before: "toolforge-jobs run NAME --image bookworm --command 'sleep 4; touch NAME.done' --schedule '17 4 1 1 *'",
        is_done: has_finished,
        again: &[0],
    },
    Step {
        verb: "jobs suspend",
        line: "toolforge-jobs suspend NAME",
        before: RUN,
        is_done: |tool, name| cron_job(tool, name, "{.spec.suspend}") == "true",
        again: &[0],
    },
    Step {
        verb: "jobs resume",
        line: "toolforge-jobs resume NAME",
        before: "toolforge-jobs run NAME --image bookworm --command true --schedule '17 4 1 1 *' && \
                 toolforge-jobs suspend NAME",
        is_done: |tool, name| cron_job(tool, name, "{.spec.suspend}") != "true",
        again: &[0],
    },
    Step {
        verb: "jobs trigger",
        line: "toolforge-jobs trigger NAME",
        before: RUN,
        is_done: has_run,
        again: &[0],
    },
    Step {
        verb: "jobs restart",
        line: "toolforge-jobs restart NAME",
        before: RUN,
        is_done: has_run,
        again: &[0],
    },
    Step {
        verb: "jobs adopt",
        line: "toolforge-jobs adopt cronjob/NAME --yes",
        before: CREATE,
        is_done: |tool, name| {
            let label = cron_job(tool, name, r"{.metadata.labels.app\.kubernetes\.io/managed-by}");
            label == "toolforge-jobs-framework"
        },
        again: &[0],
    },
    Step {
        verb: "jobs delete",
        line: "toolforge-jobs delete NAME",
        before: RUN,
        is_done: |tool, name| cron_job(tool, name, "{.metadata.name}").is_empty(),
        again: &[0, 1],
    },
    Step {
        verb: "jobs flush",
        line: "toolforge-jobs flush --yes",
        before: RUN,
        is_done: |tool, _| tool.kubectl(&["get", "cronjobs", "-o", "name"]).is_empty(),
        again: &[0],
    },
];

/// The verbs for web services, in an order in which each needs what the one before has done.
pub(crate) const WEB_SERVICE: [Step; 4] = [
    Step {
        verb: "webservice start",
        line: "webservice php8.2 start",
        before: "webservice stop",
        is_done: |tool, _| is_running(tool),
        again: &[0],
    },
    Step {
        verb: "webservice restart",
        line: "webservice restart",
        before: "webservice php8.2 start",
        is_done: |tool, _| is_running(tool),
        again: &[0],
    },
    Step {
        verb: "webservice shell",
        line: "webservice shell true",
        before: "true",
        is_done: |tool, _| shells(tool).is_empty(),
        again: &[0],
    },
    Step {
        verb: "webservice stop",
        line: "webservice stop",
        before: "webservice php8.2 start",
        is_done: |tool, _| tool.kubectl(&["get", "deployments,services,httproutes", "-o", "name"]).is_empty(),
        again: &[0],
    },
];

fn cron_job(tool: &Tool, name: &str, path: &str) -> String {
    let path = format!("jsonpath={path}");
    tool.kubectl(&["get", "cronjob", name, "--ignore-not-found", "-o", &path])
}

/// Returns the pods of shells that are not terminating.
pub(crate) fn shells(tool: &Tool) -> String {
    let columns = "custom-columns=NAME:.metadata.name,DELETED:.metadata.deletionTimestamp";
    let pods = tool.kubectl(&["get", "pods", "--no-headers", "-o", columns]);
    pods.lines().filter(|line| line.contains("shell") && line.contains("<none>")).collect()
}

fn has_run(tool: &Tool, name: &str) -> bool {
    tool.kubectl(&["get", "jobs", "-o", "name"]).lines().any(|line| line.contains(&format!("/{name}-")))
}

/// Returns whether the command of a job has finished, for which a wait that failed may have been too short.
fn has_finished(tool: &Tool, name: &str) -> bool {
    tool.shell(&format!("timeout 30 sh -c 'until [ -e {name}.done ]; do sleep 1; done'")).code == 0
}

fn is_running(tool: &Tool) -> bool {
    let status = tool.webservice(&["status"]).stdout;
    status.contains("running") && !status.contains("not running")
}

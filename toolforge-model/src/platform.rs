//! The platform's names: labels, annotations, domains and registries, each with its source.

use crate::Cpu;

/// The label with the tool's name, on every object of a web service (webservice 0.98).
pub const LABEL_NAME: &str = "name";

/// The label of a tool's objects; its value is [`TOOLFORGE_TOOL`] (webservice 0.98; the
/// volume admission webhook selected on it until February 2025).
pub const LABEL_TOOLFORGE: &str = "toolforge";

/// The value of [`LABEL_TOOLFORGE`].
pub const TOOLFORGE_TOOL: &str = "tool";

/// The label with the component that an object belongs to (Kubernetes' recommended labels).
pub const LABEL_COMPONENT: &str = "app.kubernetes.io/component";

/// The value of [`LABEL_COMPONENT`] on a web service's objects (webservice 0.77).
pub const COMPONENT_WEB: &str = "web";

/// The value of [`LABEL_COMPONENT`] on the pod of a shell (webservice 0.77).
pub const COMPONENT_SHELL: &str = "webservice-interactive";

/// The label with the version of the component (Kubernetes' recommended labels).
pub const LABEL_VERSION: &str = "app.kubernetes.io/version";

/// The value of [`LABEL_VERSION`] on the pod of a shell (webservice 0.77).
pub const SHELL_VERSION: &str = "2";

/// The label with the program that manages an object (Kubernetes' recommended labels).
pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// The value of [`LABEL_MANAGED_BY`] on a web service's objects (webservice 0.77).
pub const MANAGED_BY_WEBSERVICE: &str = "webservice";

/// The label of web services before webservice 0.77; its value was `true`.
pub const LABEL_WEBSERVICE_2019: &str = "tools.wmflabs.org/webservice";

/// The annotation on the pods of a web service with their start time, in UTC with microseconds and without a time
/// zone (webservice of May 2023).
pub const ANNOTATION_STARTED_AT: &str = "toolforge.org/started-at";

/// The label that selects the shared storage of a pod, for the volume admission webhook; without it, everything is mounted.
pub const LABEL_MOUNT_STORAGE: &str = "toolforge.org/mount-storage";

/// The prefix of the annotations that these programs add.
pub const ANNOTATION_PREFIX: &str = "cli.toolforge.org/";

/// The annotation with the name of the image type as it was requested.
pub const ANNOTATION_TYPE: &str = "cli.toolforge.org/type";

/// The annotation with the type's default CPU limit, if the limit is that default.
pub const ANNOTATION_DEFAULT_CPU: &str = "cli.toolforge.org/default-cpu";

/// The annotation with the type's default memory limit, if the limit is that default.
pub const ANNOTATION_DEFAULT_MEMORY: &str = "cli.toolforge.org/default-memory";

/// The annotation on the pod of a shell with its owner: the user, the host and the process.
pub const ANNOTATION_SHELL_OWNER: &str = "cli.toolforge.org/shell-owner";

/// The field manager of server-side apply.
pub const FIELD_MANAGER: &str = "toolforge-cli";

/// The port of a web service (webservice 0.98).
pub const WEB_PORT: u16 = 8000;

/// The name of a web service's container and port (webservice 0.98).
pub const CONTAINER_WEBSERVICE: &str = "webservice";

/// The public domain of the project `tools`, by default (webservice 0.98).
pub const DEFAULT_PUBLIC_DOMAIN: &str = "toolforge.org";

/// The build service's repository, by default (webservice 0.98).
pub const DEFAULT_BUILD_SERVICE_REPOSITORY: &str = "tools-harbor.wmcloud.org";

/// The registries whose images a tool can run (registry admission, 2026).
pub const ALLOWED_REGISTRIES: &[&str] = &[
    "docker-registry.svc.toolforge.org",
    "docker-registry.tools.wmflabs.org",
    DEFAULT_BUILD_SERVICE_REPOSITORY,
];

/// The namespace of the ConfigMap with the image catalog.
pub const CATALOG_NAMESPACE: &str = "tf-public";

/// The name of the ConfigMap with the image catalog.
pub const CATALOG_CONFIG_MAP: &str = "image-config";

/// The key of the catalog's YAML in the ConfigMap.
pub const CATALOG_KEY: &str = "images-v1.yaml";

/// The namespace of the Gateway for tools' HTTPRoutes (toolforge-deploy, 2026).
pub const GATEWAY_NAMESPACE: &str = "istio-gateway";

/// The name of the Gateway for tools' HTTPRoutes (toolforge-deploy, 2026).
pub const GATEWAY_NAME: &str = "toolforge";

/// The page on how to request more quota.
pub const QUOTA_HELP: &str = "https://w.wiki/6YLP";

/// The value of [`LABEL_MANAGED_BY`] on a job's objects (jobs-api, 2026).
pub const MANAGED_BY_JOBS: &str = "toolforge-jobs-framework";

/// The label with the tool's name on a job's objects (jobs-api, 2026).
pub const LABEL_CREATED_BY: &str = "app.kubernetes.io/created-by";

/// The label with a job's name (jobs-api, 2026).
pub const LABEL_JOB_NAME: &str = "app.kubernetes.io/name";

/// The values of [`LABEL_COMPONENT`] on the objects of one-off, scheduled and continuous jobs (jobs-api, 2026).
pub const COMPONENT_ONE_OFF: &str = "jobs";
/// See [`COMPONENT_ONE_OFF`].
pub const COMPONENT_SCHEDULED: &str = "cronjobs";
/// See [`COMPONENT_ONE_OFF`].
pub const COMPONENT_CONTINUOUS: &str = "deployments";

/// The value of [`LABEL_VERSION`] on a job's objects (jobs-api, 2026).
pub const JOBS_VERSION: &str = "2";

/// The label of jobs that write their output to files; its value is `yes` (jobs-api, 2026).
pub const LABEL_FILE_LOG: &str = "jobs.toolforge.org/filelog";

/// The label that selects when a job's owner gets mail (jobs-api, 2026; the platform's jobs-emailer reads it).
pub const LABEL_EMAILS: &str = "jobs.toolforge.org/emails";

/// The label of older jobs whose command has the current format (jobs-api, 2022).
pub const LABEL_COMMAND_NEW_FORMAT: &str = "jobs.toolforge.org/command-new-format";

/// The annotation with a schedule as it was written (jobs-api, 2026).
pub const ANNOTATION_CRON_EXPRESSION: &str = "jobs.toolforge.org/cron-expression";

/// The annotation of a Job that was created manually from a CronJob; its value is `manual` (kubectl and jobs-api).
pub const ANNOTATION_INSTANTIATE: &str = "cronjob.kubernetes.io/instantiate";

/// The annotation on the pods of a continuous job with the time of its last restart (jobs-api, 2026).
pub const ANNOTATION_RESTARTED_AT: &str = "app.kubernetes.io/restartedAt";

/// The annotation with a job's command as it was written, if the object has another form of it.
pub const ANNOTATION_COMMAND: &str = "cli.toolforge.org/command";

/// The annotation with a health check script as it was written, if the object has another form of it.
pub const ANNOTATION_HEALTH_CHECK: &str = "cli.toolforge.org/health-check";

/// The annotation with the file from which a job was loaded.
pub const ANNOTATION_FILE: &str = "cli.toolforge.org/file";

/// The annotation on a scheduled job's CronJob with the time at which its last run by hand was started, RFC 3339: the run's Job
/// is deleted soon after it finishes, and the status of the CronJob does not have it.
pub const ANNOTATION_RUN_BY_HAND: &str = "cli.toolforge.org/run-by-hand";

/// The name of a job's container (jobs-api, 2026; before 2023 it was the job's own name).
pub const CONTAINER_JOB: &str = "job";

/// The program in build service images that sets up the environment and runs a command (Cloud Native
/// Buildpacks' lifecycle).
pub const LAUNCHER: &str = "launcher";

/// Returns the part after the launcher of a command that begins with it.
#[must_use]
pub fn after_launcher(command: &str) -> Option<&str> {
    command.strip_prefix(LAUNCHER)?.strip_prefix(' ')
}

/// The type name for an image of the build service (webservice 0.93); the catalog does not have it.
pub const BUILD_SERVICE_TYPE: &str = "buildservice";

/// The environment variable that keeps the volume admission webhook from setting `HOME`.
pub const NO_HOME: &str = "NO_HOME";

/// The value of [`NO_HOME`] (jobs-api and webservice, 2026).
pub const NO_HOME_VALUE: &str = "a buildservice pod does not need a home env";

/// The API group of the jobs service's own records (jobs-api, since June 2026).
pub const JOBS_API_GROUP: &str = "jobs-api.toolforge.org";

/// The default CPU limit of a job, unless the platform's configuration has another (toolforge-deploy, 2026: `1000m` in every
/// cluster).
pub const DEFAULT_JOB_CPU_LIMIT: Cpu = Cpu::from_millis(1000);

/// The lowest user id of a tool: below are people and the system (maintain-kubeusers, 2023).
pub const FIRST_TOOL_UID: u32 = 50_000;

/// The annotations that only record how something was requested. They do not affect anything that runs.
pub const BOOKKEEPING_ANNOTATIONS: &[&str] = &[
    ANNOTATION_TYPE,
    ANNOTATION_DEFAULT_CPU,
    ANNOTATION_DEFAULT_MEMORY,
    ANNOTATION_COMMAND,
    ANNOTATION_HEALTH_CHECK,
    ANNOTATION_FILE,
    ANNOTATION_RUN_BY_HAND,
];

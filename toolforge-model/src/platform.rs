//! The platform's own words: labels, annotations, domains and registries, each with its source.

use crate::Cpu;

/// The label with the tool's name, on every object of a web service (webservice 0.98).
pub const LABEL_NAME: &str = "name";

/// The label that marks an object as a tool's; its value is [`TOOLFORGE_TOOL`] (webservice 0.98; the
/// volume admission webhook selected on it until February 2025).
pub const LABEL_TOOLFORGE: &str = "toolforge";

/// The value of [`LABEL_TOOLFORGE`].
pub const TOOLFORGE_TOOL: &str = "tool";

/// The label that says what an object is part of (Kubernetes' recommended labels).
pub const LABEL_COMPONENT: &str = "app.kubernetes.io/component";

/// The value of [`LABEL_COMPONENT`] on a web service's objects (webservice 0.77).
pub const COMPONENT_WEB: &str = "web";

/// The value of [`LABEL_COMPONENT`] on the pod of a shell (webservice 0.77).
pub const COMPONENT_SHELL: &str = "webservice-interactive";

/// The label with the version of what an object is part of (Kubernetes' recommended labels).
pub const LABEL_VERSION: &str = "app.kubernetes.io/version";

/// The value of [`LABEL_VERSION`] on the pod of a shell (webservice 0.77).
pub const SHELL_VERSION: &str = "2";

/// The label that says which program made an object (Kubernetes' recommended labels).
pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// The value of [`LABEL_MANAGED_BY`] on a web service's objects (webservice 0.77).
pub const MANAGED_BY_WEBSERVICE: &str = "webservice";

/// The label by which web services were marked before webservice 0.77; its value was `true`.
pub const LABEL_WEBSERVICE_2019: &str = "tools.wmflabs.org/webservice";

/// The annotation on the pods of a web service with the moment of their start, UTC with microseconds and
/// without a zone (webservice of May 2023).
pub const ANNOTATION_STARTED_AT: &str = "toolforge.org/started-at";

/// The label by which the volume admission webhook decides which shared storage a pod sees; absent means all.
pub const LABEL_MOUNT_STORAGE: &str = "toolforge.org/mount-storage";

/// The prefix of the annotations that these programs add.
pub const ANNOTATION_PREFIX: &str = "cli.toolforge.org/";

/// The annotation that keeps the name of the image type as it was asked for.
pub const ANNOTATION_TYPE: &str = "cli.toolforge.org/type";

/// The annotation that says that the CPU limit is the type's default, with the default's amount.
pub const ANNOTATION_DEFAULT_CPU: &str = "cli.toolforge.org/default-cpu";

/// The annotation that says that the memory limit is the type's default, with the default's amount.
pub const ANNOTATION_DEFAULT_MEMORY: &str = "cli.toolforge.org/default-memory";

/// The annotation on the pod of a shell that says whose it is: the user, the host and the process.
pub const ANNOTATION_SHELL_OWNER: &str = "cli.toolforge.org/shell-owner";

/// The field manager of server-side apply.
pub const FIELD_MANAGER: &str = "toolforge-cli";

/// The port on which a web service listens (webservice 0.98).
pub const WEB_PORT: u16 = 8000;

/// The name of the container and of the port that serve (webservice 0.98).
pub const CONTAINER_WEBSERVICE: &str = "webservice";

/// The public domain of the project `tools`, when `/etc/toolforge/webservice.yaml` names none (webservice 0.98).
pub const DEFAULT_PUBLIC_DOMAIN: &str = "toolforge.org";

/// The build service's repository, when `/etc/toolforge/webservice.yaml` names none (webservice 0.98).
pub const DEFAULT_BUILD_SERVICE_REPOSITORY: &str = "tools-harbor.wmcloud.org";

/// The registries from which the cluster lets a tool run images (registry admission, 2026).
pub const ALLOWED_REGISTRIES: [&str; 3] = [
    "docker-registry.svc.toolforge.org",
    "docker-registry.tools.wmflabs.org",
    DEFAULT_BUILD_SERVICE_REPOSITORY,
];

/// The namespace of the ConfigMap with the image catalogue.
pub const CATALOG_NAMESPACE: &str = "tf-public";

/// The name of the ConfigMap with the image catalogue.
pub const CATALOG_CONFIG_MAP: &str = "image-config";

/// The key of the ConfigMap under which the catalogue's YAML stands.
pub const CATALOG_KEY: &str = "images-v1.yaml";

/// The Gateway that serves tools' HTTPRoutes, namespace and name (toolforge-deploy, 2026).
pub const GATEWAY: (&str, &str) = ("istio-gateway", "toolforge");

/// The page on which tools' owners ask for more quota.
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

/// The label that says that a job writes its output into files; its value is `yes`, and otherwise it is absent
/// (jobs-api, 2026).
pub const LABEL_FILE_LOG: &str = "jobs.toolforge.org/filelog";

/// The label that says which mails a job's owner wants (jobs-api, 2026; the platform's jobs-emailer reads it).
pub const LABEL_EMAILS: &str = "jobs.toolforge.org/emails";

/// The label on older jobs whose command is written as today's is (jobs-api, 2022).
pub const LABEL_COMMAND_NEW_FORMAT: &str = "jobs.toolforge.org/command-new-format";

/// The annotation that keeps a schedule as it was written (jobs-api, 2026).
pub const ANNOTATION_CRON_EXPRESSION: &str = "jobs.toolforge.org/cron-expression";

/// The annotation on a Job that was made from a CronJob by hand; its value is `manual` (kubectl and jobs-api).
pub const ANNOTATION_INSTANTIATE: &str = "cronjob.kubernetes.io/instantiate";

/// The annotation on the pods of a continuous job with the moment of its last restart (jobs-api, 2026).
pub const ANNOTATION_RESTARTED_AT: &str = "app.kubernetes.io/restartedAt";

/// The annotation that keeps a job's command as it was written, where its object holds it otherwise.
pub const ANNOTATION_COMMAND: &str = "cli.toolforge.org/command";

/// The annotation that keeps a health check's script as it was written, where a job's object holds it otherwise.
pub const ANNOTATION_HEALTH_CHECK: &str = "cli.toolforge.org/health-check";

/// The annotation that names the file from which a job was loaded.
pub const ANNOTATION_FILE: &str = "cli.toolforge.org/file";

/// The name of a job's container (jobs-api, 2026; before 2023 it was the job's own name).
pub const CONTAINER_JOB: &str = "job";

/// The program in an image of the build service that sets up the environment and runs a command (Cloud Native
/// Buildpacks' lifecycle).
pub const LAUNCHER: &str = "launcher";

/// The variable by which the volume admission webhook is told not to set `HOME`, word for word.
pub const NO_HOME: (&str, &str) = ("NO_HOME", "a buildservice pod does not need a home env");

/// The API group in which the platform's jobs service keeps its own records (jobs-api, since June 2026).
pub const JOBS_API_GROUP: &str = "jobs-api.toolforge.org";

/// The CPU limit of a job that asks for none, where no file names another (toolforge-deploy, 2026: `1000m` in every
/// cluster).
pub const DEFAULT_JOB_CPU_LIMIT: Cpu = Cpu::from_millis(1000);

use toolforge_model::{ToolName, Untrusted};

use crate::describe::{codes, structs};

structs! {
    /// The state of a web service: `webservice status`.
    pub struct WebServiceStatus {
        /// The tool.
        pub tool: ToolName,
        /// The state.
        pub state: WebServiceState,
        /// Whether it serves requests.
        pub up: bool,
        /// Image type, as far as it is known.
        pub image_type: Option<String>,
        /// Image of its pods.
        pub image: Option<Untrusted>,
        /// Desired number of pods.
        pub replicas: u32,
        /// Number of ready pods.
        pub ready: u32,
        /// Number of container restarts, over the pods of the newest revision.
        pub restarts: u32,
        /// The last termination of a container.
        pub last_termination: Option<LastTermination>,
        /// Time of the last start, RFC 3339.
        pub started: Option<String>,
        /// Host name of its route.
        pub host: Option<Untrusted>,
        /// Kind of its route.
        pub routing: Option<Routing>,
        /// The program that created its Deployment, by its managed fields, like `kubectl-client-side-apply`; `null` if that is not
        /// known.
        pub created_by: Option<Untrusted>,
        /// Kinds of its objects that do not exist.
        pub missing: Vec<String>,
        /// Why it does not run, the most important cause first.
        pub causes: Vec<Cause>,
        /// The request that its objects were created for; `null` if they were not created by this program or the
        /// platform's.
        pub request: Option<WebServiceRequest>,
    }

    /// A request for a web service; `null` for platform defaults.
    pub struct WebServiceRequest {
        /// Image type.
        pub image_type: String,
        /// CPU limit of each pod.
        pub cpu: Option<String>,
        /// Memory limit of each pod.
        pub memory: Option<String>,
        /// Number of pods.
        pub replicas: u32,
        /// Arguments for the type's command.
        pub arguments: Vec<String>,
        /// Image of the build service.
        pub build_service_image: Option<String>,
        /// Shared storage.
        pub mount: Mount,
        /// Path of the health check page.
        pub health_check_path: Option<String>,
    }

    /// The last termination of a container.
    pub struct LastTermination {
        /// Name of its pod.
        pub pod: Untrusted,
        /// How it terminated.
        pub code: TerminationCode,
        /// The exit code; 128 plus the number of the signal for a signal.
        pub exit_code: i32,
        /// Reason in the container status, like `Error` or `OOMKilled`.
        pub reason: Untrusted,
        /// Time of the termination, RFC 3339.
        pub finished: Option<String>,
        /// The code as a sentence, for people.
        pub message: String,
    }

    /// Why something does not run.
    pub struct Cause {
        /// The code.
        pub code: CauseCode,
        /// The code as a sentence, for people.
        pub message: String,
        /// Kind of the object that shows it.
        pub object_kind: Untrusted,
        /// Name of the object that shows it.
        pub name: Untrusted,
        /// The cluster's own message; empty if there is none.
        pub cluster_message: Untrusted,
    }

    /// A command for a container engine: `webservice local`.
    pub struct LocalCommand {
        /// The program and its arguments.
        pub command: Vec<String>,
    }

    /// The result of all checks: `webservice doctor`.
    pub struct Diagnosis {
        /// The checks, in order.
        pub checks: Vec<Check>,
    }

    /// A check of `webservice doctor`.
    pub struct Check {
        /// What is checked.
        pub code: CheckCode,
        /// The result.
        pub level: CheckLevel,
        /// What was found, in words.
        pub message: String,
        /// What to do, in words.
        pub hints: Vec<String>,
    }
}

codes! {
    /// The state of a web service.
    pub enum WebServiceState {
        /// It does not exist.
        Stopped = "stopped",
        /// All pods are ready.
        Running = "running",
        /// It serves requests while its pods are replaced.
        Updating = "updating",
        /// No pod is ready yet.
        Starting = "starting",
        /// It serves requests, but with fewer pods than desired.
        Degraded = "degraded",
        /// Its pods cannot start.
        Failing = "failing",
        /// Its Service or its route is missing.
        Unreachable = "unreachable",
        /// Its number of replicas is zero.
        ScaledToZero = "scaled-to-zero",
        /// It is being deleted.
        Stopping = "stopping",
    }

    /// The kind of a route.
    pub enum Routing {
        /// An Ingress.
        Ingress = "ingress",
        /// An HTTPRoute.
        Httproute = "httproute",
    }

    /// Why something does not run.
    pub enum CauseCode {
        /// A container exceeded its memory limit and was killed.
        OutOfMemory = "out-of-memory",
        /// A container terminates again and again.
        CrashLoop = "crash-loop",
        /// An init container or a sidecar terminates again and again.
        InitCrashLoop = "init-crash-loop",
        /// The image cannot be pulled.
        ImagePull = "image-pull",
        /// The container cannot be started.
        ContainerStart = "container-start",
        /// The quota is exceeded.
        QuotaExceeded = "quota-exceeded",
        /// A LimitRange refuses the pod.
        LimitRange = "limit-range",
        /// The API server refuses the pod.
        Refused = "refused",
        /// The API server refuses the pod, and it is tried again.
        RefusedForNow = "refused-for-now",
        /// The health check fails, and the container is restarted.
        HealthCheckFails = "health-check-fails",
        /// The container runs, and its health check fails.
        NotHealthy = "not-healthy",
        /// No node has the capacity for the pod.
        Unschedulable = "unschedulable",
        /// A volume of the pod cannot be mounted.
        VolumeMount = "volume-mount",
        /// The node cannot set up the pod, such as its network.
        PodSandbox = "pod-sandbox",
        /// Nothing listens on the port.
        NotListening = "not-listening",
        /// The rollout timed out.
        DeadlineExceeded = "deadline-exceeded",
        /// The Deployment is paused, and pods of its newest revision are missing.
        Paused = "paused",
        /// The old pod terminates, and the new one starts after it.
        Terminating = "terminating",
        /// A run with a scheduled job's previous definition cannot start, and later runs wait for it.
        FormerDefinition = "former-definition",
    }

    /// Which shared storage a pod mounts.
    pub enum Mount {
        /// The tool's home and everything else.
        All = "all",
        /// Nothing.
        None = "none",
    }

    /// How a container terminated.
    pub enum TerminationCode {
        /// Its command exited.
        ExitCode = "exit-code",
        /// A signal stopped it.
        Signal = "signal",
        /// It exceeded its memory limit and was killed.
        OutOfMemory = "out-of-memory",
        /// It could not be started.
        NotStarted = "not-started",
    }

    /// What is checked.
    pub enum CheckCode {
        /// The kubeconfig can be used, and only by the tool.
        Kubeconfig = "kubeconfig",
        /// The kubeconfig verifies the certificate of the server.
        Authority = "authority",
        /// The certificate in the kubeconfig is valid.
        Certificate = "certificate",
        /// The tool is known.
        Tool = "tool",
        /// The API server answers, and its version is supported.
        Server = "server",
        /// The clocks of this machine and the server agree.
        Clock = "clock",
        /// The tool has the permissions that the actions need.
        Permissions = "permissions",
        /// The usage of the quota is known.
        Quota = "quota",
        /// The namespace has a LimitRange.
        Limits = "limits",
        /// The image catalog is valid.
        Catalog = "catalog",
        /// The tool's home is writable.
        Home = "home",
        /// The file `service.template` is valid.
        Template = "template",
        /// The file `service.manifest` is valid.
        Manifest = "manifest",
        /// No command left a temporary file.
        StaleManifest = "stale-manifest",
    }

    /// The result of a check.
    pub enum CheckLevel {
        /// Nothing is wrong.
        Ok = "ok",
        /// Something may be wrong.
        Warning = "warning",
        /// Something is broken.
        Error = "error",
        /// Not checked, because an earlier check failed.
        Skipped = "skipped",
    }
}

//! The pods of a job.

use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, EnvVar, ExecAction, HTTPGetAction, PodSecurityContext, PodSpec,
    PodTemplateSpec, Probe, SeccompProfile, SecurityContext, TCPSocketAction, TopologySpreadConstraint,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use toolforge_model::{JobHealthCheck, JobKind, JobPort, platform};

use crate::job::objects::command::{RenderedCommand, health_check_words};
use crate::job::{JobPlan, labels};
use crate::pod::resources;

/// The termination grace period of a pod, in seconds (jobs-api, 2026).
const GRACE_SECONDS: i64 = 15;

/// Returns the template of a job's pods.
pub(super) fn template(plan: &JobPlan) -> PodTemplateSpec {
    let mut labels = labels::of_job(&plan.request);
    labels.extend(plan.selector.clone());
    let restarted_at = plan
        .restarted_at
        .clone()
        .map(|moment| [(platform::ANNOTATION_RESTARTED_AT.to_owned(), moment)].into());
    let restart_policy = match plan.request.kind {
        JobKind::OneOff { .. } | JobKind::Scheduled { .. } => "Never",
        JobKind::Continuous { .. } => "Always",
    };
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels),
            annotations: restarted_at,
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            restart_policy: Some(restart_policy.to_owned()),
            termination_grace_period_seconds: Some(GRACE_SECONDS),
            security_context: Some(PodSecurityContext {
                fs_group: Some(plan.uid),
                run_as_group: Some(plan.uid),
                run_as_user: Some(plan.uid),
                run_as_non_root: Some(true),
                seccomp_profile: Some(SeccompProfile {
                    type_: "RuntimeDefault".to_owned(),
                    ..SeccompProfile::default()
                }),
                ..PodSecurityContext::default()
            }),
            containers: vec![container(plan)],
            topology_spread_constraints: Some(vec![TopologySpreadConstraint {
                max_skew: 1,
                topology_key: "kubernetes.io/hostname".to_owned(),
                when_unsatisfiable: "ScheduleAnyway".to_owned(),
                label_selector: Some(LabelSelector {
                    match_labels: Some(plan.selector.clone()),
                    ..LabelSelector::default()
                }),
                ..TopologySpreadConstraint::default()
            }]),
            ..PodSpec::default()
        }),
    }
}

fn container(plan: &JobPlan) -> Container {
    let request = &plan.request;
    let is_build_service = request.image.is_build_service();
    let port = request.kind.port();
    let (startup_probe, liveness_probe) = probes(&request.kind, is_build_service);
    let environment = environment(plan, port);
    Container {
        name: platform::CONTAINER_JOB.to_owned(),
        image: Some(plan.reference.clone()),
        command: Some(RenderedCommand::of(request).words),
        env: Some(environment).filter(|environment| !environment.is_empty()),
        working_dir: (!is_build_service).then(|| request.tool.home()),
        ports: port.map(|port| {
            vec![ContainerPort {
                container_port: i32::from(port.number().get()),
                protocol: Some(port.protocol().to_owned()),
                ..ContainerPort::default()
            }]
        }),
        startup_probe,
        liveness_probe,
        resources: Some(resources(plan.resources)),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities {
                drop: Some(vec!["ALL".to_owned()]),
                ..Capabilities::default()
            }),
            privileged: Some(false),
            read_only_root_filesystem: Some(false),
            run_as_group: Some(plan.uid),
            run_as_user: Some(plan.uid),
            run_as_non_root: Some(true),
            ..SecurityContext::default()
        }),
        ..Container::default()
    }
}

fn environment(plan: &JobPlan, port: Option<&JobPort>) -> Vec<EnvVar> {
    let variable = |(name, value): (&str, String)| EnvVar {
        name: name.to_owned(),
        value: Some(value),
        ..EnvVar::default()
    };
    let no_home = plan
        .request
        .image
        .is_build_service()
        .then(|| (platform::NO_HOME, platform::NO_HOME_VALUE.to_owned()));
    let port = port.map(|port| ("PORT", port.number().to_string()));
    let own = plan.request.environment.iter().map(|(name, value)| (name, value.to_owned()));
    no_home.into_iter().chain(port).chain(own).map(variable).collect()
}

/// Returns the startup and liveness probes of a job (jobs-api, 2026).
fn probes(kind: &JobKind, is_build_service: bool) -> (Option<Probe>, Option<Probe>) {
    let JobKind::Continuous { replicas: _, port, health_check } = kind else { return (None, None) };
    let number = |port: &JobPort| IntOrString::Int(i32::from(port.number().get()));
    let probe = match (health_check, port) {
        (Some(JobHealthCheck::Script(script)), _) => Probe {
            exec: Some(ExecAction { command: Some(health_check_words(script, is_build_service)) }),
            ..Probe::default()
        },
        (Some(JobHealthCheck::Http(path)), Some(port @ JobPort::Tcp { .. })) => Probe {
            http_get: Some(HTTPGetAction {
                path: Some(path.to_string()),
                port: number(port),
                ..HTTPGetAction::default()
            }),
            ..Probe::default()
        },
        (None, Some(port @ JobPort::Tcp { .. })) => Probe {
            tcp_socket: Some(TCPSocketAction { port: number(port), ..TCPSocketAction::default() }),
            ..Probe::default()
        },
        (Some(JobHealthCheck::Http(_)) | None, _) => return (None, None),
    };
    let every = |period, failures| Probe {
        initial_delay_seconds: Some(0),
        period_seconds: Some(period),
        failure_threshold: Some(failures),
        timeout_seconds: Some(5),
        ..probe.clone()
    };
    (Some(every(1, 120)), Some(every(10, 3)))
}

//! The values that the API server sets where an object has none (Kubernetes 1.33).

use serde_json::{Value, json};

use crate::object::{Labels, ObjectKind};

/// The labels by which a Job finds its pods.
pub(crate) const GENERATED_LABELS: [&str; 4] =
    ["controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"];

/// Returns an object with the API server's defaults. It is compared, not sent.
pub(crate) fn with_defaults(kind: ObjectKind, object: &Value) -> Value {
    let mut object = object.clone();
    let spec = &mut object["spec"];
    match kind {
        ObjectKind::Deployment => {
            set(
                spec,
                &[
                    ("replicas", json!(1)),
                    ("minReadySeconds", json!(0)),
                    ("progressDeadlineSeconds", json!(600)),
                    ("revisionHistoryLimit", json!(10)),
                    ("strategy", json!({"type": "RollingUpdate"})),
                ],
            );
            set(&mut spec["strategy"], &[("type", json!("RollingUpdate"))]);
            if spec["strategy"]["type"] == "RollingUpdate" {
                set(&mut spec["strategy"], &[("rollingUpdate", json!({}))]);
                let quarter = || json!("25%");
                set(
                    &mut spec["strategy"]["rollingUpdate"],
                    &[("maxSurge", quarter()), ("maxUnavailable", quarter())],
                );
            }
            pod_defaults(&mut spec["template"]["spec"]);
        }
        ObjectKind::CronJob => {
            set(
                spec,
                &[
                    ("concurrencyPolicy", json!("Allow")),
                    ("successfulJobsHistoryLimit", json!(3)),
                    ("failedJobsHistoryLimit", json!(1)),
                ],
            );
            job_defaults(&mut spec["jobTemplate"]["spec"]);
        }
        ObjectKind::Job => {
            job_defaults(spec);
            remove_generated(spec);
        }
        ObjectKind::Pod => pod_defaults(spec),
        ObjectKind::Service => service_defaults(spec),
        ObjectKind::Ingress
        | ObjectKind::HttpRoute
        | ObjectKind::ContinuousJobRecord
        | ObjectKind::ScheduledJobRecord => {}
    }
    object
}

/// Returns a StatefulSet with the API server's defaults.
pub(crate) fn of_stateful_set(object: &Value) -> Value {
    let mut object = object.clone();
    let spec = &mut object["spec"];
    let retained = || json!({"whenDeleted": "Retain", "whenScaled": "Retain"});
    set(
        spec,
        &[
            ("minReadySeconds", json!(0)),
            ("persistentVolumeClaimRetentionPolicy", retained()),
            ("podManagementPolicy", json!("OrderedReady")),
            ("replicas", json!(1)),
            ("revisionHistoryLimit", json!(10)),
        ],
    );
    update_defaults(spec, &json!({"partition": 0}));
    pod_defaults(&mut spec["template"]["spec"]);
    object
}

/// Returns a DaemonSet with the API server's defaults.
pub(crate) fn of_daemon_set(object: &Value) -> Value {
    let mut object = object.clone();
    let spec = &mut object["spec"];
    set(spec, &[("minReadySeconds", json!(0)), ("revisionHistoryLimit", json!(10))]);
    update_defaults(spec, &json!({"maxSurge": 0, "maxUnavailable": 1}));
    pod_defaults(&mut spec["template"]["spec"]);
    object
}

/// Returns a ReplicaSet or a replication controller with the API server's defaults.
pub(crate) fn of_replica_set(object: &Value) -> Value {
    let mut object = object.clone();
    let spec = &mut object["spec"];
    set(spec, &[("minReadySeconds", json!(0)), ("replicas", json!(1))]);
    pod_defaults(&mut spec["template"]["spec"]);
    object
}

/// Returns a PersistentVolumeClaim with the API server's defaults.
pub(crate) fn of_claim(object: &Value) -> Value {
    let mut object = object.clone();
    set(&mut object["spec"], &[("volumeMode", json!("Filesystem"))]);
    object
}

/// Sets how the pods of a StatefulSet or a DaemonSet are replaced; `rolling` are the defaults of a rolling update.
fn update_defaults(spec: &mut Value, rolling: &Value) {
    set(spec, &[("updateStrategy", json!({}))]);
    let strategy = &mut spec["updateStrategy"];
    set(strategy, &[("type", json!("RollingUpdate"))]);
    if strategy["type"] == "RollingUpdate" {
        set(strategy, &[("rollingUpdate", json!({}))]);
        for (field, default) in rolling.as_object().into_iter().flatten() {
            set(&mut strategy["rollingUpdate"], &[(field.as_str(), default.clone())]);
        }
    }
}

/// Removes the labels that the API server generates for the pods of a Job.
pub(crate) fn remove_generated_labels(labels: &mut Labels) {
    labels.retain(|key, _| !GENERATED_LABELS.contains(&key.as_str()));
}

/// Removes the selector of a Job and the labels of its pods, which the API server generates.
fn remove_generated(spec: &mut Value) {
    if spec["manualSelector"] == true {
        return;
    }
    if let Some(fields) = spec.as_object_mut() {
        fields.remove("selector");
    }
    let labels = spec.pointer_mut("/template/metadata/labels").and_then(Value::as_object_mut);
    if let Some(labels) = labels {
        labels.retain(|key, _| !GENERATED_LABELS.contains(&key.as_str()));
    }
}

fn job_defaults(spec: &mut Value) {
    set(
        spec,
        &[
            ("backoffLimit", json!(6)),
            ("completionMode", json!("NonIndexed")),
            ("completions", json!(1)),
            ("parallelism", json!(1)),
            ("podReplacementPolicy", json!("TerminatingOrFailed")),
        ],
    );
    pod_defaults(&mut spec["template"]["spec"]);
}

fn pod_defaults(spec: &mut Value) {
    set(
        spec,
        &[
            ("dnsPolicy", json!("ClusterFirst")),
            ("enableServiceLinks", json!(true)),
            ("restartPolicy", json!("Always")),
            ("schedulerName", json!("default-scheduler")),
            ("terminationGracePeriodSeconds", json!(30)),
        ],
    );
    for containers in ["containers", "initContainers"] {
        spec[containers].as_array_mut().into_iter().flatten().for_each(container_defaults);
    }
}

fn container_defaults(container: &mut Value) {
    let image = container["image"].as_str().unwrap_or_default();
    let name = image.rsplit('/').next().unwrap_or_default();
    // A digest, or a tag other than `latest`.
    let is_fixed = name.contains('@') || name.split_once(':').is_some_and(|(_, tag)| tag != "latest");
    let pull = if is_fixed { "IfNotPresent" } else { "Always" };
    set(
        container,
        &[
            ("imagePullPolicy", json!(pull)),
            ("terminationMessagePath", json!("/dev/termination-log")),
            ("terminationMessagePolicy", json!("File")),
        ],
    );
    for port in container["ports"].as_array_mut().into_iter().flatten() {
        set(port, &[("protocol", json!("TCP"))]);
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = &mut container[probe];
        if !probe.is_object() {
            continue;
        }
        set(
            probe,
            &[
                ("failureThreshold", json!(3)),
                ("initialDelaySeconds", json!(0)),
                ("periodSeconds", json!(10)),
                ("successThreshold", json!(1)),
                ("timeoutSeconds", json!(1)),
            ],
        );
        set(&mut probe["httpGet"], &[("path", json!("/")), ("scheme", json!("HTTP"))]);
        set(&mut probe["grpc"], &[("service", json!(""))]);
    }
    // A request that is not set is the limit.
    if let Value::Object(limits) = container["resources"]["limits"].clone() {
        set(&mut container["resources"], &[("requests", json!({}))]);
        for (resource, limit) in limits {
            set(&mut container["resources"]["requests"], &[(resource.as_str(), limit)]);
        }
    }
}

fn service_defaults(spec: &mut Value) {
    set(
        spec,
        &[
            ("internalTrafficPolicy", json!("Cluster")),
            ("ipFamilies", json!(["IPv4"])),
            ("ipFamilyPolicy", json!("SingleStack")),
            ("sessionAffinity", json!("None")),
            ("type", json!("ClusterIP")),
        ],
    );
    for port in spec["ports"].as_array_mut().into_iter().flatten() {
        let target = port["port"].clone();
        set(port, &[("protocol", json!("TCP")), ("targetPort", target)]);
    }
}

/// Sets the fields that a mapping does not have.
fn set(value: &mut Value, defaults: &[(&str, Value)]) {
    let Value::Object(fields) = value else { return };
    for (field, default) in defaults {
        let found = fields.entry(*field).or_insert(Value::Null);
        if found.is_null() {
            found.clone_from(default);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_defaults_to_the_limit() {
        let pod =
            json!({"spec": {"containers": [{"image": "a/b:1", "resources": {"limits": {"cpu": "1"}}}]}});
        let found = with_defaults(ObjectKind::Pod, &pod);
        let container = &found["spec"]["containers"][0];
        assert_eq!(container["resources"]["requests"]["cpu"], "1");
        assert_eq!(container["imagePullPolicy"], "IfNotPresent");
        assert_eq!(container["livenessProbe"], Value::Null);
        assert_eq!(found["spec"]["restartPolicy"], "Always");
    }

    #[test]
    fn port_of_a_service_is_its_target() {
        let service = json!({"spec": {"ports": [{"port": 80}, {"port": 81, "targetPort": "http"}]}});
        let found = with_defaults(ObjectKind::Service, &service);
        assert_eq!(found["spec"]["ports"][0]["targetPort"], 80);
        assert_eq!(found["spec"]["ports"][1]["targetPort"], "http");
        assert_eq!(found["spec"]["sessionAffinity"], "None");
    }

    #[test]
    fn defaults_of_a_strategy_follow_its_type() {
        let with = |strategy| with_defaults(ObjectKind::Deployment, &json!({"spec": {"strategy": strategy}}));
        assert_eq!(with(json!(null))["spec"]["strategy"]["rollingUpdate"]["maxSurge"], "25%");
        assert_eq!(with(json!({"type": "Recreate"}))["spec"]["strategy"]["rollingUpdate"], Value::Null);
    }
}

//! Changes of one field that the API server refuses.

use toolforge_render::lint::{Level, lint};

use crate::support::{context, fixture, ids};

/// A rule, a part of `clean.yaml`, and its replacement.
pub(crate) const CASES: &[(&str, &str, &str)] = &[
    (
        "selector",
        "  ttlSecondsAfterFinished: 3600\n  template:\n    metadata:\n      labels: {toolforge: tool}",
        "  ttlSecondsAfterFinished: 3600\n  template:\n    metadata:\n      labels: {toolforge: tool, controller-uid: 1c3b}",
    ),
    (
        "selector",
        "  ttlSecondsAfterFinished: 3600\n  template:\n    metadata:\n      labels: {toolforge: tool}",
        "  ttlSecondsAfterFinished: 3600\n  template:\n    metadata:\n      labels: {toolforge: tool, job-name: other}",
    ),
    (
        "selector",
        "          labels: {toolforge: tool}",
        "          labels: {toolforge: tool, batch.kubernetes.io/job-name: daily}",
    ),
    ("invalid-value", "  replicas: 1", "  replicas: 1\n  strategy: {rollingUpdate: {maxSurge: -1}}"),
    ("invalid-value", "  replicas: 1", "  replicas: 1\n  strategy: {rollingUpdate: {maxUnavailable: -1}}"),
    ("invalid-value", "      volumes:", "      nodeName: A_b\n      volumes:"),
    ("invalid-value", "      volumes:", "      readinessGates: [{conditionType: a b}]\n      volumes:"),
    (
        "invalid-value",
        "      volumes:",
        "      securityContext: {sysctls: [{name: a b, value: x}]}\n      volumes:",
    ),
    ("invalid-value", "      volumes:", "      priority: 5\n      volumes:"),
    ("invalid-value", "      volumes:", "      overhead: {cpu: 100m}\n      volumes:"),
    ("invalid-value", "emptyDir: {}", "nfs: {server: a, path: b}"),
    ("missing-field", "emptyDir: {}", "nfs: {path: /b}"),
    ("invalid-value", "emptyDir: {}", "projected: {sources: [{secret: {name: a}, configMap: {name: a}}]}"),
    ("volume-mount", "imagePullPolicy: Always", "volumeDevices: [{name: x, devicePath: /x}]"),
    ("invalid-value", "imagePullPolicy: Always", "resizePolicy: [{resourceName: cpu, restartPolicy: X}]"),
    ("invalid-value", "port: 8000, targetPort: 8000}", "port: 8000, appProtocol: a b}"),
    ("invalid-value", "  selector: {name: web}", "  externalIPs: [x]\n  selector: {name: web}"),
    ("invalid-value", "      backoffLimit: 3", "      managedBy: x"),
    ("invalid-value", "      volumes:", "      tolerations: [{key: a, effect: Never}]\n      volumes:"),
    (
        "invalid-value",
        "      volumes:",
        "      topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: Never}]\n      volumes:",
    ),
    (
        "missing-field",
        "      volumes:",
        "      topologySpreadConstraints: [{maxSkew: 1, whenUnsatisfiable: DoNotSchedule}]\n      volumes:",
    ),
    (
        "missing-field",
        "      volumes:",
        "      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}\n      volumes:",
    ),
    (
        "invalid-value",
        "      volumes:",
        "      affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 0, preference: {}}]}}\n      volumes:",
    ),
    (
        "missing-field",
        "      volumes:",
        "      affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {}}]}}\n      volumes:",
    ),
    (
        "invalid-value",
        "      volumes:",
        "      securityContext: {seccompProfile: {type: Default}}\n      volumes:",
    ),
    ("invalid-value", "      volumes:", "      dnsConfig: {nameservers: [x]}\n      volumes:"),
    ("invalid-value", "      volumes:", "      os: {name: debian}\n      volumes:"),
    ("invalid-value", "      volumes:", "      preemptionPolicy: Always\n      volumes:"),
    (
        "invalid-value",
        "      volumes:",
        "      ephemeralContainers: [{name: debug, image: tools-harbor.wmcloud.org/tool-a/a}]\n      volumes:",
    ),
    ("invalid-value", "emptyDir: {}", "configMap: {name: a, defaultMode: 99999}"),
    ("invalid-value", "emptyDir: {}", "configMap: {name: a, items: [{key: a, path: ../b}]}"),
    ("missing-field", "emptyDir: {}", "secret: {secretName: a, items: [{path: b}]}"),
    ("invalid-value", "port: http}", "port: http, httpHeaders: [{name: a b, value: c}]}"),
    ("invalid-value", "imagePullPolicy: Always", "lifecycle: {preStop: {sleep: {seconds: -1}}}"),
    ("invalid-value", "imagePullPolicy: Always", "lifecycle: {preStop: {sleep: {seconds: 31}}}"),
    ("invalid-value", "value: \"no\"", "valueFrom: {configMapKeyRef: {name: a, key: a b}}"),
    ("invalid-value", "  selector: {name: web}", "  clusterIP: foo\n  selector: {name: web}"),
    ("invalid-value", "  selector: {name: web}", "  selector: {name: b c}"),
    ("invalid-value", "  selector: {name: web}", "  externalTrafficPolicy: Local\n  selector: {name: web}"),
    ("invalid-value", "  selector: {name: web}", "  internalTrafficPolicy: Mine\n  selector: {name: web}"),
    ("invalid-value", "  name: settings", "  name: settings\n  resourceVersion: \"5\""),
    ("missing-field", "  name: settings", "  name: settings\n  ownerReferences: [{kind: Job}]"),
    ("invalid-name", "  name: settings", "  generateName: A_b"),
    (
        "selector",
        "  ttlSecondsAfterFinished: 3600",
        "  ttlSecondsAfterFinished: 3600\n  manualSelector: true",
    ),
    (
        "invalid-value",
        "      volumes:",
        "      securityContext: {seccompProfile: {type: RuntimeDefault, localhostProfile: x}}\n      volumes:",
    ),
    (
        "missing-field",
        "      volumes:",
        "      securityContext: {seccompProfile: {type: Localhost}}\n      volumes:",
    ),
    (
        "invalid-value",
        "      volumes:",
        "      securityContext: {appArmorProfile: {type: Unconfined, localhostProfile: x}}\n      volumes:",
    ),
    (
        "invalid-value",
        "      volumes:",
        "      securityContext: {appArmorProfile: {type: Default}}\n      volumes:",
    ),
    (
        "invalid-value",
        "      volumes:",
        "      topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: ScheduleAnyway, minDomains: 2}]\n      volumes:",
    ),
    (
        "missing-field",
        "      volumes:",
        "      affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: a, operator: Gt, values: ['1', '2']}]}}]}}\n      volumes:",
    ),
    (
        "missing-field",
        "      volumes:",
        "      affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: a, labelSelector: {matchExpressions: [{key: a, operator: In}]}}]}}\n      volumes:",
    ),
    (
        "invalid-value",
        "imagePullPolicy: Always",
        "securityContext: {seccompProfile: {type: Unconfined, localhostProfile: x}}",
    ),
    ("invalid-value", "mountPath: /cache", "mountPath: /cache\n          recursiveReadOnly: Enabled"),
    ("invalid-value", "mountPath: /cache", "mountPath: /cache\n          mountPropagation: Both"),
    ("invalid-value", "  selector: {name: web}", "  loadBalancerClass: a/b\n  selector: {name: web}"),
    (
        "invalid-value",
        "  selector: {name: web}",
        "  allocateLoadBalancerNodePorts: false\n  selector: {name: web}",
    ),
    (
        "invalid-value",
        "  selector: {name: web}",
        "  loadBalancerSourceRanges: [10.0.0.0/8]\n  selector: {name: web}",
    ),
    ("invalid-value", "  selector: {name: web}", "  healthCheckNodePort: 30000\n  selector: {name: web}"),
    (
        "invalid-value",
        "  selector: {name: web}",
        "  type: ExternalName\n  externalName: a.example\n  clusterIP: 10.0.0.1\n  selector: {name: web}",
    ),
    (
        "missing-field",
        "    matchLabels:\n      name: web\n",
        "    matchLabels:\n      name: web\n    matchExpressions: [{key: name, operator: In}]\n",
    ),
    ("unknown-port", "targetPort: 8000", "targetPort: web"),
    ("unknown-port", "              number: 8000", "              number: 80"),
    ("unknown-port", "              number: 8000", "              name: web"),
    (
        "policy-selector",
        "  a: \"1\"",
        "  a: \"1\"\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {matchLabels: {name: bot}}}",
    ),
    ("invalid-value", "spec:\n  rules:", "spec:\n  tls: [{hosts: [x_y]}]\n  rules:"),
    ("template", "  name: settings", "  name: \"{{ .Release.Name }}-x\""),
    ("plain-secret", "  a: \"1\"", "  a: AKIAIOSFODNN7EXAMPLE"),
    (
        "plain-secret",
        "value: \"no\"",
        "value: \"-----BEGIN PRIVATE KEY-----\\nMIIEowIBAAKCAQEA3f78\\n-----END PRIVATE KEY-----\"",
    ),
    (
        "plain-secret",
        "command: [launcher, daily]",
        "command: [launcher, ghp_a1B2c3D4e5F6a1B2c3D4e5F6a1B2c3D4e5F6]",
    ),
];

#[test]
fn refused_changes_are_found() {
    let clean = fixture("clean.yaml");
    for (rule, from, to) in CASES {
        assert!(clean.contains(from), "{rule}: {from:?} is not in clean.yaml");
        let found = ids(&clean.replacen(from, to, 1), &context("stashbot"));
        assert!(found.contains(rule), "{rule}: {to:?}: {found:?}");
        let others: Vec<_> = found.iter().filter(|id| *id != rule).collect();
        assert!(others.len() <= 2, "{rule}: {to:?}: {found:?}");
    }
}

#[test]
fn accepted_values_are_not_found() {
    let clean = fixture("clean.yaml");
    for (from, to) in [
        (
            "      volumes:",
            "      tolerations: [{key: a, operator: Exists, effect: NoSchedule}]\n      volumes:",
        ),
        (
            "      volumes:",
            "      affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 100, podAffinityTerm: \
             {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {name: web}}}}]}}\n      volumes:",
        ),
        ("      volumes:", "      securityContext: {seccompProfile: {type: RuntimeDefault}}\n      volumes:"),
        ("      volumes:", "      dnsConfig: {nameservers: [10.0.0.1]}\n      volumes:"),
        ("      volumes:", "      readinessGates: [{conditionType: example.org/ready}]\n      volumes:"),
        (
            "      volumes:",
            "      securityContext: {sysctls: [{name: net.ipv4.tcp_syncookies, value: '1'}]}\n      volumes:",
        ),
        ("      volumes:", "      priority: 0\n      overhead: {}\n      volumes:"),
        ("emptyDir: {}", "nfs: {server: a, path: /b}"),
        ("emptyDir: {}", "projected: {sources: [{secret: {name: a}}, {configMap: {name: a}}]}"),
        ("imagePullPolicy: Always", "resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}]"),
        ("port: 8000, targetPort: 8000}", "port: 8000, targetPort: 8000, appProtocol: kubernetes.io/ws}"),
        ("      backoffLimit: 3", "      managedBy: kubernetes.io/job-controller\n      backoffLimit: 3"),
        ("namespace: tool-stashbot", "namespace: ''"),
        ("emptyDir: {}", "configMap: {name: a, defaultMode: 0755, items: [{key: a, path: b/c, mode: 0644}]}"),
        ("imagePullPolicy: Always", "lifecycle: {preStop: {sleep: {seconds: 5}}}"),
        ("port: http}", "port: http, httpHeaders: [{name: X-Probe, value: a b}]}"),
        (
            "  selector: {name: web}",
            "  clusterIP: None\n  internalTrafficPolicy: Local\n  selector: {name: web}",
        ),
        ("  - {name: http, port: 8000", "  - {name: http, port: 8000"),
        ("spec:\n  rules:", "spec:\n  tls: [{hosts: ['*.example.org']}]\n  rules:"),
        ("  name: settings", "  generateName: settings-"),
        (
            "      volumes:",
            "      securityContext: {seccompProfile: {type: Localhost, localhostProfile: a/b}}\n      volumes:",
        ),
        (
            "mountPath: /cache",
            "mountPath: /cache\n          readOnly: true\n          recursiveReadOnly: Enabled",
        ),
        (
            "  selector: {name: web}",
            "  sessionAffinity: ClientIP\n  sessionAffinityConfig: {clientIP: {timeoutSeconds: 5}}\n  selector: {name: web}",
        ),
        ("targetPort: 8000", "targetPort: http"),
        ("              number: 8000", "              name: http"),
        (
            "  a: \"1\"",
            "  a: \"1\"\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {matchExpressions: [{key: name, operator: In, values: [web, b]}]}}",
        ),
        ("  replicas: 1", "  replicas: 02"),
        (
            "  ttlSecondsAfterFinished: 3600\n  template:\n    metadata:\n      labels: {toolforge: tool}",
            "  ttlSecondsAfterFinished: 3600\n  template:\n    metadata:\n      labels: {toolforge: tool, job-name: once}",
        ),
        ("  replicas: 1", "  replicas: 1.0"),
        ("limits: {cpu: 500m, memory: 512Mi}", "limits: {cpu: 0x1, memory: 0x20000000}"),
        ("  a: \"1\"", "  a: \"1\"\nbinaryData: {b: \"YWJj\\n\"}"),
        (
            "  a: \"1\"",
            "  a: \"1\"\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  k: |\n    YWJj\n    ZGVm\n  l: >-\n    YWJj\n\n    ZA==",
        ),
    ] {
        assert!(clean.contains(from), "{from}");
        assert_eq!(ids(&clean.replacen(from, to, 1), &context("stashbot")), [""; 0], "{to}");
    }
}

#[test]
fn hand_written_manifests_have_their_verdict() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/lint/handwritten");
    for verdict in ["accepted", "refused"] {
        for file in std::fs::read_dir(directory.join(verdict)).unwrap() {
            let path = file.unwrap().path();
            let found = lint(&std::fs::read_to_string(&path).unwrap(), &context("stashbot"));
            let errors: Vec<_> = found.iter().filter(|found| found.level() == Level::Error).collect();
            assert_eq!(errors.is_empty(), verdict == "accepted", "{}: {errors:?}", path.display());
        }
    }
}

#[test]
fn large_objects_are_found() {
    let object =
        |kind: &str, data: &str| format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: a}}\n{data}");
    let data = |kind: &str, length: usize| object(kind, &format!("data: {{a: {}}}\n", "a".repeat(length)));
    for (kind, length, expected) in [
        ("ConfigMap", 1_048_576, 0),
        ("ConfigMap", 1_048_577, 1),
        // In Base64.
        ("Secret", 1_398_100, 0),
        ("Secret", 1_398_108, 1),
    ] {
        let found = ids(&data(kind, length), &context("stashbot"));
        assert_eq!(found.iter().filter(|id| **id == "invalid-value").count(), expected, "{kind} {length}");
    }
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, annotations: {{a: {}}}}}\n",
        "a".repeat(262_144)
    );
    assert_eq!(ids(&text, &context("stashbot")), ["invalid-value"]);
}

#[test]
fn rules_of_routes_are_checked() {
    for (rule, expected) in [
        (
            "backendRefs: [{name: a, port: 8000}], matches: [{path: {type: PathPrefix, value: /}, method: GET}]",
            0,
        ),
        ("backendRefs: [{name: a, port: 0}]", 1),
        ("backendRefs: [{name: a}]", 1),
        ("backendRefs: [{kind: Other, group: x, name: a}]", 0),
        ("backendRefs: [{port: 80}]", 1),
        ("matches: [{path: {type: Prefix}}]", 1),
        ("matches: [{path: {value: a}}]", 1),
        ("matches: [{path: {type: RegularExpression, value: a}}]", 0),
        ("matches: [{path: {value: /a//b}}]", 1),
        ("matches: [{method: get}]", 1),
        ("filters: [{type: RequestRedirect, requestRedirect: {statusCode: 301}}]", 0),
        ("filters: [{type: RequestRedirect}]", 1),
        ("filters: [{type: URLRewrite, requestRedirect: {}}]", 2),
        (
            "filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /a}}}]",
            0,
        ),
        (
            "filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplacePrefixMatch, replaceFullPath: /a}}}]",
            2,
        ),
        ("backendRefs: [{name: a, port: 80}], filters: [{type: RequestRedirect, requestRedirect: {}}]", 1),
    ] {
        let text = format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: a}}\nspec: {{hostnames: [stashbot.toolforge.org], \
             rules: [{{{rule}}}]}}\n"
        );
        let found = lint(&text, &context("stashbot"));
        let errors: Vec<_> = found.iter().filter(|found| found.level() == Level::Error).collect();
        assert_eq!(errors.len(), expected, "{rule}: {errors:?}");
    }
}

#[test]
fn other_kinds_are_checked() {
    let stateful_set = |fields: &str| {
        format!(
            "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: a}}\nspec: {{serviceName: a, {fields}, selector: {{matchLabels: {{a: \
             b}}}}, template: {{metadata: {{labels: {{a: b, toolforge: tool}}}}, spec: {{containers: [{{name: a, image: \
             tools-harbor.wmcloud.org/tool-a/a:1}}]}}}}}}\n"
        )
    };
    let policy = |fields: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: a}}\nspec: {{podSelector: {{{fields}}}}}\n"
        )
    };
    let rule = |fields: &str| {
        policy("").replace("podSelector: {}", &format!("podSelector: {{}}, ingress: [{{{fields}}}]"))
    };
    for (text, expected) in [
        (stateful_set("podManagementPolicy: Parallel"), 0),
        (stateful_set("podManagementPolicy: Serial"), 1),
        (stateful_set("updateStrategy: {type: Recreate}"), 1),
        (stateful_set("updateStrategy: {type: OnDelete}"), 0),
        (stateful_set("updateStrategy: {rollingUpdate: {partition: 1}}"), 0),
        (stateful_set("updateStrategy: {rollingUpdate: {partition: -1}}"), 1),
        (stateful_set("updateStrategy: {type: OnDelete, rollingUpdate: {partition: 1}}"), 1),
        (policy("matchExpressions: [{key: a, operator: In, values: [b]}]"), 0),
        (policy("matchExpressions: [{key: a, operator: In}]"), 1),
        (policy("matchExpressions: [{key: a, operator: Exists, values: [b]}]"), 1),
        (rule("from: [{podSelector: {}}], ports: [{port: 80, endPort: 90}]"), 0),
        (rule("from: [{}]"), 1),
        (rule("from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]"), 1),
        (rule("ports: [{port: 90, endPort: 80}]"), 1),
        (rule("ports: [{endPort: 80}]"), 1),
    ] {
        let found = ids(&text, &context("stashbot"));
        let errors = found.iter().filter(|id| matches!(**id, "invalid-value" | "missing-field")).count();
        assert_eq!(errors, expected, "{text}: {found:?}");
    }
}

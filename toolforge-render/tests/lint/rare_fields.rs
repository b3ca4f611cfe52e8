//! Changes of one field that people write less often: the API server refuses those of `REFUSED`, and accepts those of `ACCEPTED`.

use crate::support::{context, fixture, ids};

/// A rule, a part of `clean.yaml`, and its replacement.
const REFUSED: &[(&str, &str, &str)] = &[
    ("invalid-value", "imagePullPolicy: Always", "securityContext: {procMount: X}"),
    (
        "invalid-value",
        "limits: {cpu: 500m, memory: 512Mi}",
        "limits: {cpu: 500m, memory: 512Mi, hugepages-2Mi: 3Mi}",
    ),
    (
        "invalid-value",
        "limits: {cpu: 500m, memory: 512Mi}",
        "limits: {cpu: 500m, memory: 512Mi, hugepages-large: 2Mi}",
    ),
    ("outside-limits", "limits: {cpu: 500m, memory: 512Mi}", "limits: {cpu: null, memory: 512Mi}"),
    (
        "invalid-value",
        "          value: \"no\"",
        "          valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: '1024'}}",
    ),
    (
        "invalid-value",
        "          value: \"no\"",
        "          valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: '1e3'}}",
    ),
    (
        "invalid-value",
        "          value: \"no\"",
        "          valueFrom: {resourceFieldRef: {resource: limits.ephemeral-storage, divisor: '3'}}",
    ),
    (
        "invalid-value",
        "      backoffLimit: 3",
        "      completionMode: Indexed\n      completions: 4\n      successPolicy: {rules: [{succeededIndexes: 1-0}]}",
    ),
    (
        "invalid-value",
        "      backoffLimit: 3",
        "      completionMode: Indexed\n      completions: 4\n      successPolicy: {rules: [{succeededIndexes: '', succeededCount: 1}]}",
    ),
    (
        "invalid-value",
        "      backoffLimit: 3",
        "      completionMode: Indexed\n      completions: 4\n      successPolicy: {rules: [{succeededIndexes: '2,1'}]}",
    ),
    (
        "invalid-value",
        "      backoffLimit: 3",
        "      completionMode: Indexed\n      completions: 4\n      successPolicy: {rules: [{succeededIndexes: 1-4}]}",
    ),
    (
        "invalid-value",
        "      backoffLimit: 3",
        "      completionMode: Indexed\n      completions: 4\n      successPolicy: {rules: [{succeededIndexes: 0-1, succeededCount: 3}]}",
    ),
    (
        "invalid-value",
        "      backoffLimit: 3",
        "      completionMode: Indexed\n      completions: 4\n      parallelism: 100001",
    ),
    (
        "invalid-value",
        "  a: \"1\"",
        "  a: \"1\"\n---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: a}\nsubsets: [{addresses: [{ip: 10.1.2.3, nodeName: ''}]}]",
    ),
    ("invalid-value", "emptyDir: {}", "projected: {sources: [{serviceAccountToken: {path: ../x}}]}"),
    ("invalid-value", "emptyDir: {}", "projected: {sources: [{serviceAccountToken: {path: ..x}}]}"),
    ("invalid-value", "emptyDir: {}", "configMap: {name: a, items: [{key: a, path: ..b}]}"),
    ("invalid-value", "emptyDir: {}", "csi: {driver: a b}"),
    ("invalid-value", "      volumes:", "      dnsConfig: {searches: ['']}\n      volumes:"),
    ("invalid-value", "      volumes:", "      preemptionPolicy: Never\n      volumes:"),
    ("invalid-value", "      volumes:", "      tolerations: [{key: a b, operator: Exists}]\n      volumes:"),
    ("invalid-value", "      volumes:", "      tolerations: [{key: a, value: x y}]\n      volumes:"),
    ("invalid-value", "      volumes:", "      priorityClassName: A_b\n      volumes:"),
    ("invalid-value", "      volumes:", "      runtimeClassName: A_b\n      volumes:"),
    ("invalid-value", "      volumes:", "      schedulingGates: [{name: a b}]\n      volumes:"),
    ("invalid-value", "      volumes:", "      schedulingGates: [{name: a}, {name: a}]\n      volumes:"),
    ("invalid-value", "      volumes:", "      dnsConfig: {searches: [a b]}\n      volumes:"),
    (
        "invalid-value",
        "      volumes:",
        "      dnsConfig: {nameservers: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4]}\n      volumes:",
    ),
    ("missing-field", "      volumes:", "      dnsConfig: {options: [{value: x}]}\n      volumes:"),
    ("missing-field", "      volumes:", "      securityContext: {sysctls: [{value: x}]}\n      volumes:"),
    (
        "invalid-value",
        "      volumes:",
        "      securityContext: {sysctls: [{name: a, value: '1'}, {name: a, value: '1'}]}\n      volumes:",
    ),
    ("invalid-value", "      volumes:", "      securityContext: {supplementalGroups: [-1]}\n      volumes:"),
    ("invalid-value", "imagePullPolicy: Always", "envFrom: [{configMapRef: {name: A_b}}]"),
    ("invalid-value", "imagePullPolicy: Always", "envFrom: [{secretRef: {name: a b}}]"),
    ("missing-field", "imagePullPolicy: Always", "resizePolicy: [{resourceName: cpu}]"),
    (
        "invalid-value",
        "imagePullPolicy: Always",
        "resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}, {resourceName: cpu, restartPolicy: NotRequired}]",
    ),
    (
        "invalid-value",
        "command: [launcher, daily]",
        "command: [launcher, daily]\n            resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}]",
    ),
    ("invalid-value", "imagePullPolicy: Always", "volumeDevices: [{name: cache, devicePath: /x}]"),
    (
        "invalid-value",
        "emptyDir: {}",
        "projected: {sources: [{serviceAccountToken: {path: a, expirationSeconds: 60}}]}",
    ),
    ("missing-field", "emptyDir: {}", "projected: {sources: [{serviceAccountToken: {}}]}"),
    ("missing-field", "emptyDir: {}", "projected: {sources: [{configMap: {}}]}"),
    (
        "invalid-value",
        "emptyDir: {}",
        "projected: {sources: [{configMap: {name: a, items: [{key: a, path: b}]}}, {secret: {name: a, items: [{key: a, path: b}]}}]}",
    ),
    (
        "invalid-value",
        "emptyDir: {}",
        "projected: {sources: [{downwardAPI: {items: [{path: a, fieldRef: {fieldPath: spec.nodeName}}]}}]}",
    ),
    (
        "missing-field",
        "emptyDir: {}",
        "downwardAPI: {items: [{path: a, resourceFieldRef: {resource: limits.cpu}}]}",
    ),
    ("missing-field", "emptyDir: {}", "ephemeral: {}"),
    ("missing-field", "emptyDir: {}", "csi: {}"),
    ("missing-field", "emptyDir: {}", "gitRepo: {}"),
    (
        "invalid-value",
        "      volumes:",
        "      topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule}, {maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule}]\n      volumes:",
    ),
    (
        "invalid-value",
        "      volumes:",
        "      topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule, minDomains: 0}]\n      volumes:",
    ),
    (
        "invalid-value",
        "      volumes:",
        "      topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule, matchLabelKeys: [a]}]\n      volumes:",
    ),
    (
        "invalid-value",
        "      volumes:",
        "      topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {a: b c}}}]\n      volumes:",
    ),
    (
        "missing-field",
        "      volumes:",
        "      affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 5}]}}\n      volumes:",
    ),
    (
        "invalid-value",
        "      volumes:",
        "      affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: a, namespaces: [A_b]}]}}\n      volumes:",
    ),
    (
        "invalid-value",
        "      volumes:",
        "      affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: a, labelSelector: {matchExpressions: [{key: a b, operator: Exists}]}}]}}\n      volumes:",
    ),
    (
        "invalid-value",
        "      volumes:",
        "      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: a, operator: In, values: [b]}]}]}}}\n      volumes:",
    ),
    (
        "invalid-value",
        "      volumes:",
        "      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a b, operator: Exists}]}]}}}\n      volumes:",
    ),
    (
        "invalid-value",
        "          value: \"no\"",
        "          valueFrom: {fieldRef: {apiVersion: v2, fieldPath: metadata.name}}",
    ),
    (
        "invalid-value",
        "          value: \"no\"",
        "          valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: '3'}}",
    ),
    (
        "invalid-value",
        "limits: {cpu: 500m, memory: 512Mi}",
        "limits: {cpu: 500m, memory: 512Mi, example.org/device: 500m}",
    ),
    (
        "invalid-value",
        "      backoffLimit: 3",
        "      podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: a b, status: \"True\"}]}]}",
    ),
    (
        "missing-field",
        "      backoffLimit: 3",
        "      completionMode: Indexed\n      completions: 2\n      successPolicy: {rules: [{}]}",
    ),
    (
        "invalid-value",
        "      backoffLimit: 3",
        "      completionMode: Indexed\n      completions: 2\n      successPolicy: {rules: [{succeededCount: 3}]}",
    ),
    (
        "invalid-value",
        "      backoffLimit: 3",
        "      completionMode: Indexed\n      completions: 2\n      successPolicy: {rules: [{succeededIndexes: x}]}",
    ),
    ("invalid-label", "  jobTemplate:", "  jobTemplate:\n    metadata: {labels: {a: b c}}"),
    ("invalid-value", "  selector: {name: web}", "  clusterIPs: [10.0.0.1]\n  selector: {name: web}"),
    (
        "invalid-value",
        "  selector: {name: web}",
        "  clusterIP: 10.0.0.1\n  clusterIPs: [10.0.0.2]\n  selector: {name: web}",
    ),
    ("invalid-value", "  selector: {name: web}", "  ipFamilies: [IPv4, IPv4]\n  selector: {name: web}"),
    ("invalid-value", "  selector: {name: web}", "  trafficDistribution: X\n  selector: {name: web}"),
    ("invalid-value", "  selector: {name: web}", "  externalIPs: [127.0.0.1]\n  selector: {name: web}"),
    (
        "invalid-value",
        "  selector: {name: web}",
        "  sessionAffinity: ClientIP\n  sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}\n  selector: {name: web}",
    ),
    (
        "invalid-value",
        "  a: \"1\"",
        "  a: \"1\"\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, ingress: [{ports: [{port: A_b}]}]}",
    ),
    (
        "invalid-value",
        "  a: \"1\"",
        "  a: \"1\"\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]}",
    ),
    (
        "invalid-value",
        "  a: \"1\"",
        "  a: \"1\"\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {a: b c}}}]}]}",
    ),
    (
        "invalid-value",
        "  a: \"1\"",
        "  a: \"1\"\n---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: a}\nsubsets: [{addresses: [{ip: 10.1.2.3, hostname: A_b}]}]",
    ),
    (
        "invalid-value",
        "  a: \"1\"",
        "  a: \"1\"\n---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: a}\nsubsets: [{addresses: [{ip: 10.1.2.3}], ports: [{port: 80, protocol: X}]}]",
    ),
    ("invalid-value", "spec:\n  rules:", "spec:\n  tls: [{secretName: A_b}]\n  rules:"),
    (
        "invalid-value",
        "kind: Ingress\nmetadata:\n  name: web\nspec:",
        "kind: Ingress\nmetadata:\n  name: web\n  annotations: {kubernetes.io/ingress.class: a}\nspec:\n  ingressClassName: b",
    ),
    (
        "invalid-value",
        "  a: \"1\"",
        "  a: \"1\"\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/dockerconfigjson\ndata: {.dockerconfigjson: YQ==}",
    ),
    (
        "invalid-value",
        "  name: settings",
        "  name: settings\n  ownerReferences:\n  - {apiVersion: v1, kind: A, name: a, uid: a, controller: true}\n  - {apiVersion: v1, kind: B, name: b, uid: b, controller: true}",
    ),
];

/// A part of `clean.yaml`, and its replacement.
const ACCEPTED: &[(&str, &str)] = &[
    ("imagePullPolicy: Always", "securityContext: {procMount: Default}"),
    ("limits: {cpu: 500m, memory: 512Mi}", "limits: {cpu: 500m, memory: 512Mi, hugepages-2Mi: 4Mi}"),
    (
        "          value: \"no\"",
        "          valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1024Ki}}",
    ),
    (
        "          value: \"no\"",
        "          valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: '1000'}}",
    ),
    (
        "      backoffLimit: 3",
        "      completionMode: Indexed\n      completions: 4\n      successPolicy: {rules: [{succeededIndexes: '0,2-3', succeededCount: 3}]}",
    ),
    ("      volumes:", "      schedulingGates: [{name: example.org/wait}]\n      volumes:"),
    (
        "      volumes:",
        "      dnsConfig: {nameservers: [10.0.0.1], searches: [a_b.example., .], options: [{name: ndots}]}\n      volumes:",
    ),
    ("imagePullPolicy: Always", "envFrom: [{configMapRef: {name: settings}}, {secretRef: {name: a-}}]"),
    (
        "emptyDir: {}",
        "projected: {sources: [{serviceAccountToken: {path: a, expirationSeconds: 600}}, {configMap: {name: a, items: [{key: a, path: b}]}}, {downwardAPI: {items: [{path: c, resourceFieldRef: {containerName: bot, resource: limits.cpu, divisor: 1m}}]}}]}",
    ),
    (
        "      volumes:",
        "      topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: DoNotSchedule, minDomains: 1, matchLabelKeys: [a], labelSelector: {matchLabels: {name: web}}}, {maxSkew: 1, topologyKey: b, whenUnsatisfiable: DoNotSchedule}]\n      volumes:",
    ),
    (
        "          value: \"no\"",
        "          valueFrom: {resourceFieldRef: {resource: limits.memory, divisor: 1Mi}}",
    ),
    (
        "      backoffLimit: 3",
        "      completionMode: Indexed\n      completions: 4\n      successPolicy: {rules: [{succeededCount: 1, succeededIndexes: \"0,2-3\"}]}",
    ),
    (
        "  selector: {name: web}",
        "  clusterIP: None\n  clusterIPs: [None]\n  trafficDistribution: PreferClose\n  selector: {name: web}",
    ),
    // The API server drops it.
    (
        "  selector: {name: web}",
        "  sessionAffinityConfig: {clientIP: {timeoutSeconds: 5}}\n  selector: {name: web}",
    ),
    (
        "  selector: {name: web}",
        "  sessionAffinity: ClientIP\n  sessionAffinityConfig: {clientIP: {timeoutSeconds: 86400}}\n  selector: {name: web}",
    ),
    (
        "  a: \"1\"",
        "  a: \"1\"\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, ingress: [{ports: [{port: http}], from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}]}",
    ),
    (
        "  a: \"1\"",
        "  a: \"1\"\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/dockerconfigjson\ndata: {.dockerconfigjson: \"e30=\"}",
    ),
    ("limits: {cpu: 500m, memory: 512Mi}", "limits: {cpu: 500m, memory: 512Mi, example.org/device: 1}"),
    (
        "emptyDir: {}",
        "projected: {sources: [{serviceAccountToken: {path: a}}, {configMap: {name: a, items: [{key: a, path: a}]}}]}",
    ),
    (
        "      backoffLimit: 3",
        "      completionMode: Indexed\n      completions: 4\n      successPolicy: {rules: [{succeededIndexes: \"\"}]}",
    ),
    (
        "  a: \"1\"",
        "  a: \"1\"\n---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: store}\nspec:\n  serviceName: web\n  selector: {matchLabels: {name: store}}\n  template:\n    metadata: {labels: {name: store, toolforge: tool}}\n    spec:\n      containers:\n      - name: store\n        image: docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest\n        resources: {limits: {cpu: 500m, memory: 512Mi}, requests: {cpu: 250m, memory: 256Mi}}\n        volumeMounts: [{name: data, mountPath: /data}]\n  volumeClaimTemplates:\n  - metadata: {name: data}\n    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
    ),
];

#[test]
fn refused_values_are_found() {
    let clean = fixture("clean.yaml");
    let mut wrong = Vec::new();
    for (rule, from, to) in REFUSED {
        assert!(clean.contains(from), "{rule}: {from:?} is not in clean.yaml");
        let found = ids(&clean.replacen(from, to, 1), &context("stashbot"));
        let others = found.iter().filter(|id| *id != rule).count();
        if others == found.len() || others > 2 {
            wrong.push(format!("{rule}: {to:?}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn accepted_values_are_clean() {
    let clean = fixture("clean.yaml");
    let mut wrong = Vec::new();
    for (from, to) in ACCEPTED {
        assert!(clean.contains(from), "{from:?} is not in clean.yaml");
        let found = ids(&clean.replacen(from, to, 1), &context("stashbot"));
        if !found.is_empty() {
            wrong.push(format!("{to:?}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn policies_and_pods_of_jobs_are_bounded() {
    let job = |name: &str, spec: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}}}\nspec:\n  backoffLimit: 3\n{spec}  template:\n    \
             metadata: {{labels: {{toolforge: tool}}}}\n    spec:\n      restartPolicy: Never\n      containers:\n      - name: bot\n        \
             image: docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest\n        resources: {{limits: {{cpu: 500m, memory: \
             512Mi}}, requests: {{cpu: 250m, memory: 256Mi}}}}\n        command: [sleep, \"1\"]\n"
        )
    };
    let has_error = |text: &str| ids(text, &context("stashbot")).contains(&"invalid-value");
    let failures = |count: usize| {
        let rule = "{action: Ignore, onPodConditions: [{type: a, status: \"True\"}]}";
        format!("  podFailurePolicy: {{rules: [{}]}}\n", vec![rule; count].join(", "))
    };
    let codes = |count: usize| {
        let codes: Vec<String> = (1..=count).map(|code| code.to_string()).collect();
        let codes = codes.join(", ");
        format!(
            "  podFailurePolicy: {{rules: [{{action: FailJob, onExitCodes: {{operator: In, values: [{codes}]}}}}]}}\n"
        )
    };
    let successes = |count: usize| {
        let rules = vec!["{succeededCount: 1}"; count].join(", ");
        format!("  completionMode: Indexed\n  completions: 2\n  successPolicy: {{rules: [{rules}]}}\n")
    };
    for (allowed, refused) in
        [(failures(20), failures(21)), (codes(255), codes(256)), (successes(20), successes(21))]
    {
        assert!(!has_error(&job("a", &allowed)), "{allowed}");
        assert!(has_error(&job("a", &refused)), "{refused}");
    }
    let indexed = |completions: u32| format!("  completionMode: Indexed\n  completions: {completions}\n");
    let long = "a".repeat(61);
    assert!(!has_error(&job(&long, &indexed(10))));
    assert!(has_error(&job(&long, &indexed(11))));
    assert!(has_error(&job("a.b", &indexed(1))));
}

#[test]
fn resource_of_a_backend_needs_its_kind_and_name() {
    let backend = |resource: &str| {
        let text = format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: a}}\nspec: {{defaultBackend: {{resource: {{{resource}}}}}}}\n"
        );
        ids(&text, &context("stashbot")).iter().filter(|id| **id == "missing-field").count()
    };
    assert_eq!((backend("apiGroup: a"), backend("kind: A"), backend("kind: A, name: a")), (2, 1, 0));
}

#[test]
fn huge_pages_need_cpu_or_memory_unless_the_namespace_has_defaults() {
    for (kind, is_refused) in [("Deployment", true), ("ReplicaSet", true), ("StatefulSet", false)] {
        let text = format!(
            "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: a}}\nspec:\n  selector: {{matchLabels: {{name: a}}}}\n  \
             template:\n    metadata: {{labels: {{name: a}}}}\n    spec:\n      containers: [{{name: a, image: a, resources: \
             {{limits: {{hugepages-2Mi: 2Mi}}}}}}]\n"
        );
        assert_eq!(ids(&text, &context("stashbot")).contains(&"invalid-value"), is_refused, "{kind}");
    }
}

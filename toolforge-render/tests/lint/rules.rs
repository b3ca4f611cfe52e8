//! Each rule finds what it is for, and nothing in a file without it.

use insta::assert_snapshot;
use toolforge_render::files::FilePlanFacts;
use toolforge_render::lint::{Rule, lint, reference};
use toolforge_render::namespace::Namespace;

use crate::support::{context, fixture, ids, shown};

/// A rule, a part of `clean.yaml`, and its replacement.
const CASES: &[(&str, &str, &str)] = &[
    ("invalid-yaml", "  a: \"1\"", "  a: [1"),
    ("invalid-yaml", "  a: \"1\"", "  ? [a]\n  : 1"),
    ("invalid-yaml", "  a: \"1\"", "  <<: 1"),
    ("tab-indentation", "  a: \"1\"", "\ta: \"1\""),
    ("duplicate-key", "  a: \"1\"", "  a: \"1\"\n  a: \"2\""),
    ("yaml-boolean", "value: \"no\"", "value: no"),
    ("yaml-boolean-key", "  a: \"1\"", "  y: \"1\""),
    ("invalid-name", "  a: \"1\"", "  a b: \"1\""),
    ("host-port", "containerPort: 8000", "containerPort: 8000\n          hostPort: 80"),
    ("service-account", "      volumes:", "      serviceAccountName: me\n      volumes:"),
    ("invalid-value", "      volumes:", "      dnsPolicy: Cluster\n      volumes:"),
    ("invalid-value", "emptyDir: {}", "emptyDir: {}\n        configMap: {name: a}"),
    ("missing-field", "emptyDir: {}", "configMap: {}"),
    ("invalid-value", "replicas: 1", "strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}"),
    ("invalid-value", "replicas: 1", "strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}"),
    (
        "plain-secret",
        "kind: ConfigMap\nmetadata:\n  name: settings\ndata:",
        "kind: Secret\nmetadata:\n  name: settings\nstringData:",
    ),
    ("windows-line-endings", "  a: \"1\"\n", "  a: \"1\"\r\n"),
    ("byte-order-mark", "# Everything", "\u{feff}# Everything"),
    ("template", "  a: \"1\"", "  a: {{ .Values.a }}"),
    ("unknown-document", "apiVersion: v1\nkind: ConfigMap\n", ""),
    ("unknown-document", "data:\n  a: \"1\"\n", "---\n- kind: Pod\n"),
    ("platform-file", "data:\n  a: \"1\"\n", "---\ntype: php8.2\n"),
    ("unknown-document", "data:\n  a: \"1\"\n", "---\na\n"),
    ("unknown-rule", "  a: \"1\"", "  a: \"1\" # lint: ignore=nonsense"),
    ("unknown-kind", "kind: ConfigMap", "kind: Configmap"),
    ("forbidden-kind", "apiVersion: v1\nkind: ConfigMap", "apiVersion: v1\nkind: PersistentVolumeClaim"),
    ("forbidden-kind", "apiVersion: v1\nkind: ConfigMap", "apiVersion: storage.k8s.io/v1\nkind: CSIDriver"),
    ("api-version", "apiVersion: batch/v1\nkind: Job", "apiVersion: v1\nkind: Job"),
    ("api-version", "apiVersion: apps/v1", "apiVersion: apps/v1beta2"),
    ("api-version", "apiVersion: apps/v1\n", ""),
    ("missing-field", "kind: ConfigMap\n", ""),
    ("unknown-field", "        command: [./once", "        comand: [./once"),
    ("wrong-type", "value: \"no\"", "value: 8"),
    ("wrong-type", "containerPort: 8000", "containerPort: \"8000\""),
    ("wrong-type", "command: [launcher, daily]", "command: launcher daily"),
    ("missing-field", "      - name: bot\n        image:", "      - image:"),
    ("missing-field", "  schedule: \"28 4 * * *\"\n", ""),
    ("missing-field", "metadata:\n  name: once\n", ""),
    ("missing-field", "        pathType: Prefix\n", ""),
    ("invalid-value", "concurrencyPolicy: Forbid", "concurrencyPolicy: Forbidden"),
    ("invalid-value", "imagePullPolicy: Always", "imagePullPolicy: always"),
    ("invalid-value", "containerPort: 8000", "containerPort: 80000"),
    ("invalid-value", "replicas: 1", "replicas: -1"),
    (
        "invalid-value",
        "labels: {toolforge: tool}",
        "labels: {toolforge: tool, toolforge.org/mount-storage: some}",
    ),
    ("invalid-name", "  name: settings", "  name: my_settings"),
    ("invalid-name", "      - name: bot", "      - name: my_bot"),
    (
        "cron-job-name-length",
        "  name: daily",
        "  name: a23456789-123456789-123456789-123456789-123456789-123",
    ),
    ("invalid-label", "labels: {name: web,", "labels: {name: \"my web\","),
    ("wrong-namespace", "namespace: tool-stashbot", "namespace: stashbot"),
    ("wrong-namespace", "namespace: tool-stashbot", "namespace: tool-other"),
    (
        "duplicate-object",
        "  a: \"1\"",
        "  a: \"1\"\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}",
    ),
    ("selector", "      name: web\n  template", "      name: other\n  template"),
    ("selector", "  selector:\n    matchLabels:\n      name: web\n", ""),
    (
        "selector",
        "    matchLabels:\n      name: web\n",
        "    matchExpressions:\n    - {key: name, operator: NotIn, values: [web]}\n",
    ),
    ("service-selector", "selector: {name: web}", "selector: {name: other}"),
    ("tool-label", "        name: web\n        toolforge: tool\n", "        name: web\n"),
    ("restart-policy", "restartPolicy: OnFailure", "restartPolicy: Always"),
    ("restart-policy", "      restartPolicy: OnFailure\n", ""),
    ("unlimited-retries", "backoffLimit: 3", "backoffLimit: 1000"),
    ("no-time-to-live", "  ttlSecondsAfterFinished: 3600\n", ""),
    ("invalid-schedule", "\"28 4 * * *\"", "\"28 24 * * *\""),
    ("invalid-schedule", "\"28 4 * * *\"", "\"@dayly\""),
    ("schedule-never-runs", "\"28 4 * * *\"", "\"0 0 30 2 *\""),
    ("schedule-gaps", "\"28 4 * * *\"", "\"0 0 31 * *\""),
    ("every-minute", "\"28 4 * * *\"", "\"* * * * *\""),
    ("every-minute", "\"28 4 * * *\"", "\"@every 30s\""),
    ("invalid-schedule", "\"28 4 * * *\"", "\"@every 5\""),
    ("no-concurrency-policy", "  concurrencyPolicy: Forbid\n", ""),
    ("time-zone", "Europe/Paris", "UTC+1"),
    ("time-zone", "Europe/Paris", "europe/paris"),
    ("time-zone", "\"28 4 * * *\"", "\"TZ=Europe/Paris 28 4 * * *\""),
    ("no-history-limits", "  successfulJobsHistoryLimit: 1\n  failedJobsHistoryLimit: 1\n", ""),
    ("no-starting-deadline", "  startingDeadlineSeconds: 60\n", ""),
    (
        "image-not-allowed",
        "docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest",
        "docker.io/library/php",
    ),
    ("image-not-allowed", "docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest", "php"),
    ("unknown-image", "toolforge-python311-sssd-base", "toolforge-nosuch-sssd-base"),
    ("image-gone", "toolforge-python311-sssd-base", "toolforge-python37-sssd-base"),
    ("deprecated-image", "toolforge-python311-sssd-base", "toolforge-node12-sssd-base"),
    (
        "old-image-name",
        "docker-registry.svc.toolforge.org/toolforge-python311",
        "docker-registry.tools.wmflabs.org/toolforge-python311",
    ),
    ("latest-not-pulled", "imagePullPolicy: Always", "imagePullPolicy: IfNotPresent"),
    ("host-path", "emptyDir: {}", "hostPath: {path: /etc}"),
    ("privileged", "imagePullPolicy: Always", "securityContext: {privileged: true}"),
    ("privileged", "imagePullPolicy: Always", "securityContext: {capabilities: {add: [NET_ADMIN]}}"),
    ("host-namespace", "      volumes:", "      hostNetwork: true\n      volumes:"),
    ("run-as-user", "      volumes:", "      securityContext: {runAsUser: 0}\n      volumes:"),
    ("run-as-user", "imagePullPolicy: Always", "securityContext: {runAsNonRoot: false}"),
    ("volume-mount", "        - name: cache", "        - name: cash"),
    ("command-outside-home", "workingDir: /data/project/stashbot", "workingDir: /data/project/other"),
    (
        "plain-secret",
        "- name: LANG\n          value: \"no\"",
        "- name: BOT_PASSWORD\n          value: hunter2",
    ),
    ("plain-secret", "command: [launcher, daily]", "command: [launcher, daily, --password=hunter2]"),
    ("plain-secret", "command: [launcher, daily]", "command: [launcher, --token, hunter2]"),
    ("plain-secret", "command: [launcher, daily]", "command: [sh, -c, mysql -phunter2]"),
    ("plain-secret", "command: [launcher, daily]", "command: [launcher, 'mysql://me:hunter2@db/x']"),
    ("plain-secret", "  a: \"1\"", "  api-key: hunter2"),
    ("plain-secret", "  a: \"1\"", "  a: |\n    user = me\n    password = hunter2"),
    ("plain-secret", "  a: \"1\"", "  a: https://me:hunter2@example.org"),
    ("shell-syntax", "command: [launcher, daily]", "command: [\"python3 bot.py\"]"),
    ("shell-syntax", "httpGet: {path: /healthz, port: http}", "exec: {command: [cat /tmp/healthy]}"),
    ("missing-interpreter", "command: [./once.sh]", "command: [php, once.php]"),
    ("invalid-quantity", "limits: {cpu: \"1\", memory: 1Gi}", "limits: {cpu: \"1\", memory: 1GiB}"),
    ("outside-limits", "limits: {cpu: \"1\", memory: 1Gi}", "limits: {cpu: \"1\", memory: 5Gi}"),
    ("outside-limits", "requests: {cpu: 500m, memory: 512Mi}", "requests: {cpu: 2, memory: 512Mi}"),
    ("quota-exceeded", "replicas: 1", "replicas: 10"),
    ("only-limits", "              requests: {cpu: 500m, memory: 512Mi}\n", ""),
    (
        "no-resources",
        "            resources:\n              limits: {cpu: \"1\", memory: 1Gi}\n              requests: {cpu: 500m, memory: 512Mi}\n",
        "",
    ),
    ("web-port", "containerPort: 8000", "containerPort: 5000"),
    ("probe", "port: http}", "port: web}"),
    ("probe", "port: http}", "port: 5000}"),
    ("invalid-probe", "httpGet: {path: /healthz, port: http}", "periodSeconds: 3"),
    ("invalid-probe", "httpGet: {path: /healthz, port: http}", "exec: {}"),
    // A fault that only a server's dry run finds.
    (
        "invalid-value",
        "      containers:\n      - name: bot",
        "      initContainers: [{name: bot, image: tools-harbor.wmcloud.org/tool-a/a}]\n      containers:\n      - name: bot",
    ),
    (
        "invalid-value",
        "        - name: http\n          containerPort: 8000",
        "        - {name: http, containerPort: 1}\n        - name: http\n          containerPort: 8000",
    ),
    ("invalid-value", "mountPath: /cache", "mountPath: /cache\n          subPath: /a"),
    ("invalid-value", "mountPath: /cache", "mountPath: /cache\n          subPath: a/../b"),
    ("invalid-value", "imagePullPolicy: Always", "envFrom: [{}]"),
    ("missing-field", "imagePullPolicy: Always", "envFrom: [{secretRef: {}}]"),
    ("invalid-value", "value: \"no\"", "valueFrom: {fieldRef: {fieldPath: metadata.nam}}"),
    ("invalid-value", "value: \"no\"", "valueFrom: {}"),
    ("missing-field", "value: \"no\"", "valueFrom: {secretKeyRef: {name: a}}"),
    ("invalid-value", "value: \"no\"", "valueFrom: {resourceFieldRef: {resource: cpu}}"),
    (
        "invalid-value",
        "      containers:\n      - name: bot",
        "      initContainers: [{name: init, image: tools-harbor.wmcloud.org/tool-a/a, livenessProbe: {exec: {command: [a]}}}]\n      containers:\n      - name: bot",
    ),
    ("invalid-value", "imagePullPolicy: Always", "restartPolicy: Always"),
    ("invalid-value", "port: http}", "port: http, scheme: http}"),
    ("invalid-probe", "port: http}", "port: \"8000\"}"),
    (
        "invalid-value",
        "imagePullPolicy: Always",
        "lifecycle: {preStop: {exec: {command: [a]}, httpGet: {port: 1}}}",
    ),
    ("invalid-value", "limits: {cpu: 500m, memory: 512Mi}", "limits: {cpu: 500m, memory: 512Mi, pods: 1}"),
    ("invalid-value", "      volumes:", "      hostAliases: [{ip: 10.0.0, hostnames: [a]}]\n      volumes:"),
    ("missing-field", "      volumes:", "      hostAliases: [{hostnames: [a]}]\n      volumes:"),
    (
        "invalid-value",
        "emptyDir: {}",
        "downwardAPI: {items: [{path: ../a, fieldRef: {fieldPath: metadata.name}}]}",
    ),
    (
        "invalid-value",
        "emptyDir: {}",
        "downwardAPI: {items: [{path: a, fieldRef: {fieldPath: spec.nodeName}}]}",
    ),
    ("missing-field", "  selector: {name: web}", "  type: ExternalName\n  selector: {name: web}"),
    (
        "invalid-value",
        "  - {name: http, port: 8000, targetPort: 8000}",
        "  - {name: http, port: 8000}\n  - {name: http, port: 8001}",
    ),
    ("invalid-name", "  - {name: http, port: 8000,", "  - {name: Abcdefghijklmnopqrstu, port: 8000,"),
    ("invalid-value", "  - {name: http, port: 8000, targetPort: 8000}", "  - {name: http, port: 0}"),
    ("restart-policy", "restartPolicy: OnFailure", "restartPolicy: \"\""),
    ("invalid-value", "path: /\n", "path: a\n"),
    ("invalid-value", "      - path: /\n        pathType: Prefix", "      - pathType: Prefix"),
    ("missing-field", "              number: 8000", "              name: \"\""),
    (
        "invalid-value",
        "          service:\n            name: web\n            port:\n              number: 8000",
        "          {}",
    ),
    ("invalid-value", "  a: \"1\"", "  a: \"1\"\nbinaryData:\n  a: YQ=="),
    (
        "missing-field",
        "kind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  a: \"1\"",
        "kind: Secret\nmetadata:\n  name: settings\ntype: kubernetes.io/tls\ndata:\n  tls.crt: YQ==",
    ),
    ("missing-field", "      backoffLimit: 3", "      completionMode: Indexed"),
    ("invalid-value", "      backoffLimit: 3", "      completionMode: indexed"),
    ("invalid-value", "      backoffLimit: 3", "      backoffLimitPerIndex: 1"),
    ("invalid-value", "      backoffLimit: 3", "      podFailurePolicy: {rules: [{action: Ignore}]}"),
    (
        "invalid-value",
        "      backoffLimit: 3",
        "      podFailurePolicy: {rules: [{action: Ignore, onExitCodes: {operator: In, values: [0]}}]}",
    ),
    (
        "restart-policy",
        "  ttlSecondsAfterFinished: 3600",
        "  ttlSecondsAfterFinished: 3600\n  podFailurePolicy: {rules: [{action: Ignore, onExitCodes: {operator: In, values: [1]}}]}",
    ),
    ("invalid-value", "  name: settings", "  name: settings\n  finalizers: [wait]"),
    ("node-port", "  selector: {name: web}", "  type: NodePort\n  selector: {name: web}"),
    (
        "missing-backend",
        "            name: web\n            port:",
        "            name: wep\n            port:",
    ),
    ("route-host", "host: stashbot.toolforge.org", "host: other.toolforge.org"),
    (
        "invalid-value",
        "  - {name: http, port: 8000, targetPort: 8000}",
        "  - {name: http, port: 8000}\n  - {name: other, port: 8000, protocol: TCP}",
    ),
    ("invalid-value", "port: 8000, targetPort: 8000}", "port: 8000, nodePort: 30000}"),
    ("missing-field", "mountPath: /cache", "mountPath: \"\""),
    ("invalid-value", "imagePullPolicy: Always", "terminationMessagePolicy: x"),
    ("invalid-value", "port: http}", "port: http}\n          terminationGracePeriodSeconds: 0"),
    (
        "invalid-value",
        "      volumes:",
        "      tolerations: [{key: a, operator: Exists, value: b}]\n      volumes:",
    ),
    ("invalid-value", "      volumes:", "      tolerations: [{operator: Equal, value: b}]\n      volumes:"),
    (
        "invalid-value",
        "      volumes:",
        "      tolerations: [{key: a, tolerationSeconds: 1}]\n      volumes:",
    ),
    ("invalid-value", "      volumes:", "      hostname: a.b\n      volumes:"),
    ("missing-field", "      volumes:", "      dnsPolicy: None\n      volumes:"),
    (
        "invalid-value",
        "      volumes:",
        "      topologySpreadConstraints: [{maxSkew: 0, topologyKey: a, whenUnsatisfiable: DoNotSchedule}]\n      volumes:",
    ),
    ("invalid-value", "      volumes:", "      nodeSelector: {a b: c}\n      volumes:"),
    ("invalid-value", "- name: LANG", "- name: é"),
    ("invalid-value", "replicas: 1", "strategy: {rollingUpdate: {maxUnavailable: 150%}}"),
    ("invalid-value", "replicas: 1", "progressDeadlineSeconds: 0"),
    (
        "missing-field",
        "      backoffLimit: 3",
        "      completionMode: Indexed\n      completions: 2\n      successPolicy: {}",
    ),
    (
        "invalid-value",
        "      backoffLimit: 3",
        "      completionMode: Indexed\n      completions: 2\n      backoffLimitPerIndex: 1\n      maxFailedIndexes: 3",
    ),
    ("selector", "      backoffLimit: 3", "      manualSelector: true"),
    ("invalid-value", "host: stashbot.toolforge.org", "host: stashbot.toolforge.org/a"),
];

/// Rules of whole files: a text of its own.
const FILES: &[(&str, &str)] = &[
    (
        "fields-not-checked",
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a}\nspec: {hostnames: [stashbot.toolforge.org]}\n",
    ),
    (
        "fields-not-checked",
        "apiVersion: jobs-api.toolforge.org/v1\nkind: ScheduledJob\nmetadata: {name: a}\n",
    ),
    (
        "invalid-value",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, policyTypes: [ingress]}\n",
    ),
    (
        "invalid-value",
        "apiVersion: v1\nkind: Endpoints\nmetadata: {name: a}\nsubsets: [{addresses: [{ip: 127.0.0.1}]}]\n",
    ),
    (
        "invalid-value",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: x}}]}]}\n",
    ),
    (
        "invalid-value",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec: {podSelector: {}, egress: [{ports: [{port: 99999}]}]}\n",
    ),
    (
        "missing-field",
        "apiVersion: v1\nkind: Endpoints\nmetadata: {name: a}\nsubsets: [{addresses: [{ip: 10.0.0.1}], ports: [{port: 1}, {port: 2}]}]\n",
    ),
    (
        "invalid-value",
        "apiVersion: v1\nkind: Endpoints\nmetadata: {name: a}\nsubsets: [{addresses: [{ip: 10.0.0.1}], ports: [{port: 0}]}]\n",
    ),
    (
        "missing-field",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/service-account-token\n",
    ),
    (
        "invalid-name",
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a.b}\nspec: {serviceName: a, selector: {matchLabels: {a: b, toolforge: tool}}, template: \
         {metadata: {labels: {a: b, toolforge: tool}}, spec: {containers: [{name: a, image: a}]}}}\n",
    ),
    (
        "invalid-value",
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {ingressClassName: A B, defaultBackend: {service: {name: a, port: \
         {number: 1}}}}\n",
    ),
    // All in one line.
    (
        "invalid-value",
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a}, {name: a, image: a}]}}\n",
    ),
    (
        "missing-backend",
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1}]}\n---\napiVersion: gateway.networking.k8s.io/v1\n\
         kind: HTTPRoute\nmetadata: {name: a}\nspec: {rules: [{backendRefs: [{name: a}, {name: b}]}]}\n",
    ),
    ("every-minute", "- {name: a, image: bookworm, command: ./a, schedule: '*/1 * * * *'}\n"),
    (
        "same-minute",
        "- {name: a, image: bookworm, command: ./a, schedule: '0 3 * * *'}\n- {name: b, image: bookworm, command: ./a, schedule: '0 3 * * *'}\n\
         - {name: c, image: bookworm, command: ./a, schedule: '0 * * * *'}\n- {name: d, image: bookworm, command: ./a, schedule: '*/5 3 * * mon'}\n",
    ),
    ("empty-file", "# nothing\n"),
    ("empty-file", ""),
    ("list-in-list", "- - name: a\n"),
    ("list-in-list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items: []\n"),
    ("list-in-list", "apiVersion: v1\nkind: List\nitems:\n- []\n"),
    ("platform-file", "- name: a\n  image: python3.11\n  command: ./a\n  comand: x\n"),
    ("platform-file", "type: php8.2\nreplicas: many\n"),
    ("platform-file", "type: php5.6\n"),
    ("plain-secret", "- {name: a, image: bookworm, command: ./a --password hunter2}\n"),
    ("plain-secret", "- {name: a, image: bookworm, command: ./a, env: {TOKEN: hunter2}}\n"),
    ("plain-secret", "type: jdk17\nextra_args: [./a, --password=hunter2]\n"),
    ("platform-file-warning", "type: php8.2\nmemory: 1Gi\n"),
    ("platform-file-warning", "- name: a\n  image: node12\n  command: ./a\n"),
    (
        "too-deep",
        "a: &a [[[[[[]]]]]]\nb: &b [*a, [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
    ),
    ("template", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n{% if x %}\ndata: {}\n{% endif %}\n"),
    ("too-many-aliases", "a: &a [*a]\n"),
];

/// Rules that other tests cover.
const ELSEWHERE: &[&str] = &[
    "command-not-executable",
    "encoding",
    "missing-command",
    "missing-log-directory",
    "missing-site",
    "refused-by-server",
    "script-line-endings",
    "too-large",
    "too-many-findings",
];

#[test]
fn server_checks_fields_of_custom_resources() {
    let text = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: a}\nspec: {hostname: x}\n";
    let mut context = context("stashbot");
    assert_eq!(ids(text, &context), ["fields-not-checked"]);
    context.asks_server = true;
    assert_eq!(ids(text, &context), [""; 0]);
}

#[test]
fn backends_may_be_services_of_the_namespace() {
    let route = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a}\nspec: {defaultBackend: {service: {name: web, port: \
                 {number: 80}}}}\n";
    let mut context = context("stashbot");
    // The Service may be in another file.
    assert_eq!(ids(route, &context), [""; 0]);
    let namespace = Namespace::new(&"stashbot".parse().unwrap(), context.catalog.clone());
    let mut facts = FilePlanFacts::new(namespace);
    context.facts = Some(facts.clone());
    context.asks_server = true;
    assert_eq!(ids(route, &context), ["missing-backend"]);
    facts.jobs.live.services.push(serde_json::from_str("{\"metadata\": {\"name\": \"web\"}}").unwrap());
    context.facts = Some(facts);
    assert_eq!(ids(route, &context), [""; 0]);
}

#[test]
fn jobs_of_the_same_minute_are_named() {
    let cron_job = |name: &str, schedule: &str, zone: &str| {
        let zone = if zone.is_empty() { String::new() } else { format!(", timeZone: {zone}") };
        format!(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: {name}}}\nspec: {{schedule: '{schedule}'{zone}}}\n---\n"
        )
    };
    let found = |jobs: &[(&str, &str, &str)]| {
        let text: String = jobs.iter().map(|(name, schedule, zone)| cron_job(name, schedule, zone)).collect();
        let found = lint(&text, &context("stashbot"));
        let found = found.iter().filter(|found| found.rule == Rule::SameMinute);
        found.map(|found| format!("{}: {}", found.location.line, found.message.as_raw())).collect::<Vec<_>>()
    };
    let daily = [
        ("a", "@daily", ""),
        ("b", "0 0 * * *", "Etc/UTC"),
        ("c", "*/30 * * * *", ""),
        ("d", "0 0-6 * * *", ""),
    ];
    assert_eq!(
        found(&daily),
        ["19: 4 jobs start at 00:00: a, b, c, d; write other minutes for some of them"]
    );
    assert_eq!(found(&daily[..3]), [""; 0]);
    assert_eq!(found(&[daily[0], daily[1], daily[2], ("d", "0 0 * * *", "Europe/Paris")]), [""; 0]);
    assert_eq!(found(&[daily[0], daily[1], ("c", "0 0 * * mon", ""), ("d", "0 0 * * tue", "")]), [""; 0]);
    assert_eq!(found(&[daily[0], daily[1], daily[2], ("d", "0 0 * * mon", "")]).len(), 1);
    // Each minute is reported, even if as many start in another one.
    let names = ["e", "f", "g", "h"];
    for other in ["9 5 * * *", "9 5 * * mon"] {
        let all: Vec<_> = daily.into_iter().chain(names.map(|name| (name, other, ""))).collect();
        assert_eq!(
            found(&all),
            [
                "19: 4 jobs start at 00:00: a, b, c, d; write other minutes for some of them",
                "39: 4 jobs start at 05:09: e, f, g, h; write other minutes for some of them"
            ],
            "{other}"
        );
    }
    // A minute that is reported again names the days, at a job that runs on them.
    let monthly = [&daily[..], &[("m", "0 0 1 * *", "")], &[("e", "0 0 * * *", "")]].concat();
    assert_eq!(
        found(&monthly),
        [
            "24: 6 jobs start at 00:00 when m runs: a, b, c, d, m, 1 more; write other minutes for some of them",
            "29: 5 jobs start at 00:00: a, b, c, d, e; write other minutes for some of them"
        ]
    );
}

#[test]
fn templates_that_no_start_accepts_are_errors() {
    let found = |text: &str| shown(text, &context("stashbot"));
    assert_snapshot!(found("type: node20\nmount: none\n"), @"
    2:1 error platform-file: type node20 cannot run without the tool's home; only buildservice can be mounted `none` [mount: none]
        server: `webservice start` refuses the file
    ");
    assert_snapshot!(found("type: php8.2\nbackend: gridengine\n"), @r#"
    2:1 error platform-file: backend "gridengine" no longer exists; only Kubernetes is supported [backend: gridengine]
        server: `webservice start` refuses the file
    "#);
}

#[test]
fn names_of_gone_images_are_not_replaced() {
    let text = fixture("clean.yaml").replace(
        "docker-registry.svc.toolforge.org/toolforge-python311-sssd-base",
        "docker-registry.tools.wmflabs.org/toolforge-python37-sssd-base",
    );
    assert_eq!(ids(&text, &context("stashbot")), ["image-gone"; 1]);
}

#[test]
fn references_and_placeholders_are_not_secrets() {
    let clean = fixture("clean.yaml");
    for (from, to) in [
        (
            "[launcher, daily]",
            "[launcher, '--password=$PASSWORD', --token, $(TOKEN), --secret-file, hunter2]",
        ),
        ("[launcher, daily]", "[sh, -c, 'mysql -p$PASSWORD; ssh -phunter2 x']"),
        ("[launcher, daily]", "[launcher, 'mysql://me:$PASSWORD@db/x', 'https://example.org/a:b@c']"),
        ("  a: \"1\"", "  password: changeme"),
        ("  a: \"1\"", "  token: <your token>"),
        ("  a: \"1\"", "  a: |\n    password = os.environ['PASSWORD']\n    token = read()\n"),
    ] {
        assert!(clean.contains(from), "{from}");
        assert_eq!(ids(&clean.replacen(from, to, 1), &context("stashbot")), [""; 0], "{to}");
    }
}

#[test]
fn server_defaults_are_not_errors() {
    let clean = fixture("clean.yaml");
    for (from, to) in [
        ("  - {name: http, port: 8000, targetPort: 8000}", "  - {name: \"8080\", port: 8000, targetPort: 0}"),
        (
            "  - {name: http, port: 8000, targetPort: 8000}",
            "  - {name: web--a-long-name-of-a-port, port: 8000, targetPort: \"\", protocol: \"\"}",
        ),
        ("  - {name: http, port: 8000, targetPort: 8000}", "  - {name: \"\", port: 8000}"),
        ("  selector: {name: web}", "  type: \"\"\n  sessionAffinity: \"\"\n  selector: {name: web}"),
        ("imagePullPolicy: Always", "imagePullPolicy: \"\""),
        ("protocol: TCP", "protocol: \"\""),
        ("mountPath: /cache", "mountPath: /cache\n          subPath: a\n          subPathExpr: \"\""),
        (
            "      volumes:",
            "      dnsPolicy: \"\"\n      restartPolicy: \"\"\n      tolerations: [{key: a, operator: \"\"}]\n      volumes:",
        ),
        ("replicas: 1", "strategy: {type: \"\"}"),
        ("httpGet: {path: /healthz, port: http}", "httpGet: {path: \"\", scheme: \"\", port: http}"),
    ] {
        assert!(clean.contains(from), "{from}");
        assert_eq!(ids(&clean.replacen(from, to, 1), &context("stashbot")), [""; 0], "{to}");
    }
    let policy = clean.replacen("concurrencyPolicy: Forbid", "concurrencyPolicy: \"\"", 1);
    assert_eq!(ids(&policy, &context("stashbot")), ["no-concurrency-policy"]);
}

#[test]
fn clean_file_has_no_findings() {
    assert_eq!(ids(&fixture("clean.yaml"), &context("stashbot")), [""; 0]);
}

#[test]
fn each_rule_finds_its_fault() {
    let clean = fixture("clean.yaml");
    for (rule, from, to) in CASES {
        assert!(clean.contains(from), "{rule}: {from:?} is not in clean.yaml");
        let text = clean.replacen(from, to, 1);
        let found = ids(&text, &context("stashbot"));
        assert!(found.contains(rule), "{rule}: {to:?}: {found:?}");
    }
    for (rule, text) in FILES {
        let found = ids(text, &context("stashbot"));
        assert!(found.contains(rule), "{rule}: {text:?}: {found:?}");
    }
}

#[test]
fn each_rule_has_a_case() {
    let cases = CASES.iter().chain(crate::refused::CASES).map(|(rule, _, _)| *rule);
    let files = FILES.iter().map(|(rule, _)| *rule);
    let covered: Vec<&str> = cases.chain(files).chain(ELSEWHERE.iter().copied()).collect();

    for rule in Rule::ALL {
        assert!(covered.contains(&rule.id()), "{rule} has no case");
    }
}

#[test]
fn one_change_has_few_findings() {
    let clean = fixture("clean.yaml");
    for (rule, from, to) in CASES {
        let found = ids(&clean.replacen(from, to, 1), &context("stashbot"));
        let others: Vec<_> = found.iter().filter(|id| *id != rule).collect();
        assert!(others.len() <= 2, "{rule}: {to:?}: {found:?}");
    }
}

#[test]
fn reference_page_is_generated() {
    toolforge_fixtures::same_as_generated("../docs/reference/lint.md", &reference());
}

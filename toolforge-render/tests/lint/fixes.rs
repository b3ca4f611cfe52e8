//! What `--fix` rewrites, and what it leaves as it is.

use toolforge_render::lint::{Rule, fix, lint};

use crate::support::{context, difference};

fn changed(text: &str) -> String {
    let fixed = fix(text, &context("stashbot"));
    assert_eq!(fix(&fixed.text, &context("stashbot")).text, fixed.text);
    difference(text, &fixed.text)
}

#[test]
fn comments_exclude_byte_order_mark() {
    let text = "\u{feff}#{{ x }}\nlabels: {";
    assert_eq!(fix(text, &context("stashbot")).text, "#{{ x }}\nlabels: {");
    assert!(lint(text, &context("stashbot")).iter().any(|found| found.rule == Rule::InvalidYaml));
}

#[test]
fn useless_keys_of_jobs_are_removed() {
    let job = |lines: &str| format!("- name: a\n  command: ./a\n  image: bookworm\n{lines}");
    insta::assert_snapshot!(changed(&job("  no-filelog: false\n  retry: 1\n")), @"-  no-filelog: false");
    // The key has an effect, or its line contains more.
    for lines in ["  no-filelog: true\n", "  filelog: false\n", "  no-filelog: false # mine\n"] {
        assert_eq!(changed(&job(lines)), "", "{lines}");
    }
    let first = "- no-filelog: false\n  name: a\n  command: ./a\n  image: bookworm\n";
    assert_eq!(changed(first), "");
}

#[test]
fn generated_labels_and_selectors_of_jobs_are_removed() {
    let job = |labels: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: a}}\nspec:\n  selector: # generated\n    matchLabels:\n      \
             batch.kubernetes.io/controller-uid: x\n  template:\n    metadata:\n      labels:\n{labels}    spec:\n      restartPolicy: \
             Never\n      containers: [{{name: a, image: a}}]\n"
        )
    };
    let generated = "        batch.kubernetes.io/controller-uid: x # mine\n        batch.kubernetes.io/job-name: b\n        \
                     controller-uid: x\n        toolforge: tool\n        job-name: b\n";
    insta::assert_snapshot!(changed(&job(generated)), @"
    -  selector: # generated
    -    matchLabels:
    -      batch.kubernetes.io/controller-uid: x
    -        batch.kubernetes.io/controller-uid: x # mine
    -        batch.kubernetes.io/job-name: b
    -        controller-uid: x
    -        job-name: b
    ");
    assert_eq!(changed(&job("        controller-uid: x\n")).matches("controller-uid").count(), 2);
    // Those of the Job itself stay.
    assert!(!changed(&job("        job-name: a\n        toolforge: tool\n")).contains("job-name"));
    // In braces, nothing is removed.
    let flow = job("        {controller-uid: x, toolforge: tool}\n");
    assert!(!changed(&flow).contains("toolforge"), "{}", changed(&flow));
    // Jobs that choose their pods themselves keep all.
    let manual = job(generated).replace("spec:\n  selector", "spec:\n  manualSelector: true\n  selector");
    assert!(!changed(&manual).contains("uid"), "{}", changed(&manual));
}

#[test]
fn objects_are_not_moved_partially() {
    for text in [
        "apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {name: stashbot}\nspec:\n  rules:\n  - http:\n      paths:\n      - path: \
         /\n        backend:\n          serviceName: stashbot # mine\n          servicePort: 8000\n",
        "apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {name: stashbot}\nspec: {backend: {serviceName: stashbot}}\n",
        "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}\nspec: {rollbackTo: {revision: 1}, selector: {matchLabels: {a: b, \
         toolforge: tool}}, template: {metadata: {labels: {a: b, toolforge: tool}}, spec: {containers: [{name: a, image: a}]}}}\n",
    ] {
        assert_eq!(fix(text, &context("stashbot")).text, text);
    }
}

#[test]
fn keys_without_values_are_not_added_again() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: a\nspec:\n  template:\n    metadata:\n      labels: \
                {a: b, toolforge: tool}\n    spec:\n      containers: [{name: a, image: a}]\n  selector:\n";
    let fixed = fix(text, &context("stashbot")).text;
    assert_eq!(fixed.matches("selector:").count(), 1, "{fixed}");
}

#[test]
fn old_ingress_gets_todays_fields() {
    let text = "apiVersion: networking.k8s.io/v1beta1 # old\nkind: Ingress\nmetadata:\n  name: stashbot\nspec:\n  backend: \
                {serviceName: web, servicePort: 8000}\n  rules:\n  - host: stashbot.toolforge.org # the host\n    http:\n      \
                paths:\n      - path: /\n        backend:\n          serviceName: stashbot\n          servicePort: http\n";
    insta::assert_snapshot!(changed(text), @"
    -apiVersion: networking.k8s.io/v1beta1 # old
    +apiVersion: networking.k8s.io/v1 # old
    -  backend: {serviceName: web, servicePort: 8000}
    +  defaultBackend: {service: {name: web, port: {number: 8000}}}
    -      - path: /
    +      - pathType: ImplementationSpecific
    +        path: /
    -          serviceName: stashbot
    -          servicePort: http
    +          service: {name: stashbot, port: {name: http}}
    ");
}

#[test]
fn old_deployment_gets_a_selector() {
    let text = "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    metadata: {labels: \
                {app: a}}\n    spec: {containers: [{name: a, image: docker-registry.tools.wmflabs.org/toollabs-php72-web}]}\n";
    insta::assert_snapshot!(changed(text), @"
    -apiVersion: extensions/v1beta1
    +apiVersion: apps/v1
    +  selector:
    +    matchLabels:
    +      app: a
    -    metadata: {labels: {app: a}}
    +    metadata: {labels: {toolforge: tool, app: a}}
    ");
}

#[test]
fn labels_that_are_not_strings_are_not_copied() {
    let deployment = |wanted: &str, labels: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a}}\nspec:\n  selector: {{matchLabels: {{app: {wanted}}}}}\n  \
             template:\n    metadata: {{labels: {{toolforge: tool{labels}}}}}\n    spec: {{containers: []}}\n"
        )
    };
    assert_eq!(changed(&deployment("{a: b}", "")), "");
    assert_eq!(changed(&deployment("a", ", app: {a: b}")), "");
    assert_eq!(changed(&deployment("a", ", app: null")), "");
    assert!(changed(&deployment("a", "")).contains("+    metadata: {labels: {app: a, toolforge: tool}}"));
}

#[test]
fn repeated_values_are_not_fixed() {
    let pod = |label: &str, env: &str, image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, labels: {{toolforge: tool, a: {label}}}}}\nspec:\n  containers:\n  - \
             name: a\n    image: {image}\n    env: [{{name: A, value: {env}}}]\n"
        )
    };
    let image = "tools-harbor.wmcloud.org/tool-a/a:1";
    // An edit of the anchor would change both fields.
    assert_eq!(changed(&pod("&n 2", "*n", image)), "");
    assert_eq!(changed(&pod("&p no", "*p", image)), "");
    let old = "docker-registry.tools.wmflabs.org/toollabs-python37-base";
    assert_eq!(changed(&pod("x", &format!("&i {old}"), "*i")), "");
    assert_eq!(
        changed(&pod("x", "no", image)),
        "-    env: [{name: A, value: no}]\n+    env: [{name: A, value: \"no\"}]\n"
    );
    // A label that is added to the labels would be added to the selector.
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  selector: {matchLabels: &l {app: a}}\n  \
                      template:\n    metadata: {labels: *l}\n    spec: {containers: []}\n";
    assert_eq!(changed(deployment), "");
}

#[test]
fn images_with_a_digest_are_renamed() {
    let digest = "@sha256:0000000000000000000000000000000000000000000000000000000000000001";
    let pod = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, labels: {{toolforge: tool}}}}\nspec:\n  containers:\n  - name: a\n    \
             image: {name}{digest}\n"
        )
    };
    let today = pod("docker-registry.svc.toolforge.org/toolforge-python311-sssd-base");
    let rules = |text: &str| crate::support::ids(text, &context("stashbot"));
    assert!(!rules(&today).contains(&"unknown-image"), "{:?}", rules(&today));
    for old in [
        "docker-registry.tools.wmflabs.org/toolforge-python311-sssd-base",
        "docker-registry.tools.wmflabs.org/toollabs-python311-base",
    ] {
        assert_eq!(fix(&pod(old), &context("stashbot")).text, today);
    }
    assert!(rules(&pod("docker-registry.svc.toolforge.org/toolforge-nosuch")).contains(&"unknown-image"));
}

#[test]
fn json_stays_json() {
    let text = "{\n  \"apiVersion\": \"apps/v1beta1\",\n  \"kind\": \"Deployment\",\n  \"metadata\": {\"name\": \"a\"},\n  \"spec\": \
                {\n    \"template\": {\n      \"metadata\": {\"labels\": {\"app\": \"a\"}},\n      \"spec\": {\"containers\": \
                [{\"name\": \"a\", \"image\": \"docker-registry.tools.wmflabs.org/toollabs-php72-web\", \"env\": [{\"name\": \"A\", \"value\": 1}]}]}\n    }\n  }\n}\n";
    let fixed = fix(text, &context("stashbot"));
    serde_json::from_str::<serde_json::Value>(&fixed.text).unwrap();
    insta::assert_snapshot!(changed(text), @r#"
    -  "apiVersion": "apps/v1beta1",
    +  "apiVersion": "apps/v1",
    +    "selector": {"matchLabels": {"app": "a"}},
    -      "metadata": {"labels": {"app": "a"}},
    -      "spec": {"containers": [{"name": "a", "image": "docker-registry.tools.wmflabs.org/toollabs-php72-web", "env": [{"name": "A", "value": 1}]}]}
    +      "metadata": {"labels": {"toolforge": "tool", "app": "a"}},
    +      "spec": {"containers": [{"name": "a", "image": "docker-registry.tools.wmflabs.org/toollabs-php72-web", "env": [{"name": "A", "value": "1"}]}]}
    "#);
}

#[test]
fn labels_are_added_where_they_belong() {
    let cron_job = |template: &str| {
        format!(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: a}}\nspec:\n  schedule: Daily\n  jobTemplate:\n    spec:\n      template:\n{template}"
        )
    };
    let mut out = String::new();
    for template in [
        "        spec:\n          restartPolicy: Never\n",
        "        metadata:\n          labels: {}\n        spec: {}\n",
        "        metadata:\n          name: x\n        spec: {}\n",
        "        metadata:\n          labels:\n            a: b # mine\n        spec: {}\n",
        "        {spec: {restartPolicy: Never}}\n",
    ] {
        out.push_str(&changed(&cron_job(template)));
        out.push_str("~~~\n");
    }
    insta::assert_snapshot!(out, @r#"
    -  schedule: Daily
    +  schedule: "@daily"
    +        metadata:
    +          labels:
    +            toolforge: tool
    ~~~
    -  schedule: Daily
    +  schedule: "@daily"
    -          labels: {}
    +          labels: {toolforge: tool}
    ~~~
    -  schedule: Daily
    +  schedule: "@daily"
    +          labels:
    +            toolforge: tool
    ~~~
    -  schedule: Daily
    +  schedule: "@daily"
    +            toolforge: tool
    ~~~
    -  schedule: Daily
    +  schedule: "@daily"
    -        {spec: {restartPolicy: Never}}
    +        {metadata: {labels: {toolforge: tool}}, spec: {restartPolicy: Never}}
    ~~~
    "#);
}

#[test]
fn missing_label_of_a_selector_is_added() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  selector: {matchLabels: {app: a, tier: \"1\"}}\n  \
                template:\n    metadata:\n      labels:\n        app: a\n    spec: {}\n";
    insta::assert_snapshot!(changed(text), @r#"
    +        toolforge: tool
    +        tier: "1"
    "#);
}

#[test]
fn values_get_the_type_of_their_field() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: stashbot, labels: {toolforge: tool, on: 1}}\nspec:\n  \
                terminationGracePeriodSeconds: '30'\n  containers:\n  - name: a\n    env:\n    - {name: A, value: 010}\n    - {name: \
                B, value: no}\n    - {name: C, value: true}\n    ports: [{containerPort: \"8000\"}]\n";
    insta::assert_snapshot!(changed(text), @r#"
    -metadata: {name: a, namespace: stashbot, labels: {toolforge: tool, on: 1}}
    +metadata: {name: a, namespace: tool-stashbot, labels: {toolforge: tool, "on": "1"}}
    -  terminationGracePeriodSeconds: '30'
    +  terminationGracePeriodSeconds: 30
    -    - {name: A, value: 010}
    -    - {name: B, value: no}
    -    - {name: C, value: true}
    -    ports: [{containerPort: "8000"}]
    +    - {name: A, value: "010"}
    +    - {name: B, value: "no"}
    +    - {name: C, value: "true"}
    +    ports: [{containerPort: 8000}]
    "#);
}

#[test]
fn line_endings_and_marks_are_removed() {
    let text = "\u{feff}apiVersion: v1\r\nkind: Pod\r\nmetadata: {name: a}\r\nspec: {}\r\n";
    let fixed = fix(text, &context("stashbot"));
    assert_eq!(
        fixed.text,
        "apiVersion: v1\nkind: Pod\nmetadata: {labels: {toolforge: tool}, name: a}\nspec: {}\n"
    );
}

#[test]
fn ignored_findings_are_not_fixed() {
    let text = "apiVersion: v1 # lint: ignore=windows-line-endings\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: \
                a\n    image: a\n    # lint: ignore=wrong-type\n    env: [{name: A, value: 1}]\n";
    assert_eq!(changed(&format!("# lint: ignore=tool-label\n{text}")), "");
}

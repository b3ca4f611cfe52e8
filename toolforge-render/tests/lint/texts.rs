//! What is found in texts as a whole, and the spelling of values that `--fix` corrects.

use insta::assert_snapshot;
use toolforge_render::lint::{Finding, Level, Rule, fix, lint};

use crate::support::{context, fixture, ids, shown};

#[test]
fn request_above_the_own_limit_is_an_error() {
    let clean = fixture("clean.yaml");
    let level = |to: &str| {
        let text = clean.replacen(
            "limits: {cpu: 500m, memory: 512Mi}\n          requests: {cpu: 250m, memory: 256Mi}",
            to,
            1,
        );
        assert_ne!(text, clean);
        let found = lint(&text, &context("stashbot"));
        found.iter().find(|found| found.rule == Rule::OutsideLimits).map(Finding::level)
    };
    assert_eq!(level("limits: {cpu: 500m}\n          requests: {cpu: 600m}"), Some(Level::Error));
    // What a LimitRange allows, and its default, is only assumed.
    assert_eq!(level("limits: {memory: 9Gi}\n          requests: {cpu: 250m}"), Some(Level::Warning));
    assert_eq!(level("requests: {cpu: 900m}"), Some(Level::Warning));
}

#[test]
fn findings_are_bounded() {
    let text =
        format!("{}---\na\n", "---\n# lint: ignore=nonsense\napiVersion: v1\nkind: List\n".repeat(2_000));
    let found = lint(&text, &context("stashbot"));
    assert_eq!(found.len(), 1_001);
    // Errors are listed before warnings.
    assert!(found.iter().any(|found| found.rule == Rule::UnknownDocument));
    let last = found.last().unwrap();
    assert_eq!(last.message.as_raw(), "1001 more findings are not listed: 1001 warnings");
    assert_eq!((last.rule, last.level(), last.location.line), (Rule::TooManyFindings, Level::Note, 8_003));
}

#[test]
fn json_objects_may_follow_each_other() {
    let object = "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"a\"}}\n";
    let text = object.to_owned() + &object.replace("\"a\"", "\"b\"");
    assert_eq!(ids(&text, &context("stashbot")), [""; 0]);
    assert_eq!(ids(&object.repeat(2), &context("stashbot")), ["duplicate-object"]);
    let broken = format!("{object}{{\"kind\" 1}}\n");
    let found = &lint(&broken, &context("stashbot"))[0];
    assert_eq!((found.rule, found.location.line), (Rule::InvalidYaml, 2));
}

#[test]
fn repeated_key_of_a_job_is_one_finding() {
    let text = "- name: a\n  command: ./a\n  image: bookworm\n  filelog: no\n  filelog: true\n";
    assert_eq!(ids(text, &context("stashbot")), ["duplicate-key"]);
}

#[test]
fn templates_in_quotes_are_named() {
    let pod = |image: &str, value: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, labels: {{toolforge: tool}}}}\nspec:\n  containers:\n  - name: a\n    \
             image: \"{image}\"\n    command: [docker, inspect, '{{{{ .Id }}}}']\n    env: [{{name: A, value: '{value}'}}]\n"
        )
    };
    let found = lint(&pod("{{ .Values.image }}:{{ .Values.tag }}", "x"), &context("stashbot"));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].rule, Rule::Template);
    // Other programs have expressions, too.
    let clean = pod("tools-harbor.wmcloud.org/tool-stashbot/a:1", "{{ x }}");
    assert_eq!(ids(&clean, &context("stashbot")), ["no-resources"]);
    for (text, expected) in [
        ("- {name: '{{ a }}', image: bookworm, command: ./a}\n", vec!["template"]),
        ("- {name: a, image: bookworm, command: 'echo {{ a }}'}\n", vec![]),
        ("type: '{% x %}'\n", vec!["template"]),
    ] {
        assert_eq!(ids(text, &context("stashbot")), expected, "{text}");
    }
}

#[test]
fn spelling_of_schedules_is_fixed() {
    let clean = fixture("clean.yaml");
    for (from, to, expected) in [
        ("\"28 4 * * *\"", "\"28 4 * * 7\"", "\"28 4 * * 0\""),
        ("\"28 4 * * *\"", "28 4 * * 5-7", "28 4 * * 5-6,0"),
        ("\"28 4 * * *\"", "'28 4 1 January monday'", "'28 4 1 jan mon'"),
        ("Europe/Paris", "europe/paris", "Europe/Paris"),
    ] {
        let text = clean.replacen(from, to, 1);
        assert_eq!(fix(&text, &context("stashbot")).text, clean.replacen(from, expected, 1), "{to}");
    }
    for (schedule, expected) in [
        ("\"@Daily\"", "\"@daily\""),
        ("'@WEEKLY'", "'@weekly'"),
        ("0 4 * * Monday", "0 4 * * mon"),
        ("0 4 * * 7", "0 4 * * 7"),
        ("0 4 * * x", "0 4 * * x"),
    ] {
        let job = |schedule: &str| {
            format!("- name: a\n  image: bookworm\n  command: ./a\n  schedule: {schedule} # mine\n")
        };
        assert_eq!(fix(&job(schedule), &context("stashbot")).text, job(expected), "{schedule}");
    }
    for (days, expected) in [
        (
            "moonday",
            "day of week \"moonday\" is not allowed; a CronJob has 0-6 or sun-sat (0 and sun are Sunday)",
        ),
        (
            "5-1",
            "day of week \"5-1\" ends before it begins; write the lower value first, within 0-6 or sun-sat (0 and sun are Sunday)",
        ),
        (
            ",",
            "day of week \",\" has no value; use 0-6 or sun-sat (0 and sun are Sunday), or '*' for every value",
        ),
    ] {
        let text = clean.replacen("\"28 4 * * *\"", &format!("\"28 4 * * {days}\""), 1);
        let found = lint(&text, &context("stashbot"));
        assert!(found[0].message.as_raw().starts_with(expected), "{}", found[0].message.as_raw());
    }
}

#[test]
fn errors_have_answers() {
    let secret = |data: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a, creationTimestamp: x}}\ndata: {data}\n")
    };
    for text in [
        "- name: A B\n  image: bookworm\n  command: ./a\n",
        "- []\n",
        "jobs:\n- name: a\n",
        "type: php5.6\n",
        "type: php8.2\nreplicas: many\n",
        "{{ x }}: {% y %}\n",
        "apiVersion: v1\nkind: List\nitems: [[], 1, {apiVersion: v1, kind: List, items: []}]\n",
        "0 3 * * * ./a.sh\n",
        "*/5 * * * * ./a.sh\n",
        &secret("{k: hello world}"),
    ] {
        let found = lint(text, &context("stashbot"));
        assert!(!found.is_empty(), "{text}");
        for found in found {
            assert!(found.answer.is_some() || found.level() < Level::Error, "{text}: {found:?}");
        }
    }
    let found = lint(&secret("{k: hello world}").replace(", creationTimestamp: x", ""), &context("stashbot"));
    let found = found.iter().find(|found| found.rule == Rule::InvalidValue).unwrap();
    assert_eq!(found.message.as_raw(), "data.k is not base64; write plain text in stringData");
}

#[test]
fn answers_about_sizes_name_what_is_refused() {
    let container = "containers: [{name: a, image: tools-harbor.wmcloud.org/tool-a/a:1, command: [a], \
                     resources: {limits: {memory: 4Gi, cpu: 1}}}]";
    let deployment = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: bot, labels: {{a: b}}}}\nspec:\n  replicas: 40\n  \
         selector: {{matchLabels: {{a: b}}}}\n  template: {{metadata: {{labels: {{a: b}}}}, spec: {{{container}}}}}\n"
    );
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{{}}}\n",
        container.replace("4Gi", "400Gi")
    );
    for (text, subject) in [
        ("- {name: w, image: bookworm, command: ./a, mem: 60Gi, continuous: true}\n", "pods of job w are "),
        ("- {name: w, image: bookworm, command: ./a, mem: 60Gi, schedule: '@daily'}\n", "pods of job w are "),
        ("type: php8.2\nmem: 60Gi\nreplicas: 40\n", "pods of the web service are "),
        (&deployment, "pods of Deployment bot are "),
        (&pod, "Pod p is "),
    ] {
        let found = lint(text, &context("stashbot"));
        let sizes =
            || found.iter().filter(|found| matches!(found.rule, Rule::QuotaExceeded | Rule::OutsideLimits));
        assert!(sizes().next().is_some(), "{text}: {found:?}");
        for found in sizes() {
            let answer = found.answer.as_ref().unwrap().as_raw();
            assert!(answer.replace('"', "").starts_with(subject), "{text}: {answer}");
        }
    }
}

#[test]
fn amounts_of_a_template_are_named_at_their_keys() {
    let found = |text: &str| shown(text, &context("stashbot"));
    assert_snapshot!(found("backend: kubernetes\ntype: php8.2\ncpu: 4\nmem: 9Gi\n"), @"
    3:1 warning outside-limits: CPU: 4 is more than the maximum of 1 for one container [cpu: 4]
        server: pods of the web service are forbidden: CPU: 4 is more than the maximum of 1 for one container
    3:1 warning quota-exceeded: the web service exceeds the quota: limits.cpu: 4 of 2, 2 CPU too much (quota toolforge-2023) [cpu: 4]
        server: pods of the web service are forbidden: exceeded quota: toolforge-2023, limited: limits.cpu
    4:1 warning outside-limits: memory: 9Gi is more than the maximum of 4Gi for one container [mem: 9Gi]
        server: pods of the web service are forbidden: memory: 9Gi is more than the maximum of 4Gi for one container
    4:1 warning quota-exceeded: the web service exceeds the quota: limits.memory: 9Gi of 8Gi, 1Gi too much (quota toolforge-2023) [mem: 9Gi]
        server: pods of the web service are forbidden: exceeded quota: toolforge-2023, limited: limits.memory
    ");
    assert_snapshot!(found("backend: kubernetes\nreplicas: 20\ntype: php8.2\n"), @"
    2:1 warning quota-exceeded: the web service exceeds the quota: pods: 20 of 10, 10 pods too many (quota toolforge-2023) [replicas: 20]
        server: pods of the web service are forbidden: exceeded quota: toolforge-2023, limited: pods
    2:1 warning quota-exceeded: the web service exceeds the quota: requests.cpu: 2500m of 2, 500m CPU too much (quota toolforge-2023) [replicas: 20]
        server: pods of the web service are forbidden: exceeded quota: toolforge-2023, limited: requests.cpu
    2:1 warning quota-exceeded: the web service exceeds the quota: limits.cpu: 10 of 2, 8 CPU too much (quota toolforge-2023) [replicas: 20]
        server: pods of the web service are forbidden: exceeded quota: toolforge-2023, limited: limits.cpu
    2:1 warning quota-exceeded: the web service exceeds the quota: limits.memory: 10Gi of 8Gi, 2Gi too much (quota toolforge-2023) [replicas: 20]
        server: pods of the web service are forbidden: exceeded quota: toolforge-2023, limited: limits.memory
    ");
}

#[test]
fn levels_are_ordered() {
    assert!(Level::Error > Level::Warning && Level::Warning > Level::Note);
}

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
    // The maximum and the default of a LimitRange are only assumed.
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
    // Other programs also have expressions.
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
fn answers_about_sizes_name_the_refused_object() {
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
fn amounts_of_a_job_are_named_at_their_keys() {
    let places = |text: &str| {
        let found = lint(text, &context("stashbot"));
        let sizes =
            found.iter().filter(|found| matches!(found.rule, Rule::QuotaExceeded | Rule::OutsideLimits));
        let mut places: Vec<String> =
            sizes.map(|found| format!("{} {}", found.location, &text[found.span.clone()])).collect();
        places.dedup();
        places.join("\n")
    };
    let job = "- name: w\n  image: bookworm\n  command: ./a\n  continuous: true\n";
    assert_snapshot!(places(&format!("{job}  cpu: 4 # many\n  mem: 9Gi\n")), @"
    line 5, column 3 cpu: 4
    line 6, column 3 mem: 9Gi
    ");
    assert_snapshot!(places(&format!("{job}  replicas: 40\n")), @"line 5, column 3 replicas: 40");
    assert_snapshot!(places("- mem: 60Gi\n  name: w\n  image: bookworm\n  command: ./a\n  schedule: '@daily'\n"), @"line 1, column 3 mem: 60Gi");
    assert_snapshot!(places("[{\"name\": \"w\", \"image\": \"bookworm\", \"command\": \"./a\", \"mem\": \"9Gi\", \"continuous\": true}]"), @r#"line 1, column 55 "mem": "9Gi""#);
    // If the number of jobs exceeds the quota, there is no key.
    let jobs: String = (0..5).map(|index| job.replace("name: w", &format!("name: w{index}"))).collect();
    assert_snapshot!(places(&jobs), @"
    line 9, column 9 w2
    line 13, column 9 w3
    ");
}

#[test]
fn wrong_types_hide_no_amounts() {
    let pod = "{containers: [{name: a, image: tools-harbor.wmcloud.org/tool-a/a:1, command: [a], env: [{name: A, value: 1}], \
               resources: {limits: {cpu: 500, memory: 100Gi}}}]}";
    let text = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: bot}}\nspec:\n  selector: {{matchLabels: {{toolforge: tool}}}}\n  \
         template: {{metadata: {{labels: {{toolforge: tool}}}}, spec: {pod}}}\n"
    );
    let rest = |text: &str| {
        let mut found = ids(text, &context("stashbot"));
        found.retain(|id| *id != "wrong-type");
        found
    };
    let found = rest(&text);
    assert_eq!(found, rest(&text.replace("value: 1", "value: '1'")));
    assert!(found.contains(&"outside-limits") && found.contains(&"quota-exceeded"), "{found:?}");
    // A value of another type counts as one that is not set.
    let text = text.replace("selector:", "replicas: many\n  selector:");
    assert_eq!(found, rest(&text));
}

#[test]
fn synonyms_of_fields_are_known() {
    let clean = fixture("clean.yaml");
    for (from, to, meant) in [
        ("        env:\n", "        enviroment:\n", "env"),
        ("        env:\n", "        environment:\n", "env"),
        ("        command: [./once", "        cmd: [./once", "command"),
        ("        command: [./once", "        entrypoint: [./once", "command"),
    ] {
        let text = clean.replacen(from, to, 1);
        let found = lint(&text, &context("stashbot"));
        let found = found.iter().find(|found| found.rule == Rule::UnknownField).unwrap();
        assert!(found.message.as_raw().ends_with(&format!("did you mean \"{meant}\"?")), "{found:?}");
    }
}

#[test]
fn lines_of_a_shell_are_found_in_commands() {
    let found = |command: &str| {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a, labels: {{toolforge: tool}}}}\nspec:\n  containers:\n  - name: a\n    \
             image: docker-registry.svc.toolforge.org/toolforge-python311-sssd-base:latest\n    \
             resources: {{limits: {{cpu: 500m}}, requests: {{cpu: 250m}}}}\n    command: {command}\n"
        );
        shown(&text, &context("stashbot"))
    };
    assert_snapshot!(found("[python3 bot.py]"), @r#"
    9:15 warning shell-syntax: the first item is the name of a program, and this is a whole line; write an item for each word, or ["sh", "-c", "…"] for a line of a shell [python3 bot.py]
        server: exec: "python3 bot.py": executable file not found in $PATH
    "#);
    assert_snapshot!(found("[\"cd /x && ./y\"]"), @r#"
    9:15 warning shell-syntax: the first item is the name of a program, and this is a whole line; write an item for each word, or ["sh", "-c", "…"] for a line of a shell ["cd /x && ./y"]
        server: exec: "cd /x && ./y": stat cd /x && ./y: no such file or directory
    "#);
    assert_snapshot!(found("[./x, \">\", log]"), @r#"9:20 warning shell-syntax: no shell reads ">", and the program gets it as an argument; write ["sh", "-c", "…"] [">"]"#);
    assert_snapshot!(found("[~/x]"), @r#"
    9:15 warning shell-syntax: no shell expands "~/x"; write the whole path, or ["sh", "-c", "…"] [~/x]
        server: exec: "~/x": stat ~/x: no such file or directory
    "#);
    assert_snapshot!(found("[cd, /x]"), @r#"
    9:15 warning shell-syntax: cd is a command of a shell, not a program; write ["sh", "-c", "…"] [cd]
        server: exec: "cd": executable file not found in $PATH
    "#);
    assert_snapshot!(found("[A=1, ./x]"), @r#"
    9:15 warning shell-syntax: the first item is the name of a program, and this sets a variable; set it in `env` [A=1]
        server: exec: "A=1": executable file not found in $PATH
    "#);
    assert_snapshot!(found("[php, x.php]"), @"9:15 warning missing-interpreter: the command needs php, which image python3.11 does not contain [php]");
    assert_snapshot!(found("[sh, -c, php x.php]\n    env: [{name: PATH, value: /data/project/stashbot/bin}]"), @"");
    assert_snapshot!(shown("- {name: a, image: python3.11, command: php x.php}\n", &context("stashbot")), @"1:41 warning missing-interpreter: the command needs php, which image python3.11 does not contain [php x.php]");
    assert_snapshot!(shown("type: jdk17\nextra_args: [php, x.php]\n", &context("stashbot")), @"2:14 warning missing-interpreter: the command needs php, which image jdk17 does not contain [php]");
}

#[test]
fn levels_are_ordered() {
    assert!(Level::Error > Level::Warning && Level::Warning > Level::Note);
}

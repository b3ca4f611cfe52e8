//! Manifests, crontabs and `jsub` lines as jobs files.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use insta::assert_snapshot;
use toolforge_images::Catalog;
use toolforge_model::crontab::find_crontab;
use toolforge_model::{JobsFile, ToolName};
use toolforge_render::convert::{Conversion, Converter, with_current_version};
use toolforge_render::manifest::{Manifests, file_documents};
use toolforge_render::namespace::Namespace;

fn namespace() -> Namespace {
    Namespace::new(&tool(), Catalog::bundled())
}

fn tool() -> ToolName {
    "stashbot".parse().unwrap()
}

fn of_lines(text: &str) -> Conversion {
    assert!(find_crontab(text).is_some(), "{text}");
    let namespace = namespace();
    let mut converter = Converter::new(&namespace, None);
    converter.add_lines(text);
    converter.finish()
}

fn of_manifests(text: &str) -> Conversion {
    assert!(find_crontab(text).is_none(), "{text}");
    let mut manifests = Manifests::default();
    let documents = file_documents(text);
    assert_eq!(documents.errors, []);
    documents
        .documents
        .iter()
        .for_each(|document| manifests.read(&with_current_version(&document.node), &tool()));
    assert_eq!(manifests.errors, []);
    let namespace = namespace();
    let mut converter = Converter::new(&namespace, None);
    converter.add_manifests(&manifests.manifests);
    converter.finish()
}

/// Returns the jobs file, the template, and the rest, which is not converted.
fn shown(conversion: &Conversion) -> String {
    let yaml = conversion.to_yaml();
    if !yaml.is_empty() {
        let findings = JobsFile::check(&yaml, &tool(), None);
        assert_eq!(findings.errors, [], "{yaml}");
    }
    let template =
        conversion.web_service.iter().map(|web| format!("--- service.template\n{}", web.to_yaml()));
    let left = conversion.dependents.iter().chain(&conversion.unconverted).map(|left| {
        format!("--- line {}: {}: {}\n", left.location.line, left.what.escaped(), left.reason.escaped())
    });
    [yaml].into_iter().chain(template).chain(left).collect()
}

#[test]
fn crontab_becomes_scheduled_jobs() {
    let text = "\u{feff}# m h dom mon dow command\nMAILTO=\"\"\nPATH=/usr/bin\nLANG=C\n\n\
        */10 * * * * /data/project/stashbot/venv/bin/python3 /data/project/stashbot/update.py --all > /dev/null 2>&1\n\
        0 3 * * mon php ~/clean.php 'a b'\n\
        @daily date +\\%F >> days.txt\n\
        @reboot ./start.sh\n\
        99 * * * * ./never.sh\n\
        5 5 * * * mail me@example.org%Hello%there\n\
        10 4 * * * /usr/bin/jsub -N Clean_Up -once -quiet -mem 512m -l h_rt=1:00 -o logs/clean.out ./clean.sh --now >/dev/null 2>&1\n\
        rm -rf everything\n";
    assert_snapshot!(shown(&of_lines(text)));
}

#[test]
fn jsub_lines_become_jobs() {
    let text = "jsub -once -N bot -mem 1g -cwd python3 bot.py -v 'two words'\n\
        jstart -N irc ./irc.pl\n\
        jsub -continuous node server.js\n\
        jsub -mem lots ./x\n\
        jsub -N only\n\
        jsub -N bot ./other 'unclosed\n";
    assert_snapshot!(shown(&of_lines(text)));
}

#[test]
fn scheduled_continuous_lines_have_a_note() {
    for line in
        ["0 3 * * * /usr/bin/jsub -continuous -N bot ./bot.sh\n", "0 * * * * jstart -N bot ./bot.sh\n"]
    {
        let text = shown(&of_lines(line));
        let option = if line.contains("jstart") { "jstart" } else { "-continuous" };
        assert!(text.contains(&format!("{option} is not converted")), "{text}");
    }
}

#[test]
fn cron_job_becomes_a_scheduled_job() {
    let text = "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: wiki.update\n  labels: {toolforge: tool}\nspec:\n  \
        schedule: '*/7 * * * *'\n  concurrencyPolicy: Replace\n  startingDeadlineSeconds: 100\n  jobTemplate:\n    spec:\n      \
        backoffLimit: 0\n      activeDeadlineSeconds: 600\n      template:\n        metadata:\n          labels: {toolforge: tool}\n        \
        spec:\n          restartPolicy: OnFailure\n          nodeSelector: {disk: ssd}\n          containers:\n          - name: bot\n            \
        workingDir: /data/project/stashbot\n            image: docker-registry.tools.wmflabs.org/toolforge-python311-sssd-base:latest\n            \
        command: [/data/project/stashbot/venv/bin/python3, -m, bot, 'a b']\n            \
        env:\n            - {name: HOME, value: /data/project/stashbot}\n            - {name: MODE, value: fast}\n            \
        - {name: TOKEN, valueFrom: {secretKeyRef: {name: secrets, key: token}}}\n            \
        resources: {limits: {memory: 1Gi, cpu: 500m}, requests: {memory: 512Mi, cpu: 250m}}\n            \
        volumeMounts:\n            - {name: home, mountPath: /data/project}\n          volumes:\n          \
        - {name: home, hostPath: {path: /data/project}}\n";
    assert_snapshot!(shown(&of_manifests(text)));
}

/// The two examples of the platform's page of 2020.
#[test]
fn examples_of_2020_become_jobs() {
    let text = "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata:\n  name: list-images\n  labels:\n    name: wikiloveslove.list-images\n    \
        toolforge: tool\nspec:\n  schedule: \"28 * * * *\"\n  jobTemplate:\n    spec:\n      template:\n        metadata:\n          \
        labels:\n            toolforge: tool\n        spec:\n          containers:\n          - name: bot\n            \
        workingDir: /data/project/wikiloveslove\n            image: docker-registry.tools.wmflabs.org/toollabs-python37-base:latest\n            \
        args:\n            - /bin/sh\n            - -c\n            - /data/project/wikiloveslove/list_images.sh\n            env:\n            \
        - name: PYTHONIOENCODING\n              value: utf-8\n            - name: HOME\n              value: /data/project/wikiloveslove\n          \
        restartPolicy: OnFailure\n---\n# Run stashbot on kubernetes\napiVersion: extensions/v1beta1\nkind: Deployment\nmetadata:\n  \
        name: stashbot\n  namespace: tool-stashbot\n  labels: {name: stashbot, toolforge: tool}\nspec:\n  replicas: 1\n  template:\n    \
        metadata:\n      labels: {name: stashbot, toolforge: tool}\n    spec:\n      containers:\n        - name: bot\n          \
        image: docker-registry.tools.wmflabs.org/toollabs-python37-base:latest\n          \
        command: [ \"/data/project/stashbot/bin/stashbot.sh\", \"run\" ]\n          workingDir: /data/project/stashbot\n          env:\n            \
        - name: HOME\n              value: /data/project/stashbot\n          imagePullPolicy: Always\n";
    assert_snapshot!(shown(&of_manifests(text)));
}

#[test]
fn old_ingress_is_a_note() {
    let text = "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: site}\nspec:\n  backend: \
        {serviceName: site, servicePort: 8000}\n";
    assert_snapshot!(shown(&of_manifests(text)), @"--- line 1: Ingress site: a jobs file has no such objects");
}

#[test]
fn deployment_becomes_a_continuous_job() {
    let text = "apiVersion: v1\nkind: List\nitems:\n\
        - apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: stashbot.bot}\n  spec:\n    replicas: 2\n    \
        selector: {matchLabels: {name: bot}}\n    template:\n      metadata: {labels: {name: bot, toolforge: tool}}\n      spec:\n        \
        containers:\n        - name: bot\n          image: docker-registry.tools.wmflabs.org/toolforge-python311-sssd-base:latest\n          \
        command: [/bin/sh, -c, './run.sh && true']\n          livenessProbe: {exec: {command: [cat, /tmp/alive]}}\n        \
        - {name: side, image: x}\n\
        - {apiVersion: v1, kind: Service, metadata: {name: bot}, spec: {selector: {name: bot}, ports: [{port: 8080}]}}\n\
        - {apiVersion: v1, kind: Service, metadata: {name: other}, spec: {selector: {name: other}, ports: [{port: 1}]}}\n\
        - {apiVersion: v1, kind: Secret, metadata: {name: token}}\n\
        - {apiVersion: v1, kind: Pod, metadata: {name: Once}, spec: {restartPolicy: Never, containers: [{name: a, image: 'evil.example/x:1', args: [./a]}]}}\n";
    assert_snapshot!(shown(&of_manifests(text)));
}

#[test]
fn web_service_becomes_a_template() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: stashbot\n  labels: {app.kubernetes.io/component: web, app.kubernetes.io/managed-by: webservice, name: stashbot, toolforge: tool}\nspec:\n  \
        replicas: 2\n  selector: {matchLabels: {name: stashbot}}\n  template:\n    metadata: {labels: {name: stashbot}}\n    spec:\n      containers:\n      \
        - name: webservice\n        image: docker-registry.tools.wmflabs.org/toolforge-php82-sssd-web:latest\n        \
        resources: {limits: {memory: 1Gi, cpu: '1'}}\n";
    assert_snapshot!(shown(&of_manifests(text)));
}

#[test]
fn jsub_after_another_command_is_not_converted() {
    let text = "0 3 * * * cd /data/project/x && jsub -N foo -mem 1g python a.py\n\
        1 3 * * * FOO=b jsub -N foo python a.py\n\
        2 3 * * * jsub python d.py && echo x\n\
        3 3 * * * jsub python d.py; echo x\n\
        4 3 * * * sh -c 'jsub python a.py'\n";
    let conversion = of_lines(text);
    assert_eq!(conversion.jobs, []);
    assert_eq!(conversion.unconverted.len(), 5);
}

#[test]
fn jsub_options_of_unknown_form_are_not_converted() {
    for option in
        ["-wd /data/project/x", "-v A=b", "-t 1-5", "-hold_jid foo", "-pe smp 4", "-a 1200", "--help"]
    {
        let conversion = of_lines(&format!("jsub {option} -N foo python b.py\n"));
        assert_eq!(conversion.jobs, [], "{option}");
        let reason = conversion.unconverted[0].reason.as_raw().to_owned();
        assert_eq!(reason, format!("{} cannot be converted", option.split(' ').next().unwrap()));
    }
}

#[test]
fn command_of_jsub_is_kept_as_written() {
    for (line, expected) in [
        (
            "jsub -N a ./x $HOME/*.txt \"two words\" 'a && b' > log 2>&1",
            "./x $HOME/*.txt \"two words\" 'a && b'",
        ),
        ("jsub -N 'a' bash -c 'echo $HOME > x; true'", "bash -c 'echo $HOME > x; true'"),
        ("jsub -once 'python a.py arg'", "python a.py arg"),
        ("jsub ./x a\\;b &>/dev/null", "./x a\\;b"),
    ] {
        let conversion = of_lines(line);
        assert_eq!(conversion.jobs[0].request.command, expected, "{:?}", conversion.unconverted);
    }
}

/// As `kubectl get all,ingress -o yaml` prints them.
#[test]
fn skips_objects_of_controllers() {
    let owned = |kind: &str, name: &str, owner: &str| {
        format!(
            "- apiVersion: {}\n  kind: {kind}\n  metadata:\n    name: {name}\n    labels: {{app: bot}}\n    ownerReferences: \
             [{{kind: ConfigMap, name: a}}, {{controller: true, kind: {owner}, name: owner}}]\n  spec: {{schedule: '@daily', template: \
             {{spec: {{containers: [{{name: a, image: a, command: [./a]}}]}}}}, containers: [{{name: a, image: a, command: [./a]}}]}}\n",
            match kind {
                "Pod" | "Service" => "v1",
                "ReplicaSet" => "apps/v1",
                _ => "batch/v1",
            }
        )
    };
    let text = [
        "apiVersion: v1\nkind: List\nitems:\n".to_owned(),
        owned("Pod", "bot-5c-x", "ReplicaSet"),
        owned("ReplicaSet", "bot-5c", "Deployment"),
        owned("Job", "daily-1", "CronJob"),
        owned("Service", "bot", "Workflow"),
        "- {apiVersion: v1, kind: Pod, metadata: {name: bare}, spec: {containers: [{name: a, image: python3.11, command: [./a]}]}}\n".to_owned(),
    ]
    .concat();
    let conversion = of_manifests(&text);
    let names: Vec<&str> = conversion.jobs.iter().map(|job| job.request.name.as_str()).collect();
    assert_eq!((names, conversion.unconverted.len()), (vec!["bare"], 0));
    let dependents: Vec<String> = conversion.dependents.iter().map(ToString::to_string).collect();
    assert_snapshot!(dependents.join("\n"), @"
    line 4: Pod bot-5c-x: not converted: ReplicaSet owner creates it
    line 11: ReplicaSet bot-5c: not converted: Deployment owner creates it
    line 18: Job daily-1: not converted: CronJob owner creates it
    line 25: Service bot: not converted: Workflow owner creates it
    ");
}

#[test]
fn skips_objects_of_the_web_service() {
    let web = "{app.kubernetes.io/component: web, app.kubernetes.io/managed-by: webservice, name: stashbot}";
    let shell =
        "{app.kubernetes.io/component: webservice-interactive, app.kubernetes.io/managed-by: webservice}";
    let pod = "spec: {containers: [{name: a, image: a, command: [./a]}]}";
    let text = format!(
        "apiVersion: v1\nkind: List\nitems:\n\
         - {{apiVersion: v1, kind: Pod, metadata: {{name: stashbot-1, labels: {web}}}, {pod}}}\n\
         - {{apiVersion: v1, kind: Pod, metadata: {{name: shell-1, labels: {shell}}}, {pod}}}\n\
         - {{apiVersion: v1, kind: Pod, metadata: {{name: old, labels: {{tools.wmflabs.org/webservice: 'true'}}}}, {pod}}}\n\
         - {{apiVersion: v1, kind: Service, metadata: {{name: stashbot, labels: {web}}}, spec: {{selector: {{name: stashbot}}}}}}\n\
         - {{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: stashbot-subdomain, labels: {web}}}}}\n\
         - {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: stashbot, labels: {web}}}, spec: {{selector: {{}}, template: {{spec: \
         {{containers: [{{name: webservice, image: 'docker-registry.svc.toolforge.org/toolforge-php82-sssd-web:latest'}}]}}}}}}}}\n"
    );
    let conversion = of_manifests(&text);
    assert_eq!((conversion.jobs.len(), conversion.unconverted.len()), (0, 0));
    assert!(conversion.web_service.is_some());
    let dependents: Vec<String> = conversion.dependents.iter().map(ToString::to_string).collect();
    assert_snapshot!(dependents.join("\n"), @"
    line 4: Pod stashbot-1: not converted: the web service creates it
    line 5: Pod shell-1: not converted: `webservice shell` creates it
    line 6: Pod old: not converted: the web service creates it
    line 7: Service stashbot: not converted: the web service creates it
    line 8: Ingress stashbot-subdomain: not converted: the web service creates it
    ");
}

/// Returns a Deployment of a web service with an image of the platform or the build service.
fn web_service(image: &str, command: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: stashbot, labels: {{app.kubernetes.io/component: web, app.kubernetes.io/managed-by: webservice}}}}\nspec:\n  \
         selector: {{}}\n  template: {{spec: {{containers: [{{name: webservice, image: '{image}', {command}}}]}}}}\n"
    )
}

#[test]
fn command_of_a_web_service_chooses_its_type() {
    let platform = |name: &str| format!("docker-registry.svc.toolforge.org/toolforge-{name}-sssd-web:latest");
    let runner =
        "command: [/usr/bin/webservice-runner, --type, uwsgi-python, --port, '8000', --threads, '4']";
    let mut out = String::new();
    for (image, command) in [
        (platform("jdk17"), "command: [java, -jar], args: [my app.jar, 'true']"),
        (platform("python311"), runner),
        (platform("python311"), "command: [./run.sh]"),
        ("tools-harbor.wmcloud.org/tool-stashbot/web:1".to_owned(), "command: [web], args: [--all]"),
    ] {
        let conversion = of_manifests(&web_service(&image, command));
        let Conversion { web_service: Some(web), .. } = conversion else {
            panic!("{:?}", conversion.unconverted)
        };
        let notes = web
            .notes
            .iter()
            .map(ToString::to_string)
            .filter(|note| note.contains("command") || note.contains("args"));
        out.push_str(&web.template);
        notes.for_each(|note| out.push_str(&format!("# {note}\n")));
    }
    assert_snapshot!(out, @r#"
    type: jdk17
    extra_args: ["java","-jar","my app.jar","true"]
    type: python3.11
    extra_args: ["--threads","4"]
    type: python3.11
    # type python3.11 starts its own web server, not the command: ["./run.sh"]
    type: buildservice
    buildservice-image: tool-stashbot/web:1
    extra_args: ["web","--all"]
    "#);
}

#[test]
fn long_command_of_a_web_service_is_shown() {
    let words: Vec<String> = (0..20).map(|number| format!("\"--option-{number}\"")).collect();
    let command = format!(
        "command: [webservice-runner, --type, generic, --port, '8000', /data/project/stashbot/run.sh, {}]",
        words.join(", ")
    );
    let image = "docker-registry.svc.toolforge.org/toolforge-node18-sssd-web:latest";
    let found = shown(&of_manifests(&web_service(image, &command)));
    assert!(found.contains("/data/project/stashbot/run.sh") && found.contains("--option-19"), "{found}");
}

#[test]
fn command_that_no_type_runs_is_blocking() {
    let image = "docker-registry.svc.toolforge.org/toolforge-python311-sssd-web:latest";
    let subjects = |text: &str| -> Vec<String> {
        of_manifests(text)
            .blocking()
            .into_iter()
            .map(|(subject, note)| format!("{subject}: {note}"))
            .collect()
    };
    assert_eq!(
        subjects(&web_service(image, "command: [./run.sh]")),
        ["the web service: type python3.11 starts its own web server, not the command: [\"./run.sh\"]"]
    );
    let runner = "command: [/usr/bin/webservice-runner, --type, uwsgi-python, --port, '8000']";
    assert_eq!(subjects(&web_service(image, runner)), [""; 0]);
}

/// What is lost and hurts most is read first; a deprecated image by its old name is kept.
#[test]
fn notes_begin_with_the_largest_losses() {
    let text = "apiVersion: apps/v1
kind: Deployment
metadata: {name: bot, labels: {team: x}}
spec:
  revisionHistoryLimit: 3
  selector: {matchLabels: {name: bot}}
  template:
    metadata: {labels: {name: bot}}
    spec:
      nodeSelector: {disk: ssd}
      terminationGracePeriodSeconds: 15
      containers:
      - name: job
        image: docker-registry.tools.wmflabs.org/toolforge-bullseye-sssd:latest
        command: [./bot]
        workingDir: /data/project/stashbot
        ports: [{containerPort: 8000}]
        env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: s, key: k}}}]
        resources: {limits: {cpu: 100m, memory: 1Gi}, requests: {cpu: 100m, memory: 512Mi}}
        volumeMounts: [{name: cache, mountPath: /cache}, {name: keys, mountPath: /keys}]
      volumes: [{name: cache, emptyDir: {}}, {name: keys, secret: {secretName: s}}]
";
    assert_snapshot!(shown(&of_manifests(text)), @r#"
    # spec.template.spec.containers[job].env[TOKEN]: {"name":"TOKEN","valueFrom":{"secretKeyRef":{"key":"k","name":"s"}}} is not converted
    # spec.template.spec.volumes[keys]: {"name":"keys","secret":{"secretName":"s"}} is not converted
    # spec.template.spec.containers[job].volumeMounts[cache]: {"mountPath":"/cache","name":"cache"} is not converted
    # spec.template.spec.containers[job].volumeMounts[keys]: {"mountPath":"/keys","name":"keys"} is not converted
    # spec.template.spec.volumes[cache]: {"emptyDir":{},"name":"cache"} is not converted
    # spec.template.spec.containers[job].ports: [{"containerPort":8000,"protocol":"TCP"}] is not converted
    # spec.template.spec.containers[job].resources.limits.cpu: was 100m, is now 1, the default
    # spec.strategy.type: was RollingUpdate, is now Recreate
    # spec.strategy.rollingUpdate: {"maxSurge":"25%","maxUnavailable":"25%"} is not converted
    # spec.template.spec.nodeSelector: {"disk":"ssd"} is not converted
    # image docker-registry.tools.wmflabs.org/toolforge-bullseye-sssd:latest is an old reference to bullseye (docker-registry.svc.toolforge.org/toolforge-bullseye-sssd:latest)
    # spec.revisionHistoryLimit: was 3, is now 10
    # metadata.labels.team: x is not converted
    # spec.template.metadata.labels.name: bot is not converted
    - name: bot
      command: ./bot
      image: bullseye
      continuous: true
      mem: 1Gi
      no-filelog: true
    "#);
}

#[test]
fn errors_do_not_quote_values_of_secrets() {
    let text = "kind: Secret\nstringData:\n  mine: hunter2: xyzzy\n";
    let errors = file_documents(text).errors;
    assert_eq!(errors.len(), 1);
    assert!(!errors[0].to_string().contains("hunter2"), "{}", errors[0]);
    let errors = file_documents(&text.replace("Secret", "Other").replace("stringData", "spec")).errors;
    assert!(errors[0].to_string().contains("quote the value"), "{}", errors[0]);
}

#[test]
fn programs_of_the_bastions_are_noted() {
    for (line, program) in [
        ("0 1 * * * jlocal ./e.sh", "jlocal"),
        ("0 1 * * * FOO=bar /usr/bin/jlocal ./e.sh", "jlocal"),
        ("0 1 * * * cd x && webservice restart", "webservice"),
    ] {
        let found = shown(&of_lines(line));
        let note = format!("the command runs {program}, which the images of jobs do not have");
        assert!(found.contains(&note), "{line}: {found}");
    }
    assert!(!shown(&of_lines("0 1 * * * ./webservice.py webservice")).contains("do not have"));
}

#[test]
fn command_of_the_jobs_service_is_unwrapped() {
    let script =
        "exec 1>>/data/project/stashbot/bot.out;exec 2>>/data/project/stashbot/logs/b.err;./bot.py --all";
    let marks = "jobs.toolforge.org/filelog: 'yes'";
    let own = "app.kubernetes.io/managed-by: toolforge-jobs-framework, app.kubernetes.io/created-by: stashbot, toolforge: tool, \
               jobs.toolforge.org/emails: onfailure";
    let mut out = String::new();
    for (object, pods, command) in [
        (format!("{{{own}, app.kubernetes.io/version: '2', {marks}}}"), "{}".to_owned(), script.to_owned()),
        // Before 2022.
        (format!("{{{own}, {marks}}}"), "{}".to_owned(), "./bot.py 1>bot.out 2>bot.err".to_owned()),
        // Pods that were copied from those of a job.
        ("{}".to_owned(), format!("{{{marks}}}"), script.to_owned()),
        ("{}".to_owned(), "{}".to_owned(), "exec 1>>a.log;./bot.py".to_owned()),
    ] {
        let text = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: bot, labels: {object}}}\nspec:\n  selector: {{}}\n  template:\n    \
             metadata: {{labels: {pods}}}\n    spec: {{containers: [{{name: job, image: \
             'docker-registry.svc.toolforge.org/toolforge-python311-sssd-base:latest', command: [/bin/sh, -c, --, '{command}']}}]}}\n"
        );
        let conversion = of_manifests(&text);
        let notes = conversion.jobs[0].notes.iter().map(ToString::to_string);
        let notes: Vec<String> =
            notes.filter(|note| note.contains("command") || note.contains("filelog")).collect();
        assert_eq!(notes, [""; 0]);
        out.push_str(&toolforge_model::write_jobs([&conversion.jobs[0].request]));
    }
    assert_snapshot!(out, @"
    - name: bot
      command: ./bot.py --all
      image: python3.11
      continuous: true
      emails: onfailure
      filelog-stderr: /data/project/stashbot/logs/b.err
    - name: bot
      command: ./bot.py
      image: python3.11
      continuous: true
      emails: onfailure
    - name: bot
      command: ./bot.py --all
      image: python3.11
      continuous: true
      filelog-stderr: /data/project/stashbot/logs/b.err
    - name: bot
      command: ./bot.py
      image: python3.11
      continuous: true
      no-filelog: true
      filelog-stdout: a.log
    ");
}

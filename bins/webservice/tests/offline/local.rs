//! The web service on a developer's own machine, the image types, and a diagnosis without a cluster.

use std::process::Command;

use insta::assert_snapshot;

use crate::{command, webservice};

#[test]
fn local_command_line_is_complete() {
    assert_snapshot!(webservice("php8.2 local --engine docker --home /srv/site --uid 51234 -m 1.5Gi --tool x"), @"
    [exit 0]
    docker run --rm --name webservice-x --publish 127.0.0.1:8000:8000 --memory 1610612736b --cpus 0.500 --user 51234:51234 --volume /srv/site:/data/project/x --env 'TOOL_DATA_DIR=/data/project/x' --env 'HOME=/data/project/x' --workdir /data/project/x/ --entrypoint /usr/bin/webservice-runner docker-registry.svc.toolforge.org/toolforge-php82-sssd-web:latest --type lighttpd --port 8000
    --- stderr
    warning: /srv/site is not a directory; `--home DIRECTORY` names the one with the tool's files
    note: it serves http://127.0.0.1:8000/; the platform's other mounts (dumps, scratch, the directory of users),
      its databases and the tool's environment variables are not available here
    ");
    assert_snapshot!(webservice("buildservice local --engine podman --mount none --tool x"), @"
    [exit 0]
    podman run --rm --name webservice-x --publish 127.0.0.1:8000:8000 --memory 536870912b --cpus 0.500 --env 'PORT=8000' --env 'NO_HOME=a buildservice pod does not need a home env' tools-harbor.wmcloud.org/tool-x/tool-x:latest
    --- stderr
    note: it serves http://127.0.0.1:8000/; the platform's other mounts (dumps, scratch, the directory of users),
      its databases and the tool's environment variables are not available here
    note: no home is mounted, as on the platform with `--mount none`
    ");
}

#[test]
fn printed_line_is_quoted_for_a_shell() {
    let awkward = ["it's", "a b", "", "$HOME", "`id`", "\\", "\"", "#x", "*", "é ✓", "a\nb", "~"];
    let mut local = command("jdk17 local --engine docker --tool x --");
    local.args(awkward);
    let output = local.output().unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    let line = line.strip_prefix("docker ").unwrap();
    let shown = Command::new("sh").args(["-c", &format!("printf '%s\\0' {line}")]).output().unwrap();
    let words: Vec<String> =
        String::from_utf8(shown.stdout).unwrap().split_terminator('\0').map(str::to_owned).collect();
    assert!(words.ends_with(&awkward.map(str::to_owned)), "{words:?}");
}

#[test]
fn missing_engine_is_named() {
    let said = webservice("php8.2 local --run --engine podman --tool x");
    // If Podman is installed, it is asked to run an image that cannot exist.
    assert!(said.contains("podman cannot be run") || !said.starts_with("[exit 0]"), "{said}");
}

#[test]
fn types_list_languages_and_tools() {
    assert_snapshot!(webservice("types --tool x --from catalog.yaml"), @"
    [exit 0]
    TYPE          STATE                   SERVES                       CONTENTS
    node18        current                 `npm start` in ~/www/js      Debian 12: Node.js, npm, yarn, a C compiler
    php8.2        current (default)       ~/public_html                Debian 12: PHP with Composer and apcu, curl, gd, imagick, intl, mbstring, mysql, pgsql, redis, soap, sqlite3, xml, zip
    python3.11    current                 ~/www/python/src/app.py      Debian 12: Python with venv and pip, uWSGI, a C compiler, headers of ICU, LDAP and MariaDB
    php7.3        deprecated: use php8.2  ~/public_html
    buildservice  current                 the command of its Procfile  your image: `toolforge build start URL`
    ");
    assert_snapshot!(webservice("php8.2 types --tool x --from catalog.yaml"), @"
    [exit 0]
    php8.2
      state     current
      aliases   tf-php82, toolforge-php82
      image     docker-registry.svc.toolforge.org/toolforge-php82-sssd-web:latest
      contents  Debian 12: PHP with Composer and apcu, curl, gd, imagick, intl, mbstring, mysql, pgsql, redis, soap, sqlite3, xml, zip
      serves    ~/public_html
      limits    500m CPU and 512Mi of memory by default
      start     webservice php8.2 start
    ");
    let said = webservice("types");
    assert!(
        said.contains("note: the cluster's catalog is not available: kubeconfig /nonexistent/.kube/config"),
        "{said}"
    );
    assert!(said.contains("python3.13") && said.starts_with("[exit 0]"), "{said}");
}

#[test]
fn doctor_skips_dependent_checks() {
    assert_snapshot!(webservice("doctor"), @"
    [exit 1]
    FAIL  kubeconfig  kubeconfig ~/.kube/config does not exist
                      Become the tool first, `become TOOL`, or name another file with `--kubeconfig`.
    skip  server      an earlier check failed
    skip  clock       an earlier check failed
    skip  permissions an earlier check failed
    skip  quota       an earlier check failed
    skip  limits      an earlier check failed
    skip  catalog     an earlier check failed
    ");
}

#[test]
fn local_needs_the_files_of_its_home() {
    let none = webservice("php8.2 local --run --engine docker --tool x --home /nonexist");
    assert_snapshot!(none, @"
    [exit 1]
    --- stderr
    error: /nonexist is not a directory

    hint: Name the directory with the tool's files: `--home DIRECTORY`.
    ");
    let file = webservice("php8.2 local --engine docker --tool x --home catalog.yaml");
    assert!(file.starts_with("[exit 0]") && file.contains("catalog.yaml is not a directory"), "{file}");
    let empty = std::env::temp_dir().join(format!("toolforge-local-{}", std::process::id()));
    std::fs::create_dir(&empty).unwrap();
    let warned = |name: &str| {
        let line = format!("{name} local --engine docker --tool x --home {}", empty.display());
        let said = webservice(&line);
        assert!(said.starts_with("[exit 0]"), "{said}");
        said.lines().find(|line| line.starts_with("warning: ")).map(str::to_owned)
    };
    let missing = ["php8.2", "python3.11", "node18"].map(warned);
    std::fs::remove_dir(&empty).unwrap();
    insta::assert_debug_snapshot!(missing, @r#"
    [
        Some(
            "warning: type php8.2 needs the directory public_html or the file .lighttpd.conf in the home of the tool",
        ),
        Some(
            "warning: type python3.11 needs www/python/src/app.py in the home of the tool, which has no directory www/python/src",
        ),
        Some(
            "warning: type node18 runs `npm start` in www/js, and the home of the tool has no file www/js/package.json",
        ),
    ]
    "#);
    let unmounted = webservice("buildservice local --engine docker --tool x --mount none --home /nonexist");
    assert!(unmounted.starts_with("[exit 0]"), "{unmounted}");
}

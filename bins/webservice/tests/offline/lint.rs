//! `lint`: the same command as in `jobs`, with facts from files or without a cluster.

use insta::assert_snapshot;

use super::webservice;

#[test]
fn template_and_manifest_are_checked() {
    assert_snapshot!(webservice("lint --tool stashbot --offline ../lint/clean.yaml ../lint/web/service.template ../lint/web/old.template"), @r#"
    [exit 1]
    error[platform-file]: ../lint/web/service.template:1:7: type: type name "php8,2" has ','; use letters, digits, '.', '-' and '_'
      |
    1 | type: php8,2
      |       ^^^^^^
      |
      = server: `webservice start` refuses the file

    error[platform-file]: ../lint/web/service.template:2:11: replicas: "lots" is not a whole number of replicas; write a number like 2
      |
    2 | replicas: lots
      |           ^^^^
      |
      = server: `webservice start` refuses the file

    error[platform-file]: ../lint/web/old.template:1:1: type php7.3 is gone from the platform; php8.4 replaces it
      |
    1 | type: php7.3
      | ^^^^^^^^^^^^
      |
      = server: `webservice start` refuses the file

    warning[platform-file-warning]: ../lint/web/old.template:2:1: unknown key "memory"; did you mean "mem"?
      |
    2 | memory: 1Gi # too
      | ^^^^^^^^^^^
      |
      = fix: Write what the message names, or rename or remove what has no effect, with all of its keys.

    3 errors, 1 warning in 3 files, without the cluster: policy of 2026-11-29, images of August 2025, limits of 2023
    "#);
}

#[test]
fn facts_come_from_files() {
    let clean = "lint --tool stashbot --from catalog.yaml --from limits.yaml ../lint/clean.yaml";
    assert_snapshot!(webservice(clean), @"
    [exit 1]
    error[quota-exceeded]: ../lint/clean.yaml:47:9: together with the existing objects, from this object on, the file exceeds the quota: services: 2 of 1, 1 service too many (quota tool-stashbot)
       |
    47 |   name: web
       |         ^^^
       |
       = server: Service web is forbidden: exceeded quota: tool-stashbot, limited: services
       = fix: Request less, delete what is not needed, or ask for more quota: https://w.wiki/6YLP.

    1 error in 1 file, with the limits and images of the cluster
    ");
}

#[test]
fn bad_files_are_explained() {
    let directory = std::env::temp_dir().join(format!("toolforge-bad-web-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("bad.yaml");
    for (name, bytes) in toolforge_fixtures::bad_yaml() {
        std::fs::write(&file, bytes).unwrap();
        let shown = webservice(&format!("lint --offline --tool stashbot {}", file.display()));
        assert!(shown.starts_with("[exit 0]") || shown.starts_with("[exit 1]"), "{name}: {shown}");
        assert!(shown.contains("bad.yaml:") || shown.contains("nothing found"), "{name}: {shown}");
    }
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn sarif_is_a_format_of_lint_only() {
    let found = webservice("lint --tool stashbot --offline ../lint/web/old.template --output=sarif");
    assert!(found.contains("\"version\": \"2.1.0\""), "{found}");
    assert_snapshot!(webservice("status --tool stashbot -o sarif"), @"
    [exit 2]
    --- stderr
    error: `--output sarif` cannot be used with `status`

    hint: Leave it out, or write `--output json`; SARIF is a format of `lint`.
    ");
}

#[test]
fn options_of_other_actions_are_refused() {
    assert_snapshot!(webservice("lint --dry-run ../lint/clean.yaml"), @"
    [exit 2]
    --- stderr
    error: `--dry-run` cannot be used with `lint`

    hint: Leave it out; it is an option of `start`, `stop`, `restart`, `shell`.
    ");
    assert_snapshot!(webservice("status --strict"), @"
    [exit 2]
    --- stderr
    error: `--strict` cannot be used with `status`

    hint: Leave it out; it is an option of `lint`.
    ");
    assert_snapshot!(webservice("lint"), @"
    [exit 2]
    --- stderr
    error: no file given

    hint: Name the files to check, for example `lint cronjobs.yaml`; `-` is standard input.
    ");
}

//! `help`, `--help` and `-h`.

use insta::assert_snapshot;

use crate::webservice;

const ASK: &str = "#wikimedia-cloud on irc.libera.chat";

#[test]
fn short_help_lists_the_actions_first() {
    let help = webservice("-h");
    let [actions, options] = ["\n  restart ", "--mem"].map(|word| help.find(word).unwrap());
    assert!(help.starts_with("[exit 0]\nStart, stop and inspect") && actions < options, "{help}");
    assert!(help.contains(ASK), "{help}");
    assert!(!help.contains("service..\n"), "{help}");
}

#[test]
fn action_has_help_of_its_own() {
    assert_snapshot!(webservice("php8.2 stop --help"), @"
    [exit 0]
    Stop the web service.

    Examples:
      webservice stop

    Usage: webservice stop [OPTIONS]

    Options:
      -h, --help
              Print help

          --dry-run[=<WHERE>]
              Change nothing: show what would be done, or let the API server check it

              Possible values:
              - client: Show what would be done and send nothing
              - server: Let the API server check each request, including admission, and store nothing.
                What a deletion frees and whether a gateway accepts a route are not checked

      -o, --output <FORMAT>
              Output format

              Possible values:
              - table: Text for people
              - json:  One JSON document
              - yaml:  One YAML document
              
              [default: table]

    Global options:
          --tool <NAME>
              Name of the tool [default: the kubeconfig's]
              
              [env: TOOLFORGE_TOOL]

          --kubeconfig <FILE>
              Path of the kubeconfig; of several, separated by `:`, the first that exists [default:
              ~/.kube/config]
              
              [env: KUBECONFIG]

          --as <USER>
              Impersonate another user, for admins

          --from <FILE>
              Read cluster objects from a file with the output of `kubectl get … -o yaml`, not from the
              API; `-` is standard input

    `webservice help exit-codes` lists the exit codes.

    Help: https://wikitech.wikimedia.org/wiki/Help:Toolforge
    Ask:  #wikimedia-cloud on irc.libera.chat, or cloud@lists.wikimedia.org
    ");
    assert!(webservice("lint --help").contains("- sarif:"));
    assert_eq!(webservice("help help"), webservice("help"));
    assert_eq!(webservice("help stop"), webservice("stop --help"));
    assert_eq!(webservice("stop --hel --tool x"), webservice("stop --help"));
    let short = webservice("logs -h");
    assert!(short.contains("--grep") && !short.contains("--mem"), "{short}");
}

#[test]
fn every_help_ends_with_where_to_ask() {
    for line in [
        "--help",
        "help",
        "start --help",
        "generate -h",
        "help quota",
        "help files",
        "help exit-codes",
        "help Images",
    ] {
        let help = webservice(line);
        assert!(
            help.starts_with("[exit 0]") && help.trim_end().lines().last().unwrap().contains(ASK),
            "{line}: {help}"
        );
    }
}

#[test]
fn help_on_an_unknown_word_suggests_a_topic() {
    assert_snapshot!(webservice("help qouta"), @r#"
    [exit 2]
    --- stderr
    error: no help on "qouta"; did you mean quota?

    hint: The topics are quota, images, exit-codes, files.

    hint: The commands are start, stop, restart, status, shell, logs, exec, plan, render, lint, types, local, doctor, generate.
    "#);
    assert_snapshot!(webservice("help php8.2"), @r#"
    [exit 2]
    --- stderr
    error: no help on "php8.2"

    hint: `webservice php8.2 types` shows the type.
    "#);
}

#[test]
fn words_of_other_tools_name_the_action() {
    assert_snapshot!(webservice("kill"), @r#"
    [exit 2]
    --- stderr
    error: "kill" is not an action or a type; did you mean stop?

    hint: Run `webservice stop`.
    "#);
    assert_snapshot!(webservice("php8.2 tail"), @r#"
    [exit 2]
    --- stderr
    error: "tail" is not an action; did you mean logs?

    hint: Run `webservice php8.2 logs -f`.
    "#);
    assert_snapshot!(webservice("sta"), @r#"
    [exit 2]
    --- stderr
    error: "sta" is not an action or a type; did you mean start or status?

    hint: The actions are start, stop, restart, status, shell, logs, exec, plan, render, lint, types, local, doctor, generate.
    "#);
    assert_snapshot!(webservice("version"), @r#"
    [exit 2]
    --- stderr
    error: "version" is not an action or a type

    hint: Run `webservice --version`.
    "#);
    assert_snapshot!(webservice("php8,2 start"), @r#"
    [exit 1]
    --- stderr
    error: type name "php8,2" has ','; use letters, digits, '.', '-' and '_'

    hint: Did you mean `webservice php8.2 start`?
    "#);
}

#[test]
fn help_refuses_an_output_format() {
    for line in ["help --output json", "help start -o yaml", "-o json help quota"] {
        let said = webservice(line);
        assert!(
            said.starts_with("[exit 2]") && said.contains("help has no JSON or YAML output"),
            "{line}: {said}"
        );
    }
}

#[test]
fn from_is_shown_where_it_is_used() {
    for (action, is_shown) in
        [("start", true), ("stop", true), ("logs", false), ("exec", false), ("doctor", false)]
    {
        assert_eq!(webservice(&format!("{action} --help")).contains("--from"), is_shown, "{action}");
    }
}

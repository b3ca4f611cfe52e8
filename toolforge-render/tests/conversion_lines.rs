//! What crontabs and `jsub` lines lose as jobs, and what is different then.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use insta::assert_snapshot;
use toolforge_images::Catalog;
use toolforge_model::crontab::find_crontab;
use toolforge_model::{JobsFile, ToolName};
use toolforge_render::convert::Converter;
use toolforge_render::namespace::Namespace;

/// Returns the jobs file of a crontab or of `jsub` lines.
fn converted(text: &str) -> String {
    assert!(find_crontab(text).is_some(), "{text}");
    let tool: ToolName = "stashbot".parse().unwrap();
    let namespace = Namespace::new(&tool, Catalog::bundled());
    let mut converter = Converter::new(&namespace, None);
    converter.add_lines(text);
    let conversion = converter.finish();
    let mut yaml = conversion.to_yaml();
    assert_eq!(JobsFile::check(&yaml, &tool, None).errors, [], "{yaml}");
    if conversion.jobs.is_empty() {
        yaml.extend(conversion.unconverted.iter().map(|left| format!("{left}\n")));
    }
    yaml
}

#[test]
fn assignment_of_one_command_is_not_that_of_others() {
    let text = "FOO=1 jsub ./a.sh\nA='1 2' jsub './b.sh'\nFOO=$(jsub ./c.sh --all)\nX=1; jsub ./d.sh\nB=\"two words\"\n\
                C=1 ./e.sh\nJSUB=/usr/bin/jsub\njsub ./f.sh\n";
    assert_snapshot!(converted(text));
    // cron reads all of the line as the value, unless that is obviously a command.
    assert_snapshot!(converted("NAMES=a b\nFOO=1 jsub ./a.sh\n0 1 * * * ./b.sh\n"));
}

#[test]
fn macros_of_a_crontab_have_a_note() {
    let names = ["hourly", "daily", "midnight", "weekly", "monthly", "yearly", "annually"];
    let lines: String = names.iter().map(|name| format!("@{name} ./{name}.sh\n")).collect();
    assert_snapshot!(converted(&lines));
}

#[test]
fn address_of_mails_has_a_note() {
    let text = "MAILTO=me@example.org\n0 1 * * * ./a.sh\nMAILTO=\"\"\n0 1 * * * ./b.sh\n";
    assert_snapshot!(converted(text));
}

#[test]
fn options_of_jsub_that_change_the_run_have_notes() {
    assert_snapshot!(converted("jsub -V -cwd -quiet -once -stderr -b y -j y ./a.sh\n"));
    // cron runs its commands in the home.
    assert_snapshot!(converted("0 1 * * * jsub -cwd -N '' ./a.sh\n"));
}

#[test]
fn scripts_of_qsub_are_run_from_the_directory() {
    assert_snapshot!(converted(
        "qsub script.sh --all\nqsub -b y date\nqsub -b n ./x.sh\njsub date\njsub -b n y.sh\n"
    ));
}

#[test]
fn logs_in_directories_have_a_file() {
    let text = "jsub -N a -o logs/ -e . ./a.sh\n\
                jsub -N b -o ~/logs/ -e $HOME/b.err ./a.sh\n\
                jsub -N c -o /data/project/stashbot -e /dev/null ./a.sh\n\
                jsub -N d -o '$JOB_NAME.log' -e x.$JOB_ID ./a.sh\n\
                jsub -N e -o ~ -e /data/project/stashbot/.. ./a.sh\n";
    assert_snapshot!(converted(text));
}

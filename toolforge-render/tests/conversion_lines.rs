//! The losses and differences of crontabs and `jsub` lines that become jobs.
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

#[test]
fn commands_in_the_background_have_a_note() {
    assert_snapshot!(converted("*/7 * * * * ./seven.py >> log.txt 2>&1 &\n"), @r#"
    # the command ends with &: the job finishes immediately, and what runs in the background is killed; remove the &
    # image python3.13 is a guess
    - name: seven
      command: ./seven.py >> log.txt 2>&1 &
      image: python3.13
      schedule: "*/7 * * * *"
    "#);
}

#[test]
fn image_is_that_of_the_main_program() {
    let text = "0 1 * * * cd src && python3 poll.py\n0 1 * * * nice -n 10 ./d.php\n0 1 * * * (flock -n /tmp/l ./b.js; ./c.sh)\n";
    let shown: Vec<String> = converted(text)
        .lines()
        .filter(|line| line.starts_with("- name") || line.trim().starts_with("image:"))
        .map(|line| line.trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned())
        .collect();
    assert_eq!(
        shown,
        ["- name: poll", "image: python", "- name: d", "image: php", "- name: b", "image: node"]
    );
}

#[test]
fn settings_that_jobs_always_have_are_not_lost() {
    let text = "SHELL=/bin/sh\nHOME=/data/project/stashbot\nCRON_TZ=UTC\n0 1 * * * ./a.sh\n";
    assert!(!converted(text).contains("not converted"), "{}", converted(text));
    assert_snapshot!(converted("SHELL=/bin/bash\nCRON_TZ=Europe/Paris\nDB_PASS=hunter2222\n0 1 * * * ./a.sh --x\n@reboot ./b --token hunter2222\n"), @r#"
    # image trixie is a guess
    - name: a
      command: ./a.sh --x
      image: trixie
      schedule: 0 1 * * *
      env:
        DB_PASS: hunter2222

    # line 1: SHELL=/bin/bash: not converted: /bin/sh runs the commands of jobs
    # line 2: CRON_TZ=Europe/Paris: not converted: the schedules of jobs are in UTC; change the times of the lines after it
    # line 5: @reboot ./b --token ***: not converted: there is no reboot; a job with `continuous: true` always runs
    "#);
}

#[test]
fn name_is_that_of_the_program_after_assignments() {
    let yaml =
        converted("0 1 * * * FOO=1 BAR=\"a b\" ./a.sh # comment\n0 2 * * * A='b; c' python3 'x y.py'\n");
    let names: Vec<&str> = yaml.lines().filter(|line| line.contains("name:")).collect();
    assert_eq!(names, ["- name: a", "- name: x-y"], "{yaml}");
}

#[test]
fn lines_of_jsub_may_continue_on_the_next() {
    assert_snapshot!(converted("# a \\\njsub -N a \\\n  -mem 1g ./a.sh \\\n  --flag\njsub ./b.sh\n"), @"
    # image trixie is a guess
    - name: a
      command: ./a.sh   --flag
      image: trixie
      mem: 1Gi

    # image trixie is a guess
    - name: b
      command: ./b.sh
      image: trixie
    ");
}

#[test]
fn days_that_cron_combines_differently_are_noted() {
    let text = "0 3 */2 * 1 ./a.sh\n0 3 1 * */2 ./b.sh\n0 3 1 * 1 ./c.sh\n0 3 */1 * 1 ./d.sh\n0 3 * * 1 ./e.sh\n0 3 1 * 2,* ./f.sh\n";
    let yaml = converted(text);
    let notes: Vec<&str> =
        yaml.lines().filter(|line| line.contains("cron runs it") || line.contains("name:")).collect();
    assert_snapshot!(notes.join("\n"), @"
    # schedule: cron runs it on days that match both the day of the month and the day of the week; the job runs on days that match either
    - name: a
    # schedule: cron runs it on days that match both the day of the month and the day of the week; the job runs on days that match either
    - name: b
    - name: c
    - name: d
    - name: e
    # schedule: cron runs it on days that match either the day of the month or the day of the week; the job runs on days that match both
    - name: f
    ");
}

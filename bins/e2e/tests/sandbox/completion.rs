//! Completion in bash, zsh and fish: each shell runs, keys are typed, and the cluster's jobs and types are proposed.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use toolforge_e2e::Tool;

/// Keys that are typed, and the words of the line that they make. `TAB` completes, `ALL` inserts every candidate.
const CASES: [(&str, &str); 17] = [
    ("webservice php8.2 sto TAB", "webservice php8.2 stop"),
    ("webservice sta ALL", "webservice start status"),
    ("webservice stop --dr TAB", "webservice stop --dry-run"),
    (
        "webservice --backend=kubernetes php8.2 . ALL",
        "webservice --backend=kubernetes php8.2 start restart shell plan render types local stop status logs exec lint doctor",
    ),
    ("webservice php7 TAB", "webservice php7.3"),
    ("webservice start --mount=a TAB", "webservice start --mount=all"),
    ("webservice generate man-p TAB", "webservice generate man-pages"),
    ("toolforge webservice sta ALL", "toolforge webservice start status"),
    ("toolforge web TAB", "toolforge webservice"),
    ("toolforge jobs tri TAB", "toolforge jobs trigger"),
    ("toolforge jobs show . ALL", "toolforge jobs show bot daily"),
    ("toolforge jobs trigger . TAB", "toolforge jobs trigger daily"),
    ("toolforge-jobs delete bot . TAB", "toolforge-jobs delete bot daily"),
    ("toolforge-jobs load tw TAB", "toolforge-jobs load two jobs.yaml"),
    ("toolforge jobs load jobs.yaml --job . ALL", "toolforge jobs load jobs.yaml --job one two"),
    ("toolforge-jobs run x --image php7 TAB", "toolforge-jobs run x --image php7.3"),
    ("quota-check --output=js TAB", "quota-check --output=json"),
];

/// Loads the completions, and defines `note`, which writes its arguments down.
const BASH: &str = r#"
PS1='> '
for program in webservice toolforge-jobs quota-check; do source <($program generate bash); done
bind '"\C-t": insert-completions'
note() { echo "$*" >> ~/noted; }
"#;

const ZSH: &str = r#"
PS1='> '
autoload -Uz compinit
compinit -u
for program in webservice toolforge-jobs quota-check; do source <($program generate zsh); done
bindkey -e
zstyle ':completion:all:*' completer _all_matches _complete
zstyle ':completion:all:*' insert yes
zle -C all complete-word _generic
bindkey '^T' all
note() { echo "$*" >> ~/noted; }
"#;

const FISH: &str = r#"
for program in webservice toolforge-jobs quota-check; $program generate fish | source; end
while read --local line; complete -C "$line" | string split --fields 1 \t | string join ' '; end
exit 0
"#;

fn tool(name: &str) -> Tool {
    let tool = Tool::new(name);
    tool.shell("touch 'two jobs.yaml'").exits(0).and_that_is_all();
    tool.write(
        "jobs.yaml",
        "- {name: one, image: bookworm, command: ls}\n- {name: two, image: bookworm, command: ls}\n",
    );
    let job = |line: &str| tool.shell(&format!("toolforge-jobs run {line}")).exits(0).and_that_is_all();
    job("daily --image bookworm --command true --schedule '0 5 1 1 *'");
    job("bot --image bookworm --command 'sleep 1000' --continuous --cpu 100m");
    tool
}

/// Returns the keys for a shell with the keys of emacs: the line, completed, becomes the arguments of `note`.
fn keys() -> String {
    let key = |case: &str| {
        let (line, key) = case.rsplit_once(' ').unwrap();
        // A space, and an empty word at the cursor.
        let line = line.strip_suffix('.').unwrap_or(line);
        format!("{line}{}\x01note \x05\n", if key == "TAB" { '\t' } else { '\x14' })
    };
    CASES.map(|(case, _)| key(case)).concat() + "exit\n"
}

/// Types the keys into an interactive shell on a terminal and returns what it has noted.
fn noted(tool: &Tool, shell: &str) -> Vec<String> {
    tool.write("keys", &keys());
    let run = tool.shell(&format!("rm -f noted; script -qefc '{shell}' /dev/null < keys"));
    let noted = tool.shell("cat noted").stdout;
    assert_eq!(noted.lines().count(), CASES.len(), "{noted}\n{}{}", run.stdout, run.stderr);
    noted.lines().map(|line| line.trim_end().to_owned()).collect()
}

fn assert_completed(found: &[String]) {
    for ((case, expected), found) in CASES.iter().zip(found) {
        assert_eq!(found, expected, "{case}");
    }
}

#[test]
fn bash_completes_with_the_jobs_of_the_cluster() {
    let tool = tool("complete-bash");
    tool.write("rc", BASH);
    assert_completed(&noted(&tool, "bash --noprofile --rcfile rc -i"));
}

#[test]
fn zsh_completes_with_the_jobs_of_the_cluster() {
    let tool = tool("complete-zsh");
    tool.write(".zshrc", ZSH);
    assert_completed(&noted(&tool, "zsh -i"));
}

#[test]
fn fish_completes_with_the_jobs_of_the_cluster() {
    let tool = tool("complete-fish");
    tool.write("rc.fish", FISH);
    let line = |case: &str| {
        let (line, _) = case.rsplit_once(' ').unwrap();
        line.strip_suffix('.').unwrap_or(line).to_owned() + "\n"
    };
    tool.write("lines", &CASES.map(|(case, _)| line(case)).concat());
    let run = tool.shell("fish --no-config rc.fish < lines").exits(0);
    let found: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(found.len(), CASES.len(), "{}{}", run.stdout, run.stderr);
    // Fish lists candidates instead of lines.
    for ((case, expected), found) in CASES.iter().zip(found) {
        assert!(expected.ends_with(found) && !found.is_empty(), "{case}: {found}");
    }
}

#[test]
fn silent_server_ends_completion() {
    let tool = Tool::new("complete-silent");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    tool.shell(&format!("sed -i s/127.0.0.1:[0-9]*/127.0.0.1:{port}/ ~/.kube/config"))
        .exits(0)
        .and_that_is_all();
    let started = Instant::now();
    let found = tool.shell("TOOLFORGE_COMPLETE=bash toolforge-jobs -- toolforge-jobs show x").exits(0);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    assert_eq!((found.stdout.as_str(), found.stderr.as_str()), ("", ""));
    // The types are then those that the program knows.
    tool.shell("TOOLFORGE_COMPLETE=bash webservice -- webservice php8.")
        .exits(0)
        .says("php8.4")
        .and_that_is_all();
}

#[test]
fn man_pages_are_filled_and_well_formed() {
    let tool = Tool::new("man-pages");
    for (program, page, expected) in [
        ("webservice", "webservice-start", "Memory limit of each pod"),
        ("toolforge-jobs", "toolforge-jobs-trigger", "toolforge jobs trigger"),
        ("quota-check", "quota-check", "quotas and limits"),
    ] {
        tool.shell(&format!("{program} generate man-pages man/man1")).exits(0).and_that_is_all();
        // The pages have no date: they are generated.
        let lint = tool.shell("mandoc -Tlint -Wwarning man/man1/*.1 | grep -v 'missing date'");
        assert_eq!(lint.stdout, "");
        let shown = tool.shell(&format!("mandoc -Tascii man/man1/{page}.1 | col -b | tr -s ' \\n' ' '"));
        assert!(shown.stdout.contains(expected), "{}{}", shown.stdout, shown.stderr);
    }
    let verbs = tool.shell("ls man/man1").stdout;
    assert_eq!(verbs.lines().count(), 43, "{verbs}");
}

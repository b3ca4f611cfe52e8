//! The tables of verbs and faults: the allowed exit codes, and the errors in the observed ones.
#![expect(clippy::print_stdout, reason = "the table is printed")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use toolforge_e2e::Outcome;

/// A column of a table: a fault.
#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The time in which every verb ends.
    pub(crate) bound: Duration,
}

/// What a busy machine adds to a bound.
const SLACK: Duration = Duration::from_secs(25);

/// Exit codes and times by verb and column.
type Found = BTreeMap<(&'static str, usize), (i32, Duration)>;

/// The exit codes of verbs under faults.
pub(crate) struct Table {
    /// The name of the section of the document.
    name: &'static str,
    columns: Vec<Column>,
    /// The verbs, and the allowed exit codes under each fault.
    rows: Vec<(&'static str, Vec<&'static [i32]>)>,
    found: Mutex<Found>,
    wrong: Mutex<Vec<String>>,
}

impl Table {
    pub(crate) fn new(
        name: &'static str,
        columns: Vec<Column>,
        rows: Vec<(&'static str, Vec<&'static [i32]>)>,
    ) -> Self {
        Self { name, columns, rows, found: Mutex::default(), wrong: Mutex::default() }
    }

    fn allowed(&self, verb: &str, column: usize) -> &'static [i32] {
        self.rows.iter().find(|(name, _)| *name == verb).unwrap().1[column]
    }

    /// Records a cell, and checks its exit code, its time, and the rules for every output.
    pub(crate) fn set(&self, verb: &'static str, column: usize, outcome: &Outcome, took: Duration) {
        self.found.lock().unwrap().insert((verb, column), (outcome.code, took));
        if !self.allowed(verb, column).contains(&outcome.code) {
            self.wrong(verb, column, "exit code", outcome);
        }
        if took > self.columns[column].bound + SLACK {
            self.wrong(verb, column, &format!("too late, after {took:?}"), outcome);
        }
        let text = format!("{}{}", outcome.stdout, outcome.stderr);
        if text.contains('\u{1b}') || text.contains("panicked") {
            self.wrong(verb, column, "not fit for a terminal", outcome);
        }
    }

    pub(crate) fn wrong(&self, verb: &'static str, column: usize, what: &str, outcome: &Outcome) {
        let Outcome { code, stdout, stderr } = outcome;
        let name = &self.columns[column].name;
        let text = format!("{verb}, {name}: {what}: exit {code}\n  stdout: {stdout}\n  stderr: {stderr}");
        self.wrong.lock().unwrap().push(text);
    }

    /// Prints the observed table and panics if a cell is wrong or missing.
    pub(crate) fn finish(self) {
        let found = self.found.lock().unwrap().clone();
        let cell = |verb: &'static str, column| match found.get(&(verb, column)) {
            Some((code, took)) => format!("{code} in {} s", took.as_secs()),
            None => "missing".to_owned(),
        };
        println!("{}", self.text(cell));
        let wrong = self.wrong.lock().unwrap();
        let cells = self.rows.len() * self.columns.len();
        println!("{}: {} of {cells} cells, {} errors", self.name, found.len(), wrong.len());
        assert!(wrong.is_empty(), "{} errors:\n{}", wrong.len(), wrong.join("\n"));
        assert_eq!(found.len(), cells);
    }

    /// Checks the table of the document, which shows the allowed exit codes.
    pub(crate) fn check_document(&self) {
        let codes = |verb: &str, column| {
            let codes: Vec<String> = self.allowed(verb, column).iter().map(i32::to_string).collect();
            codes.join("/")
        };
        check_section(self.name, &self.text(codes));
    }

    /// Returns the numbered faults, and a line for each verb, in Markdown.
    fn text(&self, cell: impl Fn(&'static str, usize) -> String) -> String {
        let mut text = String::from("| | fault | ends within |\n| --- | --- | --- |\n");
        for (number, Column { name, bound }) in (1..).zip(&self.columns) {
            writeln!(text, "| {number} | {name} | {} s |", bound.as_secs()).unwrap();
        }
        text.push_str("\n| verb |");
        (1..=self.columns.len()).for_each(|number| write!(text, " {number} |").unwrap());
        text.push_str("\n| --- |");
        text.push_str(&" --- |".repeat(self.columns.len()));
        for (verb, _) in &self.rows {
            write!(text, "\n| `{verb}` |").unwrap();
            (0..self.columns.len()).for_each(|column| write!(text, " {} |", cell(verb, column)).unwrap());
        }
        text.push('\n');
        text
    }
}

/// Checks a generated section of the document; with `TOOLFORGE_UPDATE` set it is written instead.
fn check_section(name: &str, table: &str) {
    static DOCUMENT: Mutex<()> = Mutex::new(());
    let _one_at_a_time = DOCUMENT.lock();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reliability.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let (before, rest) = document.split_once(&begin).unwrap();
    let (found, after) = rest.split_once(&end).unwrap();
    let wanted = format!("\n{table}\n");
    if std::env::var_os("TOOLFORGE_UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
    } else {
        assert!(found == wanted, "{} differs; run the test with TOOLFORGE_UPDATE=1", path.display());
    }
}

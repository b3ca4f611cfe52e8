//! From the source of the quotas to the output.

use std::io::{ErrorKind, Write};
use std::path::Path;

use k8s_openapi::api::core::v1::ResourceQuota;
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use toolforge_cli::{ExitCode, Failure, Input, Notice, ProgressLine, Session, Source, for_each_object};
use toolforge_client::{Client, Error};
use toolforge_model::Untrusted;
use toolforge_report::{FailureCode, FleetChangeCode, FleetState, FleetSummary};

use super::baseline::Baseline;
use super::format::{FleetWriter, writer};
use super::held::HeldRows;
use super::row::Row;
use super::select::{count, is_selected, is_tool};
use crate::arguments::Arguments;

/// Shows the quotas of all tools.
///
/// # Errors
/// When the quotas cannot be read or the output cannot be written; quotas that were read before are shown.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let baseline = arguments.fleet.baseline.as_deref().map(Baseline::read).transpose()?;
    let stdout = std::io::BufWriter::new(std::io::stdout().lock());
    let now = arguments.cluster.from.is_empty().then(Timestamp::now);
    let mut fleet = FleetRun::new(arguments, Box::new(stdout), now);
    fleet.baseline = baseline;
    let read = if arguments.cluster.from.is_empty() {
        fleet.read_cluster()
    } else {
        arguments.cluster.from.iter().try_for_each(|file| fleet.read_file(file))
    };
    fleet.progress.clear();
    // What was read before an error is shown. The quotas that were not read are not reported as removed.
    if read.is_err() || fleet.is_closed {
        fleet.baseline = None;
    }
    let is_compared = fleet.baseline.is_some();
    if read.is_ok() || fleet.summary.quotas > 0 {
        fleet.finish()?;
    }
    read?;
    if is_compared && fleet.summary.selected == 0 && fleet.summary.quotas > 0 {
        let selected = if fleet.has_changes { "selected " } else { "" };
        Notice::note(format!("no {selected}quota has changed since the baseline")).print();
    }
    let is_sought = !arguments.cluster.from.is_empty() || arguments.tool.is_some();
    if is_sought && fleet.summary.quotas == 0 && !fleet.is_closed {
        return Err(nothing_found(arguments));
    }
    Ok(if fleet.is_partial { ExitCode::Partial } else { ExitCode::Success })
}

/// Returns the failure of reading the objects of all namespaces, which is for admins.
pub(crate) fn failure_of_all(error: Error) -> Failure {
    match error.api_status() {
        Some(status) if status.is_forbidden() => {
            Failure::new(ExitCode::Cluster, "the cluster refused: permission denied")
                .with_code(FailureCode::Forbidden)
                .detail(status.message().escaped().to_string())
                .hint("`--all` is for admins; leave it out for the quota of your own tool.")
        }
        _ => error.into(),
    }
}

/// Returns the failure that no quota is there to be shown.
fn nothing_found(arguments: &Arguments) -> Failure {
    let of_tool = arguments.tool.as_ref().map(|pattern| {
        let pattern = Untrusted::new(pattern.as_str());
        format!(" of a tool that matches {}", pattern.quoted())
    });
    let message = format!("no ResourceQuota{} was found", of_tool.unwrap_or_default());
    Failure::new(ExitCode::Failed, message).with_code(FailureCode::NotFound)
}

fn failure_of_row(error: &serde_json::Error) -> Failure {
    Failure::from_error(ExitCode::Failed, error).detail("a row could not be held")
}

struct FleetRun<'a> {
    arguments: &'a Arguments,
    writer: Box<dyn FleetWriter>,
    summary: FleetSummary,
    baseline: Option<Baseline>,
    /// Whether a quota is not as in the baseline.
    has_changes: bool,
    /// The rows that wait for the others because they are sorted.
    held: HeldRows,
    progress: ProgressLine,
    /// Whether a quota of a selected tool could not be read.
    is_partial: bool,
    /// Whether something was written.
    has_started: bool,
    /// Whether nobody reads the output any more.
    is_closed: bool,
}

impl<'a> FleetRun<'a> {
    fn new(arguments: &'a Arguments, output: Box<dyn Write>, now: Option<Timestamp>) -> Self {
        Self {
            arguments,
            writer: writer(arguments.output, output, now),
            summary: FleetSummary { quotas: 0, selected: 0, near: 0, blocked: 0, unused: 0, unreadable: 0 },
            baseline: None,
            has_changes: false,
            held: HeldRows::default(),
            progress: ProgressLine::only_on_terminal(),
            is_partial: false,
            has_started: false,
            is_closed: false,
        }
    }

    fn read_cluster(&mut self) -> Result<(), Failure> {
        let session = Session::open(&self.arguments.session_options()?, "quota-check")?;
        let Source::Cluster { runtime, client } = &session.source else { return Ok(()) };
        runtime.block_on(self.read_pages(client))
    }

    async fn read_pages(&mut self, client: &Client) -> Result<(), Failure> {
        let mut pages = client.all_quotas();
        while let Some(page) = pages.next().await.map_err(failure_of_all)? {
            for refused in page.refused {
                let reason = match &refused.error {
                    Error::Api(status) => status.to_string(),
                    error => error.to_string(),
                };
                let namespace = Untrusted::new(refused.namespace.as_str());
                self.warn(&format!("{}: {reason}", namespace.escaped()));
                self.row(Row::unread(refused.namespace, None, FleetState::Forbidden))?;
            }
            for quota in page.quotas {
                self.row(Row::of_quota(&quota, self.arguments.fleet.threshold))?;
            }
            if self.is_closed {
                return Ok(());
            }
            self.progress.show(&format!("{} quotas", self.summary.quotas));
        }
        Ok(())
    }

    fn read_file(&mut self, path: &Path) -> Result<(), Failure> {
        let name = Untrusted::new(path.display().to_string());
        let input = Input::open(path)?;
        let mut stopped = None;
        let result = for_each_object(input, &["ResourceQuota"], |_, object| {
            let result = self.object(&object);
            let is_end = self.is_closed || result.is_err();
            stopped = result.err();
            if is_end { Err("stopped") } else { Ok(()) }
        });
        match (stopped, result) {
            (Some(failure), _) => Err(failure),
            (None, Err(error)) if !self.is_closed => {
                let reason = Untrusted::new(error.to_string());
                let text = format!(
                    "{}: {}; {} quotas were read before",
                    name.escaped(),
                    reason.escaped(),
                    self.summary.quotas
                );
                Err(Failure::new(ExitCode::Failed, text)
                    .hint("Write the file with `kubectl get resourcequota --all-namespaces --output json`."))
            }
            _ => Ok(()),
        }
    }

    fn object(&mut self, object: &Value) -> Result<(), Failure> {
        let row = match ResourceQuota::deserialize(object) {
            Ok(quota) => Row::of_quota(&quota, self.arguments.fleet.threshold),
            Err(error) => {
                let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
                let (name, reason) = (Untrusted::new(namespace), Untrusted::new(error.to_string()));
                self.warn(&format!("{}: {}", name.escaped(), reason.escaped()));
                let quota = object["metadata"]["name"].as_str();
                Row::unread(namespace.to_owned(), quota.map(str::to_owned), FleetState::Unreadable)
            }
        };
        self.row(row)?;
        if self.summary.quotas.is_multiple_of(500) {
            self.progress.show(&format!("{} quotas", self.summary.quotas));
        }
        Ok(())
    }

    fn warn(&mut self, text: &str) {
        self.progress.clear();
        Notice::warning(text.to_string()).print();
    }

    fn row(&mut self, mut row: Row) -> Result<(), Failure> {
        let tools = self.arguments.tool.as_ref();
        if !is_tool(&row, tools) {
            return Ok(());
        }
        count(&mut self.summary, row.report.state);
        self.is_partial |= row.amounts.is_none();
        if let Some(baseline) = &mut self.baseline {
            let change = baseline.change_of(&row.report);
            if change.code == FleetChangeCode::Same {
                return Ok(());
            }
            self.has_changes = true;
            row.report.change = Some(change);
        }
        if !is_selected(&row, &self.arguments.fleet, tools) {
            return Ok(());
        }
        self.show(row)
    }

    /// Writes a row, or holds it until it can be sorted.
    fn show(&mut self, row: Row) -> Result<(), Failure> {
        self.summary.selected += 1;
        let Some(key) = &self.arguments.fleet.sort else {
            return self.write(|fleet| fleet.writer.row(&row));
        };
        let Row { mut report, amounts, stated } = row;
        let mut usages = std::mem::take(&mut report.resources);
        usages.retain(|usage| self.writer.shows(&report, &usage.resource));
        report.resources = usages;
        let stated = if self.writer.shows_stated() { stated } else { Vec::new() };
        self.held.push(&Row { report, amounts, stated }, key).map_err(|error| failure_of_row(&error))
    }

    fn finish(&mut self) -> Result<(), Failure> {
        let removed = self.baseline.take().into_iter().flat_map(Baseline::remaining);
        for report in removed {
            self.has_changes = true;
            let row = Row { report, amounts: None, stated: Vec::new() };
            if is_selected(&row, &self.arguments.fleet, self.arguments.tool.as_ref()) {
                self.show(row)?;
            }
        }
        for row in std::mem::take(&mut self.held).into_sorted() {
            let row = row.map_err(|error| failure_of_row(&error))?;
            self.write(|fleet| fleet.writer.row(&row))?;
        }
        let summary = self.summary.clone();
        self.write(|fleet| fleet.writer.end(&summary))
    }

    /// Writes something, after what the output begins with; nothing after the reader of the output has closed it, which is not an
    /// error.
    fn write(&mut self, write: impl FnOnce(&mut Self) -> std::io::Result<()>) -> Result<(), Failure> {
        if !self.has_started {
            self.has_started = true;
            self.check(|fleet| fleet.writer.begin())?;
        }
        self.check(write)
    }

    fn check(&mut self, write: impl FnOnce(&mut Self) -> std::io::Result<()>) -> Result<(), Failure> {
        if self.is_closed {
            return Ok(());
        }
        match write(self) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            Err(error) => {
                Err(Failure::from_error(ExitCode::Failed, &error).detail("the output could not be written"))
            }
            Ok(()) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use clap::Parser as _;
    use serde_json::json;
    use toolforge_client::scripted::{Answer, Script};

    use super::*;

    /// An output that can be read.
    #[derive(Clone, Default)]
    struct Shared(Rc<RefCell<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Reads the pages of a script; returns whether some could not be read, the requests and the output.
    fn run(script: Script, line: &str) -> (bool, String, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (client, requests) = {
            let _inside = runtime.enter();
            script.client()
        };
        let arguments =
            Arguments::parse_from(["quota-check", "--all"].into_iter().chain(line.split_whitespace()));
        let output = Shared::default();
        let mut fleet = FleetRun::new(&arguments, Box::new(output.clone()), Some(Timestamp::UNIX_EPOCH));
        runtime.block_on(fleet.read_pages(&client)).unwrap();
        fleet.finish().unwrap();
        let text = String::from_utf8(output.0.borrow().clone()).unwrap();
        (fleet.is_partial, requests.to_string(), text)
    }

    fn page(namespaces: std::ops::Range<usize>, next: &str) -> Answer {
        let quota = |number: usize| {
            let name = format!("tool-t{number:04}");
            let amounts = |pods: &str| json!({"pods": pods});
            json!({
                "metadata": {"namespace": name, "name": name},
                "status": {"hard": amounts("10"), "used": amounts("1")},
            })
        };
        let items: Vec<Value> = namespaces.map(quota).collect();
        Answer::json(200, &json!({"metadata": {"continue": next}, "items": items}))
    }

    #[test]
    fn fleet_is_read_in_pages_of_500() {
        const QUOTAS: &str = "GET /api/v1/resourcequotas";
        let script = Script::new()
            .answer(QUOTAS, page(0..500, "next"))
            .answer(QUOTAS, page(500..1000, "last"))
            .answer(QUOTAS, page(1000..1001, ""));
        let (is_partial, requests, text) = run(script, "--output csv");
        assert!(!is_partial);
        assert_eq!(text.lines().count(), 1002, "{text}");
        insta::assert_snapshot!(requests, @"
        GET   /api/v1/resourcequotas?limit=500
        GET   /api/v1/resourcequotas?continue=next&limit=500
        GET   /api/v1/resourcequotas?continue=last&limit=500
        ");
    }

    #[test]
    fn refused_namespaces_have_a_row() {
        let names = ["default", "tool-a", "tool-t0000"].map(|name| json!({"metadata": {"name": name}}));
        let script = Script::new()
            .answer("GET /api/v1/resourcequotas", Answer::refusal(403, "Forbidden", "no"))
            .answer("GET /api/v1/namespaces", Answer::json(200, &json!({"metadata": {}, "items": names})))
            .answer("GET /api/v1/namespaces/tool-a/resourcequotas", Answer::refusal(403, "Forbidden", "no"))
            .answer("GET /api/v1/namespaces/tool-t0000/resourcequotas", page(0..1, ""));
        let (is_partial, _, text) = run(script, "");
        assert!(is_partial);
        insta::assert_snapshot!(text, @"
        TOOL   STATE      SHARE  RESOURCE  USED  LIMIT
        a      forbidden
        t0000             10%    pods      1     10

        2 quotas: 0 blocked, 0 near the limit, 0 unused, 1 unreadable
        ");
    }
}

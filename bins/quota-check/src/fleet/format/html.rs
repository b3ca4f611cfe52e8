//! One page for a browser. It loads nothing, can be read without scripts, and sorts and filters with them.

use std::fmt::Write as _;
use std::io::{Result, Write};

use k8s_openapi::jiff::Timestamp;
use quick_xml::escape::escape;
use toolforge_model::Untrusted;
use toolforge_quota::Resource;
use toolforge_report::{FleetQuota, FleetState, FleetSummary};

use super::FleetWriter;
use super::table::{change_text, state};
use crate::fleet::row::Row;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The resources with a column of their own, and the columns' headings.
const COLUMNS: [(&str, &str); 3] =
    [("pods", "Pods"), ("limits.cpu", "CPU limits"), ("limits.memory", "Memory limits")];

/// How many tens of percent have a bar of their own in the distribution; the last one has everything from 100% on.
const BARS: usize = 11;

/// Writes a page.
pub(super) struct HtmlWriter {
    output: Box<dyn Write>,
    /// When the quotas are read; `None` for those of files, which do not say when they were written.
    now: Option<Timestamp>,
    /// How many rows have a share in each ten percent.
    distribution: [u64; BARS],
}

impl HtmlWriter {
    pub(super) fn new(output: Box<dyn Write>, now: Option<Timestamp>) -> Self {
        Self { output, now, distribution: [0; BARS] }
    }
}

/// Returns the paragraph with the time at which the quotas are read.
fn as_of(now: Timestamp) -> String {
    let (time, shown) = (now.strftime("%Y-%m-%dT%H:%M:%SZ"), now.strftime("%Y-%m-%d %H:%M UTC"));
    format!("\n<p>As of <time datetime=\"{time}\">{shown}</time>.</p>")
}

/// Returns text of the cluster as HTML that shows it as it is, also within an attribute.
fn text(text: &str) -> String {
    escape(Untrusted::new(text).escaped().to_string().as_str()).into_owned()
}

/// Returns a bar that is filled up to a percentage.
fn bar(percent: u64) -> String {
    format!(
        "<span class=\"bar\" aria-hidden=\"true\"><span style=\"width:{}%\"></span></span>",
        percent.min(100)
    )
}

impl FleetWriter for HtmlWriter {
    fn begin(&mut self) -> Result<()> {
        write!(
            self.output,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
             <title>Quotas of Toolforge's tools</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <header><h1>Quotas of Toolforge's tools</h1>{}</header>\n<main>\n<section aria-labelledby=\"list\">\n<h2 id=\"list\">Quotas</h2>\n\
             <form id=\"filter\" hidden>\n<label>Tool <input name=\"text\" type=\"search\"></label>\n\
             <label>State <select name=\"state\"><option value=\"\">all</option>",
            self.now.map(as_of).unwrap_or_default(),
        )?;
        for state in [
            FleetState::Blocked,
            FleetState::Near,
            FleetState::Ok,
            FleetState::Unused,
            FleetState::Forbidden,
            FleetState::Unreadable,
        ] {
            write!(self.output, "<option>{state}</option>")?;
        }
        write!(
            self.output,
            "</select></label>\n<output id=\"shown\"></output>\n</form>\n\
             <div class=\"wide\" role=\"region\" aria-label=\"Table of quotas\" tabindex=\"0\">\n<table id=\"quotas\">\n<thead><tr>"
        )?;
        let headings = ["Tool", "State", "Share used", "Most used"].into_iter();
        for heading in headings.chain(COLUMNS.map(|(_, heading)| heading)).chain(["Change"]) {
            write!(self.output, "<th scope=\"col\">{heading}</th>")?;
        }
        writeln!(self.output, "</tr></thead>\n<tbody>")
    }

    fn row(&mut self, row: &Row) -> Result<()> {
        let report = &row.report;
        let mut html = format!("<tr class=\"{}\"><th scope=\"row\">{}", report.state, text(row.name()));
        // Writing to a String cannot fail.
        if let Some(quota) = report.quota.as_deref().filter(|quota| *quota != report.namespace) {
            let _ = write!(html, " <span class=\"muted\">{}</span>", text(quota));
        }
        let _ = write!(html, "</th><td class=\"state\">{}</td>", state(report.state));
        match report.share {
            Some(share) => {
                let index = usize::try_from(share / 10).unwrap_or(BARS).min(BARS - 1);
                if let Some(count) = self.distribution.get_mut(index) {
                    *count += 1;
                }
                let _ = write!(html, "<td class=\"number\" data-key=\"{share}\">{}{share}%</td>", bar(share));
            }
            None => html.push_str("<td data-key=\"-1\"></td>"),
        }
        let _ = write!(html, "<td>{}</td>", text(report.resource.as_deref().unwrap_or_default()));
        for (resource, _) in COLUMNS {
            let found = report.resources.iter().find(|usage| usage.resource == resource);
            match found {
                Some(usage) => {
                    let amount = Resource::from(resource).parse_amount(&usage.used).unwrap_or(0);
                    let (used, hard) = (text(&usage.used), text(&usage.hard));
                    let _ = write!(html, "<td class=\"number\" data-key=\"{amount}\">{used} of {hard}</td>");
                }
                None => html.push_str("<td data-key=\"-1\"></td>"),
            }
        }
        let change = report.change.as_ref().map(change_text).unwrap_or_default();
        let _ = write!(html, "<td>{}</td></tr>", text(&change));
        writeln!(self.output, "{html}")
    }

    fn shows(&self, report: &FleetQuota, resource: &str) -> bool {
        report.resource.as_deref() == Some(resource) || COLUMNS.iter().any(|(column, _)| *column == resource)
    }

    fn end(&mut self, summary: &FleetSummary) -> Result<()> {
        let FleetSummary { quotas, selected, near, blocked, unused, unreadable } = summary;
        write!(
            self.output,
            "</tbody>\n</table>\n</div>\n</section>\n<section id=\"summary\" aria-labelledby=\"sum\">\n<h2 id=\"sum\">Summary</h2>\n\
             <p>{quotas} quotas: {blocked} blocked, {near} near the limit, {unused} unused, {unreadable} unreadable; \
             {selected} are in the list.</p>\n\
             <table id=\"distribution\">\n<caption>Quotas in the list by the used share of the resource that pods use most</caption>\n\
             <thead><tr><th scope=\"col\">Share used</th><th scope=\"col\">Quotas</th></tr></thead>\n<tbody>\n"
        )?;
        let largest = self.distribution.iter().copied().max().unwrap_or(0).max(1);
        for (index, count) in self.distribution.iter().enumerate() {
            let from = index * 10;
            let range = if index + 1 == BARS {
                "100% or more".to_owned()
            } else {
                format!("{from} to {}%", from + 9)
            };
            let bar = bar(count * 100 / largest);
            writeln!(
                self.output,
                "<tr><th scope=\"row\">{range}</th><td class=\"number\">{bar}{count}</td></tr>"
            )?;
        }
        write!(
            self.output,
            "</tbody>\n</table>\n</section>\n</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
        )?;
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_has_its_date() {
        let now = "2026-11-29T13:00:09Z".parse().unwrap();
        assert_eq!(
            as_of(now),
            "\n<p>As of <time datetime=\"2026-11-29T13:00:09Z\">2026-11-29 13:00 UTC</time>.</p>"
        );
    }
}

//! Findings as a document.

use toolforge_model::Untrusted;
use toolforge_render::lint::{Finding, Level, POLICY_DATE};
use toolforge_report::{LintEdit, LintFinding, LintFix, LintReport, LintedFile};

use super::checked::Checked;
use super::facts::Facts;

/// Returns the document of all files.
pub(super) fn report(files: &[Checked], facts: &Facts) -> LintReport {
    let of =
        |level| files.iter().flat_map(|file| &file.findings).filter(|found| found.level() == level).count();
    LintReport {
        tool: facts.context.tool.as_ref().map(ToString::to_string),
        policy_date: (!facts.is_live).then(|| POLICY_DATE.to_owned()),
        files: files.iter().map(linted_file).collect(),
        errors: of(Level::Error),
        warnings: of(Level::Warning),
        notes: of(Level::Note),
    }
}

fn linted_file(checked: &Checked) -> LintedFile {
    let fixes = checked.fixes.as_ref();
    let linted = |finding: &Finding| linted(&checked.without_secrets(finding));
    LintedFile {
        file: checked.name.clone(),
        findings: checked.findings.iter().map(linted).collect(),
        fixed: fixes.map(|fixes| fixes.applied.iter().map(linted).collect()).unwrap_or_default(),
        backup: fixes.map(|fixes| Untrusted::new(fixes.backup.display().to_string())),
    }
}

fn linted(finding: &Finding) -> LintFinding {
    let level = match finding.level() {
        Level::Error => toolforge_report::Level::Error,
        Level::Warning => toolforge_report::Level::Warning,
        Level::Note => toolforge_report::Level::Note,
    };
    let fix = finding.fix.as_ref().map(|fix| {
        let edits = fix.edits.iter().map(|edit| LintEdit {
            start: edit.span.start,
            end: edit.span.end,
            replacement: Untrusted::new(edit.replacement.as_str()),
        });
        LintFix { title: fix.title.clone(), edits: edits.collect() }
    });
    let named = finding.object.as_ref().filter(|object| !object.name.is_empty());
    LintFinding {
        code: finding.rule.id().to_owned(),
        level,
        message: finding.message.clone(),
        answer: finding.answer.clone(),
        object_kind: finding.object.as_ref().map(|object| Untrusted::new(object.kind.as_str())),
        name: named.map(|object| Untrusted::new(object.name.as_str())),
        line: finding.location.line,
        column: finding.location.column,
        start: finding.span.start,
        end: finding.span.end,
        fix,
    }
}

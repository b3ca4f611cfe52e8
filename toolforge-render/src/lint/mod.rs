//! Findings in somebody's YAML: Kubernetes manifests, jobs files and templates of web services.
//!
//! [`lint`] reads any text and never fails: what cannot be read is a finding, too. It does not ask the cluster; what is known of
//! it is in the [`LintContext`]. [`fix`] rewrites what can be rewritten without a change of its meaning.
//!
//! ```
//! use toolforge_render::lint::{Level, LintContext, lint};
//!
//! let text = "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: list-images}\nspec: {shedule: '@daily'}\n";
//! let findings = lint(text, &LintContext::offline(None));
//! let first = &findings[0];
//! assert_eq!((first.rule.id(), first.level(), first.location.line), ("api-version", Level::Error, 1));
//! assert_eq!(first.message.as_raw(), "batch/v1beta1 lost CronJob in Kubernetes 1.25; write batch/v1");
//! assert!(findings.iter().any(|finding| finding.rule.id() == "unknown-field"));
//! ```

mod check;
mod context;
mod document;
mod edit;
mod finding;
mod fix;
mod ignore;
mod kinds;
mod level;
mod rule;
mod rules;
mod server;
mod strict;
mod syntax;
mod text;

pub use context::{LintContext, LintHome, POLICY_DATE};
pub use finding::{Edit, Finding, Fix};
pub use fix::{Fixed, fix};
pub use level::Level;
pub use rule::{Rule, UnknownRuleError, reference};
pub use server::{LintObject, refused_by_server, server_objects};
pub use text::{MAX_BYTES, decode};

use check::Check;
use document::{Contents, contents};
use rules::{check_object, check_quota, check_together};

/// Returns what keeps a text from being read as it was meant: that it is too large, no YAML, a template, nested too deeply or
/// empty, and keys that are there twice.
#[must_use]
pub fn reading_errors(text: &str) -> Vec<Finding> {
    let context = LintContext::offline(None);
    let mut check = Check::new(text, &context);
    if text::check_size(&mut check) {
        text::check_readable(&mut check, &syntax::parse(text));
    }
    check.findings
}

/// Returns everything that the rules find in a text, sorted by location, without what comments ignore.
///
/// Time and memory are bounded by the size of the text, whatever it contains.
#[must_use]
pub fn lint(text: &str, context: &LintContext) -> Vec<Finding> {
    let mut check = Check::new(text, context);
    if text::check_size(&mut check) {
        let parsed = syntax::parse(text);
        text::check(&mut check);
        if text::check_readable(&mut check, &parsed) {
            let objects = match contents(&mut check, &parsed.documents) {
                Contents::Objects(objects) => objects,
                Contents::Other => Vec::new(),
            };
            for object in &objects {
                check.object = Some(rules::label(*object));
                check_object(&mut check, *object);
                check.object = None;
            }
            check_together(&mut check, &objects);
            if !text::is_broken(&parsed) {
                check_quota(&mut check, &parsed.documents, &objects);
            }
        }
        ignore::apply(&mut check, &parsed.comments, &parsed.documents);
    }
    let mut findings = check.findings;
    findings.sort_by(|left, right| {
        let key = |finding: &Finding| (finding.location, std::cmp::Reverse(finding.level()), finding.rule);
        key(left).cmp(&key(right))
    });
    findings.dedup();
    findings
}

//! Findings in somebody's YAML: Kubernetes manifests, jobs files and templates of web services.
//!
//! [`lint`] reads any text and never fails: what cannot be read is a finding, too. It does not query the cluster; what is known
//! about it is in the [`LintContext`]. [`fix`] rewrites what can be rewritten without changing its meaning.
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
mod dry_run;
mod edit;
mod finding;
mod findings;
mod fix;
mod ignore;
mod plain_secret;
mod read_objects;
mod redaction;
mod rule;
mod rules;
mod strict;
mod syntax;
mod unknown_field;
mod whole_text;

pub use context::{LintContext, LintHome, POLICY_DATE};
pub use dry_run::{LintObject, refused_by_server, server_objects};
pub use finding::{Edit, Finding, Fix};
pub use findings::{lint, reading_errors};
pub use fix::{Fixed, fix};
pub use redaction::Secrets;
pub use rule::{Level, Rule, UnknownRuleError, reference};
pub(crate) use unknown_field::{UnknownField, unknown_fields};
pub use whole_text::{MAX_BYTES, decode};

pub use crate::secret::words_without_secrets;

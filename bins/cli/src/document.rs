//! Parts of documents that several programs print.

use std::fmt::Display;

use serde::Serialize;
use toolforge_model::Untrusted;
use toolforge_quota::{LimitRange, ResourceCheck};
use toolforge_render::pod::Evidence;

/// Why something does not run.
#[derive(Serialize)]
pub struct CauseDocument<'a> {
    code: &'static str,
    cause: String,
    object: &'a Untrusted,
    message: &'a Untrusted,
}

impl<'a> From<&'a Evidence> for CauseDocument<'a> {
    fn from(Evidence { cause, object, message }: &'a Evidence) -> Self {
        Self { code: cause.code(), cause: cause.to_string(), object, message }
    }
}

/// What a change takes of one resource of a quota.
#[derive(Serialize)]
pub struct QuotaRowDocument {
    quota: String,
    resource: String,
    hard: String,
    used: String,
    after: String,
    peak: String,
    fits: bool,
}

impl QuotaRowDocument {
    /// Returns a row with what is used at the worst moment, and whether that fits.
    #[must_use]
    pub fn new(row: &ResourceCheck, peak: u64, fits: bool) -> Self {
        Self {
            quota: row.quota.clone(),
            resource: row.resource.to_string(),
            hard: row.resource.amount(row.hard),
            used: row.resource.amount(row.used),
            after: row.resource.amount(row.after),
            peak: row.resource.amount(peak),
            fits,
        }
    }
}

/// What a container may have of one dimension.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitDocument {
    /// `cpu` or `memory`.
    pub dimension: &'static str,
    /// The limit of a container that states none.
    pub default: Option<String>,
    /// The request of a container that states none.
    pub default_request: Option<String>,
    /// The least.
    pub min: Option<String>,
    /// The most.
    pub max: Option<String>,
}

impl LimitDocument {
    /// Returns what a LimitRange says of CPU and of memory.
    #[must_use]
    pub fn both(range: &LimitRange) -> [Self; 2] {
        fn text<T: Display>(amount: Option<T>) -> Option<String> {
            amount.map(|amount| amount.to_string())
        }
        [
            Self {
                dimension: "cpu",
                default: text(range.default.cpu),
                default_request: text(range.default_request.cpu),
                min: text(range.min.cpu),
                max: text(range.max.cpu),
            },
            Self {
                dimension: "memory",
                default: text(range.default.memory),
                default_request: text(range.default_request.memory),
                min: text(range.min.memory),
                max: text(range.max.memory),
            },
        ]
    }
}

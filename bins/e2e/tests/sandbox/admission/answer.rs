//! The API server's answer, and whether it is the predicted one.

use std::collections::BTreeSet;

use serde_json::Value;
use toolforge_quota::{Admission, LimitViolation, Resource};
use toolforge_render::pod::AdmissionRefusal;

/// What decides about a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Admitted,
    Invalid,
    OutsideLimits,
    Unspecified,
    ExceedsQuota,
    Other,
}

impl Verdict {
    pub(super) const ALL: [Self; 5] =
        [Self::Admitted, Self::Invalid, Self::OutsideLimits, Self::Unspecified, Self::ExceedsQuota];
}

/// Returns the verdict of a prediction.
pub(super) fn verdict_of(admission: &Admission) -> Verdict {
    match admission {
        Admission::Admitted => Verdict::Admitted,
        Admission::Invalid(_) => Verdict::Invalid,
        Admission::OutsideLimits(_) => Verdict::OutsideLimits,
        Admission::Unspecified(_) => Verdict::Unspecified,
        Admission::ExceedsQuota(_) => Verdict::ExceedsQuota,
        Admission::NotCounted(_) => Verdict::Other,
    }
}

/// The API server's answer, with the resources that it names.
#[derive(Debug)]
pub(super) enum Answer {
    Admitted,
    /// The resources whose requests are above the limits.
    Invalid(BTreeSet<String>),
    /// `TYPE RESOURCE` of each broken bound of one LimitRange.
    OutsideLimits(BTreeSet<String>),
    Unspecified(String, BTreeSet<Resource>),
    ExceedsQuota(String, BTreeSet<Resource>),
    Other(#[expect(dead_code, reason = "printed with the prediction that disagrees")] String),
}

impl Answer {
    pub(super) fn of(code: u16, body: &Value) -> Self {
        let message = body["message"].as_str().unwrap_or_default();
        let causes = body["details"]["causes"].as_array().cloned().unwrap_or_default();
        match code {
            201 => Self::Admitted,
            422 => {
                let of = |cause: &Value| {
                    let text = cause["message"].as_str().unwrap_or_default();
                    let (_, rest) = text
                        .split_once("must be less than or equal to ")
                        .or_else(|| text.split_once("must be equal to "))?;
                    Some(rest.split(' ').next()?.to_owned())
                };
                match causes.iter().map(of).collect::<Option<BTreeSet<String>>>() {
                    Some(resources) => Self::Invalid(resources),
                    None => Self::Other(message.to_owned()),
                }
            }
            _ => Self::of_refusal(message),
        }
    }

    fn of_refusal(message: &str) -> Self {
        match AdmissionRefusal::parse(message) {
            Some(AdmissionRefusal::Quota { quota, exceeded }) => {
                let resources = exceeded.iter().map(|exceeded| Resource::from(exceeded.resource.as_raw()));
                Self::ExceedsQuota(quota.as_raw().to_owned(), resources.collect())
            }
            Some(AdmissionRefusal::QuotaIncomplete { quota, missing }) => {
                // `limits.cpu for: c0,c1; memory for: c0`
                let names = missing.as_raw().split("; ").filter_map(|part| part.split(' ').next());
                Self::Unspecified(quota.as_raw().to_owned(), names.map(Resource::from).collect())
            }
            Some(AdmissionRefusal::LimitRange { violations }) => {
                let bound = |text: &str| {
                    let kind = text.split(" per ").nth(1)?.split(' ').next()?.trim_end_matches(',');
                    let mut words = text.split(' ');
                    let first = words.next()?;
                    let resource = if matches!(first, "maximum" | "minimum") { words.next()? } else { first };
                    Some(format!("{kind} {resource}"))
                };
                Self::OutsideLimits(violations.iter().filter_map(|text| bound(text.as_raw())).collect())
            }
            _ => Self::Other(message.to_owned()),
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Admitted => Verdict::Admitted,
            Self::Invalid(_) => Verdict::Invalid,
            Self::OutsideLimits(_) => Verdict::OutsideLimits,
            Self::Unspecified(..) => Verdict::Unspecified,
            Self::ExceedsQuota(..) => Verdict::ExceedsQuota,
            Self::Other(_) => Verdict::Other,
        }
    }

    /// Returns whether this is a predicted answer, with the same quota or LimitRange and the same resources.
    pub(super) fn is(&self, predicted: &Admission) -> bool {
        match (self, predicted) {
            (Self::Admitted, Admission::Admitted) => true,
            (Self::Invalid(found), Admission::Invalid(violations)) => {
                *found == violations.iter().map(|violation| violation.resource.key()).collect()
            }
            (Self::OutsideLimits(found), Admission::OutsideLimits(violations)) => {
                let names: BTreeSet<_> = violations.iter().map(|violation| &violation.limit_range).collect();
                names.into_iter().any(|name| *found == bounds(violations, name.as_ref()))
            }
            (Self::Unspecified(quota, found), Admission::Unspecified(_))
            | (Self::ExceedsQuota(quota, found), Admission::ExceedsQuota(_)) => {
                *found == predicted.resources_of_quota(quota).into_iter().collect()
            }
            _ => false,
        }
    }
}

fn bounds(violations: &[LimitViolation], name: Option<&String>) -> BTreeSet<String> {
    let of = violations.iter().filter(|violation| violation.limit_range.as_ref() == name);
    of.map(|violation| format!("{} {}", violation.limit_type.as_str(), violation.resource.key())).collect()
}

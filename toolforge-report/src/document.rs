use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// The version of all documents. Fields are added to it, never renamed or removed.
pub const API_VERSION: &str = "cli.toolforge.org/v1";

/// The body of a document.
pub trait Kind {
    /// The document's `kind`.
    const KIND: &'static str;
}

macro_rules! kinds {
    ($($name:ident),+ $(,)?) => {$(
        impl Kind for crate::$name {
            const KIND: &'static str = stringify!($name);
        }
    )+};
}

kinds!(
    ApplyReport,
    CronCalendar,
    CronJobList,
    CronSuggestions,
    Diagnosis,
    Failure,
    FilePlan,
    QuotaAudit,
    Fleet,
    FleetQuota,
    ImageType,
    ImageTypes,
    Job,
    JobList,
    LintReport,
    LoadPlan,
    LocalCommand,
    Notes,
    QuotaReport,
    UnmanagedWorkload,
    WebServicePlan,
    WebServiceStatus,
    WhatIf,
);

/// A document as the programs print it with `--output json` or `--output yaml`: `apiVersion`, `kind` and the fields of
/// the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document<T> {
    /// [`API_VERSION`].
    api_version: &'static str,
    /// [`Kind::KIND`].
    kind: &'static str,
    /// The fields of the kind.
    #[serde(flatten)]
    pub body: T,
}

impl<T: Kind> Kind for &T {
    const KIND: &'static str = T::KIND;
}

impl<T: Kind> Document<T> {
    /// Returns a document with a body.
    #[must_use]
    pub fn new(body: T) -> Self {
        Self { api_version: API_VERSION, kind: T::KIND, body }
    }
}

impl<'de, T: Kind + Deserialize<'de>> Deserialize<'de> for Document<T> {
    /// Fails if `apiVersion` or `kind` is another one.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Envelope<T> {
            api_version: String,
            kind: String,
            #[serde(flatten)]
            body: T,
        }
        let Envelope { api_version, kind, body } = Envelope::<T>::deserialize(deserializer)?;
        if api_version != API_VERSION || kind != T::KIND {
            let expected = T::KIND;
            return Err(D::Error::custom(format_args!(
                "expected {API_VERSION} {expected}, found {api_version:?} {kind:?}"
            )));
        }
        Ok(Self::new(body))
    }
}

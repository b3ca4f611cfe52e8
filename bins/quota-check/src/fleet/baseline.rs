//! What has changed since an earlier output.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use toolforge_cli::{ExitCode, Failure, Input};
use toolforge_model::Untrusted;
use toolforge_report::{Document, Fleet, FleetChange, FleetChangeCode, FleetQuota, FormerLimit};

/// The quotas of an earlier output, by namespace and name.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    quotas: BTreeMap<(String, Option<String>), FleetQuota>,
}

impl Baseline {
    /// Reads the output of `--output json` or `--output ndjson`.
    ///
    /// # Errors
    /// When the file cannot be read or is something else.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let name = Untrusted::new(path.display().to_string());
        Self::parse(Input::open(path)?).map_err(|error| {
            let text = format!("{} is not a baseline: {}", name.escaped(), Untrusted::new(error).escaped());
            Failure::new(ExitCode::Failed, text)
                .hint("A baseline is what `quota-check --all --output json` or `--output ndjson` printed.")
        })
    }

    fn parse(input: impl Read) -> Result<Self, String> {
        let mut baseline = Self::default();
        let documents = serde_json::Deserializer::from_reader(BufReader::new(input)).into_iter::<Value>();
        let mut is_empty = true;
        for document in documents {
            let document = document.map_err(|error| error.to_string())?;
            is_empty = false;
            let quotas = match Document::<Fleet>::deserialize(&document) {
                Ok(fleet) => fleet.body.quotas,
                Err(_) => vec![
                    Document::<FleetQuota>::deserialize(&document).map_err(|error| error.to_string())?.body,
                ],
            };
            for quota in quotas {
                baseline.quotas.insert((quota.namespace.clone(), quota.quota.clone()), quota);
            }
        }
        if is_empty { Err("it is empty".to_owned()) } else { Ok(baseline) }
    }

    /// Returns the changes of a quota, and forgets it. A namespace that can no longer be read is compared with the first
    /// of its quotas, and represents all of them, and vice versa.
    pub(super) fn change_of(&mut self, now: &FleetQuota) -> FleetChange {
        let namespace = (now.namespace.clone(), None);
        let old = if now.quota.is_some() {
            self.quotas
                .remove(&(now.namespace.clone(), now.quota.clone()))
                .or_else(|| self.quotas.remove(&namespace))
        } else {
            let mut first = None;
            self.quotas.retain(|(other, _), quota| {
                let is_same = *other == now.namespace;
                if is_same && first.is_none() {
                    first = Some(quota.clone());
                }
                !is_same
            });
            first
        };
        let Some(old) = old else {
            return FleetChange {
                code: FleetChangeCode::Added,
                state: None,
                share: None,
                limits: Vec::new(),
            };
        };
        let hard = |quota: &FleetQuota| -> BTreeMap<String, String> {
            quota.resources.iter().map(|row| (row.resource.clone(), row.hard.clone())).collect()
        };
        let (before, after) = (hard(&old), hard(now));
        let keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
        let changed = keys.filter(|key| before.get(*key) != after.get(*key));
        // The limits of an unreadable quota are unknown.
        let changed = changed.filter(|_| !before.is_empty() && !after.is_empty());
        let limits: Vec<FormerLimit> = changed
            .map(|key| FormerLimit { resource: key.clone(), hard: before.get(key).cloned() })
            .collect();
        let code = if !limits.is_empty() {
            FleetChangeCode::Limits
        } else if (old.state, old.share) == (now.state, now.share) {
            FleetChangeCode::Same
        } else {
            FleetChangeCode::Usage
        };
        FleetChange { code, state: Some(old.state), share: old.share, limits }
    }

    /// Returns the quotas that are gone, whose change was not requested.
    pub(super) fn remaining(self) -> impl Iterator<Item = FleetQuota> {
        self.quotas.into_values().map(|quota| {
            let change = FleetChange {
                code: FleetChangeCode::Removed,
                state: Some(quota.state),
                share: quota.share,
                limits: Vec::new(),
            };
            FleetQuota { change: Some(change), ..quota }
        })
    }
}

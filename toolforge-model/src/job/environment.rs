use std::collections::{BTreeMap, btree_map};

use serde::{Deserialize, Serialize};

use crate::Untrusted;

/// The environment variables that a job's owner sets.
///
/// ```
/// use toolforge_model::Environment;
///
/// let mut environment = Environment::try_from_iter([("LANG", "C.UTF-8")])?;
/// environment.set_pair("TZ=UTC")?;
/// assert_eq!(environment.iter().count(), 2);
/// # Ok::<(), toolforge_model::EnvironmentError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Environment(BTreeMap<String, String>);

/// Why a variable cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// The name is not one that a shell can read.
    #[error("{} is not a variable name; use letters, digits and '_', and no digit first", found.quoted())]
    Name {
        /// The name that was found.
        found: Untrusted,
    },
    /// The platform sets the variable itself.
    #[error("variable {name} is set by the platform; use another name")]
    Reserved {
        /// The name.
        name: String,
    },
    /// There is no `=`.
    #[error("{} has no '='; write a variable like NAME=VALUE", found.quoted())]
    NoValue {
        /// The text that was found.
        found: Untrusted,
    },
    /// The value has a byte that no process can receive.
    #[error("the value of variable {name} has a NUL character")]
    Value {
        /// The name.
        name: String,
    },
}

impl Environment {
    /// The variables that the platform sets: by the jobs service, and by the volume admission webhook.
    const RESERVED: [&str; 4] = ["NO_HOME", "HOME", "PORT", "TOOL_DATA_DIR"];

    /// Returns an environment with these variables; of two with the same name, the last one counts.
    ///
    /// # Errors
    /// Same as for [`set`](Self::set), at the first variable that is wrong.
    pub fn try_from_iter<N: AsRef<str>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, EnvironmentError> {
        let mut environment = Self::default();
        environment.try_extend(variables)?;
        Ok(environment)
    }

    /// Sets a variable, or replaces its value.
    ///
    /// # Errors
    /// When the name is invalid or set by the platform, or the value has a NUL character.
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> Result<(), EnvironmentError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.starts_with(|c: char| is_name(c) && !c.is_ascii_digit()) || !name.chars().all(is_name) {
            return Err(EnvironmentError::Name { found: Untrusted::new(name) });
        }
        if Self::RESERVED.contains(&name) {
            return Err(EnvironmentError::Reserved { name: name.to_owned() });
        }
        let value = value.into();
        if value.contains('\0') {
            return Err(EnvironmentError::Value { name: name.to_owned() });
        }
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// Sets a variable from `NAME=VALUE`.
    ///
    /// # Errors
    /// When there is no `=`, or as [`set`](Self::set).
    pub fn set_pair(&mut self, pair: &str) -> Result<(), EnvironmentError> {
        match pair.split_once('=') {
            Some((name, value)) => self.set(name, value),
            None => Err(EnvironmentError::NoValue { found: Untrusted::new(pair) }),
        }
    }

    /// Iterates over the names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Sets variables, or replaces their values.
    ///
    /// # Errors
    /// Same as for [`set`](Self::set), at the first variable that is wrong; those before it are set.
    fn try_extend<N: AsRef<str>, V: Into<String>>(
        &mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(), EnvironmentError> {
        variables.into_iter().try_for_each(|(name, value)| self.set(name.as_ref(), value))
    }

    /// Returns whether no variable is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Environment {
    type Item = (String, String);
    type IntoIter = btree_map::IntoIter<String, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl TryFrom<BTreeMap<String, String>> for Environment {
    type Error = EnvironmentError;

    fn try_from(variables: BTreeMap<String, String>) -> Result<Self, Self::Error> {
        Self::try_from_iter(variables)
    }
}

impl From<Environment> for BTreeMap<String, String> {
    fn from(environment: Environment) -> Self {
        environment.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_invalid_and_reserved_names() {
        let set = |pair: &str| Environment::default().set_pair(pair).map_err(|error| error.to_string());
        assert_eq!(set("A_1=x=y"), Ok(()));
        for pair in ["", "1A=x", "A B=x", "=x", "é=1", "A", "PORT=1", "HOME=/", "NO_HOME=x"] {
            assert!(set(pair).is_err(), "{pair}");
        }
    }
}

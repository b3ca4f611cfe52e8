use std::collections::BTreeMap;

use crate::Untrusted;

/// The variables that a job's owner sets for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Environment(BTreeMap<String, String>);

/// Why a variable cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// The name is not one that a shell can read.
    #[error("{} is not the name of a variable; use letters, digits and '_', and no digit first", found.quoted())]
    Name {
        /// The name that was found.
        found: Untrusted,
    },
    /// The platform sets the variable itself.
    #[error("variable {name} is set by the platform; take another name")]
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
    /// The value has a byte that no process can be given.
    #[error("the value of variable {name} has a NUL character")]
    Value {
        /// The name.
        name: String,
    },
}

impl Environment {
    /// The variables that the platform sets: by the jobs service, and by the volume admission webhook.
    const RESERVED: [&str; 4] = ["NO_HOME", "HOME", "PORT", "TOOL_DATA_DIR"];

    /// Sets a variable; of two of one name the last holds.
    ///
    /// # Errors
    /// When the name is none, or the platform's own.
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
    /// When there is no `=`, or the name is none or the platform's own.
    pub fn set_pair(&mut self, pair: &str) -> Result<(), EnvironmentError> {
        match pair.split_once('=') {
            Some((name, value)) => self.set(name, value),
            None => Err(EnvironmentError::NoValue { found: Untrusted::new(pair) }),
        }
    }

    /// Returns the variables by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns whether none is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_a_name_that_a_shell_can_read() {
        let refusal = |pair: &str| Environment::default().set_pair(pair).map_err(|error| error.to_string());
        assert_eq!(refusal("A_1=x=y"), Ok(()));
        for pair in ["", "1A=x", "A B=x", "=x", "é=1", "A", "PORT=1", "HOME=/", "NO_HOME=x"] {
            assert!(refusal(pair).is_err(), "{pair}");
        }
    }
}

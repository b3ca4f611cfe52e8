use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::DuplicateKeyPolicy;
use toolforge_model::{TypeName, Untrusted};

use crate::entry::Entry;
use crate::image_type::{ImageType, State, WebImage};
use crate::search::{NoSuchType, family, is_newer};

/// The types that are known without a cluster.
const BUNDLED: &str = include_str!("bundled.yaml");

/// The image catalogue: every type, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    types: BTreeMap<TypeName, ImageType>,
    problems: Vec<EntryProblem>,
    bundled: bool,
}

/// Why a text is not a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The text holds nothing.
    #[error("the image catalogue is empty")]
    Empty,
    /// The text is not YAML.
    #[error("the image catalogue is not YAML{}: {}", at(*place), reason.escaped())]
    Syntax {
        /// Line and column of the mistake, from 1.
        place: Option<(u64, u64)>,
        /// What the reader says.
        reason: Untrusted,
    },
    /// The text is YAML, but not a mapping from names to entries.
    #[error("the image catalogue is not a mapping from the names of types to their images")]
    NotAMapping,
}

fn at(place: Option<(u64, u64)>) -> String {
    place.map(|(line, column)| format!(" (line {line}, column {column})")).unwrap_or_default()
}

/// One entry of the catalogue that cannot be used; the others can.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("type {} of the image catalogue is left out: its {field} is {}", name.quoted(), found.quoted())]
pub struct EntryProblem {
    /// The entry's name.
    pub name: Untrusted,
    /// The field that is wrong.
    pub field: &'static str,
    /// What stands there.
    pub found: Untrusted,
}

impl EntryProblem {
    pub(crate) fn new(name: &str, field: &'static str, found: String) -> Self {
        Self { name: Untrusted::new(name), field, found: Untrusted::new(found) }
    }
}

impl Catalog {
    /// Returns the catalogue that a text holds, as it is published under `images-v1.yaml`.
    ///
    /// An entry that cannot be used is left out and named in [`problems`](Self::problems).
    ///
    /// # Errors
    /// When the text is empty, not YAML, or not a mapping.
    pub fn parse(yaml: &str) -> Result<Self, CatalogError> {
        // Of two entries with one name the last holds, as it does for the platform's own tools.
        let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::LastWins };
        let entries: BTreeMap<String, Lenient> = match serde_saphyr::from_str_with_options(yaml, options) {
            Ok(Some(entries)) => entries,
            Ok(None) => return Err(CatalogError::Empty),
            // A text that is YAML of another shape is told apart from one that is none.
            Err(_) if serde_saphyr::from_str::<IgnoredAny>(yaml).is_ok() => {
                return Err(CatalogError::NotAMapping);
            }
            Err(error) => {
                return Err(CatalogError::Syntax {
                    place: error.location().map(|location| (location.line(), location.column())),
                    reason: Untrusted::new(error.without_snippet().to_string()),
                });
            }
        };
        if entries.is_empty() {
            return Err(CatalogError::Empty);
        }
        let mut catalog = Self::default();
        for (name, entry) in entries {
            let resolved = match (name.parse::<TypeName>(), entry) {
                (Ok(name), Lenient::Entry(entry)) => entry.resolve(&name),
                (Ok(_), Lenient::Other(_)) => {
                    Err(EntryProblem::new(&name, "entry", "of an unknown shape".to_owned()))
                }
                (Err(error), _) => Err(EntryProblem::new(&name, "name", error.to_string())),
            };
            match resolved {
                Ok(image_type) => drop(catalog.types.insert(image_type.name.clone(), image_type)),
                Err(problem) => catalog.problems.push(problem),
            }
        }
        Ok(catalog)
    }

    /// Returns what is known without a cluster: the sixteen types of the platform's page of 2020, most of them
    /// gone, and the types whose images the platform built in August 2025, with the states known then.
    #[must_use]
    pub fn bundled() -> Self {
        let catalog = Self::parse(BUNDLED).expect("the bundled catalogue is read by a test");
        Self { bundled: true, ..catalog }
    }

    /// Returns whether this is the bundled catalogue and not a cluster's.
    #[must_use]
    pub fn is_bundled(&self) -> bool {
        self.bundled
    }

    /// Returns the types, by name.
    pub fn types(&self) -> impl Iterator<Item = &ImageType> {
        self.types.values()
    }

    /// Returns the entries that could not be used.
    #[must_use]
    pub fn problems(&self) -> &[EntryProblem] {
        &self.problems
    }

    /// Returns the type with a name, or with an alias where no type has the name.
    ///
    /// # Errors
    /// When there is none: whether it is gone, and what is near.
    pub fn find(&self, name: &TypeName) -> Result<&ImageType, NoSuchType> {
        let found = self
            .types
            .get(name)
            .or_else(|| self.types().find(|image_type| image_type.aliases.contains(name)))
            .filter(|image_type| image_type.state != State::Gone);
        found.ok_or_else(|| NoSuchType::new(self, name))
    }

    /// Returns the type with a name or alias, and its image for web services.
    ///
    /// # Errors
    /// When there is no such type, or it has no image for web services.
    pub fn web(&self, name: &TypeName) -> Result<(&ImageType, &WebImage), NoSuchType> {
        let image_type = self.find(name)?;
        match &image_type.web {
            Some(web) => Ok((image_type, web)),
            None => Err(NoSuchType::NoWebVariant { name: name.clone() }),
        }
    }

    /// Returns the type to use instead of one: the newest current type of the same family that is as good for web
    /// services, where the catalogue has another.
    #[must_use]
    pub fn replacement(&self, name: &TypeName) -> Option<&ImageType> {
        let family = family(name.as_str());
        self.types()
            .filter(|other| other.state == State::Current && other.name != *name && other.web.is_some())
            .filter(|other| crate::search::family(other.name.as_str()) == family)
            .reduce(
                |newest, other| {
                    if is_newer(other.name.as_str(), newest.name.as_str()) { other } else { newest }
                },
            )
    }
}

/// An entry, or what is none: read in one go, so that one bad entry does not take the others with it.
#[derive(Deserialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "it lives for one turn of a loop")]
enum Lenient {
    Entry(Entry),
    Other(IgnoredAny),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> TypeName {
        text.parse().unwrap()
    }

    #[test]
    fn the_bundled_catalogue_is_whole() {
        let catalog = Catalog::bundled();
        assert_eq!(catalog.problems(), []);
        assert!(catalog.is_bundled());
        // The list of the platform's page of 2020, all sixteen.
        for seed in [
            "golang",
            "golang111",
            "jdk11",
            "jdk8",
            "node10",
            "nodejs",
            "php5.6",
            "php7.2",
            "php7.3",
            "python",
            "python2",
            "python3.5",
            "python3.7",
            "ruby2",
            "ruby25",
            "tcl",
        ] {
            assert!(catalog.types.contains_key(&name(seed)), "{seed}");
        }
    }

    #[test]
    fn entries_with_variants_and_without_are_read() {
        let catalog = Catalog::parse(
            "jdk17:\n  state: stable\n  aliases: [tf-jdk17]\n  variants:\n    webservice:\n      image: r/toolforge-jdk17-sssd-web\n      \
             extra: {wstype: generic, resources: jdk}\n    jobs-framework: {image: r/toolforge-jdk17-sssd-base}\n\
             php8.4: {state: deprecated, image: r/toolforge-php84-sssd-web}\n\
             mariadb: {state: stable, image: r/toolforge-mariadb-sssd-base, variants: {}}\n",
        )
        .unwrap();
        let (jdk, web) = catalog.web(&name("tf-jdk17")).unwrap();
        assert_eq!((jdk.state, web.runner.to_string().as_str()), (State::Current, "generic"));
        assert_eq!(web.default_memory.to_string(), "1Gi");
        assert_eq!(jdk.job.as_deref(), Some("r/toolforge-jdk17-sssd-base"));
        let (php, web) = catalog.web(&name("php8.4")).unwrap();
        assert_eq!((php.state, web.default_memory.to_string().as_str()), (State::Deprecated, "512Mi"));
        let job_only = catalog.web(&name("mariadb")).unwrap_err();
        assert_eq!(job_only.to_string(), "type mariadb is for jobs only; it has no image for web services");
    }

    #[test]
    fn one_bad_entry_does_not_take_the_others_with_it() {
        let catalog = Catalog::parse(
            "good: {state: stable, image: r/x-web}\nstate: {state: odd, image: r/x-web}\nlist: [1]\n\"no name\": {}\n\
             kind: {variants: {webservice: {image: r/x, extra: {wstype: cobol}}}}\n",
        )
        .unwrap();
        assert_eq!(catalog.types().map(|image_type| image_type.name.as_str()).collect::<Vec<_>>(), ["good"]);
        let problems: Vec<_> = catalog.problems().iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 4, "{problems:#?}");
        assert!(problems.contains(
            &"type \"kind\" of the image catalogue is left out: its wstype is \"cobol\"".to_owned()
        ));
    }

    #[test]
    fn of_two_entries_with_one_name_the_last_holds() {
        let catalog =
            Catalog::parse("a: {state: stable, image: r/x-web}\na: {state: deprecated, image: r/x-web}\n");
        assert_eq!(catalog.unwrap().find(&name("a")).unwrap().state, State::Deprecated);
    }

    #[test]
    fn what_is_no_catalogue_is_told_apart() {
        assert_eq!(Catalog::parse(""), Err(CatalogError::Empty));
        assert_eq!(Catalog::parse("# only a comment"), Err(CatalogError::Empty));
        assert_eq!(Catalog::parse("{}"), Err(CatalogError::Empty));
        assert_eq!(Catalog::parse("- a\n- b"), Err(CatalogError::NotAMapping));
        let syntax = Catalog::parse("a: [1").unwrap_err().to_string();
        assert!(syntax.starts_with("the image catalogue is not YAML (line "), "{syntax}");
    }

    #[test]
    fn the_newest_current_type_of_the_family_replaces() {
        let catalog = Catalog::bundled();
        let replacement = |text: &str| catalog.replacement(&name(text)).map(|found| found.name.to_string());
        assert_eq!(replacement("php7.3").as_deref(), Some("php8.4"));
        assert_eq!(replacement("python2").as_deref(), Some("python3.13"));
        assert_eq!(replacement("nodejs").as_deref(), Some("node20"));
        assert_eq!(replacement("jdk8").as_deref(), Some("jdk21"));
        assert_eq!(replacement("golang111"), None);
    }

    #[test]
    fn a_name_that_is_not_there_is_gone_or_misspelt() {
        let catalog = Catalog::bundled();
        let refusal = |text: &str| catalog.find(&name(text)).unwrap_err().to_string();
        assert_eq!(refusal("pyhton3.11"), "no image type \"pyhton3.11\"; did you mean python3.11?");
        assert_eq!(refusal("php5.6"), "type php5.6 is gone from the platform; php8.4 replaces it");
        assert_eq!(
            refusal("golang"),
            "type golang is gone from the platform; an image of the build service (`buildservice`) replaces it"
        );
        assert_eq!(refusal("zzzzzzzzz"), "no image type \"zzzzzzzzz\"");
    }
}

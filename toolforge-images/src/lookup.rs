//! Finds the type of a name, what replaces it, or what was probably meant.

use toolforge_model::TypeName;

use crate::catalog::Catalog;
use crate::image_type::{ImageType, State, WebImage, family, repository_and_tag, version};
use crate::similar::{gone_of_same_version, nearest, same_version, successor, successor_for_jobs};

/// Why the catalog has no image for a type name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypeLookupError {
    /// The catalog does not have the type, but the platform has or had it.
    #[error("type {name} is {}", whereabouts(*was, replacement.as_ref()))]
    #[non_exhaustive]
    Gone {
        /// The name.
        name: TypeName,
        /// The state in the bundled catalog: a type that is current there is missing only in this cluster.
        was: State,
        /// The type that replaces it, or that this cluster has instead; `None` if only the build service can build such an
        /// image.
        replacement: Option<TypeName>,
    },
    /// No type ever had the name.
    #[error("unknown image type \"{name}\"{}", suggestion(nearest.as_ref(), replacement.as_ref()))]
    #[non_exhaustive]
    Unknown {
        /// The name.
        name: TypeName,
        /// The type that was probably meant.
        nearest: Option<TypeName>,
        /// The type that replaces that one, if it is deprecated.
        replacement: Option<TypeName>,
    },
    /// The type has no image for web services.
    #[error("type {name} {}", if *has_job { "is for jobs only; it has no image for web services" } else { "has no image" })]
    #[non_exhaustive]
    NoWebVariant {
        /// The name.
        name: TypeName,
        /// Whether it has an image for jobs.
        has_job: bool,
    },
}

fn whereabouts(was: State, replacement: Option<&TypeName>) -> String {
    let missing = "not in this cluster's catalog";
    match (was, replacement) {
        // The other type may be older.
        (State::Current, Some(other)) => format!("{missing}, but {other} is"),
        (State::Current, None) => missing.to_owned(),
        (State::Deprecated, Some(other)) => format!("{missing}; {other} replaces it"),
        (State::Deprecated, None) => format!("{missing}; an image of the build service replaces it"),
        (State::Gone, Some(other)) => format!("gone from the platform; {other} replaces it"),
        (State::Gone, None) => "gone from the platform; an image of the build service replaces it".to_owned(),
    }
}

fn suggestion(nearest: Option<&TypeName>, replacement: Option<&TypeName>) -> String {
    match (nearest, replacement) {
        (None, _) => String::new(),
        (Some(nearest), None) => format!("; did you mean \"{nearest}\"?"),
        (Some(nearest), Some(replacement)) => {
            format!("; did you mean \"{nearest}\" (deprecated; {replacement} replaces it)?")
        }
    }
}

impl Catalog {
    /// Returns the type with a name, or the type with an alias if no type has the name.
    ///
    /// # Errors
    /// When there is none: whether it is gone, and which name is similar.
    pub fn find(&self, name: &TypeName) -> Result<&ImageType, TypeLookupError> {
        self.known(name)
            .filter(|image_type| image_type.state != State::Gone)
            .ok_or_else(|| TypeLookupError::new(self, name))
    }

    /// Returns the type with a name or alias, and its image for web services.
    ///
    /// # Errors
    /// When there is no such type, or it has no image for web services.
    pub fn web(&self, name: &TypeName) -> Result<(&ImageType, &WebImage), TypeLookupError> {
        let image_type = self.find(name)?;
        match &image_type.web {
            Some(web) => Ok((image_type, web)),
            None => {
                Err(TypeLookupError::NoWebVariant { name: name.clone(), has_job: image_type.job.is_some() })
            }
        }
    }

    /// Iterates over the types whose image for web services has a reference, with or without a tag, in any of the
    /// registries that the platform allows: all of them serve the same images.
    ///
    /// Several types may share an image; bundled types that are gone are included.
    pub fn with_web_image(&self, reference: &str) -> impl Iterator<Item = (&ImageType, &WebImage)> {
        let (repository, tag) = repository_and_tag(reference);
        let (repository, tag) = (repository.to_owned(), tag.to_owned());
        self.types()
            .filter_map(|image_type| Some((image_type, image_type.web.as_ref()?)))
            .filter(move |(_, web)| repository_and_tag(&web.image) == (&*repository, &*tag))
    }

    /// Returns the newest current type of a family that has an image for jobs. The family is the letters at the beginning of
    /// the name, such as `python`, or a release of Debian, such as `bookworm`.
    #[must_use]
    pub fn newest_for_jobs(&self, wanted: &str) -> Option<&ImageType> {
        self.types()
            .filter(|found| found.state == State::Current && found.job.is_some())
            .filter(|found| family(found.name.as_str()) == wanted)
            .max_by_key(|found| version(found.name.as_str()))
    }

    /// Returns the type that replaces another: the newest current type of the same family with an image for web
    /// services, if the catalog has one. The releases of Debian (`bullseye`) are a family.
    ///
    /// A current type has no replacement. The name may be an alias, or the name of a type that is gone. If a whole
    /// family is gone, like `golang`, it is replaced by the build service.
    #[must_use]
    pub fn replacement(&self, name: &TypeName) -> Option<&ImageType> {
        if let Some(known) = self.known(name) {
            return if known.state == State::Current { None } else { self.replacement_of(&known.name) };
        }
        let bundled = if self.is_bundled() { Self::default() } else { Self::bundled() };
        self.replacement_of(bundled.known(name).map_or(name, |known| &known.name))
    }

    /// Returns the type that replaces another in a job, as [`replacement`](Self::replacement) does: one with an image for web
    /// services if there is one, or else one with an image for jobs.
    #[must_use]
    pub fn replacement_for_jobs(&self, name: &TypeName) -> Option<&ImageType> {
        if self.known(name).is_some_and(|known| known.state == State::Current) {
            return None;
        }
        self.replacement(name)
            .filter(|found| found.job.is_some())
            .or_else(|| successor_for_jobs(self, name.as_str()))
    }

    /// Returns the replacement of a type by its own name, not an alias.
    fn replacement_of(&self, name: &TypeName) -> Option<&ImageType> {
        successor(self, name.as_str())
    }

    /// Returns the type with a name or alias; a type that is gone is returned only if no other has the name.
    fn known(&self, name: &TypeName) -> Option<&ImageType> {
        let aliased = || self.types().filter(|image_type| image_type.aliases.contains(name));
        let exists = |image_type: &&ImageType| image_type.state != State::Gone;
        let by_name = self.types.get(name);
        by_name.filter(exists).or_else(|| aliased().find(exists)).or(by_name).or_else(|| aliased().next())
    }
}

impl TypeLookupError {
    /// Returns why a catalog has no type with a name.
    fn new(catalog: &Catalog, name: &TypeName) -> Self {
        let bundled;
        let table = if catalog.is_bundled() {
            catalog
        } else {
            bundled = Catalog::bundled();
            &bundled
        };
        match catalog.known(name).or_else(|| table.known(name)) {
            Some(known) => Self::Gone {
                name: name.clone(),
                was: known.state,
                replacement: same_version(catalog, name.as_str())
                    .or_else(|| catalog.replacement_of(&known.name))
                    .map(|found| found.name.clone()),
            },
            None => {
                let nearest = nearest(catalog, name.as_str());
                if nearest.is_none()
                    && let Some(gone) = gone_of_same_version(table, name.as_str())
                {
                    let replacement = catalog.replacement_of(&gone.name).map(|found| found.name.clone());
                    return Self::Gone { name: name.clone(), was: State::Gone, replacement };
                }
                let replacement = nearest.as_ref().and_then(|nearest| catalog.replacement(nearest));
                let replacement = replacement.map(|found| found.name.clone());
                Self::Unknown { name: name.clone(), nearest, replacement }
            }
        }
    }
}

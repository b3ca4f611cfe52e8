//! Which image a job's text stands for, and which text a live job's image has.

use toolforge_model::{BuildServiceImage, JobImage, Untrusted, without_host};

use crate::catalog::Catalog;
use crate::image_type::{ImageType, State};
use crate::search::NoSuchType;

/// The image of a job, found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundJobImage {
    /// The image by its shortest name: the type's own where the catalogue has it.
    pub image: JobImage,
    /// The reference to pull, with host and tag.
    pub reference: String,
    /// Whether it should be used.
    pub state: State,
}

/// Why a job's image is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoSuchJobImage {
    /// The catalogue has no such type.
    #[error(transparent)]
    Type(#[from] NoSuchType),
    /// The type has no image for jobs.
    #[error("type {name} has no image for jobs")]
    NoJobVariant {
        /// The type.
        name: toolforge_model::TypeName,
    },
    /// The catalogue does not know the reference.
    #[error("no image {} in the catalogue; a job runs the catalogue's images and those of the build service", found.quoted())]
    Reference {
        /// The reference.
        found: Untrusted,
    },
    /// The build service's images do not come from that host.
    #[error("image {} is not in the build service's repository {}", found.quoted(), repository.escaped())]
    Repository {
        /// The reference.
        found: Untrusted,
        /// The build service's repository.
        repository: Untrusted,
    },
}

impl Catalog {
    /// Returns the image that a job's text stands for; `repository` is the host of the build service's images.
    ///
    /// Whether the build service has the image shows only when it is pulled.
    ///
    /// # Errors
    /// When the catalogue does not have it, or it comes from another host.
    pub fn job_image(&self, asked: &JobImage, repository: &str) -> Result<FoundJobImage, NoSuchJobImage> {
        match asked {
            JobImage::Type(name) => {
                let found = self.find(name)?;
                let reference = job_reference(found)
                    .ok_or_else(|| NoSuchJobImage::NoJobVariant { name: found.name.clone() })?;
                Ok(of_type(found, reference))
            }
            JobImage::BuildService(image) => Ok(of_build_service(image, repository)),
            JobImage::Reference(reference) => self.by_reference(reference, repository),
        }
    }

    /// Returns the shortest name of a live job's image: what is asked for to get just that reference.
    #[must_use]
    pub fn job_image_of(&self, reference: &str, repository: &str) -> JobImage {
        let asked = JobImage::Reference(reference.to_owned());
        match self.by_reference(reference, repository) {
            Ok(found) if found.reference == reference => found.image,
            _ => asked,
        }
    }

    fn by_reference(&self, reference: &str, repository: &str) -> Result<FoundJobImage, NoSuchJobImage> {
        let (host, path) = without_host(reference);
        let found = || Untrusted::new(reference);
        if JobImage::Reference(reference.to_owned()).is_build_service() {
            if host.is_some_and(|host| host != repository) {
                let repository = Untrusted::new(repository);
                return Err(NoSuchJobImage::Repository { found: found(), repository });
            }
            let image: BuildServiceImage =
                path.parse().map_err(|_| NoSuchJobImage::Reference { found: found() })?;
            return Ok(of_build_service(&image, repository));
        }
        if path.contains('@') {
            return Err(NoSuchJobImage::Reference { found: found() });
        }
        let (name, tag) = path.rsplit_once(':').map_or((path, None), |(name, tag)| (name, Some(tag)));
        let matches = |image_type: &&ImageType| {
            let Some(own) = job_reference(image_type) else { return false };
            let (own_host, own_path) = without_host(&own);
            let (own_name, own_tag) = own_path.rsplit_once(':').unwrap_or((own_path, "latest"));
            host.is_none_or(|host| own_host == Some(host))
                && tag.is_none_or(|tag| tag == own_tag)
                && (own_name == name
                    || image_type.name.as_str() == name
                    || image_type.aliases.iter().any(|alias| alias.as_str() == name))
        };
        let image_type = self.types().filter(|found| found.state != State::Gone).find(matches);
        image_type
            .and_then(|image_type| Some(of_type(image_type, job_reference(image_type)?)))
            .ok_or_else(|| NoSuchJobImage::Reference { found: found() })
    }
}

fn of_type(found: &ImageType, reference: String) -> FoundJobImage {
    FoundJobImage { image: JobImage::Type(found.name.clone()), reference, state: found.state }
}

/// The tag is `latest` where none is named: which other one there may be, only the repository knows.
fn of_build_service(image: &BuildServiceImage, repository: &str) -> FoundJobImage {
    let text = image.as_str();
    let image = if text.contains([':', '@']) {
        image.clone()
    } else {
        format!("{text}:latest").parse().unwrap_or_else(|_| image.clone())
    };
    let reference = format!("{repository}/{image}");
    FoundJobImage { image: JobImage::BuildService(image), reference, state: State::Current }
}

/// Returns the reference of a type's image for jobs, with its tag.
fn job_reference(image_type: &ImageType) -> Option<String> {
    let image = image_type.job.as_deref()?;
    let has_tag = image.rsplit('/').next().is_some_and(|name| name.contains([':', '@']));
    Some(if has_tag { image.to_owned() } else { format!("{image}:latest") })
}

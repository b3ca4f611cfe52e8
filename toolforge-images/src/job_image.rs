//! Finds the image of a job, and the name of a live job's image.

use toolforge_model::{
    BuildServiceImage, ImageCheck, JobImage, JobsFile, JobsFileFindings, ToolName, TypeName, Untrusted,
    platform, reference_host, reference_path,
};

use crate::catalog::Catalog;
use crate::image_type::{ImageType, State};
use crate::lookup::TypeLookupError;
use crate::similar::{same_version, successor};

/// The image of a job, as the catalog has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundJobImage {
    /// The image by its shortest name: the type's, if the catalog has one.
    pub image: JobImage,
    /// The reference to pull, with host and tag.
    pub reference: String,
    /// Whether the platform supports it.
    pub state: State,
}

/// Why a job cannot run an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageLookupError {
    /// The catalog has no such type.
    #[error(transparent)]
    Type(#[from] TypeLookupError),
    /// The type has no image for jobs.
    #[error("type {name} has no image for jobs")]
    NoJobVariant {
        /// The type.
        name: TypeName,
    },
    /// It is the name by which a web service is started from an image of the build service.
    #[error(
        "unknown image type \"{name}\"; a job names the image of the build service itself, like tool-NAME/tool-NAME:latest"
    )]
    BuildService {
        /// The name.
        name: TypeName,
    },
    /// The reference is not in the catalog.
    #[error("image {} is not in the catalog; {}", found.quoted(), meant(near.as_ref()))]
    Reference {
        /// The reference.
        found: Untrusted,
        /// The image that was probably meant.
        near: Option<Untrusted>,
    },
    /// The host is not the build service's repository.
    #[error("image {} is not in the build service's repository {}", found.quoted(), repository.escaped())]
    Repository {
        /// The reference.
        found: Untrusted,
        /// The build service's repository.
        repository: Untrusted,
    },
}

impl ImageLookupError {
    /// Suggests the tool's own image of the build service if the image has the tool's name, such as `NAME:latest` or
    /// `tool-NAME`.
    #[must_use]
    pub fn with_own_image(self, tool: &ToolName) -> Self {
        match self {
            Self::Reference { found, near: None } => {
                let near = own_image(found.as_raw(), tool);
                Self::Reference { found, near }
            }
            Self::Type(TypeLookupError::Unknown { name, nearest, replacement }) => {
                match own_image(name.as_str(), tool) {
                    near @ Some(_) => Self::Reference { found: Untrusted::new(name.as_str()), near },
                    None => TypeLookupError::Unknown { name, nearest, replacement }.into(),
                }
            }
            error => error,
        }
    }
}

fn own_image(reference: &str, tool: &ToolName) -> Option<Untrusted> {
    let (name, tag) = reference.split_once(':').unwrap_or((reference, "latest"));
    let own = tool.namespace();
    (name == tool.as_str() || name == own).then_some(())?;
    // The build service names the image after the namespace, unless the tool chooses another name.
    let image: BuildServiceImage = format!("{own}/{own}:{tag}").parse().ok()?;
    Some(Untrusted::new(image.as_str()))
}

fn meant(near: Option<&Untrusted>) -> String {
    match near {
        Some(near) => format!("did you mean {}?", near.quoted()),
        None => "jobs run the images of the catalog and of the build service".to_owned(),
    }
}

impl Catalog {
    /// Returns the image that a job requests; `repository` is the host of the build service's images.
    ///
    /// Whether the build service has the image is known only when it is pulled.
    ///
    /// # Errors
    /// When the catalog does not have it, or it has another host.
    pub fn job_image(&self, asked: &JobImage, repository: &str) -> Result<FoundJobImage, ImageLookupError> {
        match asked {
            JobImage::Type(name) => {
                let found = self.find(name).map_err(|error| self.of_type_lookup(error))?;
                let reference = job_reference(found)
                    .ok_or_else(|| ImageLookupError::NoJobVariant { name: found.name.clone() })?;
                Ok(of_type(found, reference))
            }
            JobImage::BuildService(image) => Ok(of_build_service(image, repository)),
            JobImage::Reference(reference) => self.by_reference(reference, repository),
        }
    }

    /// Returns the shortest name of a live job's image, which [`job_image`](Self::job_image) finds as that reference.
    #[must_use]
    pub fn job_image_of(&self, reference: &str, repository: &str) -> JobImage {
        let asked = JobImage::Reference(reference.to_owned());
        match self.by_reference(reference, repository) {
            Ok(found) if found.reference == reference => found.image,
            _ => asked,
        }
    }

    /// Returns whether a job can run an image, for [`JobsFile::check`].
    ///
    /// # Errors
    /// Same as for [`job_image`](Self::job_image), as text.
    pub fn check_job_image(&self, asked: &JobImage, repository: &str) -> ImageCheck {
        self.job_image(asked, repository)
            .map(|found| self.image_warning(asked, &found))
            .map_err(|error| error.to_string())
    }

    fn image_warning(&self, asked: &JobImage, found: &FoundJobImage) -> Option<String> {
        match found.state {
            State::Current => None,
            State::Deprecated | State::Gone => {
                let replacement = match &found.image {
                    JobImage::Type(name) => self.replacement_for_jobs(name),
                    JobImage::BuildService(_) | JobImage::Reference(_) => None,
                };
                let replacement = replacement.map(|found| format!("; {} replaces it", found.name));
                Some(format!("image {asked} is {}{}", found.state, replacement.unwrap_or_default()))
            }
        }
    }

    /// Returns all errors and all warnings of a tool's jobs file, including those about its images; `repository` is the
    /// host of the build service's images.
    ///
    /// ```
    /// use toolforge_images::Catalog;
    ///
    /// let text = "- name: a\n  image: pyhton3.11\n  command: ./a.py\n  mem: lots\n";
    /// let findings = Catalog::bundled().check_jobs_file(text, &"stashbot".parse()?, "tools-harbor.wmcloud.org");
    /// assert_eq!(findings.errors[0].to_string(),
    ///     "line 2, column 10: unknown image type \"pyhton3.11\"; did you mean \"python3.11\"?");
    /// assert_eq!(findings.errors[1].location.line, 4);
    /// # Ok::<(), toolforge_model::ToolNameError>(())
    /// ```
    #[must_use]
    pub fn check_jobs_file(&self, text: &str, tool: &ToolName, repository: &str) -> JobsFileFindings {
        let check = |image: &JobImage| match self.job_image(image, repository) {
            Ok(found) => Ok(self.image_warning(image, &found)),
            Err(error) => Err(error.with_own_image(tool).to_string()),
        };
        JobsFile::check(text, tool, Some(&check))
    }

    fn of_type_lookup(&self, error: TypeLookupError) -> ImageLookupError {
        match error {
            TypeLookupError::Unknown { name, nearest: Some(nearest), .. }
                if nearest.as_str() == platform::BUILD_SERVICE_TYPE =>
            {
                ImageLookupError::BuildService { name }
            }
            TypeLookupError::Gone { name, was, replacement: None } => {
                let replacement = self.replacement_for_jobs(&name).map(|found| found.name.clone());
                TypeLookupError::Gone { name, was, replacement }.into()
            }
            error => error.into(),
        }
    }

    pub(crate) fn by_reference(
        &self,
        reference: &str,
        repository: &str,
    ) -> Result<FoundJobImage, ImageLookupError> {
        let (host, path) = (reference_host(reference), reference_path(reference));
        let found = || Untrusted::new(reference);
        if JobImage::Reference(reference.to_owned()).is_build_service() {
            if host.is_some_and(|host| host != repository) {
                let repository = Untrusted::new(repository);
                return Err(ImageLookupError::Repository { found: found(), repository });
            }
            let image: BuildServiceImage =
                path.parse().map_err(|_| ImageLookupError::Reference { found: found(), near: None })?;
            return Ok(of_build_service(&image, repository));
        }
        if path.contains('@') {
            return Err(ImageLookupError::Reference { found: found(), near: None });
        }
        let (name, tag) = path.rsplit_once(':').map_or((path, None), |(name, tag)| (name, Some(tag)));
        let matches = |image_type: &&ImageType| {
            let Some(own) = job_reference(image_type) else { return false };
            let own_path = reference_path(&own);
            let (own_name, own_tag) = own_path.rsplit_once(':').unwrap_or((own_path, "latest"));
            host.is_none_or(|host| reference_host(&own) == Some(host))
                && tag.is_none_or(|tag| tag == own_tag)
                && (own_name == name
                    || image_type.name.as_str() == name
                    || image_type.aliases.iter().any(|alias| alias.as_str() == name))
        };
        let image_type = self.types().filter(|found| found.state != State::Gone).find(matches);
        image_type.and_then(|image_type| Some(of_type(image_type, job_reference(image_type)?))).ok_or_else(
            || {
                let is_own_host = host.is_none_or(|host| host == repository);
                let near =
                    self.near_type(path).or_else(|| is_own_host.then(|| near_build_service(path)).flatten());
                ImageLookupError::Reference { found: found(), near }
            },
        )
    }

    /// Returns the type that was probably meant by a path without its host: by the version in its name or tag.
    fn near_type(&self, path: &str) -> Option<Untrusted> {
        let (name, tag) = path.rsplit_once(':').unwrap_or((path, ""));
        let name = name.rsplit_once('/').map_or(name, |(_, name)| name);
        let numbers = tag.split('-').next().filter(|tag| tag.starts_with(|c: char| c.is_ascii_digit()));
        let with_tag = numbers.map(|numbers| format!("{name}{numbers}"));
        let with_tag = with_tag.and_then(|name| same_version(self, &name));
        let found = with_tag.or_else(|| same_version(self, name)).or_else(|| successor(self, name))?;
        Some(Untrusted::new(found.name.as_str()))
    }
}

/// Returns the image of the build service that was probably meant by a path without its host.
fn near_build_service(path: &str) -> Option<Untrusted> {
    let (name, tag) = path.rsplit_once(':').unwrap_or((path, "latest"));
    // Also `tool-NAME:TAG`; `NAME:TAG` is more often an image of another registry.
    let (tool, name): (ToolName, &str) = match name.rsplit_once('/') {
        Some((directory, name)) => (directory.parse().ok()?, name),
        None => (ToolName::from_namespace(name)?, name),
    };
    let image: BuildServiceImage = format!("{}/{name}:{tag}", tool.namespace()).parse().ok()?;
    Some(Untrusted::new(image.as_str()))
}

/// Returns the error of a job's type; `buildservice` is a type of web services only.
fn of_type(found: &ImageType, reference: String) -> FoundJobImage {
    FoundJobImage { image: JobImage::Type(found.name.clone()), reference, state: found.state }
}

/// The tag is `latest` by default; which other tags there are, only the repository knows.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_one_word_have_a_suggestion() {
        let meant = |asked: &str| {
            let asked: JobImage = asked.parse().unwrap();
            let error = Catalog::bundled().job_image(&asked, "tools-harbor.wmcloud.org").unwrap_err();
            error.to_string().split_once("did you mean ").map(|(_, meant)| meant.to_owned())
        };
        assert_eq!(meant("tool-bugone:latest").as_deref(), Some("\"tool-bugone/tool-bugone:latest\"?"));
        assert_eq!(meant("bugone/web:1").as_deref(), Some("\"tool-bugone/web:1\"?"));
        assert_eq!(meant("3.11").as_deref(), Some("\"python3.11\"?"));
        assert_eq!(meant("ubuntu:22.04"), None);
        // The organization of another registry is not a tool.
        assert_eq!(meant("ghcr.io/a/b:1"), None);
        assert_eq!(meant("docker.io/library/nginx"), None);
        assert_eq!(meant("docker.io/library/python:3.11").as_deref(), Some("\"python3.11\"?"));
        assert_eq!(meant("tools-harbor.wmcloud.org/a/b:1").as_deref(), Some("\"tool-a/b:1\"?"));
    }

    #[test]
    fn own_image_is_suggested() {
        let tool: ToolName = "bugone".parse().unwrap();
        let error = |asked: &str| {
            let asked: JobImage = asked.parse().unwrap();
            let error = Catalog::bundled().job_image(&asked, "tools-harbor.wmcloud.org").unwrap_err();
            error.with_own_image(&tool).to_string()
        };
        assert_eq!(
            error("bugone:latest"),
            "image \"bugone:latest\" is not in the catalog; did you mean \"tool-bugone/tool-bugone:latest\"?"
        );
        for name in ["bugone", "tool-bugone"] {
            assert!(error(name).ends_with("did you mean \"tool-bugone/tool-bugone:latest\"?"), "{name}");
        }
        assert!(error("bugone:v2").ends_with("did you mean \"tool-bugone/tool-bugone:v2\"?"));
        assert!(
            error("nginx:latest").ends_with("; jobs run the images of the catalog and of the build service")
        );
        let text = "- name: a\n  image: bugone:latest\n  command: ./a.py\n";
        let findings = Catalog::bundled().check_jobs_file(text, &tool, "tools-harbor.wmcloud.org");
        assert!(findings.errors[0].to_string().ends_with("did you mean \"tool-bugone/tool-bugone:latest\"?"));
    }
}

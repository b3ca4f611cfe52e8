//! Images by the names that they had before: of another registry, or from before 2020.

use toolforge_model::{platform, reference_host, reference_path};

use crate::catalog::Catalog;
use crate::image_type::{ImageType, State};
use crate::job_image::FoundJobImage;

/// The registry that the platform used until 2025; it serves the same images.
const OLD_REGISTRY: &str = "docker-registry.tools.wmflabs.org";

/// The current registry.
const REGISTRY: &str = "docker-registry.svc.toolforge.org";

/// The prefixes of image names: until 2020, and since.
const OLD_NAME: &str = "toollabs-";
const NAME: &str = "toolforge-";

impl Catalog {
    /// Returns the type that has an image, or lists its name as another one, in any registry and with any tag; a type that
    /// exists is preferred to one that is gone.
    #[must_use]
    pub fn type_of_image(&self, reference: &str) -> Option<&ImageType> {
        self.type_of_name(name_and_version(reference_path(reference)).0)
    }

    /// Returns the current reference of an image with an old one, if the catalog has the image.
    ///
    /// ```
    /// use toolforge_images::Catalog;
    ///
    /// let catalog = Catalog::bundled();
    /// let today = "docker-registry.svc.toolforge.org/toolforge-bullseye-sssd:latest";
    /// let old = "docker-registry.tools.wmflabs.org/toolforge-bullseye-sssd:latest";
    /// assert_eq!(catalog.renamed_image(old).as_deref(), Some(today));
    /// assert_eq!(catalog.renamed_image(today), None);
    /// ```
    #[must_use]
    pub fn renamed_image(&self, reference: &str) -> Option<String> {
        let path = reference_path(reference);
        let (name, version) = name_and_version(path);
        let name = match name.strip_prefix(OLD_NAME) {
            // The images of 2020 got `-sssd` before their last word.
            Some(rest) => {
                let (family, variant) = rest.rsplit_once('-')?;
                let names = [format!("{NAME}{family}-sssd-{variant}"), format!("{NAME}{rest}")];
                names.into_iter().find(|name| self.type_of_name(name).is_some())?
            }
            None => name.to_owned(),
        };
        // The catalog of the cluster says which registry it is.
        let host = self.type_of_name(&name)?.images().find_map(reference_host);
        let host = host.filter(|host| *host != OLD_REGISTRY).unwrap_or(REGISTRY);
        let today = format!("{host}/{name}{version}");
        let is_old = reference_host(reference) == Some(OLD_REGISTRY) || path.starts_with(OLD_NAME);
        (is_old && today != reference).then_some(today)
    }

    /// Returns the image for jobs that has another reference now: another registry of the platform has it, or its name was
    /// another one. [`job_image`](Self::job_image) does not find it; `repository` is the host of the build service's images.
    #[must_use]
    pub fn renamed_job_image(&self, reference: &str, repository: &str) -> Option<FoundJobImage> {
        let host = reference_host(reference)?;
        (platform::ALLOWED_REGISTRIES.contains(&host) && host != repository).then_some(())?;
        let today = self.renamed_image(reference);
        let path = reference_path(today.as_deref().unwrap_or(reference));
        let found = self.by_reference(path, repository).ok()?;
        (!found.image.is_build_service() && found.reference != reference).then_some(found)
    }

    fn type_of_name(&self, name: &str) -> Option<&ImageType> {
        let has = |found: &&ImageType| {
            found.images().any(|image| name_and_version(reference_path(image)).0 == name)
                || found.aliases.iter().any(|alias| alias.as_str() == name)
        };
        let exists = |found: &&ImageType| found.state != State::Gone && has(found);
        self.types().find(exists).or_else(|| self.types().find(has))
    }
}

impl ImageType {
    /// Returns the images of the type: for web services, for jobs.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        self.web.iter().map(|web| web.image.as_str()).chain(self.job.as_deref())
    }
}

/// Returns the path of an image, and its tag and digest with their separators: `:1`, `@sha256:…`.
fn name_and_version(path: &str) -> (&str, &str) {
    path.split_at(path.find([':', '@']).unwrap_or(path.len()))
}

#[cfg(test)]
mod tests {
    use toolforge_model::JobImage;

    use super::*;

    #[test]
    fn job_image_is_found_by_its_old_names() {
        let repository = platform::DEFAULT_BUILD_SERVICE_REPOSITORY;
        let old = "docker-registry.tools.wmflabs.org";
        let catalog = Catalog::bundled();
        for (reference, expected) in [
            (format!("{old}/toolforge-bookworm-sssd:latest"), Some("bookworm")),
            (format!("{old}/toolforge-bookworm-sssd"), Some("bookworm")),
            // It is deprecated, but exists: it is not replaced by another release.
            (format!("{old}/toolforge-bullseye-sssd:latest"), Some("bullseye")),
            (format!("{old}/toollabs-python311-web"), Some("python3.11")),
            (format!("{old}/toolforge-bookworm-sssd:old"), None),
            (format!("{old}/toollabs-python37-base"), None),
            ("docker.io/toolforge-bookworm-sssd".to_owned(), None),
            ("docker-registry.svc.toolforge.org/toolforge-bookworm-web-sssd:latest".to_owned(), None),
        ] {
            let found =
                catalog.renamed_job_image(&reference, repository).map(|found| found.image.to_string());
            assert_eq!(found.as_deref(), expected, "{reference}");
        }
        // A catalog that names the old registry.
        let catalog =
            Catalog::parse("php8.2: {state: stable, image: docker-registry.tools.wmflabs.org/x-web}")
                .unwrap();
        let found = catalog.renamed_job_image("docker-registry.svc.toolforge.org/x-web", repository);
        assert_eq!(found.map(|found| found.image), Some(JobImage::Type("php8.2".parse().unwrap())));
    }
}

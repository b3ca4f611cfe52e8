//! The images that jobs run.

use serde::Serialize;
use toolforge_cli::{Document, Failure, document};
use toolforge_images::{Catalog, State, contents};
use toolforge_model::{JobImage, TypeName, Untrusted};

use super::pretty;
use crate::arguments::JobsFormat;

#[derive(Serialize)]
struct ImagesDocument<'a> {
    images: Vec<ImageDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageDocument<'a> {
    name: &'a TypeName,
    aliases: &'a [TypeName],
    image: String,
    contents: Option<String>,
}

/// Returns the images that a job should run, by name; as the platform's tool, none that is deprecated.
pub(crate) fn images(catalog: &Catalog, format: JobsFormat) -> Result<Document, Failure> {
    let current = catalog.types().filter(|found| found.state == State::Current);
    let images: Vec<ImageDocument<'_>> = current
        .filter_map(|found| {
            // A type's image does not come from the build service, so its repository does not matter.
            let image = catalog.job_image(&JobImage::Type(found.name.clone()), "").ok()?;
            Some(ImageDocument {
                name: &found.name,
                aliases: &found.aliases,
                image: image.reference,
                contents: contents(&found.name),
            })
        })
        .collect();
    let row = |found: &ImageDocument<'_>| {
        vec![found.name.to_string(), Untrusted::new(&*found.image).escaped().to_string()]
    };
    let text = if format == JobsFormat::Name {
        images.iter().map(|found| format!("{}\n", found.name)).collect()
    } else {
        // The platform's tool has these words above the columns (jobs-cli 16).
        pretty(&["Short name", "image"], &images.iter().map(row).collect::<Vec<_>>())
    };
    Ok(Document { text, value: document("JobImages", &ImagesDocument { images })? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_current_images_for_jobs_are_listed() {
        let catalog = Catalog::parse(
            "php8.4: {state: stable, aliases: [tf-php84], image: docker-registry.tools.wmflabs.org/toolforge-php84-sssd-web}
python3.9: {state: deprecated, image: docker-registry.tools.wmflabs.org/toolforge-python39-sssd-web}
bookworm: {state: stable, image: 'docker-registry.tools.wmflabs.org/toolforge-bookworm-sssd:1'}
",
        )
        .unwrap();
        let answer = images(&catalog, JobsFormat::Table).unwrap();
        insta::assert_snapshot!(answer.text, @"
        +------------+-------------------------------------------------------------------+
        | Short name |                               image                               |
        +------------+-------------------------------------------------------------------+
        |  bookworm  |    docker-registry.tools.wmflabs.org/toolforge-bookworm-sssd:1    |
        |   php8.4   | docker-registry.tools.wmflabs.org/toolforge-php84-sssd-web:latest |
        +------------+-------------------------------------------------------------------+
        ");
        insta::assert_snapshot!(format!("{:#}", answer.value), @r#"
        {
          "apiVersion": "cli.toolforge.org/v1",
          "images": [
            {
              "aliases": [],
              "contents": "Debian 12: for programs without a runtime of their own, like Go and Rust",
              "image": "docker-registry.tools.wmflabs.org/toolforge-bookworm-sssd:1",
              "name": "bookworm"
            },
            {
              "aliases": [
                "tf-php84"
              ],
              "contents": "Debian 13: PHP with Composer and apcu, curl, gd, imagick, intl, mbstring, mysql, pgsql, redis, soap, sqlite3, xml, zip",
              "image": "docker-registry.tools.wmflabs.org/toolforge-php84-sssd-web:latest",
              "name": "php8.4"
            }
          ],
          "kind": "JobImages"
        }
        "#);
        assert_eq!(images(&catalog, JobsFormat::Name).unwrap().text, "bookworm\nphp8.4\n");
    }
}

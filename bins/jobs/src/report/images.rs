//! The images for jobs.

use toolforge_cli::{Document, Failure, image_type, to_json};
use toolforge_images::{Catalog, State};
use toolforge_model::Untrusted;
use toolforge_report::{ImageType, ImageTypes};

use super::pretty;
use crate::arguments::JobsFormat;

/// Returns the current images for jobs, by name; the platform's tool does not list deprecated ones either.
pub(crate) fn images(catalog: &Catalog, format: JobsFormat) -> Result<Document, Failure> {
    let current = catalog.types().filter(|found| found.state == State::Current);
    let types: Vec<ImageType> =
        current.map(|found| image_type(catalog, found)).filter(|found| found.job_image.is_some()).collect();
    let row = |found: &ImageType| {
        let image = Untrusted::new(found.job_image.clone().unwrap_or_default());
        vec![found.name.to_string(), image.escaped().to_string()]
    };
    let text = if format == JobsFormat::Name {
        types.iter().map(|found| format!("{}\n", found.name)).collect()
    } else {
        // The headings of the platform's tool (jobs-cli 16).
        pretty(&["Short name", "image"], &types.iter().map(row).collect::<Vec<_>>())
    };
    Ok(Document { text, value: to_json(ImageTypes { default_type: None, types })? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_current_job_images_are_listed() {
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
          "defaultType": null,
          "kind": "ImageTypes",
          "types": [
            {
              "aliases": [],
              "contents": "Debian 12: for programs without a runtime of their own, like Go and Rust",
              "defaultCpu": null,
              "defaultMemory": null,
              "jobImage": "docker-registry.tools.wmflabs.org/toolforge-bookworm-sssd:1",
              "name": "bookworm",
              "replacement": null,
              "runner": null,
              "state": "current",
              "webImage": null
            },
            {
              "aliases": [
                "tf-php84"
              ],
              "contents": "Debian 13: PHP with Composer and apcu, curl, gd, imagick, intl, mbstring, mysql, pgsql, redis, soap, sqlite3, xml, zip",
              "defaultCpu": "500m",
              "defaultMemory": "512Mi",
              "jobImage": "docker-registry.tools.wmflabs.org/toolforge-php84-sssd-web:latest",
              "name": "php8.4",
              "replacement": null,
              "runner": "lighttpd",
              "state": "current",
              "webImage": "docker-registry.tools.wmflabs.org/toolforge-php84-sssd-web:latest"
            }
          ]
        }
        "#);
        assert_eq!(images(&catalog, JobsFormat::Name).unwrap().text, "bookworm\nphp8.4\n");
    }
}

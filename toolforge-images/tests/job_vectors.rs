//! Images of jobs, compared with recorded answers of the platform.

use serde_json::Value;
use toolforge_images::{Catalog, State};
use toolforge_model::JobImage;

/// What differs from the recorded answers, and why.
const DIFFERENCES: [(&str, &str); 3] = [
    (
        "tool-tf-test/nosuch:latest",
        "whether the build service has an image is known at the pull; no registry is asked",
    ),
    (
        "tool-tf-test/tf-test@sha256:5b8c5641d2dbd7d849cacb39853141c00b29ed9f40af9ee946b6a6a715e637c3",
        "a digest needs no tag, and no registry is queried for one",
    ),
    ("tool-tf-test/", "half a name is an error, not the first image of the repository"),
];

#[test]
fn images_match_recorded_answers() {
    let catalog =
        Catalog::parse(&toolforge_fixtures::read("parity/jobs/image-config-for-golden.yaml")).unwrap();
    let vectors: Value = serde_json::from_str(&toolforge_fixtures::read("parity/jobs/vectors.json")).unwrap();
    let vectors = vectors["images"].as_array().unwrap();
    let mut used = Vec::new();
    for vector in vectors {
        let text = |key: &str| vector[key].as_str().unwrap_or_default();
        let found =
            text("in").parse::<JobImage>().ok().map(|asked| catalog.job_image(&asked, "harbor.example.org"));
        let same = match &found {
            Some(Ok(found)) => {
                let state = if found.state == State::Current { "stable" } else { "deprecated" };
                vector["exists"] == true
                    && (found.reference.as_str(), found.image.as_str(), state)
                        == (text("url"), text("short_name"), text("state"))
            }
            Some(Err(_)) | None => vector["exists"] == false,
        };
        if !same {
            let Some((name, _)) = DIFFERENCES.iter().find(|(name, _)| *name == text("in")) else {
                panic!("{}: {found:?}", text("in"));
            };
            used.push(*name);
        }
    }
    let unused: Vec<_> = DIFFERENCES.iter().filter(|(name, _)| !used.contains(name)).collect();
    assert!(unused.is_empty(), "no image needs {unused:?}");
}

#[test]
fn live_images_have_their_shortest_name() {
    let catalog =
        Catalog::parse(&toolforge_fixtures::read("parity/jobs/image-config-for-golden.yaml")).unwrap();
    for (reference, name) in [
        ("docker-registry.tools.wmflabs.org/toolforge-python39-sssd-web:latest", "python3.9"),
        (
            "docker-registry.tools.wmflabs.org/toolforge-python39-sssd-web:old",
            "docker-registry.tools.wmflabs.org/toolforge-python39-sssd-web:old",
        ),
        ("harbor.example.org/tool-tf-test/tf-test:latest", "tool-tf-test/tf-test:latest"),
        (
            "elsewhere.example.org/tool-tf-test/tf-test:latest",
            "elsewhere.example.org/tool-tf-test/tf-test:latest",
        ),
    ] {
        assert_eq!(catalog.job_image_of(reference, "harbor.example.org").as_str(), name);
    }
}

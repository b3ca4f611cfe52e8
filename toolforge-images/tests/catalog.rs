//! Catalogs as the cluster publishes them.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use toolforge_images::{Catalog, CatalogError, ImageType, State};
use toolforge_model::TypeName;

const SHAPES: &str = include_str!("../../fixtures/catalog/shapes.yaml");
const BROKEN: &str = include_str!("../../fixtures/catalog/broken.yaml");
const IMAGES_2023: &str = include_str!("../../fixtures/parity/webservice/_image-config.json");
const IMAGES_2026: &str = include_str!("../../fixtures/catalog/images-2026.yaml");

fn name(text: &str) -> TypeName {
    text.parse().unwrap()
}

/// Returns a type on one line: state, image and runner and memory for web services, image for jobs.
fn line(image_type: &ImageType) -> String {
    let web = image_type.web.as_ref().map_or_else(
        || "-".to_owned(),
        |web| format!("{} {} {}", web.reference(), web.runner, web.default_memory),
    );
    let job = image_type.job.as_deref().unwrap_or("-");
    format!("{} {}: {web}; {job}", image_type.name, image_type.state.as_str())
}

#[test]
fn reads_every_form_of_an_entry() {
    let catalog = Catalog::parse(SHAPES).unwrap();
    assert_eq!(catalog.problems(), []);
    assert_eq!(
        catalog.types().map(line).collect::<Vec<_>>(),
        [
            "8 current: r/eight-web:latest generic 512Mi; r/eight-web",
            "anchored current: r/anchored-web:latest generic 512Mi; r/anchored-web",
            "both current: r/both-variant:latest generic 512Mi; r/both-sssd-web",
            "empty current: -; -",
            "jdk9 current: r/jdk9-sssd-web:latest generic 1Gi; r/jdk9-sssd-web",
            "mariadb current: -; r/mariadb-sssd-base",
            "node9 current: r/node9-web@sha256:00ff nodejs 512Mi; r/node9-web@sha256:00ff",
            "number current: r/number-web:latest generic 1Gi; r/number-web",
            "perl9 current: r/perl9-sssd-web:latest lighttpd-plain 512Mi; r/perl9-sssd-web",
            "php9.9 deprecated: r/php99-web:latest lighttpd 512Mi; -",
            "python9 current: r:5000/python9-sssd-web:latest uwsgi-python 512Mi; r:5000/python9-sssd-web",
            "referred current: r/anchored-web:latest generic 512Mi; r/anchored-web",
            "ruby9 current: r/ruby9-sssd-web:latest generic 512Mi; r/ruby9-sssd-web",
            "stated current: r/stated-web:latest uwsgi-python 1Gi; r/stated-web",
            "tcl9 current: r/tcl9-web-sssd:v2 lighttpd-plain 512Mi; r/tcl9-web-sssd:v2",
            "variants current: r/a-web:latest nodejs 1Gi; r/a-base",
            "webless current: -; r/webless-base",
            "wstype-wins current: r/x-web:latest lighttpd 512Mi; r/x-web",
        ]
    );
}

#[test]
fn skips_and_reports_bad_entries() {
    let catalog = Catalog::parse(BROKEN).unwrap();
    assert_eq!(
        catalog.types().map(line).collect::<Vec<_>>(),
        ["good current: r/good-sssd-web:latest generic 512Mi; r/good-sssd-web"]
    );
    let problems: Vec<String> = catalog
        .problems()
        .iter()
        .map(|problem| problem.to_string().replace(" of the image catalog is skipped: its", ":"))
        .collect();
    let name = "a string of 1 to 63 letters, digits, '.', '-' and '_'";
    let image = "a string of letters, digits and . _ - / : @";
    let command = "a command with --type and generic, nodejs, lighttpd, lighttpd-plain or uwsgi-python";
    let memory = "an amount of memory above zero, like 512Mi";
    let expected = [
        ("nothing", "name is nothing", name),
        ("a list", "name is a list", name),
        ("3.10", "name is 3.10", name),
        ("two words", "name is \"two words\"", name),
        (r"moves\u{1b}[2Jcursor", r#"name is "moves\u{1b}[2Jcursor""#, name),
        ("nothing", "entry is nothing", "a mapping"),
        ("a-list", "entry is a list", "a mapping"),
        ("a-text", "entry is \"r/x-sssd-web\"", "a mapping"),
        ("infinite", "entry is \".inf\"", "a mapping"),
        ("binary", "entry is \"gIGC\"", "a mapping"),
        ("state", r#"state is "od\u{1b}d""#, "stable or deprecated"),
        ("state-list", "state is a list", "stable or deprecated"),
        ("alias-text", "aliases is \"tf-x\"", "a list of strings"),
        ("alias-number", "aliases is 7", "a list of strings"),
        ("image-number", "image is 1.10", image),
        ("image-empty", "image is \"\"", image),
        ("image-space", "image is \"r/x y-web\"", image),
        ("image-control", r#"image is "r/x\u{1b}[2J-web""#, image),
        ("variants-list", "variants is a list", "a mapping"),
        ("variant-text", "variants.webservice is \"r/x-web\"", "a mapping"),
        ("variant-empty", "variants.webservice.image is nothing", "the reference of an image"),
        ("job-empty", "variants.jobs-framework.image is nothing", "the reference of an image"),
        ("extra-text", "variants.webservice.extra is \"nope\"", "a mapping"),
        (
            "wstype",
            "variants.webservice.extra.wstype is \"cobol\"",
            "generic, js, lighttpd, lighttpd-plain or python",
        ),
        ("resources", "variants.webservice.extra.resources is \"huge\"", "default or jdk"),
        ("defaults-text", "webservice-defaults is \"nope\"", "a mapping"),
        ("command", "webservice-defaults.command is \"/usr/bin/webservice-runner --type cobol\"", command),
        ("command-text", "webservice-defaults.command is \"run\"", command),
        ("port", "webservice-defaults.port is 9000", "8000"),
        ("memory", "webservice-defaults.memory is \"lots\"", memory),
        ("memory-zero", "webservice-defaults.memory is 0", memory),
        ("memory-list", "webservice-defaults.memory is a list", memory),
    ]
    .map(|(name, found, allowed)| format!("type \"{name}\": {found}; expected {allowed}"));
    assert_eq!(problems, expected);
}

#[test]
fn last_of_two_equal_names_wins() {
    let catalog =
        Catalog::parse("a: {state: stable, image: r/x-web}\na: {state: deprecated, image: r/x-web}\n");
    assert_eq!(catalog.unwrap().find(&name("a")).unwrap().state, State::Deprecated);
}

#[test]
fn rejects_other_documents() {
    for text in ["", "# only a comment", "---", "~", "{}"] {
        assert_eq!(Catalog::parse(text), Err(CatalogError::Empty), "{text:?}");
    }
    let error = |text: &str| Catalog::parse(text).unwrap_err().to_string();
    let expected = ", not a mapping from type names to images";
    assert_eq!(error("- a\n- b"), format!("the image catalog is a list{expected}"));
    assert_eq!(error("\"a\\e[2Jb\""), format!("the image catalog is \"a\\u{{1b}}[2Jb\"{expected}"));
    assert_eq!(error("7"), format!("the image catalog is 7{expected}"));
    assert_eq!(
        error("a: [1"),
        "the image catalog cannot be read: line 1, column 4: invalid YAML: unclosed bracket '['"
    );
    assert_eq!(
        error("a: 1\n---\nb: 2"),
        "the image catalog cannot be read: line 2, column 1: a second YAML document begins here, and only one is read; remove this line"
    );
}

#[test]
fn reads_the_catalog_of_2023() {
    let catalog = Catalog::parse(IMAGES_2023).unwrap();
    assert_eq!(catalog.problems(), []);
    assert_eq!(catalog.types().count(), 15);
    let (php, web) = catalog.web(&name("tf-php73-DEPRECATED")).unwrap();
    assert_eq!((php.name.as_str(), php.state), ("php7.3", State::Deprecated));
    assert_eq!(web.reference(), "docker-registry.tools.wmflabs.org/toolforge-php73-sssd-web:latest");
    assert_eq!(catalog.replacement(&php.name).unwrap().name.as_str(), "php7.4");
}

#[test]
fn reads_the_catalog_of_2026() {
    let catalog = Catalog::parse(IMAGES_2026).unwrap();
    assert_eq!(catalog.problems(), []);
    let for_the_web: Vec<&str> = catalog
        .types()
        .filter(|image_type| image_type.web.is_some())
        .map(|image_type| image_type.name.as_str())
        .collect();
    assert_eq!(
        for_the_web,
        [
            "bookworm",
            "node12",
            "node20",
            "php7.4",
            "php8.2",
            "php8.4",
            "python3.11",
            "python3.13",
            "python3.9"
        ]
    );
    let job_only = catalog.web(&name("mariadb")).unwrap_err();
    assert_eq!(job_only.to_string(), "type mariadb is for jobs only; it has no image for web services");
}

#[test]
fn finds_types_by_reference() {
    let catalog = Catalog::parse(
        "a: {image: docker-registry.svc.toolforge.org/x-web}\nb: {image: docker-registry.tools.wmflabs.org/x-web}\n\
         c: {image: docker-registry.svc.toolforge.org/x-web:v2}\nd: {image: elsewhere:5000/x-web}\n",
    )
    .unwrap();
    for (reference, expected) in [
        ("docker-registry.svc.toolforge.org/x-web", "a b"),
        ("docker-registry.tools.wmflabs.org/x-web:latest", "a b"),
        ("docker-registry.tools.wmflabs.org/x-web:v2", "c"),
        ("docker-registry.tools.wmflabs.org/x-web@sha256:00", ""),
        ("elsewhere:5000/x-web:latest", "d"),
        ("elsewhere/x-web", ""),
        ("", ""),
    ] {
        let found: Vec<&str> =
            catalog.with_web_image(reference).map(|(image_type, _)| image_type.name.as_str()).collect();
        assert_eq!(found.join(" "), expected, "{reference}");
    }
}

#[test]
fn same_version_is_suggested() {
    let catalog = Catalog::parse(IMAGES_2026).unwrap();
    let error = |text: &str| catalog.find(&name(text)).unwrap_err().to_string();
    for (asked, expected) in [
        ("tf-python311", "type tf-python311 is not in this cluster's catalog, but python3.11 is"),
        ("python311", "unknown image type \"python311\"; did you mean \"python3.11\"?"),
        ("3.11", "unknown image type \"3.11\"; did you mean \"python3.11\"?"),
        (
            "python39",
            "unknown image type \"python39\"; did you mean \"python3.9\" (deprecated; python3.13 replaces it)?",
        ),
        ("php74", "unknown image type \"php74\"; did you mean \"php7.4\" (deprecated; php8.4 replaces it)?"),
        ("python37", "unknown image type \"python37\"; did you mean \"python3.13\"?"),
        ("tf-python37-std", "unknown image type \"tf-python37-std\"; did you mean \"python3.13\"?"),
        ("lighttpd", "unknown image type \"lighttpd\"; did you mean \"php8.4\"?"),
        ("lighttpd-plain", "unknown image type \"lighttpd-plain\"; did you mean \"php8.4\"?"),
        ("uwsgi-python", "unknown image type \"uwsgi-python\"; did you mean \"python3.13\"?"),
        ("uwsgi-plain", "unknown image type \"uwsgi-plain\"; did you mean \"python3.13\"?"),
        ("generic", "unknown image type \"generic\"; did you mean \"bookworm\"?"),
        ("buster", "unknown image type \"buster\"; did you mean \"bookworm\"?"),
        ("tf-buster-std", "unknown image type \"tf-buster-std\"; did you mean \"bookworm\"?"),
        ("trixie", "type trixie is not in this cluster's catalog, but bookworm is"),
        ("tf-golang", "type tf-golang is gone from the platform; an image of the build service replaces it"),
    ] {
        assert_eq!(error(asked), expected);
    }
    let bundled = |text: &str| Catalog::bundled().find(&name(text)).unwrap_err().to_string();
    assert_eq!(bundled("tomcat"), "unknown image type \"tomcat\"; did you mean \"jdk21\"?");
    assert_eq!(bundled("generic"), "unknown image type \"generic\"; did you mean \"trixie\"?");
    let replacement = |text: &str| catalog.replacement(&name(text)).map(|found| found.name.as_str());
    assert_eq!(replacement("bullseye"), Some("bookworm"));
    assert_eq!(replacement("mono6.8"), None);
}

#[test]
fn unknown_job_image_has_a_suggestion() {
    let catalog = Catalog::parse(IMAGES_2026).unwrap();
    let error = |text: &str| catalog.job_image(&text.parse().unwrap(), "harbor.org").unwrap_err().to_string();
    for (asked, expected) in [
        ("python:3.11", "did you mean \"python3.11\"?"),
        ("python:3.11-slim", "did you mean \"python3.11\"?"),
        (
            "docker-registry.tools.wmflabs.org/toolforge-python37-sssd-base:latest",
            "did you mean \"python3.13\"?",
        ),
        ("docker-registry.tools.wmflabs.org/toolforge-buster-sssd:latest", "did you mean \"bookworm\"?"),
        ("mytool/mytool:latest", "did you mean \"tool-mytool/mytool:latest\"?"),
        ("nginx:latest", "jobs run the images of the catalog and of the build service"),
    ] {
        assert_eq!(error(asked), format!("image \"{asked}\" is not in the catalog; {expected}"));
    }
    for asked in ["buildservice", "buildservise"] {
        assert_eq!(
            error(asked),
            format!(
                "unknown image type \"{asked}\"; a job names the image of the build service itself, like \
                 tool-NAME/tool-NAME:latest"
            )
        );
    }
    let found = catalog.check_job_image(&"bullseye".parse().unwrap(), "harbor.org");
    assert_eq!(found, Ok(Some("image bullseye is deprecated; bookworm replaces it".to_owned())));
}

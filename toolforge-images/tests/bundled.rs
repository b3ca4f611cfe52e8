//! The bundled catalog, and the errors for names that are not in it.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use toolforge_images::{Catalog, State};
use toolforge_model::TypeName;

/// The types of webservice 0.74, on one line each: the platform's page of 2020 has the same sixteen.
const TYPES_2020: &str = "\
golang      golang     generic
golang111   golang111  generic
jdk11       jdk11      generic
jdk8        jdk8       generic
node10      node10     nodejs
nodejs      node6      nodejs
php5.6      php5       lighttpd
php7.2      php72      lighttpd
php7.3      php73      lighttpd
python      python34   uwsgi-python
python2     python2    uwsgi-python
python3.5   python35   uwsgi-python
python3.7   python37   uwsgi-python
ruby2       ruby21     generic
ruby25      ruby25     generic
tcl         tcl86      lighttpd-plain
";

/// The types whose images for web services the platform built in August 2025.
const TYPES_2025: &str = "\
bookworm    -          generic
jdk17       jdk17      generic
jdk21       jdk21      generic
node12      node12     nodejs
node16      node16     nodejs
node18      node18     nodejs
node20      node20     nodejs
perl5.32    perl532    lighttpd-plain
perl5.36    perl536    lighttpd-plain
perl5.40    perl540    lighttpd-plain
php7.4      php74      lighttpd
php8.2      php82      lighttpd
php8.4      php84      lighttpd
python3.11  python311  uwsgi-python
python3.13  python313  uwsgi-python
python3.9   python39   uwsgi-python
ruby27      ruby27     generic
ruby31      ruby31     generic
ruby33      ruby33     generic
tcl         tcl86      lighttpd-plain
trixie      -          generic
";

fn name(text: &str) -> TypeName {
    text.parse().unwrap()
}

#[test]
fn bundles_the_types_of_2020_and_2025() {
    let catalog = Catalog::bundled();
    assert_eq!(catalog.problems(), []);
    assert!(catalog.is_bundled());
    for row in TYPES_2020.lines().chain(TYPES_2025.lines()) {
        let mut words = row.split_whitespace();
        let (asked, stem, runner) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let found = catalog.types().find(|image_type| image_type.name.as_str() == asked).expect(asked);
        let web = found.web.as_ref().expect(asked);
        assert_eq!(web.runner.to_string(), runner, "{asked}");
        if stem != "-" {
            assert!(web.image.ends_with(&format!("/toolforge-{stem}-sssd-web")), "{asked}: {}", web.image);
        }
        let is_gone = !TYPES_2025.lines().any(|row| row.split_whitespace().next() == Some(asked));
        assert_eq!(found.state == State::Gone, is_gone, "{asked}");
    }
    assert_eq!(TYPES_2020.lines().count(), 16);
    // For jobs only: Debian 11 by itself, the database's client, and Mono twice.
    assert_eq!(catalog.types().count(), 15 + 21 + 4);
}

#[test]
fn newest_type_of_the_family_replaces() {
    let catalog = Catalog::bundled();
    for (old, expected) in [
        ("php7.3", Some("php8.4")),
        ("php5.6", Some("php8.4")),
        ("tf-php73", Some("php8.4")),
        ("tf-php73-DEPRECATED", Some("php8.4")),
        ("python", Some("python3.13")),
        ("python2", Some("python3.13")),
        ("tf-python34", Some("python3.13")),
        ("nodejs", Some("node20")),
        ("node12", Some("node20")),
        ("jdk8", Some("jdk21")),
        ("ruby2", Some("ruby33")),
        ("golang111", None),
        ("php8.4", None),
        ("php7.4", None),
        ("nonsense", None),
    ] {
        let found = catalog.replacement(&name(old)).map(|found| found.name.as_str());
        assert_eq!(found, expected, "{old}");
    }
}

#[test]
fn knows_aliases_of_gone_types() {
    let catalog = Catalog::parse(
        "php8.2: {image: r/php82-sssd-web}\nphp7.3: {state: deprecated, aliases: [tf-php73], image: r/php73-sssd-web}\n",
    )
    .unwrap();
    let replacement = |text: &str| catalog.replacement(&name(text)).map(|found| found.name.as_str());
    assert_eq!(replacement("tf-php73"), Some("php8.2"));
    assert_eq!(replacement("tf-php72"), Some("php8.2"));
    let error = |text: &str| catalog.find(&name(text)).unwrap_err().to_string();
    assert_eq!(error("tf-php72"), "type tf-php72 is gone from the platform; php8.2 replaces it");
    // The platform has it; only this cluster does not.
    assert_eq!(error("php8.4"), "type php8.4 is not in this cluster's catalog, but php8.2 is");
}

#[test]
fn names_win_over_aliases_and_gone_types() {
    let catalog = Catalog::parse(
        "a: {aliases: [b], image: r/a-web}\nb: {image: r/b-web}\nc: {state: gone, image: r/c-web}\nd: {aliases: [c], image: r/d-web}\n",
    )
    .unwrap();
    let found = |text: &str| catalog.find(&name(text)).unwrap().name.to_string();
    assert_eq!((found("b"), found("c")), ("b".to_owned(), "d".to_owned()));
}

#[test]
fn unknown_names_are_gone_or_misspelled() {
    let catalog = Catalog::bundled();
    for (asked, expected) in [
        ("pyhton3.11", "unknown image type \"pyhton3.11\"; did you mean \"python3.11\"?"),
        ("PHP8.2", "unknown image type \"PHP8.2\"; did you mean \"php8.2\"?"),
        ("php82", "unknown image type \"php82\"; did you mean \"php8.2\"?"),
        ("php8", "unknown image type \"php8\"; did you mean \"php8.4\"?"),
        ("php7", "unknown image type \"php7\"; did you mean \"php7.4\"?"),
        ("python3", "unknown image type \"python3\"; did you mean \"python3.13\"?"),
        ("node", "unknown image type \"node\"; did you mean \"node20\"?"),
        ("java", "unknown image type \"java\""),
        ("buildservise", "unknown image type \"buildservise\"; did you mean \"buildservice\"?"),
        ("zzzzzzzzz", "unknown image type \"zzzzzzzzz\""),
        ("php5.6", "type php5.6 is gone from the platform; php8.4 replaces it"),
        ("golang", "type golang is gone from the platform; an image of the build service replaces it"),
    ] {
        assert_eq!(catalog.find(&name(asked)).unwrap_err().to_string(), expected);
    }
}

use toolforge_model::TypeName;

/// The contents of the platform's images besides what all of them have, by type name (the platform's image recipes of
/// August 2025).
const CONTENTS: [(&[&str], &str); 10] = [
    (&["bullseye", "bookworm", "trixie"], "for programs without a runtime of their own, like Go and Rust"),
    (&["jdk17", "jdk21"], "OpenJDK, Maven"),
    (&["node12", "node16", "node18", "node20"], "Node.js, npm, yarn, a C compiler"),
    (
        &["perl5.32", "perl5.36", "perl5.40"],
        "Perl with about 80 libraries, a C compiler, headers of MariaDB and SQLite",
    ),
    (
        &["php7.4", "php8.2", "php8.4"],
        "PHP with Composer and apcu, curl, gd, imagick, intl, mbstring, mysql, pgsql, redis, soap, sqlite3, xml, zip",
    ),
    (
        &["python3.9", "python3.11", "python3.13"],
        "Python with venv and pip, uWSGI, a C compiler, headers of ICU, LDAP and MariaDB",
    ),
    (
        &["ruby2.7", "ruby27", "ruby3.1", "ruby31", "ruby3.3", "ruby33"],
        "Ruby with Bundler and Rake, Node.js, yarn, a C compiler, headers of ICU, MariaDB and SQLite",
    ),
    (&["tcl", "tcl8.6"], "Tcl with mysqltcl, tls, curl, tcllib, tdom, lighttpd"),
    (&["mariadb"], "the MariaDB client"),
    (&["mono6.8", "mono68", "mono6.12", "mono612"], "Mono, all of it"),
];

/// The Debian releases of the images (the same recipes).
const DEBIAN: [(&str, &[&str]); 3] = [
    (
        "Debian 11",
        &[
            "bullseye",
            "jdk17",
            "node12",
            "node16",
            "perl5.32",
            "php7.4",
            "python3.9",
            "ruby2.7",
            "ruby27",
            "mono6.8",
            "mono68",
        ],
    ),
    ("Debian 12", &["bookworm", "node18", "perl5.36", "php8.2", "python3.11", "ruby3.1", "ruby31"]),
    (
        "Debian 13",
        &[
            "trixie",
            "jdk21",
            "node20",
            "perl5.40",
            "php8.4",
            "python3.13",
            "ruby3.3",
            "ruby33",
            "tcl",
            "tcl8.6",
            "mariadb",
            "mono6.12",
            "mono612",
        ],
    ),
];

/// Returns a short description of the contents of a type's image, if it is known.
#[must_use]
pub fn contents(name: &TypeName) -> Option<String> {
    let has = |names: &[&str]| names.contains(&name.as_str());
    let (_, text) = CONTENTS.iter().find(|(names, _)| has(names))?;
    let debian = DEBIAN.iter().find(|(_, names)| has(names)).map(|(release, _)| format!("{release}: "));
    Some(format!("{}{text}", debian.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalog, State};

    #[test]
    fn knows_every_current_bundled_type() {
        for found in Catalog::bundled().types().filter(|found| found.state == State::Current) {
            let text = contents(&found.name);
            assert!(
                text.as_ref().is_some_and(|text| text.starts_with("Debian ")),
                "{}: {text:?}",
                found.name
            );
        }
        assert_eq!(contents(&"php5.6".parse().unwrap()), None);
    }
}

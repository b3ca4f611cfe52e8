use toolforge_model::TypeName;

/// The contents of the platform's images in addition to what all of them have, by type name (the platform's image
/// recipes of August 2025).
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

/// Programs, without their versions, that only some images contain, and the beginnings of the names of these types (the same
/// recipes). A type of another language that may contain it is also listed: npm needs Python.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("java", &["jdk"]),
    ("mono", &["mono"]),
    ("node", &["node", "ruby"]),
    ("npm", &["node", "ruby"]),
    ("php", &["php"]),
    ("python", &["python", "node"]),
    ("ruby", &["ruby"]),
    ("tclsh", &["tcl"]),
    ("composer", &["php"]),
    ("javac", &["jdk"]),
    ("mvn", &["jdk"]),
    ("npx", &["node", "ruby"]),
    ("yarn", &["node", "ruby"]),
    ("gem", &["ruby"]),
    ("bundle", &["ruby"]),
    ("bundler", &["ruby"]),
    ("rake", &["ruby"]),
    ("irb", &["ruby"]),
    ("pip", &["python"]),
    ("virtualenv", &["python"]),
    ("uwsgi", &["python"]),
    ("gcc", COMPILERS),
    ("g++", COMPILERS),
    ("cc", COMPILERS),
    ("mariadb", &["mariadb"]),
    ("mysql", &["mariadb"]),
    ("mysqldump", &["mariadb"]),
    ("go", &["golang"]),
    ("cargo", &[]),
    ("deno", &[]),
    ("zsh", &[]),
    ("Rscript", &[]),
];

/// The types whose images contain compilers: build-essential, or Mono, which may bring one.
const COMPILERS: &[&str] = &["node", "perl", "python", "ruby", "mono"];

/// Returns whether a program, as a command or a script names it, is certainly not in a type's image: that of another language
/// or of another version. Programs of every Debian image, like `sh`, `bash` and `perl`, and unknown ones are not.
///
/// ```
/// use toolforge_images::lacks_program;
///
/// let python = "python3.11".parse().unwrap();
/// assert!(!lacks_program(&python, "python3") && !lacks_program(&python, "bash"));
/// assert!(lacks_program(&python, "python3.13") && lacks_program(&python, "php"));
/// ```
#[must_use]
pub fn lacks_program(name: &TypeName, program: &str) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let family = program.trim_end_matches(|character: char| character.is_ascii_digit() || character == '.');
    let Some((language, types)) = PROGRAMS.iter().find(|(known, _)| *known == family) else { return false };
    let name = ["toolforge-", "tf-"]
        .iter()
        .find_map(|prefix| name.as_str().strip_prefix(prefix))
        .unwrap_or(name.as_str());
    if !types.iter().any(|family| name.starts_with(family)) {
        return true;
    }
    // Debian has `python3`, and no `python`.
    if program == "python" {
        return true;
    }
    let (wanted, own) = (digits(program), digits(name));
    matches!(*language, "php" | "python") && name.starts_with(language) && !own.starts_with(&wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalog, State};

    #[test]
    fn languages_contain_their_own_programs_only() {
        let lacks = |name: &str, program| lacks_program(&name.parse().unwrap(), program);
        for (name, program) in [
            ("python3.11", "python3"),
            ("tf-python311", "python3.11"),
            ("php8.2", "php8.2"),
            ("node18", "npm"),
            ("ruby31", "node"),
            ("jdk17", "java"),
            ("tcl8.6", "tclsh8.6"),
            ("php8.2", "composer"),
            ("node18", "yarn"),
            ("python3.11", "pip3"),
            ("python3.11", "gcc"),
            ("perl5.36", "cc"),
            ("ruby31", "bundle"),
            ("jdk17", "mvn"),
            ("mariadb", "mysql"),
            ("bookworm", "make"),
            ("bookworm", "perl"),
            ("bookworm", "bash"),
            ("bookworm", "anything"),
        ] {
            assert!(!lacks(name, program), "{name} {program}");
        }
        for (name, program) in [
            ("python3.11", "python"),
            ("python3.11", "python2"),
            ("php8.2", "php7.4"),
            ("php8.2", "python3"),
            ("bookworm", "node"),
            ("node18", "ruby"),
            ("mono6.12", "java"),
            ("python3.11", "composer"),
            ("bookworm", "yarn"),
            ("php8.2", "gcc"),
            ("node18", "pip3"),
            ("bookworm", "g++"),
            ("tcl8.6", "mysql"),
            ("bookworm", "cargo"),
            ("node18", "go"),
        ] {
            assert!(lacks(name, program), "{name} {program}");
        }
    }

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

//! The type that was probably meant by a name that the catalog does not have.

use toolforge_model::{TypeName, platform, suggest};

use crate::catalog::Catalog;
use crate::image_type::{ImageType, State, family, version};

/// Debian's releases, oldest first: types that are named after one belong together.
const DEBIAN: [&str; 6] = ["jessie", "stretch", "buster", "bullseye", "bookworm", "trixie"];

/// The prefixes of the platform's names of types and images (2018 to 2026).
const BEGINNINGS: [&str; 3] = ["toollabs-", "toolforge-", "tf-"];

/// Their suffixes.
const ENDINGS: [&str; 7] = ["-deprecated", "-std", "-base", "-web", "-sssd", "-std", "-deprecated"];

/// Returns the name within a name of a type or an image, in lower case: `python311` of `tf-python311-std`.
fn core(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    let text = BEGINNINGS.iter().fold(text.as_str(), |text, start| text.strip_prefix(start).unwrap_or(text));
    ENDINGS.iter().fold(text, |text, end| text.strip_suffix(end).unwrap_or(text)).to_owned()
}

/// Returns the digits in a name: `3.11` and `311` are the same version.
fn digits(name: &str) -> String {
    name.chars().filter(char::is_ascii_digit).collect()
}

/// Returns the newest current type of a family that has an image for web services and whose version begins with some
/// numbers.
pub(crate) fn newest<'a>(catalog: &'a Catalog, wanted: &str, beginning: &[u64]) -> Option<&'a ImageType> {
    catalog
        .types()
        .filter(|image_type| image_type.state == State::Current && image_type.web.is_some())
        .filter(|image_type| family(image_type.name.as_str()) == wanted)
        .map(|image_type| (version(image_type.name.as_str()), image_type))
        .filter(|(version, _)| version.starts_with(beginning))
        .max_by(|left, right| left.0.cmp(&right.0))
        .map(|(_, image_type)| image_type)
}

/// Returns the newest current type that is named after a release of Debian and has an image for web services, if the name
/// is another release.
fn debian<'a>(catalog: &'a Catalog, core: &str) -> Option<&'a ImageType> {
    DEBIAN.contains(&core).then_some(())?;
    let mut releases = DEBIAN.iter().rev().filter(|release| **release != core);
    releases.find_map(|release| newest(catalog, release, &[]))
}

/// Returns the type of the same family and version, current or deprecated; a version by itself means the only type with it.
pub(crate) fn same_version<'a>(catalog: &'a Catalog, name: &str) -> Option<&'a ImageType> {
    of_same_version(catalog, name, |state| state != State::Gone)
}

/// Returns the type of the same family and version that is gone.
pub(crate) fn gone_of_same_version<'a>(catalog: &'a Catalog, name: &str) -> Option<&'a ImageType> {
    of_same_version(catalog, name, |state| state == State::Gone)
}

fn of_same_version<'a>(
    catalog: &'a Catalog,
    name: &str,
    has_state: impl Fn(State) -> bool,
) -> Option<&'a ImageType> {
    let core = core(name);
    let (wanted, version) = (family(&core), digits(&core));
    if version.is_empty() {
        return None;
    }
    let mut found = catalog.types().filter(|image_type| {
        let name = image_type.name.as_str();
        has_state(image_type.state)
            && digits(name) == version
            && (wanted.is_empty() || family(name) == wanted)
    });
    match (found.next(), found.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// Returns the newest current type of the family of a name, or of Debian.
pub(crate) fn successor<'a>(catalog: &'a Catalog, name: &str) -> Option<&'a ImageType> {
    let core = core(name);
    newest(catalog, family(&core), &[]).or_else(|| debian(catalog, &core))
}

/// Returns the newest current type of the family of a name, or of Debian, that has an image for jobs.
pub(crate) fn successor_for_jobs<'a>(catalog: &'a Catalog, name: &str) -> Option<&'a ImageType> {
    let core = core(name);
    let releases = DEBIAN.iter().rev().filter(|release| DEBIAN.contains(&core.as_str()) && **release != core);
    let mut families = std::iter::once(family(&core)).chain(releases.copied());
    families.find_map(|wanted| catalog.newest_for_jobs(wanted))
}

/// Returns the type that was probably meant: the one of the same version, else the newest one whose version begins like the
/// given one (`python3` means `python3.13`), else the newest of the family, else the one that is not gone whose name is most
/// similar.
pub(crate) fn nearest(catalog: &Catalog, name: &str) -> Option<TypeName> {
    let core = core(name);
    let of_family = same_version(catalog, name)
        .or_else(|| newest(catalog, family(&core), &version(&core)))
        .or_else(|| successor(catalog, name));
    if let Some(found) = of_family {
        return Some(found.name.clone());
    }
    // Types of the grid, which are still in old files.
    let of_grid = match core.as_str() {
        "lighttpd" | "lighttpd-plain" => newest(catalog, "php", &[]),
        "uwsgi-python" | "uwsgi-plain" => newest(catalog, "python", &[]),
        "tomcat" => newest(catalog, "jdk", &[]),
        // It ran a program of the tool.
        "generic" => DEBIAN.iter().rev().find_map(|release| newest(catalog, release, &[])),
        _ => None,
    };
    if let Some(newest) = of_grid {
        return Some(newest.name.clone());
    }
    if core == "generic" {
        return platform::BUILD_SERVICE_TYPE.parse().ok();
    }
    // Among equally similar names, the last one is suggested, so the current ones come last.
    let names = |is_current: bool| {
        let candidates = catalog.types().filter(move |image_type| {
            image_type.state != State::Gone && (image_type.state == State::Current) == is_current
        });
        candidates.map(|image_type| image_type.name.as_str())
    };
    let build_service = Some(platform::BUILD_SERVICE_TYPE).filter(|_| core.starts_with("build"));
    let near: TypeName =
        suggest(&core, names(false).chain(names(true)).chain(build_service))?.parse().ok()?;
    // A deprecated type is not suggested if another one replaces it.
    Some(catalog.replacement(&near).map_or(near, |replacement| replacement.name.clone()))
}

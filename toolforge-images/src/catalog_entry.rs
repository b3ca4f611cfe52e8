//! One entry of the catalog as it is published, in each of the forms that the platform has used.

use toolforge_model::yaml::{YamlNode, YamlValue};
use toolforge_model::{Cpu, Memory, TypeName, Untrusted, platform};

use crate::image_type::{ImageType, Runner, State, WebImage, family};

/// The limits of a type that sets none of its own (webservice 0.82: `0.5` and `512Mi`).
const DEFAULT_CPU: Cpu = Cpu::from_millis(500);
const DEFAULT_MEMORY: Memory = Memory::from_bytes(512 << 20);

/// The memory limit of a type with `resources: jdk` (webservice 0.83).
const JDK_MEMORY: Memory = Memory::from_bytes(1 << 30);

/// An entry of the catalog that cannot be used; the others can.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "type {} of the image catalog is skipped: its {field} is {}; expected {allowed}",
    name.quoted(), found.escaped()
)]
#[non_exhaustive]
pub struct EntryProblem {
    /// The entry's name.
    pub name: Untrusted,
    /// The path of the field that is wrong: `variants.webservice.extra.wstype`.
    pub field: &'static str,
    /// What was found: a string in quotes, or the name of its kind.
    pub found: Untrusted,
    /// What is allowed.
    pub allowed: &'static str,
}

impl EntryProblem {
    fn new(name: &str, field: &'static str, found: String, allowed: &'static str) -> Self {
        Self { name: Untrusted::new(name), field, found: Untrusted::new(found), allowed }
    }
}

/// A field of an entry, which may be absent, with its names for error messages.
struct Field<'a> {
    entry: &'a TypeName,
    name: &'static str,
    value: Option<&'a YamlNode>,
}

impl<'a> Field<'a> {
    fn of(entry: &'a TypeName, name: &'static str, parent: Option<&'a YamlNode>, key: &str) -> Self {
        Self { entry, name, value: parent.and_then(|parent| parent.get(key)) }
    }

    fn problem(&self, allowed: &'static str) -> EntryProblem {
        let found = self.value.map_or_else(|| "nothing".to_owned(), YamlNode::describe);
        EntryProblem::new(self.entry.as_str(), self.name, found, allowed)
    }

    fn mapping(&self) -> Result<Option<&'a YamlNode>, EntryProblem> {
        match self.value {
            Some(value) if !is_mapping(value) => Err(self.problem("a mapping")),
            found => Ok(found),
        }
    }

    fn string(&self, allowed: &'static str) -> Result<Option<&'a str>, EntryProblem> {
        let Some(value) = self.value else { return Ok(None) };
        value.string().map(Some).ok_or_else(|| self.problem(allowed))
    }

    /// Returns the strings of a list.
    fn strings(&self, allowed: &'static str) -> Result<Option<Vec<&'a str>>, EntryProblem> {
        let Some(value) = self.value else { return Ok(None) };
        let YamlValue::Sequence(items) = &value.value else { return Err(self.problem(allowed)) };
        let problem =
            |item: &YamlNode| EntryProblem::new(self.entry.as_str(), self.name, item.describe(), allowed);
        items
            .iter()
            .map(|item| item.string().ok_or_else(|| problem(item)))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Returns the reference of an image, checked for the characters that one has (the distribution project's grammar).
    fn image(&self) -> Result<Option<&'a str>, EntryProblem> {
        const ALLOWED: &str = "a string of letters, digits and . _ - / : @";
        let Some(text) = self.string(ALLOWED)? else { return Ok(None) };
        let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b':' | b'@');
        if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(sound) {
            Ok(Some(text))
        } else {
            Err(self.problem(ALLOWED))
        }
    }
}

fn is_mapping(node: &YamlNode) -> bool {
    matches!(node.value, YamlValue::Mapping(_))
}

/// Returns the type of an entry.
pub(crate) fn resolve(key: &YamlNode, entry: &YamlNode) -> Result<ImageType, EntryProblem> {
    resolve_named(&type_name(key)?, entry)
}

/// Returns the name of an entry's key.
fn type_name(key: &YamlNode) -> Result<TypeName, EntryProblem> {
    const ALLOWED: &str = "a string of 1 to 63 letters, digits, '.', '-' and '_'";
    match key.string() {
        Some(text) => text.parse().map_err(|_| EntryProblem::new(text, "name", key.describe(), ALLOWED)),
        None => Err(EntryProblem::new(&key.describe(), "name", key.describe(), ALLOWED)),
    }
}

fn resolve_named(name: &TypeName, entry: &YamlNode) -> Result<ImageType, EntryProblem> {
    let field = |field, parent, key| Field::of(name, field, parent, key);
    if !is_mapping(entry) {
        return Err(EntryProblem::new(name.as_str(), "entry", entry.describe(), "a mapping"));
    }
    let top = Some(entry);
    let state = state(&field("state", top, "state"))?;
    let aliases = field("aliases", top, "aliases").strings("a list of strings")?.unwrap_or_default();
    // An alias that is not a type name could not be requested.
    let aliases = aliases.into_iter().filter_map(|alias| alias.parse().ok()).collect();

    let image = field("image", top, "image").image()?;
    let variants = field("variants", top, "variants").mapping()?;
    let web_variant = field("variants.webservice", variants, "webservice").mapping()?;
    let job_variant = field("variants.jobs-framework", variants, "jobs-framework").mapping()?;
    let image_of = |variant, path| match field(path, variant, "image").image()? {
        None if variant.is_some() => Err(field(path, variant, "image").problem("the reference of an image")),
        found => Ok(found),
    };
    let web_image = image_of(web_variant, "variants.webservice.image")?;
    let job_image = image_of(job_variant, "variants.jobs-framework.image")?;

    let extra = field("variants.webservice.extra", web_variant, "extra").mapping()?;
    let defaults = field("webservice-defaults", top, "webservice-defaults").mapping()?;
    let runner = runner(name, extra, defaults)?;
    let default_memory = default_memory(name, extra, defaults)?;
    let web = web_image.or_else(|| image.filter(|image| is_web_image(image))).map(|image| WebImage {
        image: image.to_owned(),
        runner,
        default_cpu: DEFAULT_CPU,
        default_memory,
    });
    // With both, jobs run the entry's own image, which is that for web services (jobs-api, 2026).
    let job = image.or(job_image).map(str::to_owned);
    Ok(ImageType { name: name.clone(), aliases, state, web, job })
}

fn state(field: &Field<'_>) -> Result<State, EntryProblem> {
    const ALLOWED: &str = "stable or deprecated";
    match field.string(ALLOWED)? {
        None | Some("stable" | "current") => Ok(State::Current),
        Some("deprecated") => Ok(State::Deprecated),
        Some("gone") => Ok(State::Gone),
        Some(_) => Err(field.problem(ALLOWED)),
    }
}

/// Returns the runner: the variant's `wstype`, else the `--type` of the stated command, else that of the
/// type's family.
fn runner(
    name: &TypeName,
    extra: Option<&YamlNode>,
    defaults: Option<&YamlNode>,
) -> Result<Runner, EntryProblem> {
    const WEB_SERVICE_TYPES: &str = "generic, js, lighttpd, lighttpd-plain or python";
    const COMMAND: &str =
        "a command with --type and generic, nodejs, lighttpd, lighttpd-plain or uwsgi-python";
    // Every Deployment, Service and route uses this port.
    let port = Field::of(name, "webservice-defaults.port", defaults, "port");
    let expected = platform::WEB_PORT.to_string();
    match port.value {
        Some(found) if found.scalar() != Some(&expected) => return Err(port.problem("8000")),
        Some(_) | None => {}
    }
    let stated = Field::of(name, "variants.webservice.extra.wstype", extra, "wstype");
    if let Some(text) = stated.string(WEB_SERVICE_TYPES)? {
        return Runner::from_web_service_type(text).ok_or_else(|| stated.problem(WEB_SERVICE_TYPES));
    }
    let command = Field::of(name, "webservice-defaults.command", defaults, "command");
    let Some(words) = command.strings(COMMAND)? else {
        return Ok(runner_of_family(family(name.as_str())));
    };
    let given = words.iter().position(|word| *word == "--type").and_then(|at| words.get(at + 1));
    given.and_then(|text| text.parse().ok()).ok_or_else(|| {
        EntryProblem::new(name.as_str(), command.name, format!("\"{}\"", words.join(" ")), COMMAND)
    })
}

/// Returns the memory limit: the stated one, else that of the variant's `resources`, else that of the type's family.
fn default_memory(
    name: &TypeName,
    extra: Option<&YamlNode>,
    defaults: Option<&YamlNode>,
) -> Result<Memory, EntryProblem> {
    const CLASSES: &str = "default or jdk";
    const MEMORY: &str = "an amount of memory above zero, like 512Mi";
    let class = Field::of(name, "variants.webservice.extra.resources", extra, "resources");
    let by_class = match class.string(CLASSES)? {
        None if family(name.as_str()) == "jdk" => JDK_MEMORY,
        None | Some("default") => DEFAULT_MEMORY,
        Some("jdk") => JDK_MEMORY,
        Some(_) => return Err(class.problem(CLASSES)),
    };
    let memory = Field::of(name, "webservice-defaults.memory", defaults, "memory");
    match memory.value {
        None => Ok(by_class),
        Some(value) => {
            let text = value.scalar().ok_or_else(|| memory.problem(MEMORY))?;
            text.parse().map_err(|_| memory.problem(MEMORY))
        }
    }
}

/// Returns whether an image without a variant is one for web services, by its name
/// (`toolforge-php82-sssd-web`, `toolforge-bookworm-web-sssd`).
fn is_web_image(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or_default();
    let name = name.split([':', '@']).next().unwrap_or_default();
    name.split('-').any(|part| part == "web")
}

/// Returns the runner of a type that sets none, by its family (the platform's table until 2023).
fn runner_of_family(family: &str) -> Runner {
    match family {
        "php" => Runner::Lighttpd,
        "perl" | "tcl" => Runner::LighttpdPlain,
        "python" => Runner::UwsgiPython,
        "node" => Runner::NodeJs,
        _ => Runner::Generic,
    }
}

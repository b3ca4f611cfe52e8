//! One entry of the catalogue as it is published, in each of the shapes that the platform has used.

use toolforge_model::{Cpu, Memory, TypeName, platform};

use crate::catalog::EntryProblem;
use crate::image_type::{ImageType, Runner, State, WebImage};
use crate::node::Node;
use crate::search::family;

/// The limits of a type that names none of its own (webservice 0.82: `0.5` and `512Mi`).
const DEFAULT_CPU: Cpu = Cpu::from_millis(500);
const DEFAULT_MEMORY: Memory = Memory::from_bytes(512 << 20);

/// The memory limit of a type with `resources: jdk` (webservice 0.83).
const JDK_MEMORY: Memory = Memory::from_bytes(1 << 30);

/// One value of an entry that may be absent, with what must be said when it is wrong.
struct Field<'a> {
    entry: &'a TypeName,
    name: &'static str,
    value: Option<&'a Node>,
}

impl<'a> Field<'a> {
    fn of(entry: &'a TypeName, name: &'static str, parent: Option<&'a Node>, key: &str) -> Self {
        Self { entry, name, value: parent.and_then(|parent| parent.get(key)) }
    }

    fn problem(&self, allowed: &'static str) -> EntryProblem {
        let found = self.value.map_or_else(|| Node::Null.shown(), Node::shown);
        EntryProblem::new(self.entry.as_str(), self.name, found, allowed)
    }

    fn mapping(&self) -> Result<Option<&'a Node>, EntryProblem> {
        match self.value {
            None => Ok(None),
            Some(Node::Mapping(_)) => Ok(self.value),
            Some(Node::Null | Node::Text(_) | Node::Scalar(_) | Node::List(_)) => {
                Err(self.problem("a mapping"))
            }
        }
    }

    fn text(&self, allowed: &'static str) -> Result<Option<&'a str>, EntryProblem> {
        match self.value {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(Node::Null | Node::Scalar(_) | Node::List(_) | Node::Mapping(_)) => {
                Err(self.problem(allowed))
            }
        }
    }

    /// Returns the texts of a list.
    fn texts(&self, allowed: &'static str) -> Result<Option<Vec<&'a str>>, EntryProblem> {
        let Some(value) = self.value else { return Ok(None) };
        let Node::List(items) = value else { return Err(self.problem(allowed)) };
        let text = |item: &'a Node| match item {
            Node::Text(text) => Ok(text.as_str()),
            Node::Null | Node::Scalar(_) | Node::List(_) | Node::Mapping(_) => {
                Err(EntryProblem::new(self.entry.as_str(), self.name, item.shown(), allowed))
            }
        };
        items.iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// Returns the reference of an image, checked for the characters that one has (the distribution project's grammar).
    fn image(&self) -> Result<Option<&'a str>, EntryProblem> {
        const ALLOWED: &str = "a text of letters, digits and . _ - / : @";
        let Some(text) = self.text(ALLOWED)? else { return Ok(None) };
        let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/' | b':' | b'@');
        if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(sound) {
            Ok(Some(text))
        } else {
            Err(self.problem(ALLOWED))
        }
    }
}

/// Returns the type that an entry describes.
pub(crate) fn resolve(name: &TypeName, entry: &Node) -> Result<ImageType, EntryProblem> {
    let field = |field, parent, key| Field::of(name, field, parent, key);
    if !matches!(entry, Node::Mapping(_)) {
        return Err(EntryProblem::new(name.as_str(), "entry", entry.shown(), "a mapping"));
    }
    let top = Some(entry);
    let state = state(&field("state", top, "state"))?;
    let aliases = field("aliases", top, "aliases").texts("a list of texts")?.unwrap_or_default();
    // An alias that is no name could not be typed either.
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
    // Where both stand, jobs run the entry's own image, which is that for web services (jobs-api, 2026).
    let job = image.or(job_image).map(str::to_owned);
    Ok(ImageType { name: name.clone(), aliases, state, web, job })
}

fn state(field: &Field<'_>) -> Result<State, EntryProblem> {
    const ALLOWED: &str = "stable or deprecated";
    match field.text(ALLOWED)? {
        None | Some("stable" | "current") => Ok(State::Current),
        Some("deprecated") => Ok(State::Deprecated),
        Some("gone") => Ok(State::Gone),
        Some(_) => Err(field.problem(ALLOWED)),
    }
}

/// Returns the runner: the variant's `wstype`, else what the stated command gives to `--type`, else that of the
/// type's family.
fn runner(name: &TypeName, extra: Option<&Node>, defaults: Option<&Node>) -> Result<Runner, EntryProblem> {
    const WEB_SERVICE_TYPES: &str = "generic, js, lighttpd, lighttpd-plain or python";
    const COMMAND: &str =
        "a command with --type and generic, nodejs, lighttpd, lighttpd-plain or uwsgi-python";
    // Every Deployment is told this port, and every Service and route leads to it.
    let port = Field::of(name, "webservice-defaults.port", defaults, "port");
    let expected = platform::WEB_PORT.to_string();
    match port.value {
        Some(Node::Scalar(found) | Node::Text(found)) if *found == expected => {}
        Some(_) => return Err(port.problem("8000")),
        None => {}
    }
    let stated = Field::of(name, "variants.webservice.extra.wstype", extra, "wstype");
    if let Some(text) = stated.text(WEB_SERVICE_TYPES)? {
        return Runner::from_web_service_type(text).ok_or_else(|| stated.problem(WEB_SERVICE_TYPES));
    }
    let command = Field::of(name, "webservice-defaults.command", defaults, "command");
    let Some(words) = command.texts(COMMAND)? else {
        return Ok(runner_of_family(family(name.as_str())));
    };
    let given = words.iter().position(|word| *word == "--type").and_then(|at| words.get(at + 1));
    given.and_then(|text| Runner::from_option(text)).ok_or_else(|| {
        EntryProblem::new(name.as_str(), command.name, format!("\"{}\"", words.join(" ")), COMMAND)
    })
}

/// Returns the memory limit: the stated one, else that of the variant's `resources`, else that of the type's family.
fn default_memory(
    name: &TypeName,
    extra: Option<&Node>,
    defaults: Option<&Node>,
) -> Result<Memory, EntryProblem> {
    const CLASSES: &str = "default or jdk";
    const MEMORY: &str = "an amount of memory above zero, like 512Mi";
    let class = Field::of(name, "variants.webservice.extra.resources", extra, "resources");
    let by_class = match class.text(CLASSES)? {
        None if family(name.as_str()) == "jdk" => JDK_MEMORY,
        None | Some("default") => DEFAULT_MEMORY,
        Some("jdk") => JDK_MEMORY,
        Some(_) => return Err(class.problem(CLASSES)),
    };
    let memory = Field::of(name, "webservice-defaults.memory", defaults, "memory");
    match memory.value {
        None => Ok(by_class),
        Some(Node::Text(text) | Node::Scalar(text)) => text.parse().map_err(|_| memory.problem(MEMORY)),
        Some(Node::Null | Node::List(_) | Node::Mapping(_)) => Err(memory.problem(MEMORY)),
    }
}

/// Returns whether an image without a variant's name is one for web services: its name says so
/// (`toolforge-php82-sssd-web`, `toolforge-bookworm-web-sssd`).
fn is_web_image(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or_default();
    let name = name.split([':', '@']).next().unwrap_or_default();
    name.split('-').any(|part| part == "web")
}

/// Returns the runner of a type that states none, by its family: what the platform's table said until 2023.
fn runner_of_family(family: &str) -> Runner {
    match family {
        "php" => Runner::Lighttpd,
        "perl" | "tcl" => Runner::LighttpdPlain,
        "python" => Runner::UwsgiPython,
        "node" => Runner::NodeJs,
        _ => Runner::Generic,
    }
}

//! One entry of the catalogue as it is published, in each of the shapes that the platform has used.

use serde::Deserialize;
use toolforge_model::{Cpu, Memory, TypeName};

use crate::catalog::EntryProblem;
use crate::image_type::{ImageType, Runner, State, WebImage};
use crate::search::family;

/// The limits of a type that names none of its own (webservice 0.82: `0.5` and `512Mi`).
const DEFAULT_CPU: Cpu = Cpu::from_millis(500);
const DEFAULT_MEMORY: Memory = Memory::from_bytes(512 << 20);

/// The memory limit of a type with `resources: jdk` (webservice 0.83).
const JDK_MEMORY: Memory = Memory::from_bytes(1 << 30);

#[derive(Deserialize)]
pub(crate) struct Entry {
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    aliases: Option<Vec<String>>,
    #[serde(default)]
    image: Option<String>,
    #[serde(default)]
    variants: Option<Variants>,
    #[serde(default, rename = "webservice-defaults")]
    web_service_defaults: Option<WebServiceDefaults>,
}

#[derive(Deserialize)]
struct Variants {
    #[serde(default)]
    webservice: Option<Variant>,
    #[serde(default, rename = "jobs-framework")]
    jobs_framework: Option<Variant>,
}

#[derive(Deserialize)]
struct Variant {
    image: String,
    #[serde(default)]
    extra: Option<Extra>,
}

#[derive(Deserialize, Default)]
struct Extra {
    #[serde(default)]
    wstype: Option<String>,
    #[serde(default)]
    resources: Option<String>,
}

/// In flight on the platform's side: the command and memory of a web service, stated beside the image.
#[derive(Deserialize)]
struct WebServiceDefaults {
    #[serde(default)]
    memory: Option<String>,
}

impl Entry {
    /// Returns the type that the entry describes.
    pub(crate) fn resolve(self, name: &TypeName) -> Result<ImageType, EntryProblem> {
        let Self { state, aliases, image, variants, web_service_defaults } = self;
        let problem = |field: &'static str, found: String| EntryProblem::new(name.as_str(), field, found);
        let state = match state.as_deref() {
            None | Some("stable" | "current") => State::Current,
            Some("deprecated") => State::Deprecated,
            Some("gone") => State::Gone,
            Some(other) => return Err(problem("state", other.to_owned())),
        };
        // An alias that is no name could not be typed either.
        let aliases = aliases.into_iter().flatten().filter_map(|alias| alias.parse().ok()).collect();
        let (web_variant, job_variant) =
            variants.map_or((None, None), |variants| (variants.webservice, variants.jobs_framework));
        let web_variant = web_variant.or_else(|| {
            let image = image.clone().filter(|image| is_web_image(image))?;
            Some(Variant { image, extra: None })
        });
        let web = web_variant
            .map(|Variant { image, extra }| {
                let Extra { wstype, resources } = extra.unwrap_or_default();
                let runner = match wstype {
                    None => runner_of_family(family(name.as_str())),
                    Some(wstype) => {
                        Runner::from_web_service_type(&wstype).ok_or_else(|| problem("wstype", wstype))?
                    }
                };
                let by_family = if family(name.as_str()) == "jdk" { JDK_MEMORY } else { DEFAULT_MEMORY };
                let by_class = match resources.as_deref() {
                    None => by_family,
                    Some("jdk") => JDK_MEMORY,
                    Some("default") => DEFAULT_MEMORY,
                    Some(other) => return Err(problem("resources", other.to_owned())),
                };
                let stated = web_service_defaults.and_then(|defaults| defaults.memory);
                let default_memory = match stated {
                    None => by_class,
                    Some(text) => Memory::from_cluster(&text).map_err(|_| problem("memory", text))?,
                };
                Ok(WebImage { image, runner, default_cpu: DEFAULT_CPU, default_memory })
            })
            .transpose()?;
        let job = job_variant.map(|variant| variant.image).or(image);
        Ok(ImageType { name: name.clone(), aliases, state, web, job })
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
        "node" | "nodejs" => Runner::NodeJs,
        _ => Runner::Generic,
    }
}

//! The image types.

use std::fmt::Write as _;

use serde::Serialize;
use toolforge_cli::{Document, Failure, Table, document};
use toolforge_images::{Catalog, ImageType, Runner, State, contents};
use toolforge_model::TypeName;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypesDocument<'a> {
    types: Vec<TypeDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypeDocument<'a> {
    name: &'a TypeName,
    aliases: &'a [TypeName],
    state: &'static str,
    is_default: bool,
    replacement: Option<&'a TypeName>,
    image: Option<String>,
    runner: Option<String>,
    default_cpu: Option<String>,
    default_memory: Option<String>,
    contents: Option<String>,
}

fn type_document<'a>(
    catalog: &'a Catalog,
    found: &'a ImageType,
    default: Option<&TypeName>,
) -> TypeDocument<'a> {
    let web = found.web.as_ref();
    TypeDocument {
        name: &found.name,
        aliases: &found.aliases,
        state: found.state.as_str(),
        is_default: default == Some(&found.name),
        replacement: catalog.replacement(&found.name).map(|found| &found.name),
        image: web.map(toolforge_images::WebImage::reference),
        runner: web.map(|web| web.runner.to_string()),
        default_cpu: web.map(|web| web.default_cpu.to_string()),
        default_memory: web.map(|web| web.default_memory.to_string()),
        contents: contents(&found.name),
    }
}

/// Returns all types that can be started: the current ones, then those that are deprecated.
pub(crate) fn types(catalog: &Catalog, default: Option<&TypeName>) -> Result<Document, Failure> {
    let mut shown: Vec<&ImageType> =
        catalog.types().filter(|found| found.web.is_some() && found.state != State::Gone).collect();
    shown.sort_by_key(|found| found.state != State::Current);
    let mut table = Table::new(&["TYPE", "STATE", "SERVES", "INSIDE"]);
    for found in &shown {
        let state = match catalog.replacement(&found.name) {
            Some(replacement) => format!("{}: use {}", found.state.as_str(), replacement.name),
            None if default == Some(&found.name) => format!("{} (default)", found.state.as_str()),
            None => found.state.as_str().to_owned(),
        };
        let serves = found.web.as_ref().map(|web| serves(web.runner)).unwrap_or_default();
        table.row([
            found.name.to_string(),
            state,
            serves.to_owned(),
            contents(&found.name).unwrap_or_default(),
        ]);
    }
    table.row([
        "buildservice".to_owned(),
        State::Current.as_str().to_owned(),
        "what its Procfile says".to_owned(),
        "what you build: `toolforge build start URL`".to_owned(),
    ]);
    let value =
        TypesDocument { types: shown.iter().map(|found| type_document(catalog, found, default)).collect() };
    Ok(Document { text: table.for_stdout(), value: document("ImageTypes", &value)? })
}

/// Returns all that is known of one type.
pub(crate) fn one_type(
    catalog: &Catalog,
    found: &ImageType,
    default: Option<&TypeName>,
) -> Result<Document, Failure> {
    let value = type_document(catalog, found, default);
    let mut text = format!("{}\n", value.name);
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {name:<9} {value}");
        }
    };
    let names = value.aliases.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    line("state", Some(value.state.to_owned()));
    line("use", value.replacement.map(|name| format!("{name} instead")));
    line("aliases", Some(names).filter(|names| !names.is_empty()));
    line("image", value.image.clone());
    line("inside", value.contents.clone());
    if let Some(web) = &found.web {
        line("serves", Some(serves(web.runner).to_owned()));
        line("limits", Some(format!("{} CPU, {} of memory by default", web.default_cpu, web.default_memory)));
        let command = if web.runner == Runner::Generic { " COMMAND" } else { "" };
        line("start", Some(format!("webservice {} start{command}", value.name)));
    } else {
        line("serves", Some("nothing: it is for jobs only".to_owned()));
    }
    Ok(Document { text, value: document("ImageType", &value)? })
}

fn serves(runner: Runner) -> &'static str {
    match runner {
        Runner::Generic => "the command that you give",
        Runner::NodeJs => "`npm start` in ~/www/js",
        Runner::Lighttpd => "~/public_html",
        Runner::LighttpdPlain => "~/public_html, as ~/.lighttpd.conf says",
        Runner::UwsgiPython => "~/www/python/src/app.py",
    }
}

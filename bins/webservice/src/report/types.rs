//! The image types.

use std::fmt::Write as _;

use toolforge_cli::{Document, Failure, Table, image_type, to_json};
use toolforge_images::{Catalog, ImageType as CatalogType, Runner, State, contents};
use toolforge_model::{TypeName, platform};
use toolforge_report::ImageTypes;

/// Returns all types for web services: the current ones, then the deprecated ones.
pub(crate) fn types(catalog: &Catalog, default: Option<&TypeName>) -> Result<Document, Failure> {
    let mut shown: Vec<&CatalogType> =
        catalog.types().filter(|found| found.web.is_some() && found.state != State::Gone).collect();
    shown.sort_by_key(|found| found.state != State::Current);
    let mut table = Table::new(&["TYPE", "STATE", "SERVES", "CONTENTS"]);
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
        platform::BUILD_SERVICE_TYPE.to_owned(),
        State::Current.as_str().to_owned(),
        "the command of its Procfile".to_owned(),
        "your image: `toolforge build start URL`".to_owned(),
    ]);
    let types = shown.iter().map(|found| image_type(catalog, found)).collect();
    let value = to_json(ImageTypes { default_type: default.cloned(), types })?;
    Ok(Document { text: table.for_stdout(), value })
}

/// Returns one type in detail.
pub(crate) fn one_type(catalog: &Catalog, found: &CatalogType) -> Result<Document, Failure> {
    let value = image_type(catalog, found);
    let mut text = format!("{}\n", value.name);
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {name:<9} {value}");
        }
    };
    let names = value.aliases.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    line("state", Some(value.state.to_string()));
    line("use", value.replacement.as_ref().map(|name| format!("{name} instead")));
    line("aliases", Some(names).filter(|names| !names.is_empty()));
    line("image", value.web_image.clone());
    line("contents", value.contents.clone());
    if let Some(web) = &found.web {
        line("serves", Some(serves(web.runner).to_owned()));
        line(
            "limits",
            Some(format!("{} CPU and {} of memory by default", web.default_cpu, web.default_memory)),
        );
        let command = if web.runner == Runner::Generic { " COMMAND" } else { "" };
        line("start", Some(format!("webservice {} start{command}", value.name)));
    } else {
        line("serves", Some("nothing, it is for jobs only".to_owned()));
    }
    Ok(Document { text, value: to_json(value)? })
}

fn serves(runner: Runner) -> &'static str {
    match runner {
        Runner::NodeJs => "`npm start` in ~/www/js",
        Runner::Lighttpd => "~/public_html",
        Runner::LighttpdPlain => "~/public_html, configured by ~/.lighttpd.conf",
        Runner::UwsgiPython => "~/www/python/src/app.py",
        _ => "the command after `start`",
    }
}

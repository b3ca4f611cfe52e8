//! The custom resource definitions of the Gateway API, from its Go module.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::build::cache::{cached, entry};
use crate::build::golang::Toolchain;
use crate::failure::{Failure, OrFail};
use crate::progress::Report;

/// The Gateway API, in the version that the platform runs (toolforge-deploy, 2026).
const MODULE: &str = "sigs.k8s.io/gateway-api@v1.4.1";

/// The directory of the definitions in the module: the standard channel.
const DEFINITIONS: &str = "config/crd/standard";

/// Fetches the Gateway API and returns the directory of its custom resource definitions.
pub(crate) fn fetch(go: &Toolchain<'_>, report: &Report) -> Result<PathBuf, Failure> {
    cached(&[MODULE.as_bytes()], "gateway-api", report, format!("Fetch {MODULE}"), |partial, _| {
        let mut command = go.command()?;
        command.current_dir(partial).args(["mod", "download", "-json", MODULE]);
        let output = command.output().or_fail("cannot run go")?;
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let Some(directory) = answer.get("Dir").and_then(Value::as_str) else {
            let why = answer.get("Error").and_then(Value::as_str).unwrap_or("go printed no reason");
            return Err(Failure::new(format!("cannot fetch {MODULE}: {}", why.escape_debug())));
        };
        for file in fs::read_dir(Path::new(directory).join(DEFINITIONS))? {
            let file = file?;
            if file.path().extension().is_some_and(|extension| extension == "yaml") {
                fs::copy(file.path(), partial.join(file.file_name()))?;
            }
        }
        Ok(())
    })
}

/// Returns the texts of the fetched definitions.
pub(crate) fn definitions() -> Result<Vec<String>, Failure> {
    let directory = entry(&[MODULE.as_bytes()], "gateway-api")?;
    let mut files: Vec<PathBuf> = fs::read_dir(&directory)?.flatten().map(|file| file.path()).collect();
    files.sort();
    let text = |path: &PathBuf| fs::read_to_string(path).or_fail(format!("cannot read {}", path.display()));
    files
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(text)
        .collect()
}

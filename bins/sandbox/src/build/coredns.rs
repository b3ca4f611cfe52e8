//! CoreDNS, built from Go modules with only the plugins that the sandbox's Corefile uses.

use std::fs;
use std::path::PathBuf;

use crate::build::build_program::run;
use crate::build::cache::cached;
use crate::build::golang::{self, Toolchain};
use crate::failure::Failure;
use crate::progress::Report;

/// A version that works with Kubernetes 1.33.
const VERSION: &str = "v1.14.7";
/// Approximate number of packages, for the progress. With all plugins it would be about 1,050.
const PACKAGES: u32 = 550;

const GO_MOD: &str = include_str!("../../../../fixtures/cluster/coredns/go.mod");
const GO_SUM: &str = include_str!("../../../../fixtures/cluster/coredns/go.sum");
const MAIN_GO: &str = include_str!("../../../../fixtures/cluster/coredns/main.go");

/// Returns the directory of the program, and builds it if it is not in the cache.
pub(crate) fn build(go: &Toolchain<'_>, report: &Report) -> Result<PathBuf, Failure> {
    let inputs = [GO_MOD, GO_SUM, MAIN_GO, std::env::consts::ARCH].map(str::as_bytes);
    cached(&inputs, "coredns", report, format!("Build CoreDNS {VERSION}"), |partial, step| {
        let source = partial.join("source");
        fs::create_dir(&source)?;
        for (file, text) in [("go.mod", GO_MOD), ("go.sum", GO_SUM), ("main.go", MAIN_GO)] {
            fs::write(source.join(file), text)?;
        }
        let mut command = go.command()?;
        command.current_dir(&source);
        command.args(["build", "-v", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o"]);
        run(command.arg(partial.join("coredns")).arg("."), golang::progress(step, PACKAGES))?;
        Ok(fs::remove_dir_all(source)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_matches_go_mod() {
        assert!(GO_MOD.contains(&format!("github.com/coredns/coredns {VERSION}\n")));
    }

    #[test]
    fn has_every_plugin_of_the_corefile() {
        let corefile = include_str!("../../../../fixtures/cluster/node/Corefile");
        let plugins = corefile.lines().filter_map(|line| line.strip_prefix("    ")?.split(' ').next());
        for plugin in plugins.filter(|word| !word.is_empty() && *word != "}") {
            assert!(MAIN_GO.contains(&format!("\"{plugin}\"")), "{plugin}");
        }
    }
}

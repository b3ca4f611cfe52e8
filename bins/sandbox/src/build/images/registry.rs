//! A registry on the host's 127.0.0.1, for as long as images are pushed into it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::build::debian::program;
use crate::failure::{Failure, OrFail};

/// How often, and how long between, it is looked whether the registry listens.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// A registry that ends when it is dropped.
pub(super) struct Registry {
    child: Child,
    port: u16,
}

impl Registry {
    /// Starts a registry that keeps its images in a folder; its configuration is written to another.
    pub(super) fn start(storage: &Path, configuration: &Path) -> Result<Self, Failure> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let file = configuration.join("registry.yaml");
        let text = format!(
            "version: 0.1\nlog:\n  level: warn\n  accesslog:\n    disabled: true\nstorage:\n  filesystem:\n    \
             rootdirectory: {}\nhttp:\n  addr: 127.0.0.1:{port}\n",
            storage.display()
        );
        fs::write(&file, text)?;
        let mut command = Command::new(program("docker-registry")?);
        command.arg("serve").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let registry = Self { child: command.spawn().or_fail("cannot run docker-registry")?, port };
        for _ in 0..LOOKS {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(registry);
            }
            sleep(PAUSE);
        }
        Err(Failure::new("docker-registry does not listen"))
    }

    /// Returns where it listens.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // One that has ended by itself is as good as killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

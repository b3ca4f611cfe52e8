//! The images of the web services, built from Debian packages, with the platform's names.
//!
//! There is one base layer and one layer per type, so a type costs only its additions. The result is the storage of a
//! registry, which each sandbox serves read-only.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::build::build_program::run;
use crate::build::cache::cached;
use crate::build::debian::program;
use crate::failure::{Failure, OrFail};
use crate::progress::{Report, Step};

/// The Debian release of the platform's types php8.2, python3.11 and node18.
const RELEASE: &str = "bookworm";

/// The packages in every image.
const BASE_PACKAGES: &str = "ca-certificates";

/// A layer, and the names of the images that consist of it and the base.
struct Layer {
    name: &'static str,
    packages: &'static [&'static str],
    /// An empty file that `webservice-runner` looks for.
    marker: Option<&'static str>,
    images: &'static [&'static str],
}

/// The layers above the base. php7.3, the deprecated type of the catalog, has the files of php8.2.
const LAYERS: [Layer; 5] = [
    Layer { name: "bookworm", packages: &[], marker: None, images: &["toolforge-bookworm-sssd"] },
    Layer {
        name: "php82",
        packages: &["lighttpd", "php8.2-cgi"],
        marker: Some("etc/toolforge-enable-php"),
        images: &[
            "toolforge-php82-sssd-web",
            "toolforge-php82-sssd-base",
            "toolforge-php73-sssd-web",
            "toolforge-php73-sssd-base",
        ],
    },
    Layer {
        name: "python311",
        packages: &["python3", "python3-pip", "python3-venv", "uwsgi-core", "uwsgi-plugin-python3"],
        marker: None,
        images: &["toolforge-python311-sssd-web", "toolforge-python311-sssd-base"],
    },
    Layer {
        name: "node18",
        packages: &["nodejs", "npm"],
        marker: None,
        images: &["toolforge-node18-sssd-web", "toolforge-node18-sssd-base"],
    },
    Layer {
        name: "tcl86",
        packages: &["lighttpd", "tcl", "tcllib"],
        marker: None,
        images: &["toolforge-tcl86-sssd-web", "toolforge-tcl86-sssd-base"],
    },
];

/// An image like those of the build service, for the tool `built`: the files of `fixtures/cluster/images/built` above
/// the layer of python3.11.
const BUILT: &str = "tool-built/tool-built";

/// The files of the build service image, with their modes.
const BUILT_FILES: [(&str, &str, u32); 3] = [
    ("cnb/process/web", include_str!("../../../../fixtures/cluster/images/built/cnb/process/web"), 0o755),
    (
        "usr/local/bin/launcher",
        include_str!("../../../../fixtures/cluster/images/built/usr/local/bin/launcher"),
        0o755,
    ),
    ("workspace/app.py", include_str!("../../../../fixtures/cluster/images/built/workspace/app.py"), 0o644),
];

/// The image of the container that holds a pod's namespaces. Its only file is a program that Debian has for this.
const PAUSE: &str = "pause";

const RUNNER: &str = include_str!("../../../../fixtures/cluster/images/webservice-runner");

/// Returns the directory that the registry serves, and builds the images if they are not in the cache.
pub(crate) fn build(report: &Report) -> Result<PathBuf, Failure> {
    let recipe: Vec<String> = LAYERS
        .iter()
        .map(|Layer { name, packages, marker, images }| format!("{name} {packages:?} {marker:?} {images:?}"))
        .collect();
    let recipe = format!("{}\n{BUILT} {BUILT_FILES:?}", recipe.join("\n"));
    let inputs = [RELEASE, BASE_PACKAGES, &recipe, RUNNER, std::env::consts::ARCH].map(str::as_bytes);
    cached(&inputs, "images", report, "Build the images (a few minutes, once)", |partial, step| {
        let work = partial.join("work");
        fs::create_dir(&work)?;
        let layout = work.join("layout");
        umoci(&["init", "--layout"], &[layout.as_os_str().to_string_lossy().as_ref()])?;
        pause(&work, &layout, step)?;
        let base = base(&work, &layout, step)?;
        for layer in &LAYERS {
            add(&work, &layout, &base, layer, step)?;
        }
        built(&work, &layout, step)?;
        push(partial, &layout, step)?;
        Ok(fs::remove_dir_all(&work)?)
    })
}

fn umoci(arguments: &[&str], more: &[&str]) -> Result<(), Failure> {
    run(Command::new(program("umoci")?).args(arguments).args(more), |_| ())
}

fn image(layout: &Path, name: &str) -> String {
    format!("{}:{name}", layout.display())
}

fn pause(work: &Path, layout: &Path, step: &Step) -> Result<(), Failure> {
    step.progress("the pause image");
    let root = work.join(PAUSE);
    fs::create_dir(&root)?;
    fs::copy(program("catatonit")?, root.join("catatonit")).or_fail("cannot copy catatonit")?;
    let image = image(layout, PAUSE);
    umoci(&["new", "--image"], &[&image])?;
    umoci(&["insert", "--image", &image], &[&root.display().to_string(), "/"])?;
    umoci(
        &["config", "--image", &image, "--config.entrypoint", "/catatonit", "--config.entrypoint", "-P"],
        &[],
    )
}

/// Builds the base system and returns its directory.
fn base(work: &Path, layout: &Path, step: &Step) -> Result<PathBuf, Failure> {
    let root = work.join("base");
    let mut debootstrap = Command::new(program("debootstrap")?);
    debootstrap.args(["--variant=minbase", &format!("--include={BASE_PACKAGES}"), RELEASE]).arg(&root);
    run(&mut debootstrap, |line| step.progress(line.trim_start_matches("I: ")))?;
    clean(&root)?;
    // The mount points of the platform's volumes.
    for directory in ["data/project", "data/scratch", "public/dumps", "mnt/nfs"] {
        fs::create_dir_all(root.join(directory))?;
    }
    let runner = root.join("usr/bin/webservice-runner");
    fs::write(&runner, RUNNER)?;
    fs::set_permissions(&runner, fs::Permissions::from_mode(0o755))?;
    step.progress("the base layer");
    let image = image(layout, "base");
    umoci(&["new", "--image"], &[&image])?;
    umoci(&["insert", "--image", &image], &[&root.display().to_string(), "/"])?;
    Ok(root)
}

/// Builds a layer above the base: the changes of installing its packages, recorded by an overlay.
fn add(work: &Path, layout: &Path, base: &Path, layer: &Layer, step: &Step) -> Result<(), Failure> {
    let Layer { name, packages, marker, images: _ } = layer;
    let image = image(layout, name);
    umoci(&["tag", "--image", &self::image(layout, "base")], &[name])?;
    if packages.is_empty() {
        return Ok(());
    }
    let root = work.join(name);
    for directory in ["upper", "work", "merged"] {
        fs::create_dir_all(root.join(directory))?;
    }
    // Only the child sees the mount, so nothing stays mounted if the build fails.
    let script = format!(
        "set -eu; mount -t overlay overlay -o lowerdir={base},upperdir={root}/upper,workdir={root}/work {root}/merged; \
         cp /etc/resolv.conf {root}/merged/etc/resolv.conf; mount -t proc proc {root}/merged/proc; \
         chroot {root}/merged apt-get update -qq; \
         DEBIAN_FRONTEND=noninteractive chroot {root}/merged apt-get install -y --no-install-recommends {packages}",
        base = base.display(),
        root = root.display(),
        packages = packages.join(" "),
    );
    let mut install = Command::new(program("unshare")?);
    install.args(["--mount", "--propagation", "private", "sh", "-c", &script]);
    run(&mut install, |line| step.progress(format!("{name}: {line}")))?;
    let upper = root.join("upper");
    clean(&upper)?;
    remove_whiteouts(&upper)?;
    if let Some(marker) = marker {
        let marker = upper.join(marker);
        if let Some(directory) = marker.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(marker, "")?;
    }
    step.progress(format!("the layer {name}"));
    umoci(&["insert", "--image", &image], &[&upper.display().to_string(), "/"])
}

/// Builds an image like those of the build service.
fn built(work: &Path, layout: &Path, step: &Step) -> Result<(), Failure> {
    step.progress("the build service image");
    let root = work.join("built");
    for (file, text, mode) in BUILT_FILES {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap_or(&root))?;
        fs::write(&file, text)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(mode))?;
    }
    umoci(&["tag", "--image", &image(layout, "python311")], &["built"])?;
    let image = image(layout, "built");
    umoci(&["insert", "--image", &image], &[&root.display().to_string(), "/"])?;
    umoci(
        &[
            "config",
            "--image",
            &image,
            "--config.entrypoint",
            "/cnb/process/web",
            "--config.workingdir",
            "/workspace",
        ],
        &[],
    )
}

/// Removes the files that only apt and people need.
fn clean(root: &Path) -> Result<(), Failure> {
    for directory in
        ["var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"]
    {
        match fs::remove_dir_all(root.join(directory)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Removes an overlay's whiteouts, which mark deleted files, but not devices. The images do not need them.
fn remove_whiteouts(upper: &Path) -> Result<(), Failure> {
    let mut find = Command::new("find");
    find.arg(upper).args(["-path", "*/dev", "-prune", "-o", "-type", "c", "-exec", "rm", "-f", "{}", "+"]);
    run(&mut find, |_| ())
}

/// Pushes every image with its names into the storage of the registry.
fn push(storage: &Path, layout: &Path, step: &Step) -> Result<(), Failure> {
    let registry = Registry::start(storage, &storage.join("work"))?;
    let copy = |from: &str, to: &str| {
        step.progress(format!("push {to}"));
        let mut skopeo = Command::new(program("skopeo")?);
        skopeo.args(["--insecure-policy", "copy", "--dest-tls-verify=false"]);
        skopeo.arg(format!("oci:{}", image(layout, from)));
        skopeo.arg(format!("docker://{}/{to}:latest", registry.address()));
        run(&mut skopeo, |_| ())
    };
    copy(PAUSE, PAUSE)?;
    copy("built", BUILT)?;
    for Layer { name, images, .. } in &LAYERS {
        for image in *images {
            copy(name, image)?;
        }
    }
    Ok(())
}

/// How often, and at which interval, to check whether the registry listens.
const REGISTRY_ATTEMPTS: u32 = 100;
const REGISTRY_PAUSE: Duration = Duration::from_millis(50);

/// A registry on 127.0.0.1 that is killed when it is dropped.
struct Registry {
    child: Child,
    port: u16,
}

impl Registry {
    /// Starts a registry that stores its images in one directory and has its configuration in another.
    fn start(storage: &Path, configuration: &Path) -> Result<Self, Failure> {
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
        for _ in 0..REGISTRY_ATTEMPTS {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(registry);
            }
            sleep(REGISTRY_PAUSE);
        }
        Err(Failure::new("docker-registry does not listen"))
    }

    /// Returns its address.
    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may already have exited.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_every_image_of_the_catalog() {
        let catalog = include_str!("../../../../fixtures/cluster/images/image-config.yaml");
        let named = catalog.lines().filter_map(|line| line.trim().strip_prefix("image: "));
        for image in named {
            let name = image.rsplit('/').next().unwrap();
            assert!(LAYERS.iter().any(|layer| layer.images.contains(&name)), "{image}");
        }
    }
}

//! `--fix`: the backup, the new text, and the difference.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use similar::TextDiff;
use toolforge_model::Untrusted;
use toolforge_render::lint::{Finding, LintContext, Secrets, fix};

use crate::failure::Failure;
use crate::replace_file::{has_other_content, not_written, write_file};

/// The fixes in a file.
pub(super) struct Fixes {
    /// The fixed findings.
    pub(super) applied: Vec<Finding>,
    /// How many findings were fixed; `applied` may list fewer if there are very many.
    pub(super) count: usize,
    /// The text afterwards.
    pub(super) after: String,
    /// The path of the original.
    pub(super) backup: PathBuf,
    /// The difference, as lines without secrets.
    pub(super) difference: String,
}

/// Fixes a file; `None` if there is nothing to fix.
pub(super) fn apply(file: &Path, text: &str, context: &LintContext) -> Result<Option<Fixes>, Failure> {
    let fixed = fix(text, context);
    if fixed.text == text {
        return Ok(None);
    }
    let backup = backup_name(file);
    write_backup(file, &backup, text)?;
    write_file(file, &fixed.text)?;
    let without_secrets = |text: &str| Secrets::of(text).hide(text, 0).into_owned();
    let difference = difference(&without_secrets(text), &without_secrets(&fixed.text));
    Ok(Some(Fixes { applied: fixed.applied, count: fixed.count, after: fixed.text, backup, difference }))
}

/// Returns the name of a file's backup: `cronjobs.yaml.orig`.
fn backup_name(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".orig");
    name.into()
}

/// Writes a backup with the permissions of the original. One that exists is kept, unless it is the same.
fn write_backup(original: &Path, backup: &Path, text: &str) -> Result<(), Failure> {
    let written = original.metadata().and_then(|original| {
        // It may contain secrets, so the permissions are set before the content is written.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(backup)?;
        file.set_permissions(original.permissions())?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()
    });
    match written {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if std::fs::read(backup).is_ok_and(|existing| existing == text.as_bytes()) {
                return Ok(());
            }
            Err(has_other_content(backup).hint("Move or delete it, and fix the file again."))
        }
        Err(error) => Err(not_written(backup, &error)),
    }
}

/// Returns the lines that differ with two lines around them, as `diff -u` prints them.
fn difference(before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let text = diff.unified_diff().context_radius(2).missing_newline_hint(false).to_string();
    text.split_inclusive('\n').map(|line| format!("{}\n", visible(line.trim_end_matches('\n')))).collect()
}

/// Returns a line with everything except its tabs escaped, and with a sign for a Windows line ending.
fn visible(line: &str) -> String {
    let (line, end) = match line.strip_suffix('\r') {
        Some(line) => (line, "␍"),
        None => (line, ""),
    };
    let parts: Vec<String> =
        line.split('\t').map(|part| Untrusted::new(part).escaped().to_string()).collect();
    parts.join("\t") + end
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn backup_has_the_mode_of_the_original() {
        let directory = std::env::temp_dir().join(format!("toolforge-backup-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        for mode in [0o600, 0o640, 0o444] {
            let (file, backup) = (directory.join("a.yaml"), directory.join(format!("{mode}.orig")));
            std::fs::write(&file, "a: 1\r\n").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            write_backup(&file, &backup, "a: 1\r\n").unwrap();
            assert_eq!(backup.metadata().unwrap().permissions().mode() & 0o777, mode);
            assert_eq!(std::fs::read_to_string(&backup).unwrap(), "a: 1\r\n");
            std::fs::remove_file(&file).unwrap();
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn windows_line_endings_are_shown() {
        let before = "a: 1\r\n\tb: \u{1b}\r\nc: 3\n";
        insta::assert_snapshot!(difference(before, &before.replace('\r', "")), @r"
        @@ -1,3 +1,3 @@
        -a: 1␍
        -	b: \u{1b}␍
        +a: 1
        +	b: \u{1b}
         c: 3
        ");
    }
}

//! The lines between the documents of a text.

/// Returns whether a line begins a YAML document: it is `---`, also with a comment or a value behind it.
#[must_use]
pub fn begins_document(line: &str) -> bool {
    is_marker(line, "---")
}

/// Returns whether a line ends a YAML document: it is `...`.
#[must_use]
pub fn ends_document(line: &str) -> bool {
    is_marker(line, "...")
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_followed_by_spaces() {
        for line in ["---", "--- # a", "---\t# a", "---\r\n", "--- a: 1"] {
            assert!(begins_document(line), "{line:?}");
        }
        for line in ["----", "---a", " ---", "--", "..."] {
            assert!(!begins_document(line), "{line:?}");
        }
        assert!(ends_document("...") && !ends_document("...."));
    }
}

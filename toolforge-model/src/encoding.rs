//! Decoding of text files, and the encodings of others.

use crate::{Diagnostic, DiagnosticKind, Location};

/// How many bytes at the start of a file show its encoding.
const CHECKED_BYTES: usize = 200;

/// The first bytes of compressed files. None of them begins a text.
const COMPRESSED: [(&[u8], &str); 4] =
    [(b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd")];

/// Returns the bytes of a file as text.
///
/// # Errors
/// A diagnostic that names the encoding, if it is not UTF-8.
///
/// ```
/// use toolforge_model::decode_utf8;
///
/// assert_eq!(decode_utf8("- name: é\n".as_bytes()).unwrap(), "- name: é\n");
/// let error = decode_utf8(b"\xff\xfe-\0 \0").unwrap_err();
/// assert_eq!(error.to_string(), "line 1, column 1: the file is UTF-16; save it as UTF-8");
/// ```
pub fn decode_utf8(bytes: &[u8]) -> Result<&str, Box<Diagnostic>> {
    let of_kind = |location, message: String| {
        Box::new(Diagnostic::of_kind(DiagnosticKind::Encoding, location, message))
    };
    if let Some((_, format)) = COMPRESSED.iter().find(|(mark, _)| bytes.starts_with(mark)) {
        let message = format!("the file is compressed ({format}); extract it first");
        return Err(of_kind(Location::START, message));
    }
    let error = match std::str::from_utf8(bytes) {
        // UTF-16 without a byte order mark is valid UTF-8 with many zeros.
        Ok(text) if !text.contains('\0') => return Ok(text),
        Ok(_) => None,
        Err(error) => Some(error.valid_up_to()),
    };
    if let Some(message) = other_encoding(bytes) {
        return Err(of_kind(Location::START, message));
    }
    let valid = error.unwrap_or_default();
    if bytes.contains(&0) {
        return Err(of_kind(Location::START, "the file is binary; it has zero bytes".to_owned()));
    }
    let byte = bytes.get(valid).copied().unwrap_or_default();
    let before = bytes.get(..valid).and_then(|before| std::str::from_utf8(before).ok()).unwrap_or_default();
    let message = format!("the file is not UTF-8: the byte 0x{byte:02x} does not belong to a character");
    Err(of_kind(Location::end_of(before), message))
}

/// Returns the error for a file in another Unicode encoding, which is recognized by its byte order mark, or because half of its
/// bytes or three of four are zeros.
fn other_encoding(bytes: &[u8]) -> Option<String> {
    let starts = |mark: &[u8]| bytes.starts_with(mark);
    let start = bytes.get(..CHECKED_BYTES).unwrap_or(bytes);
    let zeros = start.iter().filter(|byte| **byte == 0).count();
    let has_share = |thirds: usize| zeros > 0 && zeros * 3 >= start.len() * thirds;
    let name = if starts(&[0xff, 0xfe, 0, 0])
        || starts(&[0, 0, 0xfe, 0xff])
        || has_share(2) && is_ascii_text(start, 4)
    {
        "UTF-32"
    } else if starts(&[0xff, 0xfe]) || starts(&[0xfe, 0xff]) || has_share(1) && is_ascii_text(start, 2) {
        "UTF-16"
    } else {
        return None;
    };
    Some(format!("the file is {name}; save it as UTF-8"))
}

/// Returns whether the start of a file consists of units of `width` bytes of which most are characters of ASCII, without control
/// characters: programs have as many zeros, but in other places.
fn is_ascii_text(start: &[u8], width: usize) -> bool {
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e);
    let units = start.chunks_exact(width);
    let count = units.len();
    let text = [0, width - 1].map(|place| {
        units
            .clone()
            .filter(|unit| {
                unit.get(place).is_some_and(is_text)
                    && unit.iter().enumerate().all(|(index, byte)| index == place || *byte == 0)
            })
            .count()
    });
    text.iter().any(|text| text * 2 > count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_named() {
        let utf_16 = |order: fn(u16) -> [u8; 2], text: &str| text.encode_utf16().flat_map(order).collect();
        let utf_32 =
            |order: fn(u32) -> [u8; 4], text: &str| text.chars().map(u32::from).flat_map(order).collect();
        let files: [(Vec<u8>, &str); 13] = [
            (utf_16(u16::to_le_bytes, "\u{feff}a: b\n"), "1:1 the file is UTF-16; save it as UTF-8"),
            (utf_16(u16::to_be_bytes, "\u{feff}a: b\n"), "1:1 the file is UTF-16; save it as UTF-8"),
            (utf_16(u16::to_le_bytes, "a: b\n"), "1:1 the file is UTF-16; save it as UTF-8"),
            (utf_32(u32::to_le_bytes, "\u{feff}a: b\n"), "1:1 the file is UTF-32; save it as UTF-8"),
            (utf_32(u32::to_be_bytes, "\u{feff}a: b\n"), "1:1 the file is UTF-32; save it as UTF-8"),
            (utf_32(u32::to_le_bytes, "a: b\n"), "1:1 the file is UTF-32; save it as UTF-8"),
            (utf_32(u32::to_be_bytes, "a: b\n"), "1:1 the file is UTF-32; save it as UTF-8"),
            (b"abcdefg\0".to_vec(), "1:1 the file is binary; it has zero bytes"),
            (
                b"\x7fELF\x02\x01\x01\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec(),
                "1:1 the file is binary; it has zero bytes",
            ),
            (b"\x1f\x8b\x08\0\0".to_vec(), "1:1 the file is compressed (gzip); extract it first"),
            (b"PK\x03\x04\x14\0".to_vec(), "1:1 the file is compressed (zip); extract it first"),
            (
                b"\x7fELF\x01\xff".to_vec(),
                "1:6 the file is not UTF-8: the byte 0xff does not belong to a character",
            ),
            (
                b"a: b\nb: \xe9t\n".to_vec(),
                "2:4 the file is not UTF-8: the byte 0xe9 does not belong to a character",
            ),
        ];
        for (bytes, expected) in files {
            let error = decode_utf8(&bytes).unwrap_err();
            let shown =
                format!("{}:{} {}", error.location.line, error.location.column, error.message.as_raw());
            assert_eq!(shown, expected, "{bytes:?}");
        }
        assert_eq!(decode_utf8("\u{feff}é".as_bytes()).unwrap(), "\u{feff}é");
    }
}

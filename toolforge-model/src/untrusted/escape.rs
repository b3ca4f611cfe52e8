/// Returns whether a character controls a terminal or misleads a reader: C0 and C1 controls, zero-width and
/// bidirectional formatting characters (Unicode TR36 and the "Trojan Source" list), line and paragraph separators, tag
/// characters, and interlinear annotations.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

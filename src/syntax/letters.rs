//! What single characters are: parts of names, signs that reorder text, and how they are called in messages.

use pest::unicode::{XID_CONTINUE, XID_START};

/// Whether a name can start with `c`.
pub(super) fn is_word_start(c: char) -> bool {
    c == '_' || if c.is_ascii() { c.is_ascii_alphabetic() } else { XID_START(c) }
}

/// Whether a name can go on with `c`.
pub(super) fn is_word_continue(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { XID_CONTINUE(c) && !is_middle_dot(c) }
}

/// A sign of multiplication that is also a letter of some languages.
fn is_middle_dot(c: char) -> bool {
    matches!(c, '\u{b7}' | '\u{387}')
}

/// The characters that reorder text (Unicode Standard Annex 9, section 2).
pub(super) fn is_direction_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
}

pub(super) fn direction_name(c: char) -> &'static str {
    match c {
        '\u{202a}' => "left-to-right embedding",
        '\u{202b}' => "right-to-left embedding",
        '\u{202c}' => "pop directional formatting",
        '\u{202d}' => "left-to-right override",
        '\u{202e}' => "right-to-left override",
        '\u{2066}' => "left-to-right isolate",
        '\u{2067}' => "right-to-left isolate",
        '\u{2068}' => "first strong isolate",
        '\u{2069}' => "pop directional isolate",
        _ => "direction mark",
    }
}

pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

/// `U+202E`
pub(super) fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// A piece of text short enough for a message.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((cut, _)) => format!("{}...", text.get(..cut).unwrap_or_default()),
        None => text.to_string(),
    }
}

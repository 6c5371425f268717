use std::fmt::Write as _;

/// Text from a peer, a file or the command line as a terminal may show it: what would move the cursor, set a title, turn
/// the direction of what follows, or not be seen at all is written out. Every such text goes through here.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => cleaned.push_str("\\n"),
            '\r' => cleaned.push_str("\\r"),
            '\t' => cleaned.push_str("\\t"),
            c if !is_unsafe(c) => cleaned.push(c),
            c => {
                let code = u32::from(c);
                // Writing to a String cannot fail.
                let _ = if code < 0x100 {
                    write!(cleaned, "\\x{code:02x}")
                } else {
                    write!(cleaned, "\\u{{{code:x}}}")
                };
            }
        }
    }
    cleaned
}

/// JSON whose strings say the same in characters that are safe on a terminal. Outside of strings JSON has none of the
/// others, so that no structure is touched.
pub(crate) fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        // JSON's own line breaks and indentation; inside a string they are escaped already.
        if matches!(c, '\n' | '\r' | '\t') || !is_unsafe(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

/// Whether a terminal acts upon a character, or hides it.
fn is_unsafe(c: char) -> bool {
    matches!(c,
        // C0, DEL and C1.
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        // The bidirectional controls (Unicode's Bidi_Control).
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        // The ends of lines and paragraphs.
        | '\u{2028}' | '\u{2029}'
        // Other characters without a shape: those of format (Unicode's Cf), and fillers. Variation selectors 1 to 16 stay:
        // they belong to what precedes them, and many an emoji has one.
        | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}'
        | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A character of each kind.
    const HOSTILE: &str = "\0\x07\x08\x1b]0;title\x07\x7f\u{85}\u{9b}2J\u{ad}\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}\
                           \u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}\u{fff9}\u{e0041}";

    #[test]
    fn what_a_terminal_would_act_upon_is_written_out() {
        assert_eq!(clean("a\x1b[2Jb\r\n\t\u{9b}\u{7f}\u{202e}é"), "a\\x1b[2Jb\\r\\n\\t\\x9b\\x7f\\u{202e}é");
        assert!(!clean(HOSTILE).chars().any(is_unsafe), "{}", clean(HOSTILE));
    }

    #[test]
    fn what_a_person_wrote_stays() {
        for text in ["ASCII ~ text", "Größe", "日本語", "عربي", "❤\u{fe0f}", "a\u{300}", "\u{a0}non-breaking"]
        {
            assert_eq!(clean(text), text);
            assert_eq!(escape_json(text), text);
        }
    }

    #[test]
    fn escaped_json_says_the_same() {
        let value = serde_json::json!({ HOSTILE: [HOSTILE, "é", "\"\\"] });
        for json in [value.to_string(), serde_json::to_string_pretty(&value).expect("it is JSON")] {
            let escaped = escape_json(&json);
            let inside = |c: char| is_unsafe(c) && c != '\n';
            assert!(!escaped.chars().any(inside), "{escaped}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).expect("it is JSON"), value);
        }
    }
}

//! A text as a row of words, with the place of each.

use std::ops::Range;

/// Bytes of a text that are read: the last ones, since a log ends with the failure.
pub const LIMIT: usize = 1 << 20;

/// A place in a text, in bytes.
pub type Span = Range<usize>;

/// What a word is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Letters and digits.
    Word,
    /// Digits alone, or `0x` and hexadecimal digits.
    Number,
    /// An address with a scheme: one word, however long it is.
    Url,
}

/// A word of a text.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
    /// In lower case; `websocket` for `WebSocket` and `web socket`. Empty for an address.
    pub(crate) text: Box<str>,
    /// Whether a line begins between the previous word and this one.
    pub(crate) starts_line: bool,
}

impl Word {
    /// The number that the word is, or begins with: 60 for `60s`.
    pub(crate) fn number(&self) -> Option<u64> {
        if let Some(hex) = self.text.strip_prefix("0x") {
            return u64::from_str_radix(hex, 16).ok();
        }
        let digits = self.text.bytes().take_while(u8::is_ascii_digit).count();
        self.text[..digits].parse().ok()
    }

    /// What follows the digits: `s` for `60s`.
    pub(crate) fn unit(&self) -> &str {
        self.text.trim_start_matches(|c: char| c.is_ascii_digit())
    }
}

/// A word without its English ending: `closes`, `closed` and `closing` are one word.
pub(crate) fn stem(word: &str) -> &str {
    if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return word;
    }
    for ending in ["ing", "ed", "es", "e", "s"] {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.len() >= 3
            && !(ending == "s" && stem.ends_with('s'))
        {
            return stem;
        }
    }
    word
}

/// The words of a text, in order.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut at = 0;
    let mut line = true;
    while let Some(c) = text[at..].chars().next() {
        if !c.is_alphanumeric() {
            line |= c == '\n';
            at += c.len_utf8();
            continue;
        }
        if let Some(length) = address(&text[at..]) {
            push(&mut words, at..at + length, Kind::Url, "", &mut line);
            at += length;
            continue;
        }
        let run = text[at..].find(|c: char| !c.is_alphanumeric()).map_or(text.len(), |length| at + length);
        for part in parts(&text[at..run]) {
            let span = at + part.start..at + part.end;
            let lower = text[span.clone()].to_lowercase();
            let hex =
                lower.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
            let kind =
                if hex || lower.bytes().all(|b| b.is_ascii_digit()) { Kind::Number } else { Kind::Word };
            push(&mut words, span, kind, &lower, &mut line);
            join_web_socket(text, &mut words);
        }
        at = run;
    }
    words
}

fn push(words: &mut Vec<Word>, span: Span, kind: Kind, text: &str, line: &mut bool) {
    words.push(Word { span, kind, text: text.into(), starts_line: std::mem::take(line) });
}

/// `Web` and `Socket` are one word, whether written in one or in two.
fn join_web_socket(text: &str, words: &mut Vec<Word>) {
    let [.., web, socket] = words.as_slice() else { return };
    let joined = match (&*web.text, &*socket.text) {
        ("web", "socket") => "websocket",
        ("web", "sockets") => "websockets",
        _ => return,
    };
    if matches!(&text[web.span.end..socket.span.start], "" | " " | "-" | "_") {
        let end = socket.span.end;
        words.pop();
        if let Some(web) = words.last_mut() {
            web.text = joined.into();
            web.span.end = end;
        }
    }
}

/// The length of an address at the start of a text.
fn address(text: &str) -> Option<usize> {
    let scheme = text.bytes().take(8).take_while(u8::is_ascii_alphabetic).count();
    if !matches!(&text[..scheme].to_ascii_lowercase()[..], "ws" | "wss" | "http" | "https")
        || !text[scheme..].starts_with("://")
    {
        return None;
    }
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(c, '"' | '\'' | '`' | '<' | '>' | ')' | ']' | '}' | ',' | '\\' | '’' | '”')
    };
    Some(text.find(ends).unwrap_or(text.len()))
}

/// A run of letters and digits, cut where a capital follows a small letter: `ResetWithoutClose` is three words. A sign of
/// a script without spaces is a word by itself.
fn parts(run: &str) -> impl Iterator<Item = Span> {
    let mut chars = run.char_indices().peekable();
    let mut start = 0;
    std::iter::from_fn(move || {
        loop {
            let (at, c) = chars.next()?;
            let end = at + c.len_utf8();
            let Some(&(_, next)) = chars.peek() else { return Some(start..end) };
            let cut = (c.is_lowercase() && next.is_uppercase()) || stands_alone(c) || stands_alone(next);
            if cut {
                return Some(std::mem::replace(&mut start, end)..end);
            }
        }
    })
}

fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        words(text).iter().map(|word| word.text.to_string()).collect()
    }

    #[test]
    fn words_are_cut_at_signs_and_at_capitals() {
        assert_eq!(of("ResetWithoutClose: RSV1 can't"), ["reset", "without", "close", "rsv1", "can", "t"]);
        assert_eq!(
            of("WebSocket web socket WebSockets Web-Socket"),
            ["websocket", "websocket", "websockets", "websocket"]
        );
        assert_eq!(of("空闲 60 秒"), ["空", "闲", "60", "秒"]);
        assert_eq!(of("the web. Socket"), ["the", "web", "socket"]);
    }

    #[test]
    fn an_address_is_one_word() {
        let text = "to 'wss://a.example:80/x?y=z' failed";
        let words = words(text);
        assert_eq!(
            words.iter().map(|word| &text[word.span.clone()]).collect::<Vec<_>>(),
            ["to", "wss://a.example:80/x?y=z", "failed"]
        );
        assert_eq!(words[1].kind, Kind::Url);
        // No address: a scheme that has no slashes.
        assert_eq!(of("ws: closed"), ["ws", "closed"]);
    }

    #[test]
    fn a_word_has_its_number_and_unit() {
        let word = |text| words(text).remove(0);
        assert_eq!((word("60s").number(), word("60s").unit()), (Some(60), "s"));
        assert_eq!(word("0x40").number(), Some(0x40));
        assert_eq!(word("x40").number(), None);
        assert_eq!(word("99999999999999999999999").number(), None);
    }

    #[test]
    fn endings_do_not_matter() {
        for (words, expected) in [
            (&["close", "closes", "closed", "closing"][..], "clos"),
            (&["mask", "masks", "masked", "masking"], "mask"),
            (&["class"], "class"),
            (&["1006", "rsv1", "res", "ed"], ""),
        ] {
            for word in words {
                assert_eq!(stem(word), if expected.is_empty() { word } else { expected });
            }
        }
    }

    #[test]
    fn a_line_begins_where_one_does() {
        let starts: Vec<bool> = words("a b\n c").iter().map(|word| word.starts_line).collect();
        assert_eq!(starts, [true, false, true]);
    }
}

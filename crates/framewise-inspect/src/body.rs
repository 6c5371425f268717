//! What the body of a rejection says.

use crate::leg::Leg;

/// How many bytes of a body are read.
const READ: u64 = 4096;
/// The longest sentence that is quoted, in characters.
const SHOWN: usize = 160;
/// Members of a JSON object that explain an error, the most telling first.
const MEMBERS: &[&str] =
    &["error_description", "message", "detail", "reason", "msg", "error", "description", "title"];

/// The sentence of the response's body that explains its status, if the body is text.
pub(crate) fn sentence(leg: &Leg) -> Option<String> {
    let response = leg.response.as_ref()?;
    if response.header("content-encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return None;
    }
    let mut body = leg.dir(framewise_rules::Role::Server).window.read(response.end(), READ);
    if let Some(length) = response.header("content-length").and_then(|length| length.parse::<usize>().ok()) {
        body = &body[..body.len().min(length)];
    }
    let chunked = response.header("transfer-encoding").is_some_and(|coding| coding.contains("chunked"));
    if chunked {
        // RFC 9112 §7.1: the size in hexadecimal digits, a line end, the data. The first chunk is enough.
        let line = body.iter().position(|&byte| byte == b'\n')?;
        let size = std::str::from_utf8(&body[..line]).ok()?.trim().split(';').next()?.trim().to_owned();
        let size = usize::from_str_radix(&size, 16).ok()?;
        body = &body[line + 1..];
        body = &body[..body.len().min(size)];
    }
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        // Cut inside a character, by the limit or by the recording.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&body[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    words(text)
}

fn words(text: &str) -> Option<String> {
    let text = text.trim();
    let found = if text.starts_with('{') {
        MEMBERS.iter().find_map(|name| member(text, name)).unwrap_or_else(|| text.to_owned())
    } else if text.starts_with('<') {
        // The heading says more than the title, which is often the status alone; a paragraph says most.
        let inside = |tag| element(text, tag).filter(|words| words.chars().any(char::is_alphabetic));
        ["p", "h1", "h2", "title", "body"].into_iter().find_map(inside)?
    } else {
        text.lines().next()?.to_owned()
    };
    let found = found.split_whitespace().collect::<Vec<_>>().join(" ");
    if found.is_empty() || found.chars().any(char::is_control) {
        return None;
    }
    let cut: String = found.chars().take(SHOWN).collect();
    Some(if cut.len() < found.len() { cut + "…" } else { cut })
}

/// The string value of a member, wherever it is in the text.
fn member(text: &str, name: &str) -> Option<String> {
    let after = text.split_once(&format!("\"{name}\""))?.1.trim_start().strip_prefix(':')?.trim_start();
    let mut value = String::new();
    let mut characters = after.strip_prefix('"')?.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Some(value).filter(|value| !value.is_empty()),
            '\\' => match characters.next()? {
                'n' | 'r' | 't' => value.push(' '),
                'u' => {
                    let digits: String = characters.by_ref().take(4).collect();
                    let code = u32::from_str_radix(&digits, 16).ok()?;
                    value.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

/// The text of the first element with this tag, without the tags inside it.
fn element(text: &str, tag: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let (mut from, start) = (0, format!("<{tag}"));
    let begin = loop {
        let at = from + lower[from..].find(&start)? + start.len();
        // `<p` also begins `<pre`.
        if lower[at..].starts_with(['>', ' ', '\n', '\r', '\t']) {
            break at + lower[at..].find('>')? + 1;
        }
        from = at;
    };
    let end = lower[begin..].find(&format!("</{tag}")).map_or(lower.len(), |end| begin + end);
    let (mut plain, mut inside) = (String::new(), false);
    for character in text[begin..end].chars() {
        match character {
            '<' => inside = true,
            '>' => {
                inside = false;
                plain.push(' ');
            }
            other if !inside => plain.push(other),
            _ => {}
        }
    }
    let plain = plain.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">");
    Some(plain.replace("&nbsp;", " ").replace("&amp;", "&")).filter(|plain| !plain.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_body_says_one_sentence_as_text_json_or_html() {
        for (body, sentence) in [
            ("unsupported parameter: \"x\"\n", Some("unsupported parameter: \"x\"")),
            ("\n  first line \n second\n", Some("first line")),
            (r#"{"code":4,"message":"token\u0020expired\nat noon"}"#, Some("token expired at noon")),
            (r#"{"error":{"type":"auth","message":"no \"key\""}}"#, Some("no \"key\"")),
            (r#"{"error":"unauthorized"}"#, Some("unauthorized")),
            (r#"{"code":4}"#, Some(r#"{"code":4}"#)),
            (
                "<html><title>403</title><h1>Forbidden</h1><p>Your IP is <b>blocked</b> &amp; logged.</p>",
                Some("Your IP is blocked & logged."),
            ),
            ("<html><head><title>502 Bad Gateway</title></head><body><center>", Some("502 Bad Gateway")),
            ("<pre>x</pre><P CLASS=\"a\">Cannot GET /ws</P>", Some("Cannot GET /ws")),
            ("", None),
            ("  \r\n", None),
            ("<html></html>", None),
            ("\u{1}binary", None),
        ] {
            assert_eq!(words(body).as_deref(), sentence, "{body}");
        }
        let long = words(&"é".repeat(200)).expect("a sentence");
        assert_eq!((long.chars().count(), long.ends_with('…')), (161, true));
    }
}

//! Who answered a handshake, and with what words.

use framewise_proto::handshake::http1::{Parsed, parse_response, unfold};
use framewise_rules::Role;
use framewise_transcript::Transcript;

/// Headers that name who answered, or what is asked for.
const TELLING: [&str; 12] = [
    "server",
    "via",
    "x-powered-by",
    "cf-ray",
    "x-cache",
    "x-served-by",
    "x-amzn-requestid",
    "x-azure-ref",
    "location",
    "www-authenticate",
    "retry-after",
    "content-type",
];
/// Characters of a body that are quoted.
const MOST_QUOTED: usize = 160;

/// What a server answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Vec<String>,
    /// The words of the body, without its markup.
    pub(crate) body: Option<String>,
}

impl Answer {
    /// The last response of a recording.
    pub(crate) fn of(transcript: &Transcript) -> Option<Self> {
        if transcript.legs.is_empty() {
            return None;
        }
        let stream = transcript.stream(0, Role::Server);
        let stream = unfold(&stream, 0);
        let Parsed { head, size } = parse_response(&stream, 0).ok()??;
        let headers = head
            .fields
            .iter()
            .filter(|field| TELLING.iter().any(|name| field.name.eq_ignore_ascii_case(name)))
            .map(|field| format!("{}: {}", field.name, String::from_utf8_lossy(field.value)))
            .collect();
        Some(Self {
            status: head.status,
            reason: head.reason.to_owned(),
            headers,
            body: if head.status == 101 { None } else { words(&stream[size..]) },
        })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (header, value) = line.split_once(": ")?;
            header.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// The first words of a body: of a page its title or its text, of JSON its message.
fn words(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    if let Ok(serde_json::Value::Object(object)) = serde_json::from_str(text.trim()) {
        let said = ["message", "error_description", "error", "detail", "title", "reason"];
        if let Some(said) = said.iter().find_map(|name| object.get(*name)?.as_str()) {
            return quoted(said);
        }
    }
    let lower = text.to_ascii_lowercase();
    if let (Some(from), Some(to)) = (lower.find("<title>"), lower.find("</title>"))
        && from + 7 <= to
    {
        return quoted(&text[from + 7..to]);
    }
    let mut plain = String::new();
    let mut inside = false;
    for character in text.chars().take(4096) {
        match character {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                plain.push(' ');
            }
            other if !inside => plain.push(other),
            _ => {}
        }
    }
    quoted(&plain)
}

fn quoted(text: &str) -> Option<String> {
    let one: Vec<_> = text.split_whitespace().collect();
    let one = crate::render::shorten(&one.join(" "), MOST_QUOTED);
    (!one.is_empty()).then_some(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_told_by_its_words() {
        for (body, said) in [
            ("<html><head><TITLE>502 Bad Gateway</TITLE></head>", Some("502 Bad Gateway")),
            ("{\"error\": {\"code\": 3}, \"message\": \"token expired\"}", Some("token expired")),
            ("<p>Please <b>log in</b>\n first.</p>", Some("Please log in first.")),
            ("  \r\n", None),
            ("</title><title>", None),
        ] {
            assert_eq!(words(body.as_bytes()).as_deref(), said, "{body}");
        }
    }
}

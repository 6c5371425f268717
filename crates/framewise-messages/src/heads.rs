//! Heads of handshakes that were pasted as text, and what they lack.

use crate::words::Span;

/// A row of `data/signs.txt`, and where.
pub(crate) type Seen = (&'static str, Span);

/// Lines that a head may have: what follows is something else.
const LINES: usize = 60;

#[derive(Debug, Default)]
struct Head<'t> {
    span: Span,
    version: &'t str,
    status: Option<&'t str>,
    fields: Vec<(String, &'t str)>,
}

impl Head<'_> {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| *value)
    }

    fn has_token(&self, name: &str, token: &str) -> bool {
        let values =
            self.fields.iter().filter(|(field, _)| field == name).flat_map(|(_, value)| value.split(','));
        values.map(str::trim).any(|value| value.eq_ignore_ascii_case(token))
    }
}

/// What the heads in a text show.
pub(crate) fn signs(text: &str) -> Vec<Seen> {
    let mut signs = Vec::new();
    for head in heads(text) {
        let mut sign = |id| signs.push((id, head.span.clone()));
        if let Some(status) = head.status {
            if status == "101" {
                if !head.has_token("upgrade", "websocket") {
                    sign("response-without-upgrade");
                } else if !head.has_token("connection", "upgrade") {
                    sign("response-without-connection");
                }
                if head.field("sec-websocket-accept").is_none() {
                    sign("response-without-accept");
                }
                if head.has_token("transfer-encoding", "chunked") {
                    sign("response-chunked");
                } else if head.field("content-length").is_some() {
                    sign("response-with-length");
                }
                if head.field("content-encoding").is_some() {
                    sign("response-encoded");
                }
            }
            if head.field("www-authenticate").is_some() {
                sign("response-challenges");
            }
            continue;
        }
        // A request for something else is no handshake.
        let websocket = head.fields.iter().filter(|(name, _)| name.starts_with("sec-websocket-")).count();
        if head.version == "1.0" && (websocket > 0 || head.field("upgrade").is_some()) {
            sign("request-http10");
        }
        if websocket > 0 {
            if !head.has_token("upgrade", "websocket") {
                sign("request-without-upgrade");
            } else if !head.has_token("connection", "upgrade") {
                sign("request-without-connection");
            }
        }
        if head.has_token("upgrade", "websocket") && head.has_token("connection", "upgrade") {
            if head.field("sec-websocket-key").is_none() {
                sign("request-without-key");
            } else if head.field("sec-websocket-version").is_none() {
                sign("request-without-version");
            }
        }
        if head.field("sec-websocket-protocol").is_some_and(str::is_empty) {
            sign("request-empty-protocol");
        }
        if let (Some(host), Some(origin)) = (head.field("host"), head.field("origin"))
            && origin.split_once("://").is_some_and(|(_, origin)| !origin.eq_ignore_ascii_case(host))
        {
            sign("request-other-origin");
        }
    }
    signs
}

fn heads(text: &str) -> Vec<Head<'_>> {
    let mut heads: Vec<Head<'_>> = Vec::new();
    let mut open = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        // The marks of curl -v and of a quotation.
        let bare = line.trim().trim_start_matches(['<', '>', '*', '|']).trim();
        if let Some(head) = first_line(bare, start..start + line.trim_end().len()) {
            heads.push(head);
            open = Some(LINES);
            continue;
        }
        let Some(left) = open.filter(|left| *left > 0) else { continue };
        open = Some(left - 1);
        let Some(head) = heads.last_mut() else { continue };
        match bare.split_once(':') {
            Some((name, value)) if is_field_name(name) => {
                head.fields.push((name.trim().to_ascii_lowercase(), value.trim()));
                head.span.end = start + line.trim_end().len();
            }
            _ => open = None,
        }
    }
    // A status line alone, or one line of a log, is not a head.
    heads.retain(|head| head.fields.len() >= 2);
    heads
}

fn is_field_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() < 60
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn first_line(line: &str, span: Span) -> Option<Head<'_>> {
    let mut parts = line.split_whitespace();
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next());
    if let Some(version) = first.strip_prefix("HTTP/") {
        let status =
            (second.len() == 3 && second.bytes().all(|byte| byte.is_ascii_digit())).then_some(second);
        return status.map(|status| Head { span, version, status: Some(status), fields: Vec::new() });
    }
    let version = third?.strip_prefix("HTTP/")?;
    let is_method = first.bytes().all(|byte| byte.is_ascii_uppercase());
    (is_method && parts.next().is_none()).then(|| Head { span, version, status: None, fields: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<&'static str> {
        signs(text).into_iter().map(|(id, _)| id).collect()
    }

    const REQUEST: &str = "GET /ws HTTP/1.1\nHost: a.example\nUpgrade: websocket\nConnection: keep-alive, Upgrade\n\
                           Sec-WebSocket-Key: x\nSec-WebSocket-Version: 13\n";

    #[test]
    fn a_head_shows_what_it_lacks() {
        assert_eq!(of(REQUEST), [""; 0]);
        let without = |line: &str| {
            let others = REQUEST.lines().filter(|other| !other.starts_with(line));
            others.fold(String::new(), |head, line| head + "> " + line + "\n")
        };
        assert_eq!(of(&without("Upgrade")), ["request-without-upgrade"]);
        assert_eq!(of(&without("Connection")), ["request-without-connection"]);
        assert_eq!(of(&without("Sec-WebSocket-Key")), ["request-without-key"]);
        assert_eq!(of(&without("Sec-WebSocket-Version")), ["request-without-version"]);
        assert_eq!(of(&REQUEST.replace("1.1", "1.0")), ["request-http10"]);
        assert_eq!(
            of(&REQUEST.replace("a.example", "a.example\nOrigin: http://b.example")),
            ["request-other-origin"]
        );
        let response = "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: x\n";
        assert_eq!(of(response), [""; 0]);
        assert_eq!(of(&response.replace("Upgrade: websocket\n", "")), ["response-without-upgrade"]);
        assert_eq!(
            of(&response.replace("Accept: x", "Accept: x\nTransfer-Encoding: chunked")),
            ["response-chunked"]
        );
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in [
            "GET /index HTTP/1.1\nHost: a\nAccept: */*\n",
            "\"GET /ws HTTP/1.1\" 400 12",
            "HTTP/1.1 101 Switching Protocols\n",
            "HTTP/1.1 200 OK\nA: b\nC: d\n",
        ] {
            assert_eq!(of(text), [""; 0], "{text}");
        }
    }
}

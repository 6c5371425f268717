//! Host and target: RFC 9112 §3.2 and RFC 3986 §3.2.

use core::net::Ipv6Addr;

use framewise_rules::Rule;

use super::Found;
use crate::handshake::RequestHead;

/// Checks the target and the field Host.
pub(super) fn check(head: &RequestHead<'_>, found: &mut Found) {
    // Other methods have other targets, and break `request-method` anyway.
    let target = if head.method == "GET" { Target::parse(head.target) } else { Some(Target::Path) };
    if target.is_none() {
        found.in_head(Rule::RequestTarget);
    }
    // RFC 9112 §3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that lacks
    // a Host header field and to any request message that contains more than one Host header field line or a Host header
    // field with an invalid field value."
    let mut hosts = head.fields.named("host");
    let (host, second) = (hosts.next(), hosts.next());
    if host.is_none() || second.is_some() {
        found.at(Rule::RequestHost, second, "Host");
    }
    let Some(host) = host else { return };
    let mut valid = None;
    for field in head.fields.named("host") {
        match Authority::parse(field.value) {
            Some(authority) => valid = valid.or(Some(authority)),
            None => found.in_field(Rule::RequestHostInvalid, field),
        }
    }
    // RFC 6455 §4.1: the target may be "an absolute http/https URI that, when parsed, has a /resource name/, /host/,
    // and /port/ that match the corresponding ws/wss URI", and so match Host.
    if let (Some(Target::Absolute { authority, port }), Some(valid)) = (target, valid)
        && !authority.is_same(&valid, port)
    {
        found.in_field(Rule::RequestHostMismatch, host);
    }
}

/// The target of a GET.
enum Target<'t> {
    /// RFC 9112 §3.2.1, the origin-form.
    Path,
    /// RFC 9112 §3.2.2, the absolute-form, with the default port of its scheme.
    Absolute { authority: Authority<'t>, port: u16 },
}

impl<'t> Target<'t> {
    /// `None` for other forms, and for a target with a fragment.
    fn parse(target: &'t str) -> Option<Self> {
        if target.contains('#') {
            return None;
        }
        if target.starts_with('/') {
            return Some(Self::Path);
        }
        let (scheme, rest) = target.split_once("://")?;
        let port = match scheme {
            _ if scheme.eq_ignore_ascii_case("http") => 80,
            _ if scheme.eq_ignore_ascii_case("https") => 443,
            _ => return None,
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        Some(Self::Absolute { authority: Authority::parse(&rest.as_bytes()[..end])?, port })
    }
}

/// A host and an optional port. RFC 9110 §4.2.4 forbids a user in HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Authority<'a> {
    host: &'a [u8],
    port: Option<u16>,
}

impl<'a> Authority<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let end = match text.first()? {
            b'[' => text.iter().position(|&byte| byte == b']')? + 1,
            _ => text.iter().position(|&byte| byte == b':').unwrap_or(text.len()),
        };
        let (host, port) = text.split_at(end);
        if !is_host(host) {
            return None;
        }
        let port = match port {
            // RFC 3986 §3.2.3: "port = *DIGIT".
            [] | [b':'] => None,
            [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
                Some(core::str::from_utf8(digits).ok()?.parse().ok()?)
            }
            _ => return None,
        };
        Some(Self { host, port })
    }

    /// Whether both name the same host and port; `default` is the port if none is given (RFC 9110 §4.2.3).
    fn is_same(&self, other: &Self, default: u16) -> bool {
        self.host.eq_ignore_ascii_case(other.host)
            && self.port.unwrap_or(default) == other.port.unwrap_or(default)
    }
}

/// RFC 3986 §3.2.2, but without a comma: a comma means that an intermediary joined two Host lines. RFC 6455 §3 requires
/// a host in every URL.
fn is_host(host: &[u8]) -> bool {
    if let [b'[', address @ .., b']'] = host {
        return core::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    !host.is_empty()
        && host.iter().all(|&byte| NAME[usize::from(byte)])
        && (!host.contains(&b'%') || escapes_are_complete(host))
}

/// Whether a byte is allowed in a host name.
static NAME: [bool; 256] = {
    let mut name = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        name[byte] = matches!(byte as u8, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\''
            | b'(' | b')' | b'*' | b'+' | b';' | b'=' | b'%');
        byte += 1;
    }
    name
};

/// "pct-encoded = "%" HEXDIG HEXDIG".
fn escapes_are_complete(host: &[u8]) -> bool {
    host.split(|&byte| byte == b'%')
        .skip(1)
        .all(|rest| rest.get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_name_or_address_and_one_port() {
        for good in [
            "h",
            "example.com",
            "EXAMPLE.com:8080",
            "127.0.0.1:1",
            "[::1]",
            "[2001:db8::1]:65535",
            "h:",
            "a_b",
            "a%2fb",
            "x!$&'()*+;=~",
            "h:0080",
        ] {
            assert!(Authority::parse(good.as_bytes()).is_some(), "{good}");
        }
        for bad in [
            "",
            ":",
            ":80",
            "a b",
            "a,b",
            "http://x/",
            "h/",
            "h?",
            "h#",
            "user@h",
            "h:x",
            "h:-1",
            "h:+1",
            "h:65536",
            "h:1:2",
            "::1",
            "[::1",
            "[]",
            "[h]",
            "[::1]x",
            "[::1%eth0]",
            "a%",
            "a%2",
            "a%zz",
            "\u{e9}",
            "a\tb",
            "\"h\"",
            "h\\",
            "<h>",
        ] {
            assert!(Authority::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_target_is_a_path_or_an_absolute_url_of_http() {
        for good in
            ["/", "/a?b", "//x", "/?http://x", "http://h", "HTTPS://h:1/a?b", "http://h?x", "http://[::1]/"]
        {
            assert!(Target::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "*",
            "h",
            "h:80",
            "a/b",
            "?x",
            "/a#b",
            "ws://h/",
            "ftp://h/",
            "http:/h",
            "http:///a",
            "http://a b/",
            "http://u@h/",
            "://h",
        ] {
            assert!(Target::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn hosts_are_compared_as_urls_are() {
        let same = |one: &str, other: &str, default| {
            let [one, other] =
                [one, other].map(|text| Authority::parse(text.as_bytes()).expect("an authority"));
            one.is_same(&other, default)
        };
        for (one, other, default) in [
            ("h", "H", 80),
            ("h:80", "h", 80),
            ("h", "h:443", 443),
            ("h:", "h", 80),
            ("[::A]:1", "[::a]:1", 80),
        ] {
            assert!(same(one, other, default), "{one} {other}");
        }
        for (one, other, default) in [("h", "g", 80), ("h:80", "h", 443), ("h:1", "h:2", 80), ("h", "h.", 80)]
        {
            assert!(!same(one, other, default), "{one} {other}");
        }
    }
}

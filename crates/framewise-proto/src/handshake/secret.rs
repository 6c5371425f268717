//! Hides credentials from `Debug` output, which ends up in logs.

use alloc::string::String;
use core::fmt;

/// Printed in place of a secret.
const HIDDEN: &str = "***";

/// Whether a header's value may be a credential; no `Debug` output of this crate contains it.
///
/// `Sec-WebSocket-Protocol` is one of them: a page cannot set Authorization for a WebSocket, so some send a token as a
/// subprotocol. The query of a target is hidden for the same reason.
pub fn is_secret(name: &str) -> bool {
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "sec-websocket-protocol"]
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

/// A header's value for `Debug`.
pub(super) struct HiddenValue<'h>(pub(super) &'h str, pub(super) &'h [u8]);

impl fmt::Debug for HiddenValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, value) = *self;
        if is_secret(name) {
            return f.write_str(HIDDEN);
        }
        let text = String::from_utf8_lossy(value);
        // A redirect may repeat the request's query.
        if name.eq_ignore_ascii_case("location") {
            return hidden_query(&text).fmt(f);
        }
        text.fmt(f)
    }
}

struct HiddenQuery<'t>(&'t str);

impl fmt::Debug for HiddenQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A fragment holds a token as well, in the redirects of OAuth 2.0 (RFC 6749 §4.2.2).
        let end = self.0.find(['?', '#']).unwrap_or(self.0.len());
        let (path, hidden) = match self.0[end..].chars().next() {
            Some(mark) => (&self.0[..end], Some(mark)),
            None => (self.0, None),
        };
        // A URL may have a user and a password before the host, even if it leaves its scheme out.
        let authority =
            path.find("//").filter(|&at| at == 0 || path[..at].ends_with(':')).map_or(0, |at| at + 2);
        let host = path[authority..].find('/').map_or(path.len(), |end| authority + end);
        f.write_str("\"")?;
        match path[authority..host].rfind('@').filter(|_| authority > 0) {
            Some(at) => {
                let (before, after) = (&path[..authority], &path[authority + at..]);
                write!(f, "{}{HIDDEN}{}", before.escape_debug(), after.escape_debug())?;
            }
            None => write!(f, "{}", path.escape_debug())?,
        }
        match hidden {
            Some(mark) => write!(f, "{mark}{HIDDEN}\""),
            None => f.write_str("\""),
        }
    }
}

/// A target or a URL for `Debug`: without its query and its fragment, and without user and password.
pub fn hidden_query(target: &str) -> impl fmt::Debug + '_ {
    HiddenQuery(target)
}

/// Prints the number of values, not the values.
pub(super) struct HiddenAll(pub(super) usize);

impl fmt::Debug for HiddenAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = format_args!("{HIDDEN}");
        f.debug_list().entries(core::iter::repeat_n(&hidden, self.0)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    use crate::handshake::{
        ClientOffer, Fields, Headers, Reply, Request, RequestHead, Response, ResponseHead, http1, reject,
    };

    const REQUEST: &[u8] = b"GET http://user:s3cret@h/shown-path?token=s3cret HTTP/1.1\r\nHost: shown-host\r\n\
        Authorization: s3cret\r\nproxy-authorization: s3cret\r\nCOOKIE: s3cret\r\nSec-WebSocket-Protocol: s3cret\r\n\
        X-Authorization-Mode: shown-header\r\n\r\n";
    const RESPONSE: &[u8] = b"HTTP/1.1 302 Found\r\nSet-Cookie: s3cret\r\nSec-WebSocket-Protocol: s3cret\r\n\
        Location: https://user:s3cret@h/shown-path?s3cret\r\nCookie-Policy: shown-header\r\n\r\n";

    #[track_caller]
    fn hides(value: &dyn fmt::Debug, shown: &[&str]) {
        for text in [format!("{value:?}"), format!("{value:#?}")] {
            assert!(!text.contains("s3cret"), "{text}");
            for part in shown {
                assert!(text.contains(part), "no {part} in {text}");
            }
        }
    }

    #[test]
    fn each_type_hides_credentials_and_prints_what_looks_like_them() {
        let head: RequestHead<'_> = http1::parse_request(REQUEST).unwrap().expect("a complete head").head;
        let fields: &Fields<'_> = &head.fields;
        hides(fields, &["shown-host", "shown-header"]);
        hides(&head, &["shown-path", "shown-host", "shown-header"]);
        hides(&Headers::from(fields), &["shown-host", "shown-header"]);
        let mut request = Request::from_head(&head);
        request.origin = Some("shown-origin".into());
        hides(&request, &["shown-path", "shown-host", "shown-origin", "shown-header"]);

        let head: ResponseHead<'_> =
            http1::parse_response(RESPONSE, 0).unwrap().expect("a complete head").head;
        hides(&head, &["302", "shown-path", "shown-header"]);
        let response: Response = Response::from_head(&head);
        hides(&response, &["302", "shown-path", "shown-header"]);

        let lines = [("Authorization", "s3cret"), ("Set-Cookie", "s3cret"), ("X", "shown-header")];
        let lines: Headers = lines.into_iter().collect();
        let mut offer = ClientOffer::new("shown-host", "/shown-path?s3cret", [7; 16]);
        offer.protocols.push("s3cret".into());
        offer.headers.clone_from(&lines);
        hides(&offer, &["shown-host", "shown-path", "shown-header", &offer.key]);
        let reply: Reply<'_> = reject(403, &lines, "shown-body").expect("a rejection");
        hides(&reply, &["403", "shown-header", "shown-body"]);
    }

    #[test]
    fn a_credential_is_hidden_and_what_looks_like_one_is_not() {
        for name in ["Authorization", "proxy-authorization", "COOKIE", "Set-Cookie", "Sec-WebSocket-Protocol"]
        {
            assert_eq!(format!("{:?}", HiddenValue(name, b"s3cret")), "***");
        }
        for name in
            ["WWW-Authenticate", "Cookie-Policy", "X-Authorization-Mode", "Sec-WebSocket-Key", "Origin"]
        {
            assert_eq!(format!("{:?}", HiddenValue(name, b"shown")), "\"shown\"");
        }
        assert_eq!(format!("{:?}", HiddenValue("Location", b"/a?token=s3cret")), "\"/a?***\"");
        for (target, shown) in [
            ("/chat", "\"/chat\""),
            ("/a@b", "\"/a@b\""),
            ("/chat?token=s3cret", "\"/chat?***\""),
            ("http://user:s3cret@h/a?b", "\"http://***@h/a?***\""),
            ("http://h/a@b", "\"http://h/a@b\""),
            ("https://h/shown#access_token=s3cret", "\"https://h/shown#***\""),
            ("/a#b?s3cret", "\"/a#***\""),
            ("//user:s3cret@h/a", "\"//***@h/a\""),
            ("/a//b@c", "\"/a//b@c\""),
        ] {
            assert_eq!(format!("{:?}", hidden_query(target)), shown);
        }
        assert_eq!(format!("{:?}", HiddenAll(2)), "[***, ***]");
    }
}

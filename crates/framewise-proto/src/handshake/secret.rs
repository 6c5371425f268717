//! What is not printed: `Debug` output ends in logs.

use alloc::string::String;
use core::fmt;

/// What stands for what is hidden.
const HIDDEN: &str = "***";

/// Whether a header's value may be a credential, which no `Debug` of this crate prints.
///
/// `Sec-WebSocket-Protocol` is one of them: a page cannot set Authorization for a WebSocket, so that tokens are sent as a
/// subprotocol. For the same reason the query of a target is hidden.
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
        // It repeats the target of a redirect.
        if name.eq_ignore_ascii_case("location") {
            return hidden_query(&text).fmt(f);
        }
        text.fmt(f)
    }
}

struct HiddenQuery<'t>(&'t str);

impl fmt::Debug for HiddenQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, query) = self.0.split_once('?').map_or((self.0, ""), |(path, _)| (path, "?***"));
        // A user and a password before the host of an absolute URL.
        let (scheme, rest) = path.split_once("://").map_or(("", path), |(scheme, rest)| (scheme, rest));
        let authority = rest.split('/').next().unwrap_or_default();
        match authority.rfind('@').filter(|_| !scheme.is_empty()) {
            Some(at) => write!(f, "\"{scheme}://{HIDDEN}{}{query}\"", rest[at..].escape_debug()),
            None => write!(f, "\"{}{query}\"", path.escape_debug()),
        }
    }
}

/// A target or a URL for `Debug`: without its query, and without user and password.
pub fn hidden_query(target: &str) -> impl fmt::Debug + '_ {
    HiddenQuery(target)
}

/// Header lines for `Debug`: without the values that may be credentials.
pub fn hidden_values(lines: &[(String, String)]) -> impl fmt::Debug + '_ {
    HiddenLines(lines)
}

struct HiddenLines<'l>(&'l [(String, String)]);

impl fmt::Debug for HiddenLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.0.iter().map(|(name, value)| (name, HiddenValue(name, value.as_bytes()))))
            .finish()
    }
}

/// As many as there are, and not what they are.
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
        ] {
            assert_eq!(format!("{:?}", hidden_query(target)), shown);
        }
        assert_eq!(format!("{:?}", HiddenAll(2)), "[***, ***]");
        let lines = [("Cookie".into(), "s3cret".into()), ("X".into(), "shown".into())];
        assert_eq!(format!("{:?}", hidden_values(&lines)), "{\"Cookie\": ***, \"X\": \"shown\"}");
    }
}

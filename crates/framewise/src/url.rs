//! The URLs of RFC 6455 §3, with the parts that a handshake and a proxy need.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::Error;
use crate::authority::{Authority, bracketed, host_port, split_scheme, without_login};
use crate::error::{ConnectError, ConnectFault};

/// A `ws://` or `wss://` URL: for programs that look at its parts before they connect.
///
/// ```
/// let url: framewise::Url = "wss://user:secret@example.com/chat".parse()?;
/// assert_eq!((url.host(), url.port(), url.is_tls()), ("example.com", 443, true));
/// // It is printed without user and password.
/// assert_eq!(url.to_string(), "wss://example.com/chat");
/// # Ok::<(), framewise::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    pub(crate) tls: bool,
    /// A name, or an address; an IPv6 address without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The value of the header Host: with brackets, and with the port unless it is the default one (RFC 6455 §4.1).
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) target: String,
    /// The value of the header Authorization, if the URL contains a user.
    pub(crate) authorization: Option<String>,
}

impl Url {
    pub(crate) fn parse(url: &str) -> Result<Self, ConnectError> {
        Self::take_apart(url.trim()).map_err(|says| ConnectError::new(url, ConnectFault::Url, says))
    }

    /// As [`Url::parse`]; the error is the reason only.
    pub(crate) fn take_apart(url: &str) -> Result<Self, Cow<'static, str>> {
        let (scheme, rest) = split_scheme(url).ok_or("it does not begin with ws:// or wss://")?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "ws" => false,
            "wss" => true,
            "http" => {
                return Err(format!("its scheme is for web pages: write ws://{}", without_login(rest)).into());
            }
            "https" => {
                return Err(
                    format!("its scheme is for web pages: write wss://{}", without_login(rest)).into()
                );
            }
            _ => return Err("use ws:// or wss://".into()),
        };
        // RFC 6455 §3: "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT be used".
        if rest.contains('#') {
            return Err("it has a fragment, which a WebSocket URL must not have: write # as %23".into());
        }
        let Authority { login, host, port, rest } = Authority::take_apart(rest)?;
        let default = if tls { 443 } else { 80 };
        let port = port.unwrap_or(default);
        Ok(Self {
            tls,
            host: host.to_owned(),
            authority: if port == default { bracketed(host) } else { host_port(host, port) },
            port,
            target: encode_target(rest),
            authorization: login.map(|login| login.basic()),
        })
    }

    /// The host: a name or an address. An IPv6 address has no brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port. If the URL has none, the default port of the scheme.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The value of the header Host: with brackets around an IPv6 address, and with the port unless it is the default one.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether the scheme is `wss://`.
    pub const fn is_tls(&self) -> bool {
        self.tls
    }

    /// Path and query as in the request: `/` if the URL has neither.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The URL without user and password.
    pub(crate) fn text(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.authority, self.target)
    }

    /// The URL without user and password, and with `***` as its query.
    pub(crate) fn without_query(&self) -> String {
        let (path, query) =
            self.target.split_once('?').map_or((&*self.target, ""), |(path, _)| (path, "?***"));
        format!("{}://{}{path}{query}", self.scheme(), self.authority)
    }

    pub(crate) const fn scheme(&self) -> &'static str {
        if self.tls { "wss" } else { "ws" }
    }
}

impl FromStr for Url {
    type Err = Error;

    /// Errors: [`Error::Connect`], which says what is wrong and what to write instead.
    fn from_str(url: &str) -> Result<Self, Error> {
        Ok(Self::parse(url)?)
    }
}

/// Without user and password.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// Without user and password.
impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Url").field(&self.text()).finish()
    }
}

/// The target of the request: characters that a URL must not contain are percent-encoded.
fn encode_target(target: &str) -> String {
    let mut encoded = String::with_capacity(target.len() + 1);
    if !target.starts_with('/') {
        encoded.push('/');
    }
    for byte in target.bytes() {
        if byte <= b' ' || byte >= 0x7f || b"\"<>".contains(&byte) {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        } else {
            encoded.push(char::from(byte));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Url {
        Url::parse(url).expect("a good URL")
    }

    #[test]
    fn no_password_is_printed() {
        let url = parse("wss://user:secret@h/");
        assert!(url.authorization.is_some() && !format!("{url} {url:?}").contains("secret"));
        assert!(
            "ftp://user:secret@h/".parse::<Url>().is_err_and(|error| !error.to_string().contains("secret"))
        );
    }

    #[test]
    fn the_parts_of_a_url_are_those_of_the_handshake() {
        let url = parse("ws://example.com/chat?room=1");
        assert_eq!((url.tls, url.host.as_str(), url.port), (false, "example.com", 80));
        assert_eq!((url.authority.as_str(), url.target.as_str()), ("example.com", "/chat?room=1"));
        assert_eq!(parse("wss://example.com:443").authority, "example.com");
        assert_eq!(parse("WSS://example.com:80?x").target, "/?x");
        assert_eq!(parse("ws://example.com:8080/").authority, "example.com:8080");
        let url = parse("ws://[::1]:9001/a b/\u{e9}");
        assert_eq!((url.host.as_str(), url.authority.as_str()), ("::1", "[::1]:9001"));
        assert_eq!(url.target, "/a%20b/%C3%A9");
        assert_eq!(parse("ws://us%40er:p:w@h/").authorization.as_deref(), Some("Basic dXNAZXI6cDp3"));
        assert_eq!(parse("wss://user@h").authorization.as_deref(), Some("Basic dXNlcjo="));
        assert_eq!(parse("wss://user:secret@h:8443/a?b").text(), "wss://h:8443/a?b");
    }

    #[test]
    fn what_errors_name_has_no_password() {
        for (url, shown) in [
            ("ws://h/a@b", "ws://h/a@b"),
            ("ws://user:secret@h:1/a@b", "ws://***@h:1/a@b"),
            ("ws://user:sec@ret@h", "ws://***@h"),
            ("ws://user:sec/ret@h/", "ws://***@h/"),
            ("user:secret@h:1", "***@h:1"),
            ("h:1", "h:1"),
            ("user:secret://@h", "***@h"),
            ("", ""),
        ] {
            assert_eq!(without_login(url), shown);
        }
        for url in [
            "ws://user:sec/ret@h/",
            "ws://user:sec?ret@h:1/",
            "http://user:secret@h/",
            "ws://user:secret@h:x/",
        ] {
            let error = Url::parse(url).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("sec"), "{error:?}");
        }
    }

    #[test]
    fn a_bad_url_is_told_what_to_write_instead() {
        for (url, says) in [
            ("localhost:9001", "does not begin with ws://"),
            ("http://localhost:9001/x", "write ws://localhost:9001/x"),
            ("https://h/", "write wss://h/"),
            ("ftp://h/", "cannot connect to ftp://h/: use ws:// or wss://"),
            ("ws://", "it has no host"),
            ("ws://h:x/", "x is not a port"),
            ("ws://user:secret@h:x/a@b", "x is not a port"),
            ("ws://h:x/a@b", "as %2F or %3F"),
            ("ws://h:0/", "0 is not a port"),
            ("ws://h:99999/", "99999 is not a port"),
            ("ws://h:+1/", "+1 is not a port"),
            ("ws://::1/", "brackets"),
            ("ws://[::1/", "not closed"),
            ("ws://[zz]/", "not an IPv6 address"),
            ("ws://[::1]x/", "between its host and its path"),
            ("ws://h/#part", "fragment"),
            ("ws://a b/", "must not be in a host name"),
            ("ws://b\u{fc}cher/", "xn--"),
        ] {
            let error = Url::parse(url).expect_err(url).to_string();
            assert!(error.contains(says), "{url}: {error}");
        }
    }
}

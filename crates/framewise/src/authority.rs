//! The parts of a URL before its path, and URLs as errors print them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A name and a password. They cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) name: Vec<u8>,
    pub(crate) password: Vec<u8>,
}

impl Login {
    /// Credentials of the scheme Basic (RFC 7617 §2).
    pub(crate) fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode([&self.name[..], b":", &self.password].concat()))
    }
}

/// The parts of a URL after `://`.
pub(crate) struct Authority<'u> {
    pub(crate) login: Option<Login>,
    /// An IPv6 address without its brackets.
    pub(crate) host: &'u str,
    pub(crate) port: Option<u16>,
    /// The rest, which begins with the path.
    pub(crate) rest: &'u str,
}

impl<'u> Authority<'u> {
    pub(crate) fn take_apart(url: &'u str) -> Result<Self, Cow<'static, str>> {
        let (authority, rest) = url.split_at(url.find(['/', '?']).unwrap_or(url.len()));
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, authority)) => (Some(user), authority),
            None => (None, authority),
        };
        let (host, port) = match host_and_port(authority) {
            Ok(host_and_port) => host_and_port,
            // The supposed port may be a password: it is not repeated.
            Err(_) if user.is_none() && rest.contains('@') => {
                return Err("write / or ? in a name or a password as %2F or %3F".into());
            }
            Err(says) => return Err(says),
        };
        let login = user.filter(|user| !user.is_empty()).map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            Login { name: decode_percent(name), password: decode_percent(password) }
        });
        Ok(Self { login, host, port, rest })
    }
}

/// The scheme, and what follows its `://`.
pub(crate) fn split_scheme(url: &str) -> Option<(&str, &str)> {
    // Something else may be a password: RFC 3986 §3.1.
    let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    url.split_once("://").filter(|(scheme, _)| scheme.bytes().all(is_scheme))
}

/// The URL as errors name it: without user and password.
pub(crate) fn without_login(url: &str) -> Cow<'_, str> {
    let rest = split_scheme(url).map_or(url, |(_, rest)| rest);
    let before = &url[..url.len() - rest.len()];
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let at = match rest[..authority].rfind('@') {
        // A password that was not encoded, rather than a path with an @ in it.
        None if host_and_port(&rest[..authority]).is_err() => rest.rfind('@'),
        at => at,
    };
    at.map_or(Cow::Borrowed(url), |at| format!("{before}***{}", &rest[at..]).into())
}

/// A host as in a URL: an IPv6 address in brackets.
pub(crate) fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Host and port as in a URL.
pub(crate) fn host_port(host: &str, port: u16) -> String {
    format!("{}:{port}", bracketed(host))
}

fn host_and_port(authority: &str) -> Result<(&str, Option<u16>), Cow<'static, str>> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("the bracket of its IPv6 address is not closed")?;
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(format!("[{host}] is not an IPv6 address").into());
        }
        match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => return Err("there is something between its host and its path".into()),
        }
    } else {
        match authority.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err("write an IPv6 address in brackets: ws://[::1]:9001/".into());
            }
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    if host.is_empty() {
        return Err("it has no host".into());
    }
    if !host.is_ascii() {
        return Err(format!("{host} is not ASCII: write the name in its xn-- form").into());
    }
    if let Some(byte) = host.bytes().find(|byte| byte.is_ascii_control() || b" \"<>\\^`{|}%".contains(byte)) {
        return Err(format!("{:?} must not be in a host name", char::from(byte)).into());
    }
    match port {
        None | Some("") => Ok((host, None)),
        Some(digits) => match digits.parse::<u16>() {
            Ok(port) if port > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok((host, Some(port)))
            }
            _ => Err(format!("{digits} is not a port: use 1 to 65535").into()),
        },
    }
}

fn decode_percent(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) if byte == b'%' => {
                decoded.push(value);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

//! Redirects: [`crate::Client::follow_redirects`].

use std::borrow::Cow;

use framewise_proto::handshake::hidden_query;

use super::attempt::Attempt;
use crate::error::{ConnectError, ConnectFault};
use crate::url::Url;

/// Whether a header is meant only for the server of the original URL (RFC 9110 §15.4).
pub(super) fn is_secret(name: &str) -> bool {
    ["authorization", "cookie", "proxy-authorization"].iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// The redirects of one connection.
pub(super) struct Redirects {
    /// How many are followed at most.
    max: u8,
    visited: Vec<Url>,
}

impl Redirects {
    pub(super) const fn new(max: u8) -> Self {
        Self { max, visited: Vec::new() }
    }

    /// The next attempt, after one that was answered with this Location.
    pub(super) fn follow(&mut self, attempt: &Attempt, location: &str) -> Result<Attempt, ConnectError> {
        let error = |says: String| attempt.error(ConnectFault::Redirect, says);
        let from = &attempt.url;
        let shown = hidden_query(location);
        let mut to = resolve(from, location).map_err(|says| {
            error(format!("the server redirects to {shown:?}, which cannot be followed: {says}"))
        })?;
        if from.tls && !to.tls {
            let says = format!(
                "the server redirects to {}, which is not followed because it is not encrypted",
                to.without_query()
            );
            return Err(error(says));
        }
        if self.visited.len() == usize::from(self.max) {
            let (max, to) = (self.max, to.without_query());
            return Err(error(format!("{max} redirects were followed, and the next one leads to {to}")));
        }
        self.visited.push(from.clone());
        if self.visited.iter().any(|visited| visited.text() == to.text()) {
            return Err(error(format!("the redirects form a loop back to {}", to.without_query())));
        }
        let foreign = attempt.foreign || !same_server(from, &to);
        if !foreign && to.authorization.is_none() {
            to.authorization.clone_from(&from.authorization);
        }
        Ok(attempt.redirected(to, foreign))
    }
}

fn same_server(one: &Url, other: &Url) -> bool {
    (one.tls, one.port) == (other.tls, other.port) && one.host.eq_ignore_ascii_case(&other.host)
}

/// Resolves a Location against the URL that it answers (RFC 3986 §5.2).
fn resolve(base: &Url, location: &str) -> Result<Url, Cow<'static, str>> {
    // A fragment is for programs that show a page.
    let location = location.split('#').next().unwrap_or_default();
    let scheme = location.split(['/', '?']).next().unwrap_or_default().split_once(':');
    if let Some((scheme, rest)) = scheme.map(|(scheme, _)| location.split_at(scheme.len())) {
        // A server may redirect with the schemes of HTTP.
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => "ws",
            "https" => "wss",
            _ => scheme,
        };
        return Url::take_apart(&format!("{scheme}{rest}"));
    }
    if location.starts_with("//") {
        return Url::take_apart(&format!("{}:{location}", base.scheme()));
    }
    let (path, query) = location.split_at(location.find('?').unwrap_or(location.len()));
    let base_path = base.target.split('?').next().unwrap_or_default();
    let path = match path {
        "" => base_path.to_owned(),
        _ if path.starts_with('/') => without_dots(path),
        _ => without_dots(&format!(
            "{}/{path}",
            base_path.rsplit_once('/').map_or("", |(directory, _)| directory)
        )),
    };
    let query = if location.is_empty() { &base.target[base_path.len()..] } else { query };
    Url::take_apart(&format!("{}://{}{path}{query}", base.scheme(), base.authority))
}

/// Removes dot segments (RFC 3986 §5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if segments.peek().is_none() {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_seen_from_the_url_that_it_answers() {
        let base = Url::parse("ws://h:8080/a/b?q=1").expect("a URL");
        for (location, url) in [
            ("https://Other/x?y#z", "wss://Other/x?y"),
            ("HTTP://other:81", "ws://other:81/"),
            ("ws://[::1]:1/", "ws://[::1]:1/"),
            ("//other/x", "ws://other/x"),
            ("/x/../y?z", "ws://h:8080/y?z"),
            ("c", "ws://h:8080/a/c"),
            ("./c/.", "ws://h:8080/a/c/"),
            ("../../c", "ws://h:8080/c"),
            ("..", "ws://h:8080/"),
            ("?r=2", "ws://h:8080/a/b?r=2"),
            ("/a:b", "ws://h:8080/a:b"),
            ("/x?http://other/", "ws://h:8080/x?http://other/"),
            ("", "ws://h:8080/a/b?q=1"),
            ("#z", "ws://h:8080/a/b?q=1"),
        ] {
            assert_eq!(resolve(&base, location).map(|url| url.text()), Ok(url.to_owned()), "{location}");
        }
        for (location, says) in [
            ("ftp://other/", "use ws:// or wss://"),
            ("mailto:a@b", "does not begin with ws://"),
            ("http://", "it has no host"),
            ("//user@:1/", "it has no host"),
        ] {
            let error = resolve(&base, location).map(|url| url.text()).expect_err(location);
            assert!(error.contains(says), "{location}: {error}");
        }
    }

    #[test]
    fn what_is_secret_is_so_in_any_case() {
        assert!(is_secret("AUTHORIZATION") && is_secret("Cookie") && is_secret("proxy-authorization"));
        assert!(!is_secret("Origin") && !is_secret("Cookies"));
    }
}

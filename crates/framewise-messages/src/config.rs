//! Configurations of proxies that were pasted, and what they lack.

use crate::heads::Seen;
use crate::words::Span;

/// What the configuration in a text shows.
pub(crate) fn signs(text: &str) -> Vec<Seen> {
    let lower = text.to_ascii_lowercase();
    let mut signs = Vec::new();
    nginx(&lower, &mut signs);
    apache(&lower, &mut signs);
    haproxy(&lower, &mut signs);
    signs
}

/// The first line that begins with a directive, without comments.
fn directive(text: &str, name: &str) -> Option<Span> {
    directives(text, name).next()
}

fn directives<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = Span> + 't {
    let mut at = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = at;
        at += line.len();
        let trimmed = line.trim_start().trim_start_matches(['+', '-']).trim_start();
        let begins = trimmed.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '\t']));
        let indent = line.len() - trimmed.len();
        begins.then(|| start + indent..start + indent + trimmed.trim_end().len())
    })
}

fn nginx(text: &str, signs: &mut Vec<Seen>) {
    // Some paste a location in one line.
    let one_line = || text.find("proxy_pass http://").map(|at| at..at + "proxy_pass".len());
    let Some(pass) = directive(text, "proxy_pass").or_else(one_line) else { return };
    let sets = |name: &str, value: &str| {
        text.match_indices(name)
            .any(|(at, _)| text[at + name.len()..].trim_start_matches([' ', '\t']).starts_with(value))
    };
    if !sets("proxy_set_header", "upgrade") {
        signs.push(("nginx-without-upgrade", pass));
        return;
    }
    signs.push(("nginx-with-upgrade", pass.clone()));
    if !sets("proxy_http_version", "1.1") {
        signs.push(("nginx-without-http11", pass.clone()));
    }
    if !text.contains("proxy_read_timeout") {
        signs.push(("nginx-without-timeout", pass));
    }
}

fn apache(text: &str, signs: &mut Vec<Seen>) {
    let Some(pass) = directive(text, "proxypass") else { return };
    let upgrades = directives(text, "proxypass").any(|span| {
        text[span.clone()].contains("ws://")
            || text[span.clone()].contains("wss://")
            || text[span].contains("upgrade=websocket")
    }) || directives(text, "rewriterule")
        .any(|span| text[span.clone()].contains("ws://") || text[span].contains("wss://"));
    if !upgrades {
        signs.push(("apache-without-websocket", pass));
    }
}

fn haproxy(text: &str, signs: &mut Vec<Seen>) {
    if let Some(client) = directive(text, "timeout client").or_else(|| directive(text, "timeout server"))
        && directive(text, "timeout tunnel").is_none()
    {
        signs.push(("haproxy-without-tunnel", client));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<&'static str> {
        signs(text).into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn a_configuration_shows_what_it_lacks() {
        assert_eq!(of("location / {\n  proxy_pass http://b;\n}"), ["nginx-without-upgrade"]);
        let full = "proxy_pass http://b;\nproxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\nproxy_read_timeout 1h;";
        assert_eq!(of(full), ["nginx-with-upgrade"]);
        let aligned =
            full.replace("header Upgrade", "header    Upgrade").replace("version 1.1", "version\t1.1");
        assert_eq!(of(&aligned), ["nginx-with-upgrade"]);
        assert_eq!(
            of(&full.replace("proxy_http_version 1.1;", "")),
            ["nginx-with-upgrade", "nginx-without-http11"]
        );
        assert_eq!(of("ProxyPass / http://b/\nProxyPassReverse / http://b/"), ["apache-without-websocket"]);
        assert_eq!(of("ProxyPass / http://b/\nRewriteRule .* ws://b%{REQUEST_URI} [P]"), [""; 0]);
        assert_eq!(of("timeout client 30s\ntimeout server 30s"), ["haproxy-without-tunnel"]);
        assert_eq!(of("timeout client 30s\ntimeout tunnel 1h"), [""; 0]);
        assert_eq!(of("# proxy_pass http is what nginx calls it"), ["nginx-without-upgrade"; 0]);
    }
}

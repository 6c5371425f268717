use std::fmt;
use std::net::IpAddr;

use super::Proxy;
use crate::client::attempt::Attempt;
use crate::error::{ConnectError, ConnectFault};
use crate::url::Url;

// The names and their order are curl's. HTTP_PROXY is not among them: a CGI program would take it from a header
// `Proxy` of the request that it serves.
const WS: [&str; 5] = ["ws_proxy", "WS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"];
const WSS: [&str; 6] = ["wss_proxy", "WSS_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const NO: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The variables that configure proxies, with their values when they were read.
#[derive(Clone)]
pub(in crate::client) struct Environment {
    /// The variables that are not empty.
    set: Vec<(&'static str, String)>,
}

impl Environment {
    /// Reads the environment of the process.
    pub(in crate::client) fn of_process() -> Self {
        Self::read(|name| Some(std::env::var_os(name)?.to_string_lossy().into_owned()))
    }

    fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let names = WS.into_iter().chain(WSS).chain(NO);
        let set = names.filter_map(|name| Some((name, get(name)?))).filter(|(_, value)| !value.is_empty());
        Self { set: set.collect() }
    }

    fn first(&self, names: &[&str]) -> Option<(&'static str, &str)> {
        names.iter().find_map(|name| {
            self.set.iter().find(|(set, _)| set == name).map(|(name, value)| (*name, value.as_str()))
        })
    }

    /// The proxy for an attempt.
    pub(in crate::client) fn proxy(&self, attempt: &Attempt) -> Result<Option<Proxy>, ConnectError> {
        let url = &attempt.url;
        let names = if url.tls { &WSS[..] } else { &WS[..] };
        let Some((name, value)) = self.first(names) else { return Ok(None) };
        if self.first(&NO).is_some_and(|(_, list)| exempts(list, url)) {
            return Ok(None);
        }
        Proxy::take_apart(value.trim()).map(Some).map_err(|says| {
            attempt
                .error(ConnectFault::Proxy, format!("the variable {name} is not the URL of a proxy: {says}"))
        })
    }
}

/// Without the values, which may contain passwords.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.set.iter().map(|(name, _)| name)).finish()
    }
}

/// Whether a `no_proxy` list contains the host of the URL.
fn exempts(list: &str, url: &Url) -> bool {
    list.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        let (entry, port) = split_port(entry);
        port.is_none_or(|port| port == url.port) && names_host(entry, &url.host)
    })
}

/// Splits the optional port from an entry.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

/// Whether an entry matches a host: a name, which includes its subdomains, an address, or a network.
fn names_host(entry: &str, host: &str) -> bool {
    let entry = entry.trim_start_matches('[').trim_end_matches(']');
    if let Ok(host) = host.parse::<IpAddr>() {
        return match entry.split_once('/') {
            Some((network, bits)) => match (network.parse(), bits.parse()) {
                (Ok(network), Ok(bits)) => in_network(host, network, bits),
                (Ok(_) | Err(_), _) => false,
            },
            None => entry.parse() == Ok(host),
        };
    }
    let entry = entry.trim_start_matches("*.").trim_matches('.');
    let host = host.trim_end_matches('.');
    // ".example.com" and "example.com" mean the same, as they do for curl.
    let Some(start) = host.len().checked_sub(entry.len()) else { return false };
    !entry.is_empty()
        && host.is_char_boundary(start)
        && host[start..].eq_ignore_ascii_case(entry)
        && (start == 0 || host[..start].ends_with('.'))
}

fn in_network(host: IpAddr, network: IpAddr, bits: u32) -> bool {
    let differ = match (host, network) {
        (IpAddr::V4(host), IpAddr::V4(network)) => {
            (host.to_bits() ^ network.to_bits()).leading_zeros() < bits
        }
        (IpAddr::V6(host), IpAddr::V6(network)) => {
            (host.to_bits() ^ network.to_bits()).leading_zeros() < bits
        }
        (IpAddr::V4(_) | IpAddr::V6(_), _) => true,
    };
    !differ
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn environment(set: &[(&str, &str)]) -> Environment {
        Environment::read(|name| {
            set.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn proxy(set: &[(&str, &str)], url: &str) -> Result<Option<String>, String> {
        let attempt = Attempt::new(url, Duration::ZERO).expect("a URL");
        match environment(set).proxy(&attempt) {
            Ok(proxy) => Ok(proxy.map(|proxy| proxy.to_string())),
            Err(error) => Err(error.to_string()),
        }
    }

    #[tokio::test]
    async fn the_variable_of_the_scheme_comes_first_and_http_proxy_only_in_lower_case() {
        let all =
            [("all_proxy", "socks5h://all"), ("http_proxy", "plain:3128"), ("HTTPS_PROXY", "https://secure")];
        let is = |set: &[(&str, &str)], url: &str, wanted: Option<&str>| {
            assert_eq!(proxy(set, url), Ok(wanted.map(str::to_owned)), "{set:?} {url}");
        };
        is(&all, "ws://h/", Some("http://plain:3128"));
        is(&all, "wss://h/", Some("https://secure:443"));
        is(&all[..1], "wss://h/", Some("socks5h://all:1080"));
        is(&[("ws_proxy", "http://ws"), all[1]], "ws://h/", Some("http://ws:80"));
        is(&[("WSS_PROXY", "http://wss"), all[2]], "wss://h/", Some("http://wss:80"));
        is(&[("https_proxy", ""), all[2]], "wss://h/", Some("https://secure:443"));
        is(&[("HTTP_PROXY", "http://h"), ("https_proxy", "http://h")], "ws://h/", None);
        is(&[], "ws://h/", None);
    }

    #[tokio::test]
    async fn a_variable_that_is_no_proxy_is_named_without_its_password() {
        let set = [("https_proxy", "ftp://user:secret@proxy/")];
        let error = proxy(&set, "wss://h/").expect_err("a bad proxy");
        assert!(error.contains("the variable https_proxy is not the URL of a proxy"), "{error}");
        assert!(!format!("{error}{:?}", environment(&set)).contains("secret"));
        assert_eq!(proxy(&set, "ws://h/"), Ok(None), "it is another scheme's");
        let error = proxy(&[("http_proxy", "user:sec/ret@proxy")], "ws://h/").expect_err("a bad proxy");
        assert!(error.contains("%2F") && !error.contains("sec"), "{error}");
    }

    #[test]
    fn no_proxy_names_hosts_suffixes_addresses_and_networks() {
        for (list, host, port, exempted) in [
            ("*", "any.example", 80, true),
            ("example.com", "example.com", 80, true),
            ("example.com", "EXAMPLE.com.", 80, true),
            ("example.com", "www.example.com", 80, true),
            (".example.com", "example.com", 80, true),
            ("*.example.com", "www.example.com", 80, true),
            ("example.com", "notexample.com", 80, false),
            ("www.example.com", "example.com", 80, false),
            ("other, example.com", "example.com", 80, true),
            ("other example.com", "example.com", 80, true),
            ("example.com:8080", "example.com", 80, false),
            ("example.com:8080", "example.com", 8080, true),
            ("127.0.0.1", "127.0.0.1", 80, true),
            ("127.0.0.1", "127.0.0.2", 80, false),
            ("0.0.1", "127.0.0.1", 80, false),
            ("10.0.0.0/8", "10.20.30.40", 80, true),
            ("10.0.0.0/8", "11.0.0.1", 80, false),
            // The first bit after those that count.
            ("10.0.0.0/8", "10.128.0.1", 80, true),
            ("10.0.0.0/9", "10.128.0.1", 80, false),
            // More bits than there are.
            ("10.0.0.1/33", "10.0.0.1", 80, false),
            ("fd00::1/129", "fd00::1", 80, false),
            ("fd00::/8", "fd80::1", 80, true),
            ("0.0.0.0/0", "11.0.0.1", 80, true),
            ("10.0.0.0/33", "10.0.0.0", 80, false),
            ("10.0.0.0/8", "10.example.com", 80, false),
            ("::1", "::1", 80, true),
            ("[::1]", "0:0:0:0:0:0:0:1", 80, true),
            ("[::1]:80", "::1", 81, false),
            ("fd00::/8", "fd12::1", 80, true),
            ("fd00::/8", "fe80::1", 80, false),
            ("fd00::/8", "253.0.0.1", 80, false),
            ("., ,,.", "example.com", 80, false),
        ] {
            let url = format!("ws://{}/", crate::authority::host_port(host, port));
            assert_eq!(exempts(list, &Url::parse(&url).expect("a URL")), exempted, "{list} {host}:{port}");
        }
    }
}

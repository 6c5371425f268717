//! The proxies, and their configurations: as the documentation says, and as people write them by mistake.

mod libraries;
mod servers;
mod tools;

/// A proxy that is examined.
#[derive(Debug)]
pub(super) struct Proxy {
    /// Its name on the command line, in results and in folders.
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// The package that it comes from, in words.
    pub(super) package: &'static str,
    pub(super) source: Source,
    /// The arguments with which the program prints its version.
    pub(super) version: &'static [&'static str],
    /// Files in the folder in which it runs: names and templates.
    pub(super) files: &'static [(&'static str, &'static str)],
    pub(super) arguments: &'static [&'static str],
    pub(super) environment: &'static [(&'static str, &'static str)],
    /// Where `framewise path` connects.
    pub(super) via: &'static str,
    /// Whether it needs a certificate.
    pub(super) tls: bool,
    /// Whether it listens before it forwards, or forwards only to a server that listened at its start.
    pub(super) settles: bool,
    /// The signal at which it reads its configuration again; empty where it has none.
    pub(super) reload: &'static str,
    pub(super) configurations: &'static [Configuration],
}

/// Where a proxy comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// Debian's packages, unpacked; the program in them.
    Debian { packages: &'static [&'static str], program: &'static str },
    /// The program's path in the virtual environment.
    Python(&'static str),
    /// A script in `proxies/node`.
    Node(&'static str),
    /// A program of this repository.
    Ours,
}

/// One configuration of a proxy. `{port}`, `{upstream}` and the like are replaced.
#[derive(Debug)]
pub(super) struct Configuration {
    pub(super) id: &'static str,
    /// What it is, in a few words.
    pub(super) says: &'static str,
    /// Whether the documentation recommends it for WebSockets.
    pub(super) documented: bool,
    /// The lines that differ, for the places `{lines}`, `{more}` and `{service}` of the templates, each after a line `---`.
    pub(super) lines: &'static str,
    /// The silences to try, in seconds.
    pub(super) idle: &'static [u64],
    /// What a person says who looked at the bytes; empty where there is nothing to say.
    pub(super) remark: &'static str,
}

impl Configuration {
    /// The lines as a reader would write them.
    pub(super) fn shown(&self) -> String {
        self.lines.trim().replace("{upstream}", "9001").replace("{port}", "8080").replace("\n---", "")
    }

    /// The template with the lines in their places, indented as the places are.
    pub(super) fn fill(&self, template: &str) -> String {
        let mut parts = self.lines.split("---\n").map(str::trim_end);
        let mut filled = template.to_owned();
        for place in ["{lines}", "{more}", "{service}"] {
            let lines = parts.next().unwrap_or_default();
            if let Some(at) = filled.find(place) {
                let start = filled[..at].rfind('\n').map_or(0, |line| line + 1);
                let indent = format!("\n{}", " ".repeat(at - start));
                filled = filled.replace(place, &lines.trim_start_matches('\n').replace('\n', &indent));
            }
        }
        filled
    }
}

/// Every proxy, in the order of the pages.
pub(super) const ALL: &[&Proxy] = &[
    &servers::NGINX,
    &servers::NGINX_DEBIAN,
    &servers::HAPROXY,
    &servers::HAPROXY_DEBIAN,
    &servers::CADDY,
    &servers::ENVOY,
    &servers::TRAEFIK,
    &servers::APACHE,
    &tools::SOCAT,
    &tools::INSPECT,
    &tools::MITMPROXY,
    &tools::SQUID,
    &tools::SQUID_REVERSE,
    &tools::TINYPROXY,
    &tools::STUNNEL,
    &tools::VARNISH,
    &tools::LIGHTTPD,
    &tools::NGHTTPX,
    &libraries::HTTP_PROXY,
    &libraries::HTTP_PROXY_MIDDLEWARE,
    &libraries::VITE,
    &libraries::FASTAPI,
    &libraries::AIOHTTP,
    &libraries::WEBSOCKIFY,
    &libraries::JUPYTER,
];

pub(super) fn find(id: &str) -> Option<&'static Proxy> {
    ALL.iter().copied().find(|proxy| proxy.id == id)
}

/// The shorthand of the tables.
const fn documented(
    id: &'static str,
    says: &'static str,
    idle: &'static [u64],
    lines: &'static str,
    remark: &'static str,
) -> Configuration {
    Configuration { id, says, documented: true, lines, idle, remark }
}

const fn mistake(
    id: &'static str,
    says: &'static str,
    idle: &'static [u64],
    lines: &'static str,
    remark: &'static str,
) -> Configuration {
    Configuration { id, says, documented: false, lines, idle, remark }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_indented_as_their_place_is() {
        let one = documented("a", "", &[], "a: 1\nb: 2\n---\nc: {upstream}", "");
        assert_eq!(one.fill("x:\n  {lines}\n{more}\n{service}"), "x:\n  a: 1\n  b: 2\nc: {upstream}\n");
        assert_eq!(one.shown(), "a: 1\nb: 2\nc: 9001");
    }

    /// What `framewise explain` says was tried is tried by this table.
    #[test]
    fn what_the_reference_says_was_tried_is_in_the_table() {
        use framewise_rules::prose::{Evidence, Intermediary};
        let mut tried = 0;
        for &one in Intermediary::ALL {
            for evidence in one.evidence() {
                let Evidence::Run(proxy, configuration) = evidence else { continue };
                let found = find(proxy).unwrap_or_else(|| panic!("{}: no proxy is named {proxy}", one.id()));
                let is = |known: &Configuration| known.id == *configuration;
                assert!(found.configurations.iter().any(is), "{}: {proxy} has no {configuration}", one.id());
                tried += 1;
            }
        }
        assert!(tried > 0);
    }

    #[test]
    fn ids_are_unique() {
        for (index, proxy) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.id != proxy.id), "{}", proxy.id);
            let ids: Vec<_> = proxy.configurations.iter().map(|one| one.id).collect();
            assert!((1..ids.len()).all(|index| !ids[..index].contains(&ids[index])), "{}: {ids:?}", proxy.id);
            assert!(proxy.configurations.iter().any(|one| one.documented), "{}", proxy.id);
        }
    }
}

//! Recognises the intermediary by its headers; the reference knows what mends it.

use framewise_rules::Cause;
use framewise_rules::prose::{Intermediary, Language};

use crate::judge::Ends;
use crate::report::Fix;

/// A word in a head, and the software that writes it.
const SIGNS: &[(&str, &str)] = &[
    ("server: nginx", "nginx"),
    ("server: openresty", "nginx"),
    ("via: 1.1 caddy", "Caddy"),
    ("server: caddy", "Caddy"),
    ("server: envoy", "Envoy"),
    ("x-envoy-", "Envoy"),
    ("x-forwarded-server:", "Traefik"),
    ("server: apache", "Apache httpd"),
    ("via: 1.1 varnish", "Varnish"),
    ("(squid", "Squid"),
    ("tinyproxy", "tinyproxy"),
    ("server: lighttpd", "lighttpd"),
    ("server: cloudflare", "Cloudflare"),
    ("cf-ray:", "Cloudflare"),
    ("server: awselb", "AWS ALB"),
    ("via: 1.1 google", "Google Cloud load balancer"),
    ("server: mitmproxy", "mitmproxy"),
    ("nghttpx", "nghttpx"),
];

/// The software that the heads name.
pub(crate) fn recognise(ends: &Ends) -> Option<&'static str> {
    let mut heads = ends.client.got.head_text().to_ascii_lowercase();
    if let Some(server) = &ends.server {
        heads.push_str("\r\n");
        heads.push_str(&server.got.head_text().to_ascii_lowercase());
    }
    SIGNS.iter().find(|(sign, _)| heads.contains(sign)).map(|(_, software)| *software)
}

/// The fix for each cause: the software's own where it is known, the general one otherwise.
pub(crate) fn fixes(software: Option<&str>, causes: &[Cause]) -> Vec<Fix> {
    let known = software.and_then(Intermediary::from_name);
    let fix = |&cause: &Cause| {
        let own = known.and_then(|known| Some(format!("{known}: {}", known.fix_of(cause)?)));
        Fix { cause, fix: own.unwrap_or_else(|| cause.fix_line(Language::English)) }
    };
    causes.iter().map(fix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recognised_has_a_page_and_its_own_fix() {
        for (sign, software) in SIGNS {
            assert!(Intermediary::from_name(software).is_some(), "{sign}: {software}");
        }
        let fix = |software| fixes(software, &[Cause::IdleTimeoutIntermediary]).remove(0).fix;
        assert!(fix(Some("nginx")).starts_with("nginx: proxy_read_timeout"), "{}", fix(Some("nginx")));
        assert_eq!(fix(None), Cause::IdleTimeoutIntermediary.fix_line(Language::English));
        assert_eq!(fix(Some("mitmproxy")), fix(None));
    }
}

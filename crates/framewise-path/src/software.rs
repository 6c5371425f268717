//! Recognises the intermediary by its headers, and knows what mends it.

use framewise_rules::Cause;
use framewise_rules::prose::Language;

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

/// What to write into a configuration.
const FIXES: &[(&str, Cause, &str)] = &[
    (
        "nginx",
        Cause::UpgradeHeadersDropped,
        "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";",
    ),
    ("nginx", Cause::Http10ToUpstream, "proxy_http_version 1.1;"),
    (
        "nginx",
        Cause::IdleTimeoutIntermediary,
        "proxy_read_timeout 1h; proxy_send_timeout 1h; (the default is 60 s)",
    ),
    ("nginx", Cause::HeadersChangedOnPath, "proxy_set_header Host $http_host;"),
    (
        "Apache httpd",
        Cause::UpgradeHeadersDropped,
        "ProxyPass \"/\" \"http://backend/\" upgrade=websocket (2.4.47 and later), or mod_proxy_wstunnel with ws://",
    ),
    ("Apache httpd", Cause::IdleTimeoutIntermediary, "ProxyTimeout 3600"),
    ("Apache httpd", Cause::HeadersChangedOnPath, "ProxyPreserveHost On"),
    (
        "Envoy",
        Cause::UpgradeHeadersDropped,
        "upgrade_configs: [{upgrade_type: websocket}] in the HttpConnectionManager",
    ),
    (
        "Envoy",
        Cause::IdleTimeoutIntermediary,
        "timeout: 0s and idle_timeout: 0s in the route (the stream's default is 5 min)",
    ),
    ("lighttpd", Cause::UpgradeHeadersDropped, "proxy.header = ( \"upgrade\" => \"enable\" )"),
    (
        "AWS ALB",
        Cause::IdleTimeoutIntermediary,
        "raise idle_timeout.timeout_seconds (the default is 60 s, the maximum 4,000 s)",
    ),
    ("Cloudflare", Cause::IdleTimeoutIntermediary, "send a Ping more often than every 100 s"),
    (
        "Google Cloud load balancer",
        Cause::IdleTimeoutIntermediary,
        "raise the backend service's timeout (the default is 30 s)",
    ),
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
    let fix = |&cause: &Cause| {
        let own = FIXES.iter().find(|(name, of, _)| Some(*name) == software && *of == cause);
        let fix =
            own.map_or_else(|| cause.fix_line(Language::English), |(name, _, fix)| format!("{name}: {fix}"));
        Fix { cause, fix }
    };
    causes.iter().map(fix).collect()
}

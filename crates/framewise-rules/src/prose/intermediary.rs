//! The proxies, load balancers and gateways: what each must be told about WebSockets, its defaults, and their sources.

mod appliances;
mod cloud;
mod kubernetes;
mod libraries;
mod servers;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{Language, Section, markdown};
use crate::Cause;

/// What kind of thing an intermediary is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A server that you configure by a file.
    Server,
    /// A library, or a tool for development.
    Library,
    /// A service of a cloud.
    Cloud,
    /// A part of a Kubernetes cluster.
    Kubernetes,
    /// A product with an interface of its own.
    Appliance,
}

/// A default, a limit or a size that matters to WebSockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The setting, or the quota, as the documentation calls it.
    pub setting: &'static str,
    /// Its default, or the limit; `—` where there is none.
    pub value: &'static str,
    english: &'static str,
    french: &'static str,
    /// The page that says so.
    pub source: &'static str,
}

impl Figure {
    /// What the figure limits, in a few words.
    pub const fn meaning(&self, language: Language) -> &'static str {
        match language {
            Language::English => self.english,
            Language::French => self.french,
        }
    }
}

/// The shorthand of the tables.
const fn figure(
    setting: &'static str,
    value: &'static str,
    english: &'static str,
    french: &'static str,
    source: &'static str,
) -> Figure {
    Figure { setting, value, english, french, source }
}

/// What shows that a sentence about an intermediary is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A page of the makers, their source code, or a report of users where the makers say nothing.
    Page(&'static str),
    /// It was run: the proxy and its configuration in `docs/proxies.md`, as `cargo xtask proxies` takes them.
    Run(&'static str, &'static str),
}

/// What the tables hold about one intermediary.
#[derive(Clone, Copy, Debug)]
struct Facts {
    /// Its documentation about WebSockets, or the page that comes nearest.
    documentation: &'static str,
    figures: &'static [Figure],
    /// For each point of “How it shows”, in its order.
    shows: &'static [Evidence],
    /// The setting that mends a cause.
    fixes: &'static [(Cause, &'static str)],
}

macro_rules! intermediaries {
    ($( $variant:ident $id:literal $name:literal $family:ident [$( $alias:literal ),*] $facts:path; )+) => {
        #[allow(clippy::doc_markdown, reason = "names are not code")]
        /// A proxy, a load balancer or a gateway that WebSocket connections pass through.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Intermediary { $( #[doc = $name] $variant, )+ }

        impl Intermediary {
            /// Every intermediary, in the order of the table.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The name in kebab-case.
            pub const fn id(self) -> &'static str { match self { $( Self::$variant => $id, )+ } }

            /// The name as its makers write it.
            pub const fn name(self) -> &'static str { match self { $( Self::$variant => $name, )+ } }

            /// What kind of thing it is.
            pub const fn family(self) -> Family { match self { $( Self::$variant => Family::$family, )+ } }

            /// Other names, in lower case with single spaces.
            pub const fn aliases(self) -> &'static [&'static str] {
                match self { $( Self::$variant => &[$( $alias, )*], )+ }
            }

            const fn facts(self) -> &'static Facts { match self { $( Self::$variant => &$facts, )+ } }

            const fn markdown(self, language: Language) -> &'static str {
                match language {
                    Language::English => match self {
                        $( Self::$variant => include_str!(concat!("../../prose/en/intermediaries/", $id, ".md")), )+
                    },
                    Language::French => match self {
                        $( Self::$variant => include_str!(concat!("../../prose/fr/intermediaries/", $id, ".md")), )+
                    },
                }
            }
        }
    };
}

intermediaries! {
    Nginx "nginx" "nginx" Server ["openresty", "nginx plus", "freenginx"] servers::NGINX;
    Haproxy "haproxy" "HAProxy" Server ["ha proxy"] servers::HAPROXY;
    Caddy "caddy" "Caddy" Server ["caddy server", "caddyserver"] servers::CADDY;
    Envoy "envoy" "Envoy" Server ["envoy proxy", "envoyproxy"] servers::ENVOY;
    Traefik "traefik" "Traefik" Server ["traefik proxy"] servers::TRAEFIK;
    Apache "apache" "Apache httpd" Server ["httpd", "apache2", "mod proxy", "mod proxy wstunnel", "apache http server"] servers::APACHE;
    Squid "squid" "Squid" Server ["squid cache", "squid proxy"] servers::SQUID;
    Tinyproxy "tinyproxy" "tinyproxy" Server ["tiny proxy"] servers::TINYPROXY;
    Stunnel "stunnel" "stunnel" Server ["stunnel4"] servers::STUNNEL;
    Varnish "varnish" "Varnish" Server ["varnish cache", "varnishd"] servers::VARNISH;
    Lighttpd "lighttpd" "lighttpd" Server ["lighty"] servers::LIGHTTPD;
    Nghttpx "nghttpx" "nghttpx" Server ["nghttp2 proxy"] servers::NGHTTPX;
    Socat "socat" "socat" Server [] servers::SOCAT;
    Inspect "inspect" "framewise inspect" Library [] libraries::INSPECT;
    Mitmproxy "mitmproxy" "mitmproxy" Library ["mitmdump", "mitmweb"] libraries::MITMPROXY;
    HttpProxy "http-proxy" "http-proxy" Library ["node http proxy", "npm http proxy"] libraries::HTTP_PROXY;
    HttpProxyMiddleware "http-proxy-middleware" "http-proxy-middleware" Library ["hpm", "npm http proxy middleware"] libraries::HTTP_PROXY_MIDDLEWARE;
    Vite "vite" "Vite" Library ["vite proxy", "vite dev server", "vitejs"] libraries::VITE;
    FastapiProxyLib "fastapi-proxy-lib" "fastapi-proxy-lib" Library ["fastapi proxy"] libraries::FASTAPI_PROXY_LIB;
    Aiohttp "aiohttp" "aiohttp" Library ["aiohttp proxy"] libraries::AIOHTTP;
    Websockify "websockify" "websockify" Library ["novnc"] libraries::WEBSOCKIFY;
    JupyterServerProxy "jupyter-server-proxy" "jupyter-server-proxy" Library ["jupyter proxy", "nbserverproxy"] libraries::JUPYTER_SERVER_PROXY;
    AwsAlb "aws-alb" "AWS Application Load Balancer" Cloud ["alb", "elb", "awselb", "elastic load balancing", "application load balancer", "aws elb"] cloud::AWS_ALB;
    AwsNlb "aws-nlb" "AWS Network Load Balancer" Cloud ["nlb", "network load balancer"] cloud::AWS_NLB;
    AwsApiGateway "aws-api-gateway" "AWS API Gateway" Cloud ["api gateway", "amazon api gateway", "apigw"] cloud::AWS_API_GATEWAY;
    Cloudfront "cloudfront" "Amazon CloudFront" Cloud ["aws cloudfront", "cloud front"] cloud::CLOUDFRONT;
    AzureApplicationGateway "azure-application-gateway" "Azure Application Gateway" Cloud ["application gateway", "app gateway", "azure app gateway", "appgw"] cloud::AZURE_APPLICATION_GATEWAY;
    AzureFrontDoor "azure-front-door" "Azure Front Door" Cloud ["front door", "frontdoor", "afd"] cloud::AZURE_FRONT_DOOR;
    GcpLoadBalancer "gcp-load-balancer" "Google Cloud load balancer" Cloud ["gcp", "gclb", "google cloud application load balancer", "google cloud load balancing", "google load balancer", "gcp lb", "gke ingress"] cloud::GCP_LOAD_BALANCER;
    Cloudflare "cloudflare" "Cloudflare" Cloud ["cloud flare", "cf"] cloud::CLOUDFLARE;
    IngressNginx "ingress-nginx" "ingress-nginx" Kubernetes ["nginx ingress", "nginx ingress controller", "kubernetes ingress nginx"] kubernetes::INGRESS_NGINX;
    HaproxyIngress "haproxy-ingress" "HAProxy Ingress" Kubernetes ["haproxy ingress controller"] kubernetes::HAPROXY_INGRESS;
    Istio "istio" "Istio" Kubernetes ["istio ingress gateway", "istio gateway"] kubernetes::ISTIO;
    TraefikIngress "traefik-ingress" "Traefik on Kubernetes" Kubernetes ["traefik ingress controller", "traefik kubernetes"] kubernetes::TRAEFIK_INGRESS;
    IisArr "iis-arr" "IIS with ARR" Appliance ["iis", "arr", "application request routing", "iis arr reverse proxy"] appliances::IIS_ARR;
    F5BigIp "f5-big-ip" "F5 BIG-IP" Appliance ["f5", "big ip", "bigip", "f5 ltm"] appliances::F5_BIG_IP;
    Synology "synology" "Synology DSM" Appliance ["dsm", "synology reverse proxy", "synology nas"] appliances::SYNOLOGY;
    NginxProxyManager "nginx-proxy-manager" "Nginx Proxy Manager" Appliance ["npm", "nginxproxymanager"] appliances::NGINX_PROXY_MANAGER;
}

impl Intermediary {
    /// The intermediary of exactly this name: its id, its name or an alias, in any case, with any separators between words.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = words(name);
        let is = |known: &str| words(known) == name;
        Self::ALL
            .iter()
            .copied()
            .find(|one| is(one.id()) || is(one.name()) || one.aliases().iter().any(|alias| *alias == name))
    }

    /// Its documentation about WebSockets.
    pub const fn documentation(self) -> &'static str {
        self.facts().documentation
    }

    /// Its defaults and limits, each with its source.
    pub const fn figures(self) -> &'static [Figure] {
        self.facts().figures
    }

    /// The settings that mend causes.
    pub const fn fixes(self) -> &'static [(Cause, &'static str)] {
        self.facts().fixes
    }

    /// The setting that mends this cause, if it has one.
    pub fn fix_of(self, cause: Cause) -> Option<&'static str> {
        self.fixes().iter().find(|(of, _)| *of == cause).map(|(_, fix)| *fix)
    }

    /// What it is, in one sentence.
    pub fn title(self, language: Language) -> &'static str {
        markdown::title(self.markdown(language))
    }

    /// The text, section by section.
    pub fn sections(self, language: Language) -> Vec<Section> {
        markdown::sections(self.markdown(language)).collect()
    }

    /// What must be set for WebSockets.
    pub fn what_to_set(self, language: Language) -> &'static str {
        markdown::body(self.markdown(language), 0)
    }

    /// What shows that each point of [`how_it_shows`](Self::how_it_shows) is right, in their order.
    pub const fn evidence(self) -> &'static [Evidence] {
        self.facts().shows
    }

    /// The points of [`how_it_shows`](Self::how_it_shows), each with what shows that it is right.
    pub fn shows(self, language: Language) -> impl Iterator<Item = (&'static str, Evidence)> {
        let points = self.how_it_shows(language).split("\n- ");
        points.map(|point| point.trim_start_matches("- ")).zip(self.evidence().iter().copied())
    }

    /// How it shows when something is set wrong: a list.
    pub fn how_it_shows(self, language: Language) -> &'static str {
        markdown::body(self.markdown(language), 1)
    }
}

impl fmt::Display for Intermediary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Lower case, with single spaces between words; characters that are part of no word separate them.
fn words(name: &str) -> String {
    let mut words = String::new();
    for word in name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.extend(word.chars().flat_map(char::to_lowercase));
    }
    words
}

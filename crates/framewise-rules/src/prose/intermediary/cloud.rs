use super::Evidence::Page;
use super::{Facts, figure};
use crate::Cause;

pub(super) const AWS_ALB: Facts = Facts {
    documentation: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html",
    figures: &[figure(
        "idle_timeout.timeout_seconds",
        "60 s",
        "the longest silence in both directions",
        "le plus long silence dans les deux sens",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html",
    )],
    shows: &[
        Page(
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html",
        ),
        Page(
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html",
        ),
        Page("https://socket.io/docs/v4/using-multiple-nodes/"),
    ],
    fixes: &[(Cause::IdleTimeoutIntermediary, "raise idle_timeout.timeout_seconds (the default is 60 s)")],
};

pub(super) const AWS_NLB: Facts = Facts {
    documentation: "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html",
    figures: &[
        figure(
            "tcp.idle_timeout.seconds",
            "350 s",
            "the longest silence through a TCP listener; 60 to 6000",
            "le plus long silence par un listener TCP ; de 60 à 6000",
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html",
        ),
        figure(
            "TLS listener",
            "350 s",
            "the longest silence, which cannot be changed",
            "le plus long silence, qui ne se change pas",
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html",
        ),
    ],
    shows: &[
        Page("https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html"),
        Page(
            "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html",
        ),
    ],
    fixes: &[(
        Cause::IdleTimeoutIntermediary,
        "raise tcp.idle_timeout.seconds (the default is 350 s, the maximum 6000 s)",
    )],
};

const API_GATEWAY_QUOTAS: &str = "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html";

pub(super) const AWS_API_GATEWAY: Facts = Facts {
    documentation: API_GATEWAY_QUOTAS,
    figures: &[
        figure(
            "WebSocket frame size",
            "32 KB",
            "more is a 1009; a larger message must be cut into frames",
            "au-delà, c'est un 1009 ; un message plus grand doit être découpé en trames",
            API_GATEWAY_QUOTAS,
        ),
        figure(
            "Message payload size",
            "128 KB",
            "more is a 1009",
            "au-delà, c'est un 1009",
            API_GATEWAY_QUOTAS,
        ),
        figure(
            "Idle Connection Timeout",
            "10 min",
            "the longest silence",
            "le plus long silence",
            API_GATEWAY_QUOTAS,
        ),
        figure(
            "Connection duration",
            "2 h",
            "the maximum life of a connection",
            "la durée de vie maximale d'une connexion",
            API_GATEWAY_QUOTAS,
        ),
        figure(
            "New connections per second",
            "500",
            "for an account in a region",
            "pour un compte dans une région",
            API_GATEWAY_QUOTAS,
        ),
        figure(
            "Integration timeout",
            "29 s",
            "at most, for each message",
            "au plus, pour chaque message",
            API_GATEWAY_QUOTAS,
        ),
    ],
    shows: &[
        Page(
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html",
        ),
        Page(
            "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html",
        ),
    ],
    fixes: &[
        (Cause::LimitOfIntermediary, "cut messages into frames of 32 KB, and keep them within 128 KB"),
        (Cause::IdleTimeoutIntermediary, "send a Ping more often than every 10 min (fixed)"),
    ],
};

const CLOUDFRONT_WEBSOCKETS: &str = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-working-with.websockets.html";

pub(super) const CLOUDFRONT: Facts = Facts {
    documentation: CLOUDFRONT_WEBSOCKETS,
    figures: &[
        figure(
            "origin request policy",
            "—",
            "must forward Sec-WebSocket-Key and Sec-WebSocket-Version, or all headers",
            "doit transmettre Sec-WebSocket-Key et Sec-WebSocket-Version, ou tous les en-têtes",
            CLOUDFRONT_WEBSOCKETS,
        ),
        figure(
            "Origin response timeout (idle timeout)",
            "10 min",
            "the longest silence of the origin, which cannot be changed (an answer of AWS staff)",
            "le plus long silence de l'origine, qui ne se change pas (réponse d'un employé d'AWS)",
            "https://repost.aws/questions/QU05nkjxdfRC2E67FGICmP3g/how-to-increase-cloudfront-websockets-idle-timeout",
        ),
    ],
    shows: &[
        Page(
            "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-working-with.websockets.html",
        ),
        Page(
            "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-working-with.websockets.html",
        ),
        Page(
            "https://repost.aws/questions/QU05nkjxdfRC2E67FGICmP3g/how-to-increase-cloudfront-websockets-idle-timeout",
        ),
    ],
    fixes: &[
        (
            Cause::KeyDroppedOnPath,
            "the origin request policy AllViewer, or one with Sec-WebSocket-Key and Sec-WebSocket-Version",
        ),
        (
            Cause::ExtensionHeaderStripped,
            "add Sec-WebSocket-Extensions to the origin request policy, or use AllViewer",
        ),
    ],
};

const APPLICATION_GATEWAY: &str =
    "https://learn.microsoft.com/en-us/azure/application-gateway/application-gateway-websocket";

pub(super) const AZURE_APPLICATION_GATEWAY: Facts = Facts {
    documentation: APPLICATION_GATEWAY,
    figures: &[
        figure(
            "concurrent WS connections",
            "30000",
            "of an instance, without TLS",
            "d'une instance, sans TLS",
            APPLICATION_GATEWAY,
        ),
        figure(
            "concurrent WSS connections",
            "13500",
            "of an instance, with TLS",
            "d'une instance, avec TLS",
            APPLICATION_GATEWAY,
        ),
    ],
    shows: &[
        Page(
            "https://learn.microsoft.com/en-us/azure/application-gateway/application-gateway-troubleshooting-502",
        ),
        Page("https://learn.microsoft.com/en-us/azure/application-gateway/application-gateway-websocket"),
    ],
    fixes: &[],
};

const FRONT_DOOR: &str = "https://learn.microsoft.com/en-us/azure/frontdoor/standard-premium/websocket";

pub(super) const AZURE_FRONT_DOOR: Facts = Facts {
    documentation: FRONT_DOOR,
    figures: &[
        figure(
            "idle timeout",
            "5 min",
            "the longest silence in both directions",
            "le plus long silence dans les deux sens",
            FRONT_DOOR,
        ),
        figure(
            "maximum duration",
            "4 h",
            "the maximum life of a connection",
            "la durée de vie maximale d'une connexion",
            FRONT_DOOR,
        ),
        figure(
            "concurrent connections",
            "3000",
            "of a profile, worldwide",
            "d'un profil, dans le monde entier",
            FRONT_DOOR,
        ),
        figure(
            "caching",
            "—",
            "must be off for the route: with it, Upgrade is not forwarded",
            "doit être désactivé pour la route : avec lui, Upgrade n'est pas transmis",
            FRONT_DOOR,
        ),
    ],
    shows: &[
        Page("https://learn.microsoft.com/en-us/azure/frontdoor/standard-premium/websocket"),
        Page("https://learn.microsoft.com/en-us/azure/frontdoor/standard-premium/websocket"),
        Page("https://learn.microsoft.com/en-us/azure/frontdoor/standard-premium/websocket"),
    ],
    fixes: &[
        (Cause::UpgradeHeadersDropped, "turn caching off for the route"),
        (Cause::IdleTimeoutIntermediary, "send a Ping more often than every 5 min (fixed)"),
    ],
};

pub(super) const GCP_LOAD_BALANCER: Facts = Facts {
    documentation: "https://cloud.google.com/load-balancing/docs/https#timeout-bes",
    figures: &[
        figure(
            "timeoutSec",
            "30 s",
            "the timeout of the backend service; Google advises against more than 86400",
            "le délai du backend service ; Google déconseille plus de 86400",
            "https://gcpdiag.dev/rules/lb/BP/2025_002/index.html",
        ),
        figure(
            "timeoutSec for WebSockets",
            "30 s",
            "the maximum life of a connection, not of a silence (the load balancers that Google's front ends implement)",
            "la durée de vie maximale d'une connexion, et non d'un silence (les répartiteurs que les front-ends de Google réalisent)",
            "https://pkg.go.dev/github.com/agau4779/ingress-gce/examples/websocket",
        ),
    ],
    shows: &[
        Page("https://pkg.go.dev/github.com/agau4779/ingress-gce/examples/websocket"),
        Page("https://gcpdiag.dev/rules/lb/BP/2025_002/index.html"),
    ],
    fixes: &[(
        Cause::IdleTimeoutIntermediary,
        "gcloud compute backend-services update SERVICE --timeout=86400 (the default is 30 s)",
    )],
};

const CLOUDFLARE_LIMITS: &str = "https://developers.cloudflare.com/fundamentals/reference/connection-limits/";

pub(super) const CLOUDFLARE: Facts = Facts {
    documentation: "https://developers.cloudflare.com/network/websockets/",
    figures: &[
        figure(
            "Proxy Read Timeout",
            "120 s",
            "the wait for an answer to the handshake; then 524",
            "l'attente d'une réponse au handshake ; ensuite 524",
            CLOUDFLARE_LIMITS,
        ),
        figure(
            "Proxy Idle Timeout",
            "900 s",
            "the silence of a connection to the origin between requests; not of a WebSocket",
            "le silence d'une connexion à l'origine entre deux requêtes ; pas d'un WebSocket",
            CLOUDFLARE_LIMITS,
        ),
        figure(
            "Connection Keep-Alive HTTP/1.1",
            "400 s",
            "the silence of a client's connection between requests; not of a WebSocket",
            "le silence d'une connexion de client entre deux requêtes ; pas d'un WebSocket",
            CLOUDFLARE_LIMITS,
        ),
        figure(
            "Complete TCP Connection",
            "19 s",
            "for the connection to the origin; then 522",
            "pour la connexion à l'origine ; ensuite 522",
            CLOUDFLARE_LIMITS,
        ),
    ],
    shows: &[
        Page("https://developers.cloudflare.com/network/websockets/"),
        Page("https://developers.cloudflare.com/fundamentals/reference/connection-limits/"),
        Page(
            "https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/",
        ),
    ],
    fixes: &[(
        Cause::IdleTimeoutIntermediary,
        "send a Ping every 30 s (the limit for WebSockets is not documented)",
    )],
};

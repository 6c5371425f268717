use super::Evidence::Page;
use super::{Facts, figure};
use crate::Cause;

pub(super) const INGRESS_NGINX: Facts = Facts {
    documentation: "https://kubernetes.github.io/ingress-nginx/user-guide/miscellaneous/#websockets",
    figures: &[
        figure(
            "proxy-read-timeout",
            "60 s",
            "the longest silence; the value has no unit",
            "le plus long silence ; la valeur n'a pas d'unité",
            "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/",
        ),
        figure(
            "proxy-send-timeout",
            "60 s",
            "the longest time between two writes to the server",
            "le plus long délai entre deux écritures vers le serveur",
            "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/",
        ),
        figure(
            "worker-shutdown-timeout",
            "240 s",
            "how long open connections live on after a reload of nginx",
            "combien de temps les connexions survivent à un rechargement de nginx",
            "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/",
        ),
        figure(
            "proxy-connect-timeout",
            "5 s",
            "for the connection to the server",
            "pour la connexion au serveur",
            "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/",
        ),
        figure(
            "large-client-header-buffers",
            "4 8k",
            "a header line of the request fits into 8k",
            "une ligne d'en-tête de la requête tient dans 8k",
            "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/",
        ),
    ],
    shows: &[
        Page("https://kubernetes.github.io/ingress-nginx/user-guide/miscellaneous/#websockets"),
        Page(
            "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/configmap/#worker-shutdown-timeout",
        ),
        Page(
            "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#custom-timeouts",
        ),
        Page("https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_set_header"),
    ],
    fixes: &[(
        Cause::IdleTimeoutIntermediary,
        "nginx.ingress.kubernetes.io/proxy-read-timeout: \"3600\" and proxy-send-timeout: \"3600\"",
    )],
};

pub(super) const HAPROXY_INGRESS: Facts = Facts {
    documentation: "https://haproxy-ingress.github.io/docs/configuration/keys/#timeout",
    figures: &[
        figure(
            "timeout-tunnel",
            "1 h",
            "the longest silence in both directions after the 101",
            "le plus long silence dans les deux sens après le 101",
            "https://haproxy-ingress.github.io/docs/configuration/keys/#timeout",
        ),
        figure(
            "timeout-stop",
            "10 min",
            "how long open connections live on after a reload",
            "combien de temps les connexions survivent à un rechargement",
            "https://haproxy-ingress.github.io/docs/configuration/keys/#timeout",
        ),
        figure(
            "timeout-client",
            "50 s",
            "the longest silence of the client before the 101",
            "le plus long silence du client avant le 101",
            "https://haproxy-ingress.github.io/docs/configuration/keys/#timeout",
        ),
        figure(
            "timeout-connect",
            "5 s",
            "for the connection to the server",
            "pour la connexion au serveur",
            "https://haproxy-ingress.github.io/docs/configuration/keys/#timeout",
        ),
    ],
    shows: &[
        Page("https://haproxy-ingress.github.io/docs/configuration/keys/#timeout"),
        Page("https://haproxy-ingress.github.io/docs/configuration/keys/#timeout"),
        Page("https://haproxy-ingress.github.io/docs/configuration/keys/#close-sessions-duration"),
    ],
    fixes: &[(Cause::IdleTimeoutIntermediary, "haproxy-ingress.github.io/timeout-tunnel: 4h")],
};

pub(super) const ISTIO: Facts = Facts {
    documentation: "https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/",
    figures: &[
        figure(
            "timeout",
            "—",
            "of a VirtualService: disabled where it is not set",
            "d'un VirtualService : désactivé sans valeur",
            "https://istio.io/latest/docs/tasks/traffic-management/request-timeouts/",
        ),
        figure(
            "appProtocol",
            "—",
            "http is detected, or named by the port; anything else is relayed as TCP",
            "http est détecté, ou nommé par le port ; le reste est relayé comme TCP",
            "https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/",
        ),
    ],
    shows: &[
        Page("https://istio.io/latest/docs/tasks/traffic-management/request-timeouts/"),
        Page("https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/"),
    ],
    fixes: &[],
};

pub(super) const TRAEFIK_INGRESS: Facts = Facts {
    documentation: "https://doc.traefik.io/traefik/expose/overview/#exposing-websocket-services",
    figures: &[
        figure(
            "respondingTimeouts.readTimeout",
            "60 s",
            "the time to read a request with its body; not for what follows the 101",
            "la durée de lecture d'une requête et de son corps ; pas de ce qui suit le 101",
            "https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/",
        ),
        figure(
            "lifeCycle.graceTimeOut",
            "10 s",
            "how long open connections live on when a pod stops",
            "combien de temps les connexions survivent à l'arrêt d'un pod",
            "https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/",
        ),
    ],
    shows: &[
        Page("https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/"),
        Page("https://doc.traefik.io/traefik/getting-started/faq/#404-not-found"),
        Page("https://socket.io/docs/v4/using-multiple-nodes/"),
    ],
    fixes: &[],
};

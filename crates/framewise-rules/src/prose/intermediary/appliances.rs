use super::{Facts, figure};
use crate::Cause;

pub(super) const NGINX_PROXY_MANAGER: Facts = Facts {
    documentation: "https://nginxproxymanager.com/advanced-config/",
    figures: &[
        figure(
            "Websockets Support",
            "—",
            "a switch of each proxy host; with it, Upgrade and Connection are passed on",
            "un interrupteur de chaque proxy host ; avec lui, Upgrade et Connection sont transmis",
            "https://github.com/NginxProxyManager/nginx-proxy-manager/blob/develop/backend/templates/proxy_host.conf",
        ),
        figure(
            "proxy_read_timeout",
            "90 s",
            "the longest silence",
            "le plus long silence",
            "https://github.com/NginxProxyManager/nginx-proxy-manager/blob/develop/docker/rootfs/etc/nginx/nginx.conf",
        ),
        figure(
            "proxy_send_timeout",
            "90 s",
            "the longest time between two writes to the server",
            "le plus long délai entre deux écritures vers le serveur",
            "https://github.com/NginxProxyManager/nginx-proxy-manager/blob/develop/docker/rootfs/etc/nginx/nginx.conf",
        ),
    ],
    fixes: &[
        (Cause::UpgradeHeadersDropped, "turn “Websockets Support” on in the proxy host"),
        (Cause::IdleTimeoutIntermediary, "proxy_read_timeout 1h; proxy_send_timeout 1h; under “Advanced”"),
    ],
};

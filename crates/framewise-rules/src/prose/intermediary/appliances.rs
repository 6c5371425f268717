use super::Evidence::Page;
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
    shows: &[
        Page(
            "https://github.com/NginxProxyManager/nginx-proxy-manager/blob/develop/backend/templates/proxy_host.conf",
        ),
        Page(
            "https://github.com/NginxProxyManager/nginx-proxy-manager/blob/develop/backend/templates/_location.conf",
        ),
        Page(
            "https://github.com/NginxProxyManager/nginx-proxy-manager/blob/develop/docker/rootfs/etc/nginx/nginx.conf",
        ),
        Page(
            "https://github.com/NginxProxyManager/nginx-proxy-manager/blob/develop/docker/rootfs/etc/nginx/conf.d/include/block-exploits.conf",
        ),
    ],
    fixes: &[
        (Cause::UpgradeHeadersDropped, "turn “Websockets Support” on in the proxy host"),
        (Cause::IdleTimeoutIntermediary, "proxy_read_timeout 1h; proxy_send_timeout 1h; under “Advanced”"),
    ],
};

pub(super) const IIS_ARR: Facts = Facts {
    documentation: "https://learn.microsoft.com/en-us/iis/configuration/system.webserver/websocket",
    figures: &[figure(
        "WebSocket Protocol",
        "IIS 8.0",
        "the role feature exists from this version on, and must be installed",
        "la fonctionnalité existe depuis cette version, et doit être installée",
        "https://learn.microsoft.com/en-us/iis/configuration/system.webserver/websocket",
    )],
    shows: &[Page("https://learn.microsoft.com/en-us/iis/configuration/system.webserver/websocket")],
    fixes: &[(Cause::UpgradeHeadersDropped, "Install-WindowsFeature Web-WebSockets")],
};

pub(super) const F5_BIG_IP: Facts = Facts {
    documentation: "https://docs.ansible.com/ansible/2.8/modules/bigip_profile_tcp_module.html",
    figures: &[
        figure(
            "idle-timeout",
            "—",
            "of the TCP profile: the longest silence; the default is that of the parent profile",
            "du profil TCP : le plus long silence ; la valeur par défaut est celle du profil parent",
            "https://docs.ansible.com/ansible/2.8/modules/bigip_profile_tcp_module.html",
        ),
        figure(
            "HTTP profile",
            "11.4",
            "from this version on it need not be off for WebSockets (users report 11.4.1)",
            "depuis cette version, il n'a plus à être désactivé pour les WebSockets (des utilisateurs citent 11.4.1)",
            "https://github.com/Automattic/socket.io/issues/1347",
        ),
    ],
    shows: &[
        Page("https://github.com/Automattic/socket.io/issues/1347"),
        Page("https://docs.ansible.com/ansible/2.8/modules/bigip_profile_tcp_module.html"),
    ],
    fixes: &[(Cause::IdleTimeoutIntermediary, "tmsh modify ltm profile tcp tcp-websocket idle-timeout 3600")],
};

pub(super) const SYNOLOGY: Facts = Facts {
    documentation: "https://github.com/orobardet/dsm-reverse-proxy-websocket",
    figures: &[figure(
        "Custom Header, WebSocket",
        "—",
        "adds Upgrade and Connection; from DSM 6.2.1 on",
        "ajoute Upgrade et Connection ; depuis DSM 6.2.1",
        "https://github.com/orobardet/dsm-reverse-proxy-websocket",
    )],
    shows: &[
        Page("https://github.com/orobardet/dsm-reverse-proxy-websocket"),
        Page("https://github.com/orobardet/dsm-reverse-proxy-websocket"),
    ],
    fixes: &[(
        Cause::UpgradeHeadersDropped,
        "Custom Header → Create → WebSocket, in the rule of the reverse proxy",
    )],
};

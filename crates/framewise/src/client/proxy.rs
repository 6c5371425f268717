//! The choice of a proxy, and the request for a tunnel.

mod environment;
mod http;
mod socks5;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::{fmt, io};

pub(super) use self::environment::Environment;
use super::attempt::Attempt;
use super::{Client, dial};
use crate::authority::{Authority, Login, host_port, split_scheme};
use crate::error::{ConnectError, ConnectFault};
use crate::stream::Way;

/// A proxy for a client: HTTP, HTTPS, or SOCKS 5. It is printed without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    scheme: Scheme,
    host: String,
    port: u16,
    login: Option<Login>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
    Socks5,
    Socks5h,
}

/// The choice of a proxy in the settings of a client.
#[derive(Clone, Debug, Default)]
pub(super) enum Via {
    #[default]
    Direct,
    /// To this host and port instead of those of the URL.
    Elsewhere(String, u16),
    Proxy(Proxy),
    Environment(Environment),
}

impl Proxy {
    /// Parses the URL of a proxy:
    ///
    /// | URL | |
    /// |---|---|
    /// | `http://proxy.example:3128` | a tunnel with CONNECT (RFC 9110 §9.3.6), for `ws://` too (RFC 6455 §4.1) |
    /// | `https://proxy.example` | the same over TLS, with the client's own TLS configuration |
    /// | `socks5h://proxy.example` | SOCKS 5 (RFC 1928); the proxy looks names up |
    /// | `socks5://proxy.example` | SOCKS 5; this machine looks names up |
    ///
    /// The default scheme is `http://`; the default port is 80, 443 or 1080. A name and a password
    /// (`http://name:password@proxy.example`, percent-encoded if necessary) are sent to the proxy as Basic (RFC 7617), to
    /// SOCKS by RFC 1929.
    ///
    /// Errors: [`Error::Connect`](crate::Error::Connect) with [`ConnectFault::Proxy`], which says what to write instead.
    pub fn parse(url: &str) -> Result<Self, crate::Error> {
        Ok(Self::take_apart(url.trim()).map_err(|says| {
            ConnectError::new(
                url.trim(),
                ConnectFault::Proxy,
                format!("it is not the URL of a proxy: {says}"),
            )
        })?)
    }

    fn take_apart(url: &str) -> Result<Self, Cow<'static, str>> {
        let (scheme, rest) = split_scheme(url).unwrap_or(("http", url));
        let (scheme, port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Scheme::Http, 80),
            "https" => (Scheme::Https, 443),
            "socks5" => (Scheme::Socks5, 1080),
            "socks5h" => (Scheme::Socks5h, 1080),
            "socks" | "socks4" | "socks4a" => {
                return Err("only SOCKS 5 is supported: write socks5h:// or socks5://".into());
            }
            other => {
                return Err(format!(
                    "the scheme {other:?} is not supported: use http, https, socks5 or socks5h"
                )
                .into());
            }
        };
        let authority = Authority::take_apart(rest)?;
        if !matches!(authority.rest, "" | "/") {
            return Err("a proxy must not have a path: remove it".into());
        }
        let socks = matches!(scheme, Scheme::Socks5 | Scheme::Socks5h);
        // RFC 1929 §2: PLEN and ULEN are one byte each.
        if socks
            && authority.login.as_ref().is_some_and(|login| login.name.len().max(login.password.len()) > 255)
        {
            return Err("name and password for SOCKS must not be longer than 255 bytes each".into());
        }
        Ok(Self {
            scheme,
            host: authority.host.to_owned(),
            port: authority.port.unwrap_or(port),
            login: authority.login,
        })
    }
}

/// The URL, without name and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Socks5 => "socks5",
            Scheme::Socks5h => "socks5h",
        };
        write!(f, "{scheme}://{}", host_port(&self.host, self.port))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// The address that the proxy connects to.
enum Target<'t> {
    Address(SocketAddr),
    Name(&'t str, u16),
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

/// Why the proxy did not open a tunnel.
struct Refusal {
    /// The rest of a sentence that begins with "the proxy".
    says: String,
    /// The proxy works, and may be able to reach another address.
    unreached: bool,
}

impl From<String> for Refusal {
    fn from(says: String) -> Self {
        Self { says, unreached: false }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};

        if [BrokenPipe, ConnectionReset, UnexpectedEof].contains(&error.kind()) {
            return "closed the connection before it answered".to_owned().into();
        }
        format!("was lost ({error})").into()
    }
}

/// Opens a tunnel through the proxy to the server of the attempt.
pub(super) async fn tunnel(client: &Client, attempt: &Attempt, proxy: &Proxy) -> Result<Way, ConnectError> {
    let (host, port) = (attempt.url.host.as_str(), attempt.url.port);
    let targets = match (proxy.scheme, host.parse()) {
        (_, Ok(ip)) => vec![Target::Address(SocketAddr::new(ip, port))],
        (Scheme::Socks5, Err(_)) => {
            dial::resolve(attempt, host, port).await?.into_iter().map(Target::Address).collect()
        }
        (Scheme::Http | Scheme::Https | Scheme::Socks5h, Err(_)) => vec![Target::Name(host, port)],
    };
    first(client, attempt, proxy, targets).await
}

/// Opens a tunnel to the first of these targets that the proxy reaches.
async fn first(
    client: &Client,
    attempt: &Attempt,
    proxy: &Proxy,
    targets: Vec<Target<'_>>,
) -> Result<Way, ConnectError> {
    let mut refused = Refusal::from(String::new());
    for target in targets {
        let mut way = reach(client, attempt, proxy).await?;
        let asked = ask(&mut way, proxy, &target, client.config.limits.head);
        let late = || format!("the proxy {proxy} did not say whether it reaches {target}");
        match attempt.in_time(ConnectFault::Proxy, asked, late).await? {
            Ok(()) => return Ok(way),
            Err(refusal) => refused = refusal,
        }
        if !refused.unreached {
            break;
        }
    }
    Err(attempt.error(ConnectFault::Proxy, format!("the proxy {proxy} {}", refused.says)))
}

/// Connects to the proxy.
async fn reach(client: &Client, attempt: &Attempt, proxy: &Proxy) -> Result<Way, ConnectError> {
    let dialled = dial::dial(attempt, &proxy.host, proxy.port);
    if proxy.scheme != Scheme::Https {
        return Ok(Way::Plain(dialled.await.map_err(|error| error.of_proxy(proxy))?));
    }
    client
        .encrypt(attempt, &proxy.host, proxy.port, "http://", dialled)
        .await
        .map_err(|error| error.of_proxy(proxy))
}

async fn ask(way: &mut Way, proxy: &Proxy, target: &Target<'_>, limit: usize) -> Result<(), Refusal> {
    let login = proxy.login.as_ref();
    match proxy.scheme {
        Scheme::Http | Scheme::Https => http::connect(way, login, target, limit).await,
        Scheme::Socks5 | Scheme::Socks5h => socks5::connect(way, login, target).await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// What comes of two addresses, through a proxy that answers the requests of its connections so; and how many it
    /// got.
    async fn asked_for_two(answers: &[[u8; 2]]) -> (Result<Way, ConnectError>, usize) {
        async fn answer(stream: &mut TcpStream, [method, reply]: [u8; 2]) -> io::Result<()> {
            stream.read_exact(&mut [0; 3]).await?;
            stream.write_all(&[5, method]).await?;
            stream.read_exact(&mut [0; 10]).await?;
            stream.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).await
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let proxy = Proxy::take_apart(&format!("socks5://{address}")).expect("a proxy");
        let attempt = Attempt::new("ws://h/", Duration::from_secs(10)).expect("a URL");
        let client = Client::new();
        let targets = (1..3).map(|last| Target::Address(SocketAddr::from(([192, 0, 2, last], 80)))).collect();
        let mut served = 0;
        let serve = async {
            for &both in answers {
                let (mut stream, _) = listener.accept().await.expect("a client");
                served += 1;
                // One that is refused its method goes.
                let _ = answer(&mut stream, both).await;
            }
            std::future::pending::<()>().await;
        };
        let tunnel = tokio::select! {
            tunnel = first(&client, &attempt, &proxy, targets) => tunnel,
            () = serve => unreachable!("it does not end"),
        };
        (tunnel, served)
    }

    #[tokio::test]
    async fn a_proxy_is_asked_for_the_next_address_where_it_does_not_reach_one() {
        for (answers, served) in [(&[[0, 4], [0, 0]][..], 2), (&[[0, 8], [0, 0]], 2), (&[[0, 0]], 1)] {
            let (tunnel, count) = asked_for_two(answers).await;
            assert!(tunnel.is_ok() && count == served, "{answers:?} {tunnel:?} {count}");
        }
        let (tunnel, count) = asked_for_two(&[[0, 3], [0, 5]]).await;
        let error = tunnel.expect_err("no address is reached").to_string();
        assert!(error.contains("192.0.2.2:80 refused the connection") && count == 2, "{error}");
        // What has nothing to do with the address is not tried again: a wrong password could lock the account.
        for (answers, says) in [([0, 2], "does not allow"), ([0xff, 0], "requires authentication")] {
            let (tunnel, count) = asked_for_two(&[answers, [0, 0]]).await;
            let error = tunnel.expect_err("no tunnel").to_string();
            assert!(error.contains(says) && count == 1, "{error}");
        }
    }
}

//! A client goes through proxies: HTTP's CONNECT, SOCKS 5, those of the environment, and what they answer.

mod environment;
mod http;
mod socks5;
#[cfg(feature = "tls")]
mod tls;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use framewise::{Client, ConnectFault, Error, Message, Proxy, Server, WebSocket};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// A server that sends back the head's lines of the request, and then what it gets.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            serve(tcp).await;
        }
    });
    address
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let Ok(mut ws) = Server::new().accept(stream).await else { return };
    let request = ws.request().unwrap();
    let names: Vec<_> = request.headers.iter().map(|(name, _)| name).collect();
    ws.send(names.join(" ")).await.unwrap();
    while let Some(Ok(message)) = ws.next().await {
        ws.send(message).await.unwrap();
    }
}

/// The server's lines, after a message went there and back.
async fn greeted<S: AsyncRead + AsyncWrite + Unpin>(ws: &mut WebSocket<S>) -> String {
    let lines = ws.next().await.unwrap().unwrap();
    ws.send("hello").await.unwrap();
    assert_eq!(ws.next().await.unwrap().unwrap(), Message::text("hello"));
    lines.as_text().unwrap().to_owned()
}

/// What a proxy was asked.
type Asked = Arc<Mutex<Vec<String>>>;

fn proxy(scheme: &str, address: SocketAddr) -> Proxy {
    Proxy::parse(&format!("{scheme}{address}")).unwrap()
}

/// What is said of a proxy: after its name, which every sentence begins with.
async fn refused(client: &Client, url: &str) -> String {
    let Err(Error::Connect(error)) = client.connect(url).await else {
        panic!("a connection through {client:?}")
    };
    assert_eq!(error.fault(), ConnectFault::Proxy, "{error}");
    error.to_string()
}

#[test]
fn a_proxy_is_parsed_as_curl_does_and_printed_without_its_password() {
    for (url, shown) in [
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("http://user:secret@proxy.example/", "http://proxy.example:80"),
        ("HTTPS://user:sec%20ret@[::1]", "https://[::1]:443"),
        (" socks5://user@127.0.0.1 ", "socks5://127.0.0.1:1080"),
        ("socks5h://:secret@proxy.example:9050", "socks5h://proxy.example:9050"),
    ] {
        let proxy = Proxy::parse(url).unwrap();
        assert_eq!(proxy.to_string(), shown);
        let client = Client::new().header("Authorization", "secret").proxy(proxy);
        assert!(format!("{client:?}").contains(shown), "{client:?}");
        assert!(!format!("{client:?}").contains("secret"), "{client:?}");
    }
    let long = |bytes| format!("socks5://user:{}@proxy/", "x".repeat(bytes));
    Proxy::parse(&long(255)).unwrap();
    let long = long(256);
    for (url, says) in [
        ("", "it has no host"),
        (
            "ftp://user:secret@proxy",
            "the scheme \"ftp\" is not supported: use http, https, socks5 or socks5h",
        ),
        ("socks4://user:secret@proxy", "write socks5h://"),
        ("http://user:secret@proxy/path", "must not have a path"),
        ("http://user:secret/@proxy", "%2F"),
        ("user:secret://@proxy", "%2F"),
        ("http://user:secret@proxy:0", "0 is not a port"),
        ("http://pr\u{f6}xy", "xn--"),
        (&long, "255 bytes"),
    ] {
        let Err(Error::Connect(error)) = Proxy::parse(url) else { panic!("{url} is a proxy") };
        assert_eq!(error.fault(), ConnectFault::Proxy);
        assert!(error.to_string().contains(says), "{url}: {error}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for scheme in ["http://user:secret@", "socks5h://", "socks5://"] {
        let client = Client::new().proxy(proxy(scheme, nobody));
        let error = refused(&client, "ws://127.0.0.1/").await;
        assert!(error.contains(&format!("{nobody} cannot be reached: connection refused")), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    let client = Client::new().proxy(Proxy::parse("http://no-such-proxy.invalid").unwrap());
    let error = refused(&client, "ws://127.0.0.1/").await;
    assert!(error.contains("no-such-proxy.invalid cannot be resolved"), "{error}");
}

#[tokio::test]
async fn a_proxy_that_says_nothing_has_the_time_of_the_handshake() {
    for scheme in ["http://", "socks5h://"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Client::new().proxy(proxy(scheme, listener.local_addr().unwrap()));
        let silent = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap();
            // Nobody has anything to do from here on, so that the clock goes on by itself.
            tokio::time::pause();
            stream
        };
        let (error, _stream) = tokio::join!(refused(&client, "ws://h/"), silent);
        assert!(error.contains("did not say whether it reaches h:80 within 10s"), "{error}");
        tokio::time::resume();
    }
}

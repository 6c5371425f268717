//! `--via` with CONNECT, SOCKS 5 and TLS: proxies that tunnel, and proxies that say no.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use framewise::rustls::ServerConfig;
use framewise::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use framewise_path::{Path, Probe, Report, Unusable, Verdict, probes};
use framewise_rules::Cause;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use crate::relay::{Fault, connection, listener};

/// What a proxy does with a client.
#[derive(Clone, Copy, Debug)]
enum Proxy {
    /// CONNECT: opens the tunnel, through a relay with this fault.
    Connect(Fault),
    /// CONNECT: opens the tunnel for this login, and asks for one otherwise.
    Login(&'static str),
    /// CONNECT: answers so.
    Answers(&'static str),
    /// SOCKS 5: opens the tunnel, through a relay with this fault.
    Socks(Fault),
    /// SOCKS 5: this reply.
    SocksReply(u8),
    /// SOCKS 5: takes no method that is offered.
    SocksLogin,
}

const PROBES: &[&str] = &["handshake/plain", "size/126-", "size/65536-", "ping/ping-client", "close/1000-"];

fn chosen() -> Vec<Probe> {
    let all = probes::all(&[]).into_iter();
    all.filter(|probe| PROBES.iter().any(|only| probe.name.starts_with(only))).collect()
}

/// Runs the probes through a proxy with this scheme; `login` is part of the URL.
async fn through(scheme: &str, login: &str, proxy: Proxy) -> Result<Report, Unusable> {
    let ((origin, address), (listener, via)) = (listener().await, listener().await);
    let task = tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, proxy));
        }
    });
    let path = Path::new(&format!("{scheme}://{login}{via}"), &address.to_string())?;
    let report = path.run_on(origin, &chosen(), |_| {}).await;
    task.abort();
    report
}

async fn serve(mut client: TcpStream, proxy: Proxy) -> io::Result<()> {
    match proxy {
        Proxy::Connect(_) | Proxy::Login(_) | Proxy::Answers(_) => {
            let head = connect_head(&mut client).await?;
            if let Proxy::Answers(answer) = proxy {
                return client.write_all(answer.as_bytes()).await;
            }
            let login = if let Proxy::Login(login) = proxy { login } else { "" };
            if !login.is_empty() && !head.contains(&format!("Proxy-Authorization: Basic {login}\r\n")) {
                let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\
                              Content-Length: 12\r\n\r\nlogin first\n";
                return client.write_all(answer.as_bytes()).await;
            }
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let fault = if let Proxy::Connect(fault) = proxy { fault } else { Fault::None };
            tunnel(client, &target, fault).await
        }
        Proxy::Socks(_) | Proxy::SocksReply(_) | Proxy::SocksLogin => {
            let mut methods = [0; 3];
            client.read_exact(&mut methods).await?;
            if matches!(proxy, Proxy::SocksLogin) {
                return client.write_all(&[5, 0xff]).await;
            }
            client.write_all(&[5, 0]).await?;
            let mut request = [0; 4];
            client.read_exact(&mut request).await?;
            let host = if request[3] == 1 {
                std::net::Ipv4Addr::from(client.read_u32().await?).to_string()
            } else {
                let mut name = vec![0; usize::from(client.read_u8().await?)];
                client.read_exact(&mut name).await?;
                String::from_utf8_lossy(&name).into_owned()
            };
            let port = client.read_u16().await?;
            let reply = if let Proxy::SocksReply(reply) = proxy { reply } else { 0 };
            client.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
            if let Proxy::Socks(fault) = proxy {
                return tunnel(client, &format!("{host}:{port}"), fault).await;
            }
            Ok(())
        }
    }
}

async fn connect_head(client: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

async fn tunnel(client: TcpStream, target: &str, fault: Fault) -> io::Result<()> {
    let target: SocketAddr = target.parse().map_err(io::Error::other)?;
    connection(client, target, fault).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tunnels_pass_everything_on_and_a_damaged_one_is_named() {
    for (scheme, right, wrong) in [
        ("http", Proxy::Connect(Fault::None), Proxy::Connect(Fault::ByteChanged)),
        ("socks5", Proxy::Socks(Fault::None), Proxy::Socks(Fault::ByteChanged)),
        ("socks5h", Proxy::Socks(Fault::None), Proxy::Socks(Fault::ByteChanged)),
    ] {
        let report = through(scheme, "", right).await.expect("a report");
        let bad: Vec<_> = report.probes.iter().filter(|outcome| outcome.verdict != Verdict::AsSent).collect();
        assert!(bad.is_empty() && report.causes.is_empty(), "{scheme}: {bad:#?}");
        assert!(report.probes.len() > 5, "{scheme}: {}", report.probes.len());
        let report = through(scheme, "", wrong).await.expect("a report");
        assert_eq!(report.causes, [Cause::BytesAlteredOnPath], "{scheme}: {:#?}", report.probes);
    }
    let report = through("http", "name:pass@", Proxy::Login("bmFtZTpwYXNz")).await.expect("a report");
    assert!(report.causes.is_empty(), "{:#?}", report.probes);
}

/// The report is about the refusal, in the words of the proxy; the other probes are skipped.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_opens_no_tunnel_is_the_report() {
    const FORBIDDEN: &str = "HTTP/1.1 403 Access violation\r\nServer: tinyproxy/1.11.1\r\nContent-Length: 24\r\n\r\n\
                             port 9 is not permitted\n";
    const GATEWAY: &str = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
    let rows: [(&str, &str, Proxy, Cause, &str, &str); 10] = [
        (
            "http",
            "",
            Proxy::Answers(FORBIDDEN),
            Cause::RejectedWithWords,
            "403 Access violation",
            "not permitted",
        ),
        ("http", "", Proxy::Answers(GATEWAY), Cause::ServerUnreachable, "502", "502 Bad Gateway"),
        ("http", "", Proxy::Login("x"), Cause::AuthenticationRequired, "407", "login first"),
        ("http", "name:other@", Proxy::Login("x"), Cause::AuthenticationRequired, "name and password", ""),
        ("http", "", Proxy::Answers(""), Cause::ConnectionCutOnPath, "closed the connection", ""),
        ("socks5", "", Proxy::SocksReply(2), Cause::RejectedWithWords, "does not allow", "05 00 05 02"),
        (
            "socks5",
            "",
            Proxy::SocksReply(5),
            Cause::ServerUnreachable,
            "refused the connection",
            "05 00 05 05",
        ),
        ("socks5h", "", Proxy::SocksLogin, Cause::AuthenticationRequired, "requires authentication", "05 ff"),
        ("socks5", "", Proxy::Answers("HTTP/1.1 400 Bad\r\n\r\n"), Cause::ConnectionCutOnPath, "", ""),
        ("wss", "", Proxy::Answers("HTTP/1.1 400 Bad\r\n\r\n"), Cause::TlsInPlainStream, "", ""),
    ];
    for (scheme, login, proxy, cause, says, bytes) in rows {
        // What takes SOCKS and TLS for HTTP reads on until the empty line of a head.
        let report = tokio::select! {
            report = through(scheme, login, proxy) => report.expect("a report"),
            () = sleep(std::time::Duration::from_secs(60)) => panic!("{scheme} {proxy:?} hangs"),
        };
        let first = &report.probes[0];
        assert_eq!(first.name, "handshake/plain");
        let hangs = matches!((scheme, proxy), ("socks5" | "wss", Proxy::Answers(_)));
        if !hangs {
            assert_eq!(first.verdict, Verdict::Refused, "{scheme} {proxy:?}: {first:#?}");
            assert_eq!(report.causes, [cause], "{scheme} {proxy:?}: {first:#?}");
        }
        assert_eq!(report.causes.len(), 1, "{scheme} {proxy:?}: {first:#?}");
        assert!(first.says.contains(says), "{scheme} {proxy:?}: {}", first.says);
        assert!(first.bytes.join("\n").contains(bytes), "{scheme} {proxy:?}: {:?}", first.bytes);
        assert!(!first.says.contains("other"), "a password is in the report: {}", first.says);
        let rest = &report.probes[1..];
        assert!(rest.iter().all(|outcome| outcome.verdict == Verdict::Skipped), "{rest:#?}");
        assert!(!first.transcript.is_empty() || bytes.is_empty(), "{scheme} {proxy:?}");
    }
    // Nobody listens: nothing can be tested, whatever the scheme.
    for scheme in ["http", "https", "socks5", "wss"] {
        let (gone, via) = listener().await;
        drop(gone);
        let (origin, address) = listener().await;
        let path = Path::new(&format!("{scheme}://{via}"), &address.to_string()).expect("a path");
        let error = path.run_on(origin, &chosen(), |_| {}).await.expect_err("nobody listens").to_string();
        assert!(error.contains(&via.to_string()), "{error}");
    }
}

/// A certificate for localhost and 127.0.0.1, and a relay that takes TLS off in front of a listener.
async fn terminator(origin: SocketAddr) -> (SocketAddr, CertificateDer<'static>) {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let key = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let private = PrivateKeyDer::try_from(key.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(framewise::crypto_provider().expect("ring"))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (listener, via): (TcpListener, _) = listener().await;
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut client = acceptor.accept(client).await?;
                let mut server = TcpStream::connect(origin).await?;
                server.set_nodelay(true)?;
                both(&mut client, &mut server).await
            });
        }
    });
    (via, key.cert.der().clone())
}

async fn both(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    server: &mut (impl AsyncRead + AsyncWrite + Unpin),
) -> io::Result<()> {
    copy_bidirectional(client, server).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn wss_and_https_proxies_work_and_a_certificate_that_is_not_trusted_is_the_report() {
    let (origin, address) = listener().await;
    let (via, certificate) = terminator(address).await;
    let path = Path::with_roots(vec![certificate], &format!("wss://{via}/"), "127.0.0.1:0").expect("a path");
    let report = path.run_on(origin, &chosen(), |_| {}).await.expect("a report");
    assert!(report.causes.is_empty() && report.probes.len() > 5, "{:#?}", report.probes);
    // The same with trust in another one.
    let ((origin, _), (_, other)) = (listener().await, terminator(address).await);
    let path = Path::with_roots(vec![other], &format!("wss://{via}/"), "127.0.0.1:0").expect("a path");
    let report = path.run_on(origin, &chosen(), |_| {}).await.expect("a report");
    assert_eq!(report.causes, [Cause::CertificateRejected], "{:#?}", report.probes[0]);
    // A proxy for CONNECT behind TLS: it refuses, and then it does not.
    for (proxy, causes) in [
        (Proxy::Connect(Fault::None), vec![]),
        (Proxy::Answers("HTTP/1.1 403 Forbidden\r\n\r\nno\n"), vec![Cause::RejectedWithWords]),
    ] {
        let ((origin, address), (inner, plain)) = (listener().await, listener().await);
        tokio::spawn(async move {
            while let Ok((client, _)) = inner.accept().await {
                tokio::spawn(serve(client, proxy));
            }
        });
        let (via, certificate) = terminator(plain).await;
        let path = Path::with_roots(vec![certificate], &format!("https://{via}"), &address.to_string());
        let report = path.expect("a path").run_on(origin, &chosen(), |_| {}).await.expect("a report");
        assert_eq!(report.causes, causes, "{:#?}", report.probes[0]);
        if !causes.is_empty() {
            assert!(
                report.probes[0].bytes.contains(&"no\n".trim().to_owned()),
                "{:?}",
                report.probes[0].bytes
            );
        }
    }
}

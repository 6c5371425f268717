//! A TLS handshake that fails says what failed and what to do about it, with certificates that are made for it.

use std::sync::Arc;

use crate::common::tls::{client_config, server_config};
use framewise::rustls::pki_types::CertificateDer;
use framewise::rustls::{RootCertStore, ServerConfig};
use framewise::{Client, ConnectError, ConnectFault, Error};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex, split};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// An authority, and how it signs.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }

    /// A server with a certificate for these names, made valid as `change` says.
    fn server(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Arc<ServerConfig> {
        let mut params =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate: CertificateDer<'static> = params.signed_by(&key, &self.0).unwrap().der().clone();
        server_config(&certificate, &key)
    }
}

/// What a client says of a server that does this with each connection.
async fn failure<T: Future<Output = ()> + Send>(
    client: Client,
    host: &str,
    serve: impl Fn(TcpStream) -> T + Send + 'static,
) -> ConnectError {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = async {
        loop {
            serve(listener.accept().await.unwrap().0).await;
        }
    };
    let url = format!("wss://{host}:{port}/");
    let error = tokio::select! {
        connected = client.connect(&url) => connected.unwrap_err(),
        () = serving => unreachable!("it serves for ever"),
    };
    let Error::Connect(error) = error else { panic!("{error}") };
    *error
}

/// As [`failure`], of a server with this configuration.
async fn rejected(client: Client, host: &str, server: Arc<ServerConfig>) -> ConnectError {
    let acceptor = TlsAcceptor::from(server);
    let serve = move |tcp| {
        let acceptor = acceptor.clone();
        async move {
            let _ = acceptor.accept(tcp).await;
        }
    };
    failure(client, host, serve).await
}

fn trusting(authority: &Authority) -> Client {
    Client::new().tls_config(client_config(authority.roots()))
}

#[track_caller]
fn says(error: &ConnectError, fault: ConnectFault, parts: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.fault(), fault, "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
    // To give up encryption is advice for a server that has none, and for no other.
    assert_eq!(text.contains("write ws://"), fault == ConnectFault::ServerSpeaksPlain, "{text}");
    let about_roots = text.contains("SSL_CERT_FILE");
    assert_eq!(about_roots, text.contains("this client does not trust"), "{text}");
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_now_is_told_with_its_date() {
    let authority = Authority::new("ours");
    let expired = authority.server(&["localhost"], |params| params.not_after = date_time_ymd(2024, 2, 29));
    let error = rejected(trusting(&authority), "localhost", expired).await;
    says(&error, ConnectFault::Tls, &["certificate of localhost expired on 2024-02-29 00:00 UTC"]);
    let early = authority.server(&["localhost"], |params| params.not_before = date_time_ymd(4000, 12, 1));
    let error = rejected(trusting(&authority), "localhost", early).await;
    says(&error, ConnectFault::Tls, &["valid from 4000-12-01 00:00 UTC on", "clock"]);
}

#[tokio::test]
async fn a_certificate_of_other_hosts_is_told_with_their_names() {
    let authority = Authority::new("ours");
    let server = authority.server(&["example.com", "*.example.org"], |_| {});
    let error = rejected(trusting(&authority), "localhost", server).await;
    says(&error, ConnectFault::Tls, &["certificate is for example.com, *.example.org, not for localhost"]);
    let server = authority.server(&["192.0.2.1", "localhost"], |_| {});
    let error = rejected(trusting(&authority), "127.0.0.1", server).await;
    says(&error, ConnectFault::Tls, &["certificate is for ", "192.0.2.1", "localhost", "not for 127.0.0.1"]);
}

#[tokio::test]
async fn an_issuer_that_is_not_trusted_is_told_with_what_to_set() {
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let server = authority.server(&["localhost"], |_| {});
    let error = rejected(trusting(&other), "localhost", Arc::clone(&server)).await;
    says(
        &error,
        ConnectFault::Tls,
        &[
            "issuer that is not among the roots of the configuration in `Client::tls_config`: add its certificate there",
        ],
    );
    // Of the platform's roots, a file stands for them.
    if !has_roots() {
        return;
    }
    let error = rejected(Client::new(), "localhost", server).await;
    says(&error, ConnectFault::Tls, &["to trust a private CA, set SSL_CERT_FILE to its PEM file"]);
}

#[tokio::test]
async fn a_root_certificate_that_is_added_is_trusted_and_no_other_is() {
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let acceptor = TlsAcceptor::from(authority.server(&["localhost"], |_| {}));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}/", listener.local_addr().unwrap().port());
    let wrong = Client::new().add_root_certificate(other.0.der().clone());
    let right = wrong.clone().add_root_certificate(authority.0.der().clone());
    // The second connection uses the configuration of the first.
    for client in [&right, &right.clone()] {
        let accept = async { acceptor.accept(listener.accept().await.unwrap().0).await };
        let (dialled, accepted) = tokio::join!(client.dial(&url), accept);
        assert!(dialled.unwrap().is_tls());
        accepted.unwrap();
    }
    let error = rejected(wrong, "localhost", authority.server(&["localhost"], |_| {})).await;
    says(&error, ConnectFault::Tls, &["signed by an issuer that this client does not trust"]);
}

#[tokio::test]
async fn a_root_certificate_that_is_none_is_told_before_anybody_is_disturbed() {
    let authority = Authority::new("one");
    let client = Client::new()
        .add_root_certificate(authority.0.der().clone())
        .add_root_certificate(CertificateDer::from(&b"not a certificate"[..]));
    let Err(Error::Connect(error)) = client.connect("wss://127.0.0.1:1/").await else {
        panic!("no connection")
    };
    says(&error, ConnectFault::Tls, &["the root certificate 2 of `add_root_certificate` is not valid"]);
}

/// Whether this machine has root certificates: without, a client says so before it connects.
fn has_roots() -> bool {
    !rustls_native_certs::load_native_certs().certs.is_empty()
}

#[tokio::test]
async fn a_server_without_tls_is_told_apart_from_one_whose_tls_is_corrupt() {
    for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n"] {
        let client = trusting(&Authority::new("ours"));
        let error = failure(client, "localhost", move |mut tcp| async move {
            tcp.write_all(answer.as_bytes()).await.unwrap();
            let _ = tcp.read(&mut [0; 1024]).await;
        })
        .await;
        says(&error, ConnectFault::ServerSpeaksPlain, &["does not speak TLS on port", "write ws://"]);
    }
    let client = trusting(&Authority::new("ours"));
    let error = failure(client, "localhost", |tcp| async move { drop(tcp) }).await;
    assert_eq!(error.fault(), ConnectFault::Tls, "{error}");
}

#[tokio::test]
async fn tls_that_is_changed_on_the_way_is_no_reason_to_give_it_up() {
    let authority = Authority::new("ours");
    let server = authority.server(&["localhost"], |_| {});
    // The types of the records that follow the first are changed: what comes is nothing of TLS any more.
    let corrupt = move |tcp: TcpStream| {
        let acceptor = TlsAcceptor::from(Arc::clone(&server));
        async move {
            let (near, far) = duplex(1 << 16);
            let (mut from_client, mut to_client) = split(tcp);
            let (mut from_server, mut to_server) = split(near);
            let upwards = tokio::io::copy(&mut from_client, &mut to_server);
            let downwards = async {
                let mut number = 0;
                loop {
                    let mut header = [0; 5];
                    from_server.read_exact(&mut header).await?;
                    let mut body = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
                    from_server.read_exact(&mut body).await?;
                    if number > 0 {
                        header[0] = b'H';
                    }
                    number += 1;
                    to_client.write_all(&header).await?;
                    to_client.write_all(&body).await?;
                }
                #[allow(unreachable_code, reason = "the type of its failure")]
                std::io::Result::Ok(())
            };
            tokio::select! {
                _ = upwards => {}
                _ = downwards => {}
                _ = async { acceptor.accept(far).await.map(std::mem::forget) } => std::future::pending().await,
            }
        }
    };
    let error = failure(trusting(&authority), "localhost", corrupt).await;
    says(&error, ConnectFault::Tls, &["TLS handshake failed", "faulty, or an intermediary changes it"]);
}

#[tokio::test]
async fn an_alert_of_the_server_is_told_in_words() {
    let authority = Authority::new("ours");
    let mut server = Arc::unwrap_or_clone(authority.server(&["localhost"], |_| {}));
    server.alpn_protocols = vec![b"h2".to_vec()];
    let mut client = Arc::unwrap_or_clone(client_config(authority.roots()));
    client.alpn_protocols = vec![b"http/1.1".to_vec()];
    let client = Client::new().tls_config(client.into());
    let error = rejected(client, "localhost", Arc::new(server)).await;
    says(
        &error,
        ConnectFault::Tls,
        &["alert NoApplicationProtocol", "does not serve HTTP/1.1 on this port: correct the URL"],
    );
}

#[tokio::test]
async fn a_server_that_is_only_dialled_gets_nothing_but_tls() {
    let authority = Authority::new("ours");
    let acceptor = TlsAcceptor::from(authority.server(&["localhost"], |_| {}));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}/", listener.local_addr().unwrap().port());
    let client = trusting(&authority);
    let (dialled, accepted) =
        tokio::join!(client.dial(&url), async { acceptor.accept(listener.accept().await.unwrap().0).await });
    let (mut stream, mut server) = (dialled.unwrap(), accepted.unwrap());
    assert!(stream.is_tls());
    stream.write_all(b"hello").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut got = Vec::new();
    server.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"hello");
}

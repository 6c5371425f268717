//! Servers behind TLS, and servers that are taken for such

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::common::{
    ANSWER, Done, HANDSHAKE, Running, connect, exactly, framewise, head, path, rest, run_with, server,
};
use framewise::rustls::pki_types::PrivateKeyDer;
use framewise::rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::ring};

/// A server for one connection that greets in TLS, and the file with its certificate.
pub(crate) fn tls_server() -> (SocketAddr, PathBuf, std::thread::JoinHandle<()>) {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = path("authority.pem");
    std::fs::write(&file, key.cert.pem()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![key.cert.der().clone()],
            PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap(),
        )
        .unwrap();
    let (address, play) = server(move |stream| {
        let mut tls = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream);
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if std::io::Read::read_exact(&mut tls, &mut byte).is_err() {
                return;
            }
            seen.extend(byte);
        }
        let head = String::from_utf8(seen).unwrap();
        let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        let accept = framewise_proto::handshake::accept_value(key);
        let answer =
            String::from_utf8(ANSWER.to_vec()).unwrap().replace("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", &accept);
        tls.write_all(answer.as_bytes()).unwrap();
        tls.write_all(b"\x81\x02hi\x88\x02\x03\xe8").unwrap();
        // The client's Close, then the end of TLS and of TCP, as it has to come from the server.
        if std::io::Read::read_exact(&mut tls, &mut [0; 8]).is_ok() {
            tls.conn.send_close_notify();
            tls.flush().unwrap();
        }
    });
    (address, file, play)
}

#[test]
fn inspect_reaches_a_server_behind_tls() {
    let (address, authority, play) = tls_server();
    let url = format!("wss://localhost:{}", address.port());
    let mut command = framewise();
    command.env("SSL_CERT_FILE", &authority).args(["inspect", &url, "--listen", "127.0.0.1:0"]);
    let mut running = Running::of(command.spawn().unwrap());
    let line = running.out.next();
    let mut client = connect(line.trim_end().strip_prefix("listening on ws://").unwrap().parse().unwrap());
    client.write_all(HANDSHAKE).unwrap();
    assert_eq!(head(&mut client).as_bytes(), ANSWER);
    assert_eq!(exactly(&mut client, 8), b"\x81\x02hi\x88\x02\x03\xe8");
    client.write_all(b"\x88\x82\x37\xfa\x21\x3d\x34\x12").unwrap();
    assert_eq!(rest(&mut client), b"");
    drop(client);
    play.join().unwrap();
    running.out.until("nothing wrong found");
    let done = running.end();
    assert_eq!(done.code, Some(0), "{done:?}");
}

#[test]
fn connect_reaches_a_server_behind_tls() {
    let (address, authority, play) = tls_server();
    let url = format!("wss://localhost:{}", address.port());
    let done =
        run_with(framewise().env("SSL_CERT_FILE", authority).args(["connect", &url, "--wait", "5"]), b"");
    assert_eq!((done.code, done.out.as_str()), (Some(0), "hi\n"), "{done:?}");
    play.join().unwrap();
}

#[test]
fn a_certificate_of_an_unknown_authority() {
    let (address, _, play) = tls_server();
    // Another authority, with a name of its own.
    let other = path("other.pem");
    let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "another authority");
    let certificate = parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    std::fs::write(&other, certificate.pem()).unwrap();
    let url = format!("wss://localhost:{}", address.port());
    let done = run_with(framewise().env("SSL_CERT_FILE", other).args(["connect", &url]), b"");
    let sentence = done.refused();
    assert!(sentence.contains("signed by an issuer that this client does not trust"), "{sentence}");
    assert!(
        sentence.contains("set SSL_CERT_FILE to its PEM file") && !sentence.contains("ws://"),
        "{sentence}"
    );
    play.join().unwrap();
}

/// What is wrong is said, and to give up encryption is not proposed: the failure may be an attack.
#[test]
fn other_tls_failures_are_named_and_no_downgrade_is_proposed() {
    let (_, file, _) = tls_server();
    // A certificate for another name, and a record whose content is no TLS message.
    let (address, authority, play) = tls_server();
    let url = format!("wss://127.0.0.1:{}", address.port());
    let done = run_with(framewise().env("SSL_CERT_FILE", authority).args(["connect", &url]), b"");
    let sentence = done.refused();
    assert!(sentence.contains("the certificate is for localhost, not for 127.0.0.1"), "{sentence}");
    assert!(!sentence.contains("SSL_CERT_FILE") && !sentence.contains(" ws://"), "{sentence}");
    play.join().unwrap();
    let (address, play) = server(|mut stream| {
        exactly(&mut stream, 16);
        stream.write_all(b"\x16\x03\x03\x00\x04\xff\xff\xff\xff").unwrap();
    });
    let url = format!("wss://localhost:{}", address.port());
    let done = run_with(framewise().env("SSL_CERT_FILE", file).args(["connect", &url]), b"");
    let sentence = done.refused();
    assert!(sentence.contains("TLS") && !sentence.contains("SSL_CERT_FILE"), "{sentence}");
    assert!(!sentence.contains(" ws://"), "{sentence}");
    play.join().unwrap();
}

/// What `inspect` says of an upstream that it cannot reach, and what its client sees.
fn upstream_fault(url: &str) -> String {
    let (mut running, address) = Running::listening(&["inspect", url, "--listen", "127.0.0.1:0"]);
    let mut client = connect(address);
    assert_eq!(rest(&mut client), b"");
    let line = running.out.until("TLS");
    running.end();
    line
}

#[test]
fn a_plain_server_that_is_taken_for_one_behind_tls() {
    let plain = || {
        server(|mut stream| {
            let _ = exactly(&mut stream, 16);
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        })
    };
    let (address, play) = plain();
    assert!(upstream_fault(&format!("wss://{address}")).contains("does not speak TLS on port"));
    play.join().unwrap();
    let (address, play) = plain();
    let done = crate::common::run(&["connect", &format!("wss://{address}")]);
    assert!(done.refused().contains("does not speak TLS"), "{done:?}");
    play.join().unwrap();
}

#[test]
fn a_server_behind_tls_that_is_taken_for_a_plain_one() {
    let (address, _, play) = tls_server();
    let done: Done = crate::common::run(&["connect", &format!("ws://{address}")]);
    assert!(done.refused().contains("TLS") && done.err.contains("wss://"), "{done:?}");
    play.join().unwrap();
}

//! wss:// with a certificate that is signed by itself.
#![cfg(feature = "tls")]

use crate::common::tls::{client_config, signed};
use framewise::rustls::RootCertStore;
use framewise::{Client, ConnectFault, Detail, Error, Message, Rule, Server, connect};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server on TLS that echoes, and its certificate's name is `localhost`.
async fn server() -> (u16, RootCertStore) {
    let (server, roots) = signed();
    let acceptor = TlsAcceptor::from(server);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(tls) = acceptor.accept(tcp).await else { continue };
            let Ok(mut ws) = Server::new().accept(tls).await else { continue };
            while let Some(Ok(message)) = ws.next().await {
                ws.send(message).await.unwrap();
            }
        }
    });
    (port, roots)
}

#[tokio::test]
async fn messages_of_every_size_over_tls_and_a_clean_end() {
    let (port, roots) = server().await;
    let client = Client::new().tls_config(client_config(roots));
    let mut ws = client.connect(&format!("wss://localhost:{port}/")).await.unwrap();
    assert!(ws.get_ref().is_tls());
    for size in [0, 100, 5_000, 70_000, 2_000_000] {
        ws.send(vec![7; size]).await.unwrap();
        assert!(ws.next().await.unwrap().unwrap() == Message::binary(vec![7; size]), "{size}");
    }
    ws.close(1000, "").await.unwrap();
    assert!(ws.ended().unwrap().clean);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_and_said_so() {
    let (port, _) = server().await;
    let client = Client::new().tls_config(client_config(RootCertStore::empty()));
    let Err(Error::Connect(error)) = client.connect(&format!("wss://localhost:{port}/")).await else {
        panic!("no connection")
    };
    assert_eq!(error.fault(), ConnectFault::Tls);
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_plain_request_to_a_tls_port_is_told_what_to_write() {
    let (port, _) = server().await;
    let Err(Error::Connect(error)) = connect(&format!("ws://localhost:{port}/")).await else {
        panic!("no connection")
    };
    assert_eq!(error.fault(), ConnectFault::ServerSpeaksTls, "{error}");
}

#[tokio::test]
async fn a_tls_client_at_a_plain_port_is_named_on_both_sides() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = Client::new().tls_config(client_config(RootCertStore::empty()));
    let url = format!("wss://localhost:{port}/");
    let (connected, accepted) = tokio::join!(client.connect(&url), async {
        let (tcp, _) = listener.accept().await.unwrap();
        Server::new().accept(tcp).await
    });
    let Err(Error::Connect(error)) = connected else { panic!("no connection") };
    assert_eq!(error.fault(), ConnectFault::ServerSpeaksPlain, "{error}");
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
    let Err(Error::Violation(violation)) = accepted else { panic!("no connection") };
    assert_eq!((violation.rule, violation.detail), (Rule::RequestNotHttp, Detail::Tls));
    assert!(violation.to_string().contains("speaks TLS to a plain port"), "{violation}");
}

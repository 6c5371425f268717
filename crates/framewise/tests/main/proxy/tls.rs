use framewise::rustls::ClientConfig;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::common::read_head;

/// TLS of a server and of a proxy on localhost, and of a client that knows them.
fn localhost() -> (TlsAcceptor, Arc<ClientConfig>) {
    let (server, client) = crate::common::tls::configs();
    (TlsAcceptor::from(server), client)
}

/// A proxy that leads where it is asked to, itself with or without TLS.
async fn tunnels(tls: Option<TlsAcceptor>) -> SocketAddr {
    async fn tunnel(mut near: impl AsyncRead + AsyncWrite + Unpin) {
        let request = read_head(&mut near).await;
        let target = request.split(' ').nth(1).unwrap();
        near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut far = TcpStream::connect(target).await.unwrap();
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            match &tls {
                None => tunnel(tcp).await,
                Some(acceptor) => {
                    if let Ok(tls) = acceptor.accept(tcp).await {
                        tunnel(tls).await;
                    }
                }
            }
        }
    });
    address
}

#[tokio::test]
async fn tls_goes_to_the_proxy_to_the_server_or_to_both() {
    let (acceptor, config) = localhost();
    let plain = echo().await.port();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let encrypted = listener.local_addr().unwrap().port();
    let server = acceptor.clone();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            serve(server.accept(tcp).await.unwrap()).await;
        }
    });
    let client = Client::new().tls_config(config);
    for (scheme, port) in
        [("http", tunnels(None).await.port()), ("https", tunnels(Some(acceptor)).await.port())]
    {
        let client = client.clone().proxy(Proxy::parse(&format!("{scheme}://localhost:{port}")).unwrap());
        for (url, is_tls) in
            [(format!("ws://localhost:{plain}/"), false), (format!("wss://localhost:{encrypted}/"), true)]
        {
            let mut ws = client.connect(&url).await.unwrap();
            greeted(&mut ws).await;
            assert_eq!(ws.get_ref().is_tls(), is_tls, "{url} through {scheme}");
            for size in [100, 1_000_000] {
                ws.send(vec![7; size]).await.unwrap();
                assert!(ws.next().await.unwrap().unwrap() == Message::binary(vec![7; size]));
            }
            ws.close(1000, "").await.unwrap();
            assert!(ws.ended().unwrap().clean);
        }
    }
}

#[tokio::test]
async fn a_proxy_with_another_tls_than_its_url_says() {
    let (acceptor, config) = localhost();
    let client = Client::new().tls_config(config);
    let port = tunnels(Some(acceptor)).await.port();
    let speaks = client.clone().proxy(Proxy::parse(&format!("http://localhost:{port}")).unwrap());
    let error = refused(&speaks, "ws://server.invalid/").await;
    assert!(error.contains("speaks TLS: write https://"), "{error}");
    // Its certificate has another name.
    let stranger = client.clone().proxy(Proxy::parse(&format!("https://127.0.0.1:{port}")).unwrap());
    let error = refused(&stranger, "ws://server.invalid/").await;
    assert!(
        error.contains("cannot be reached: the certificate is for localhost, not for 127.0.0.1"),
        "{error}"
    );

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    });
    let does_not = client.proxy(Proxy::parse(&format!("https://localhost:{port}")).unwrap());
    let error = refused(&does_not, "ws://server.invalid/").await;
    assert!(error.contains("does not speak TLS") && error.contains("write http://"), "{error}");
}

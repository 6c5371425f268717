use super::*;
use crate::common::read_head;

/// A proxy that answers CONNECT so, and where that is 200 leads to `upstream`.
async fn http_proxy(answer: &'static str, upstream: SocketAddr) -> (SocketAddr, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Asked::default();
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let request = read_head(&mut near).await;
            log.lock().unwrap().push(request);
            near.write_all(answer.as_bytes()).await.unwrap();
            if answer.contains(" 200 ") {
                let mut far = TcpStream::connect(upstream).await.unwrap();
                let _ = copy_bidirectional(&mut near, &mut far).await;
            }
        }
    });
    (address, asked)
}

#[tokio::test]
async fn a_tunnel_is_asked_for_by_name_and_the_server_sees_nothing_of_the_proxy() {
    // What announces a body has none (RFC 9110 §9.3.6), and interim responses may come first.
    let answer =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 Connection established\r\nContent-Length: 99\r\n\r\n";
    let (address, asked) = http_proxy(answer, echo().await).await;
    let client = Client::new().proxy(proxy("http://us%40er:p%3aw:x@", address));
    for (url, authority) in [
        ("ws://server.invalid/chat", "server.invalid:80"),
        ("ws://[::1]:8080/", "[::1]:8080"),
        ("ws://192.0.2.1/", "192.0.2.1:80"),
    ] {
        let mut ws = client.connect(url).await.unwrap();
        let lines = greeted(&mut ws).await;
        assert!(!lines.contains("Proxy"), "{lines}");
        assert_eq!(ws.get_ref().tcp().peer_addr().unwrap(), address);
        drop(ws);
        let request = asked.lock().unwrap().pop().unwrap();
        assert_eq!(
            request,
            format!(
                "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\nProxy-Authorization: Basic dXNAZXI6cDp3Ong=\r\n\r\n"
            )
        );
    }
}

#[tokio::test]
async fn what_a_proxy_answers_instead_of_a_tunnel_is_told_in_words() {
    let many: &str = Box::leak(format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(200)).into_boxed_str());
    let long: &str = Box::leak(format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(20_000)).into_boxed_str());
    for (scheme, answer, says) in [
        ("http://", "HTTP/1.1 407 Authenticate\r\n\r\n", "wants a name and a password (407)"),
        (
            "http://user:secret@",
            "HTTP/1.1 407 Authenticate\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n",
            "does not accept this name and password (407)",
        ),
        (
            "http://user:secret@",
            "HTTP/1.1 407 A\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n",
            "which is not supported (407): Negotiate, NTLM",
        ),
        (
            "http://user:secret@",
            "HTTP/1.1 407 A\r\nProxy-Authenticate: Negotiate, basic realm=\"x\"\r\n\r\n",
            "does not accept this name and password (407)",
        ),
        (
            "http://user:secret@",
            "HTTP/1.1 401 Unauthorized\r\n\r\n",
            "does not accept this name and password (401)",
        ),
        ("http://", "HTTP/1.1 401 Unauthorized\r\n\r\n", "refused: 401 Unauthorized"),
        ("http://", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "refused: 403 Forbidden"),
        ("http://", "HTTP/1.1 101 Switching\r\n\r\n", "refused: 101 Switching"),
        ("http://", "HTTP/1.1 2x0 OK\r\n\r\n", "does not answer in HTTP: is it a proxy?"),
        ("http://", "\x15\x03\x03\0\x02\x02\x32", "speaks TLS: write https://"),
        ("http://", "\x05\x7f", "write socks5h://"),
        ("http://", "", "closed the connection without an answer"),
        ("http://", "HTTP/1.1 200", "closed the connection in the middle of its answer"),
        ("http://", "HTTP/1.1 100 Continue\r\n\r\n", "closed the connection in the middle of its answer"),
        ("http://", "HTTP/1.1 204 OK\r\n\r\nHTTP/1.1 101 ", "sent 13 more bytes than its answer"),
        ("http://", many, "answers with more than 128 header lines"),
        ("http://", "HTTP/1.1 200 OK\r\nX Bad: 1\r\n\r\n", "answers with a malformed header line"),
        ("http://", long, "a head of more than 16384 bytes"),
    ] {
        let (address, _) = http_proxy(answer, SocketAddr::from(([127, 0, 0, 1], 1))).await;
        let client = Client::new().proxy(proxy(scheme, address));
        let error = refused(&client, "ws://server.invalid/").await;
        assert!(error.contains(&format!("the proxy http://{address} ")), "{error}");
        assert!(error.contains(says), "{:?}: {error}", answer.get(..80));
        assert!(!error.contains("secret"), "{error}");
    }
}

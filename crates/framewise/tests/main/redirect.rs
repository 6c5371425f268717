//! Redirects: followed when the client says so, and what is not carried along.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use crate::common::{read_head, switch};
use framewise::{Client, ConnectFault, Error};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// The requests that a server got.
type Got = Arc<Mutex<Vec<String>>>;

/// A server that answers `/N/…` with the redirect number N of the list, and everything else with 101.
async fn redirects(to: Vec<String>) -> (SocketAddr, Got) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let got = Got::default();
    let log = Arc::clone(&got);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = read_head(&mut stream).await;
            let number = request
                .split('/')
                .nth(1)
                .and_then(|path| path.trim_end_matches(" HTTP").parse::<usize>().ok());
            let answer =
                number.and_then(|number| to.get(number)).cloned().unwrap_or_else(|| switch(&request));
            log.lock().unwrap().push(request);
            stream.write_all(answer.as_bytes()).await.unwrap();
            // Each connection ends before the next one is taken: a redirect's is not left open.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    });
    (address, got)
}

fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Over there\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

async fn fails(client: &Client, url: &str) -> String {
    let Err(Error::Connect(error)) = client.connect(url).await else { panic!("a connection to {url}") };
    assert_eq!(error.fault(), ConnectFault::Redirect, "{error}");
    error.to_string()
}

#[tokio::test]
async fn redirects_of_every_kind_are_followed_to_their_end() {
    let (there, there_got) = redirects(Vec::new()).await;
    let (here, got) = redirects(vec![
        redirect(301, "/1/x?room=1"),
        redirect(302, "../2/y"),
        redirect(303, "./../3/"),
        redirect(307, "?4"),
        redirect(308, &format!("http://{there}/end?q#part")),
    ])
    .await;
    // The fourth leads to its own path with another query, which the server does not look at.
    let client = Client::new().follow_redirects(3);
    let error = fails(&client, &format!("ws://{here}/0/")).await;
    assert!(
        error.contains(&format!("3 redirects were followed, and the next one leads to ws://{here}/3/?***")),
        "{error}"
    );
    let paths: Vec<_> =
        got.lock().unwrap().drain(..).map(|request| request.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(paths, ["/0/", "/1/x?room=1", "/2/y", "/3/"]);

    let ws = Client::new().follow_redirects(1).connect(&format!("ws://{here}/4/")).await.unwrap();
    assert_eq!(ws.response().unwrap().status, 101);
    let request = there_got.lock().unwrap().pop().unwrap();
    assert!(request.starts_with(&format!("GET /end?q HTTP/1.1\r\nHost: {there}\r\n")), "{request}");
    assert_eq!(got.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_meant_for_one_server_is_not_carried_to_another() {
    let (there, there_got) = redirects(Vec::new()).await;
    let (here, got) = redirects(vec![
        redirect(302, "/1/same"),
        redirect(302, &format!("ws://{there}/end")),
        redirect(302, &format!("ws://other:login@{there}/end")),
    ])
    .await;
    let client =
        Client::new().header("cookie", "a=b").header("X-Other", "kept").protocol("p").follow_redirects(5);
    let explicit = client
        .clone()
        .header("AUTHORIZATION", "Bearer 1")
        .header("Proxy-Authorization", "Basic 2")
        .header("Host", "here");
    for (client, login) in
        [(&explicit, "AUTHORIZATION: Bearer 1"), (&client, "Authorization: Basic dXNlcjpzZWNyZXQ=")]
    {
        // The server does not answer with a subprotocol, which is let pass: a note.
        client.connect(&format!("ws://user:secret@{here}/0/")).await.unwrap();
        let [first, same] = <[String; 2]>::try_from(got.lock().unwrap().split_off(0)).unwrap();
        for request in [first, same] {
            assert!(request.contains(login) && request.contains("cookie: a=b"), "{request}");
        }
        let foreign = there_got.lock().unwrap().pop().unwrap().to_lowercase();
        assert!(!foreign.contains("authorization") && !foreign.contains("cookie"), "{foreign}");
        assert!(foreign.contains(&format!("\r\nhost: {there}\r\n")), "{foreign}");
        assert!(
            foreign.contains("x-other: kept") && foreign.contains("sec-websocket-protocol: p"),
            "{foreign}"
        );
    }
    // A login that the Location itself names is the other server's.
    explicit.connect(&format!("ws://user:secret@{here}/2/")).await.unwrap();
    let foreign = there_got.lock().unwrap().pop().unwrap();
    assert!(
        foreign.contains("Authorization: Basic b3RoZXI6bG9naW4=") && !foreign.contains("Bearer"),
        "{foreign}"
    );

    // Once it was elsewhere, it is not sent any more: neither from there to there nor to a third server.
    let (third, third_got) = redirects(Vec::new()).await;
    let (elsewhere, elsewhere_got) =
        redirects(vec![redirect(302, "/1/"), redirect(302, &format!("http://{third}/end"))]).await;
    let (first, first_got) = redirects(vec![redirect(302, &format!("http://{elsewhere}/0/"))]).await;
    explicit.connect(&format!("ws://{first}/0/")).await.unwrap();
    assert!(first_got.lock().unwrap()[0].contains("Bearer"));
    let others = [elsewhere_got.lock().unwrap().clone(), third_got.lock().unwrap().clone()].concat();
    assert_eq!(others.len(), 3);
    assert!(
        !others.iter().any(|request| request.contains("Bearer") || request.contains("cookie")),
        "{others:?}"
    );
}

#[tokio::test]
async fn a_redirect_that_leads_nowhere_is_told_in_words() {
    let (here, got) = redirects(vec![
        redirect(302, "/1/"),
        redirect(302, "/0/"),
        redirect(302, "/2/#again"),
        redirect(302, "ftp://user:secret@elsewhere/?secret"),
        redirect(302, "https://user:secret@b\u{fc}cher/"),
        "HTTP/1.1 302 Found\r\nContent-Length: 4\r\n\r\nlost".to_owned(),
        redirect(300, "/end"),
    ])
    .await;
    let client = Client::new().follow_redirects(u8::MAX);
    for (path, says) in [
        ("0", "the redirects form a loop back to ws://"),
        ("2", "form a loop"),
        (
            "3",
            "the server redirects to \"ftp://***@elsewhere/?***\", which cannot be followed: use ws:// or wss://",
        ),
        ("4", "xn--"),
    ] {
        let error = fails(&client, &format!("ws://{here}/{path}/")).await;
        assert!(error.contains(says) && !error.contains("secret"), "{error}");
    }
    assert_eq!(got.lock().unwrap().len(), 5, "a circle is noticed when it closes");
    // These are no redirects that anybody could follow.
    for (path, status, body) in [(5, 302, "lost"), (6, 300, "")] {
        let Err(Error::Rejected(rejected)) = client.connect(&format!("ws://{here}/{path}/")).await else {
            panic!("no rejection")
        };
        assert_eq!((rejected.status, &rejected.body[..]), (status, body.as_bytes()));
    }
    // Nobody asked to follow.
    let Err(Error::Rejected(rejected)) = Client::new().connect(&format!("ws://{here}/0/")).await else {
        panic!("no rejection")
    };
    assert_eq!(rejected.location(), Some("/1/"));
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn from_wss_to_ws_no_redirect_is_followed_and_from_ws_to_wss_one_is() {
    let (server, client) = crate::common::tls::configs();
    let client = Client::new().tls_config(client).follow_redirects(3);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = tokio_rustls::TlsAcceptor::from(server);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let mut tls = acceptor.accept(tcp).await.unwrap();
            let request = read_head(&mut tls).await;
            let answer = if request.starts_with("GET /down") {
                redirect(302, "http://localhost/")
            } else {
                switch(&request)
            };
            tls.write_all(answer.as_bytes()).await.unwrap();
            let _ = tls.read_to_end(&mut Vec::new()).await;
        }
    });
    let error = fails(&client, &format!("wss://localhost:{port}/down")).await;
    assert!(
        error.contains("redirects to ws://localhost/, which is not followed because it is not encrypted"),
        "{error}"
    );

    let (here, _) = redirects(vec![redirect(301, &format!("https://localhost:{port}/up"))]).await;
    assert!(client.connect(&format!("ws://{here}/0/")).await.unwrap().get_ref().is_tls());
}

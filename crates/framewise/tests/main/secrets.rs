//! `Debug` output ends in logs: it has no credentials.

use std::fmt;

use crate::common::{REQUEST, read_head};
use framewise::{Client, Error, Reply, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

#[track_caller]
fn hides(value: &dyn fmt::Debug, shown: &[&str]) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!text.contains("s3cret"), "{text}");
        for part in shown {
            assert!(text.contains(part), "no {part} in {text}");
        }
    }
}

/// A request with a credential in each place that may have one.
fn request() -> String {
    REQUEST.replace("/chat", "/chat?token=s3cret").replace(
        "\r\n\r\n",
        "\r\nAuthorization: s3cret\r\nCookie: s3cret\r\nSec-WebSocket-Protocol: s3cret\r\nX-Authorization: shown\r\n\r\n",
    )
}

#[test]
fn what_is_set_up() {
    let server = Server::new()
        .protocols(["shown-v1"])
        .header("Set-Cookie", "s3cret")
        .header("X-Served-By", "shown-name");
    hides(&server, &["Set-Cookie", "shown-v1", "shown-name"]);
    let reply =
        Reply::accept().protocol("s3cret").header("Set-Cookie", "s3cret").header("X-Served-By", "shown-name");
    hides(&reply, &["Set-Cookie", "shown-name"]);
    hides(&Reply::reject(401, "shown-body"), &["401", "shown-body"]);
    let client =
        Client::new().protocols(["s3cret"]).header("Authorization", "s3cret").header("X-Own", "s3cret");
    hides(&client, &["Authorization", "X-Own"]);
}

#[tokio::test]
async fn what_a_server_received() {
    let (mut near, far) = duplex(1 << 14);
    near.write_all(request().as_bytes()).await.unwrap();
    let pending = Server::new().request(far).await.unwrap();
    hides(&pending, &["/chat", "example.com", "X-Authorization", "shown"]);
    hides(pending.request(), &["/chat", "shown"]);
    let ws = pending.answer(Reply::accept().protocol("s3cret")).await.unwrap();
    assert_eq!(ws.protocol(), Some("s3cret"));
    hides(&ws, &["WebSocket"]);
    hides(&ws.request().unwrap(), &["/chat", "shown"]);
}

#[tokio::test]
async fn what_a_client_received() {
    let (near, mut far) = duplex(1 << 14);
    let server = async {
        read_head(&mut far).await;
        let answer = "HTTP/1.1 302 Found\r\nLocation: https://user:s3cret@shown/?s3cret\r\nSet-Cookie: s3cret\r\nX-Cookie: shown-name\r\n\
                      Content-Length: 0\r\n\r\n";
        far.write_all(answer.as_bytes()).await.unwrap();
        far.shutdown().await.unwrap();
        let _ = far.read(&mut [0; 64]).await;
    };
    let client = Client::new();
    let (connected, ()) = tokio::join!(client.connect_over(near, "ws://example.com/chat?s3cret"), server);
    let Err(Error::Rejected(rejected)) = connected else { panic!("a rejection") };
    assert!(rejected.header("Set-Cookie").is_some());
    hides(&rejected, &["302", "shown-name", "shown"]);
}

#[cfg(feature = "hyper")]
#[tokio::test]
async fn what_hyper_received() {
    use crate::common::http::serve;
    use framewise::hyper::upgrade;

    let accept = Server::new().protocols(["s3cret"]).header("Set-Cookie", "s3cret");
    let reject = Server::new()
        .reply(|_| Reply::reject(403, "").header("Set-Cookie", "s3cret").header("X-Why", "shown-name"));
    for (server, status) in [(accept, "101"), (reject, "403")] {
        let service = hyper::service::service_fn(move |mut request| {
            let response = match upgrade(&server, &mut request) {
                Ok((response, upgrade)) => {
                    hides(&response, &["101"]);
                    hides(&upgrade, &["Upgrade"]);
                    response
                }
                Err(rejection) => {
                    hides(&rejection, &["403"]);
                    assert!(format!("{rejection:#?}").contains("shown-name"));
                    rejection.into_http()
                }
            };
            async { Ok::<_, std::convert::Infallible>(response) }
        });
        let mut near = serve(service, true);
        near.write_all(request().as_bytes()).await.unwrap();
        assert_eq!(read_head(&mut near).await.split(' ').nth(1), Some(status), "the service ran to its end");
    }
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn what_axum_received() {
    use axum::Router;
    use axum::routing::any;
    use framewise::axum::WebSocketUpgrade;

    let handler = any(async |ws: WebSocketUpgrade| {
        hides(&ws.header("Set-Cookie", "s3cret"), &["/chat", "example.com", "x-authorization", "shown"]);
    });
    let app = Router::new().route("/chat", handler);
    let mut near = crate::common::http::serve(hyper_util::service::TowerToHyperService::new(app), true);
    near.write_all(request().as_bytes()).await.unwrap();
    assert!(read_head(&mut near).await.starts_with("HTTP/1.1 200 "), "the handler ran to its end");
}

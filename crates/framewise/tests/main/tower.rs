//! The upgrade as a tower service.
#![cfg(feature = "tower")]

use crate::common::echo;
use crate::common::http::{http2_request, rejects_bad_requests, serve};
use framewise::tower::WebSocketService;
use framewise::{Client, Message, Server};
use hyper_util::service::TowerToHyperService;
use tokio::io::DuplexStream;
use tower_service::Service as _;

fn connect() -> DuplexStream {
    let server = Server::new().protocols(["chat"]);
    let service = WebSocketService::new(server, |mut ws, request| async move {
        ws.send(format!("you asked for {} with {:?}", request.uri(), ws.protocol())).await?;
        echo(ws).await
    });
    serve(TowerToHyperService::new(service), true)
}

#[tokio::test]
async fn each_request_gets_a_handler() {
    for target in ["/a", "/b?c=d"] {
        let client = Client::new().protocol("chat");
        let mut ws = client.connect_over(connect(), &format!("ws://example.com{target}")).await.unwrap();
        let greeting = format!("you asked for {target} with Some(\"chat\")");
        assert_eq!(ws.next().await.unwrap().unwrap(), Message::text(greeting));
        ws.send("echo").await.unwrap();
        assert_eq!(ws.next().await.unwrap().unwrap(), Message::text("echo"));
        ws.close(1000, "").await.unwrap();
        assert!(ws.ended().unwrap().clean);
    }
}

#[tokio::test]
async fn what_is_no_handshake_is_answered_with_its_status() {
    rejects_bad_requests(connect).await;
    let mut service = WebSocketService::new(Server::new(), |ws, _| async { drop(ws) });
    assert_eq!(service.call(http2_request()).await.unwrap().status(), 505);
}

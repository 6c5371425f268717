//! The examples that serve, met by a client.

#[cfg(feature = "tls")]
#[allow(dead_code, reason = "its `main` is for people")]
#[path = "../../examples/tls.rs"]
mod tls_example;

#[cfg(feature = "hyper")]
#[allow(dead_code, reason = "its `main` is for people")]
#[path = "../../examples/hyper.rs"]
mod hyper_example;

#[cfg(feature = "axum")]
#[allow(dead_code, reason = "its `main` is for people")]
#[path = "../../examples/axum.rs"]
mod axum_example;

#[cfg(feature = "tower")]
#[allow(dead_code, reason = "its `main` is for people")]
#[path = "../../examples/tower.rs"]
mod tower_example;

#[cfg(feature = "tls")]
#[tokio::test]
async fn tls() {
    assert_eq!(tls_example::run().await.unwrap(), "hello");
}

#[cfg(feature = "hyper")]
#[tokio::test]
async fn hyper() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(hyper_example::serve(listener, stopped));
    meet(address, stop).await;
    serving.await.unwrap().unwrap();
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axum() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let serving = tokio::spawn(axum_example::serve(listener, async { stopped.await.unwrap() }));
    meet(address, stop).await;
    serving.await.unwrap().unwrap();
}

#[cfg(feature = "tower")]
#[tokio::test]
async fn tower() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(tower_example::serve(listener, stopped));
    let client = framewise::Client::new().protocol("chat");
    let mut ws = client.connect(&format!("ws://{address}/lobby")).await.unwrap();
    assert_eq!(ws.protocol(), Some("chat"));
    assert_eq!(ws.next().await.unwrap().unwrap().as_text(), Some("welcome to /lobby"));
    ws.send("hello").await.unwrap();
    assert_eq!(ws.next().await.unwrap().unwrap().as_text(), Some("hello"));
    stop.send(()).unwrap();
    assert!(ws.next().await.is_none());
    assert_eq!(ws.ended().unwrap().code.0, 1001);
    serving.await.unwrap().unwrap();
}

/// An echo at `/ws`, and something else beside it, until the server stops.
#[cfg(feature = "hyper")]
async fn meet(address: std::net::SocketAddr, stop: tokio::sync::oneshot::Sender<()>) {
    use framewise::{Error, Message, connect};

    let mut ws = connect(&format!("ws://{address}/ws")).await.unwrap();
    for size in [5, 5_000, 500_000] {
        ws.send(vec![9; size]).await.unwrap();
        assert!(ws.next().await.unwrap().unwrap() == Message::binary(vec![9; size]), "{size}");
    }
    ws.close(1000, "").await.unwrap();
    assert!(ws.ended().unwrap().clean);

    let Err(Error::Rejected(rejected)) = connect(&format!("ws://{address}/")).await else {
        panic!("there is no WebSocket")
    };
    assert_eq!((rejected.status, &rejected.body[..]), (200, &b"the WebSocket is at /ws\n"[..]));

    let mut ws = connect(&format!("ws://{address}/ws")).await.unwrap();
    stop.send(()).unwrap();
    assert!(ws.next().await.is_none());
    assert_eq!((ws.ended().unwrap().code.0, ws.ended().unwrap().clean), (1001, true));
}

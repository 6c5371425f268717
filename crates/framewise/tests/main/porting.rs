//! What docs/coming-from-tokio-tungstenite.md says of behaviour, where no other test does.

use std::time::Duration;

use framewise::{Config, Limits, Server, connect};

use crate::common::{RESPONSE, echo_server};

#[test]
fn the_defaults_are_those_of_the_page() {
    let config = Config::default();
    let limits = Limits::default();
    assert_eq!(config.limits, limits);
    assert_eq!((limits.message, limits.frame), (64 << 20, 64 << 20));
    assert_eq!((limits.handshake, limits.close), (Duration::from_secs(10), Duration::from_secs(5)));
    assert_eq!(config.send_queue, 64 * 1024);
    assert!(config.deflate.is_none(), "compression is off");
    assert!(limits.control_rate > 0 && limits.fragments > 0 && limits.head > RESPONSE.len());
}

#[tokio::test]
async fn nodelay_is_set_at_both_ends() {
    let client = connect(&format!("ws://{}/", echo_server().await)).await.unwrap();
    assert!(client.get_ref().tcp().nodelay().unwrap());
    let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let accept = async { listener.accept().await.unwrap().await.unwrap() };
    let (client, server) = tokio::join!(connect(&url), accept);
    assert!(server.get_ref().tcp().nodelay().unwrap());
    drop(client);
}

#[tokio::test]
async fn an_idle_connection_holds_no_buffer_and_a_protocol_that_is_ignored_is_none() {
    let url = format!("ws://{}/", echo_server().await);
    let mut ws = framewise::Client::new().protocol("chat").connect(&url).await.unwrap();
    assert_eq!(ws.protocol(), None);
    ws.send("hello").await.unwrap();
    ws.next().await.unwrap().unwrap();
    assert_eq!((ws.read_buffer(), ws.queued()), (0, 0));
}

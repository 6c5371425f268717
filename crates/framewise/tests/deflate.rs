//! permessage-deflate over the endpoint: agreed, refused, required.

mod common;

use framewise::{Client, CloseCode, Context, DeflateConfig, Error, Limits, Rule, Server, WebSocket};
use tokio::io::{DuplexStream, duplex};

async fn pair(
    client: Client,
    server: Server,
) -> (Result<WebSocket<DuplexStream>, Error>, Result<WebSocket<DuplexStream>, Error>) {
    let (near, far) = duplex(1 << 16);
    let client = async move { client.connect_over(near, "ws://example.com/").await };
    tokio::join!(client, async move { server.accept(far).await })
}

fn wishes() -> DeflateConfig {
    DeflateConfig { threshold: 0, ..DeflateConfig::default() }
}

#[tokio::test]
async fn what_is_sent_compressed_arrives_in_both_directions() {
    for (client_wishes, server_wishes) in [
        (wishes(), wishes()),
        (DeflateConfig { peer_window_bits: 9, window_bits: 8, ..wishes() }, wishes()),
        (wishes(), DeflateConfig { no_context_takeover: true, context: Context::Released, ..wishes() }),
    ] {
        let (client, server) =
            pair(Client::new().deflate(client_wishes), Server::new().deflate(server_wishes)).await;
        let (mut client, mut server) = (client.expect("it is agreed"), server.expect("it is agreed"));
        let echo = tokio::spawn(async move {
            while let Some(message) = server.next().await {
                server.send(message?).await?;
            }
            Ok::<_, Error>(())
        });
        for size in [0, 1, 100, 70_000, 1_000_000] {
            let text = "Größe ".chars().cycle().take(size).collect::<String>();
            client.send(text.as_str()).await.expect("open");
            let echoed = client.next().await.expect("open").expect("it is right");
            assert_eq!(echoed.as_text(), Some(text.as_str()));
        }
        client.close(1000, "").await.expect("it closes");
        echo.await.expect("no panic").expect("no error");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_requires_it_closes_with_1010() {
    let (client, server) =
        pair(Client::new().deflate(DeflateConfig { required: true, ..wishes() }), Server::new()).await;
    let mut server = server.expect("the handshake is right");
    let server = tokio::spawn(async move {
        assert!(server.next().await.is_none(), "a Close, and no message");
        server.ended().map(|ended| ended.code)
    });
    match client {
        Err(Error::Violation(violation)) => assert_eq!(violation.rule, Rule::ExtensionRequired),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.await.expect("no panic"), Some(CloseCode(1010)));
}

#[tokio::test(start_paused = true)]
async fn a_bomb_ends_at_the_limit() {
    let limits = Limits { inflated: 10_000, ..Limits::DEFAULT };
    let (client, server) =
        pair(Client::new().deflate(wishes()), Server::new().deflate(wishes()).limits(limits)).await;
    let (mut client, mut server) = (client.expect("it is agreed"), server.expect("it is agreed"));
    let server = tokio::spawn(async move { server.next().await });
    client.send(vec![0_u8; 10_000_000]).await.expect("open");
    client.flush().await.expect("open");
    let end = client.next().await;
    assert!(end.is_none(), "{end:?}");
    assert_eq!(client.ended().map(|ended| ended.code), Some(CloseCode(1009)));
    match server.await.expect("no panic") {
        Some(Err(Error::Violation(violation))) => assert_eq!(violation.rule, Rule::InflateTooBig),
        other => panic!("{other:?}"),
    }
}

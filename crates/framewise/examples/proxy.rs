//! Connects through a proxy, with keepalive: `cargo run --example proxy -- socks5h://127.0.0.1:1080 wss://example.com/ws`

use std::time::Duration;

use framewise::{Client, Keepalive, Proxy};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(proxy), Some(url)) = (words.next(), words.next()) else {
        return Err("usage: proxy PROXY URL".into());
    };
    // Many proxies cut connections that are silent for 30 seconds. A Ping in time prevents that, and finds a lost peer.
    let keepalive = Keepalive::DEFAULT.interval(Duration::from_secs(15)).pong(Duration::from_secs(10));
    let client = Client::new().proxy(Proxy::parse(&proxy)?).keepalive(keepalive);

    let mut ws = client.connect(&url).await?;
    while let Some(message) = ws.next().await {
        println!("{:?}, round trip {:?}", message?, ws.round_trip());
    }
    Ok(())
}

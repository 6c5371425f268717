//! Finds peers that are gone: `cargo run --example keepalive -- 127.0.0.1:9001`, and then any client.
//!
//! A peer that loses its power or its network ends nothing: without keepalive its connection stays open for ever. Pings also
//! prevent that a proxy on the way cuts a connection because nothing is sent.

use std::time::Duration;

use framewise::{EndedBy, Error, Keepalive, Server, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};

/// A Ping after 20 s without one; a peer from which nothing arrives for 10 s after it is gone. Many proxies cut connections
/// that are silent for 30 s or 60 s.
fn keepalive() -> Keepalive {
    Keepalive::DEFAULT.interval(Duration::from_secs(20)).pong(Duration::from_secs(10))
}

/// Reads until the connection ends, and says how it ended. The Pings are sent while `next` waits.
async fn watch<S: AsyncRead + AsyncWrite + Unpin>(mut ws: WebSocket<S>) -> String {
    let error = loop {
        match ws.next().await {
            Some(Ok(message)) => println!("{} bytes, round trip {:?}", message.len(), ws.round_trip()),
            Some(Err(error)) => break Some(error),
            None => break None,
        }
    };
    match (error, ws.ended()) {
        (Some(Error::Violation(violation)), Some(ended)) if ended.by == EndedBy::Nobody => {
            format!("lost: {violation}")
        }
        (Some(error), _) => format!("failed: {error}"),
        (None, Some(ended)) => format!("closed with {}", ended.code),
        (None, None) => "closed".to_owned(),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("usage: keepalive ADDR, with an ADDR like 127.0.0.1:9001")?;
    let listener = Server::new().keepalive(keepalive()).bind(&address).await?;
    eprintln!("listening at ws://{}/", listener.local_addr()?);
    listener.serve(|ws| async { println!("{}", watch(ws).await) }).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use framewise::{Adopt, Config};
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_is_gone_is_found_and_one_that_only_reads_is_not() {
        let config = Config::default().keepalive(keepalive());
        let (near, _gone) = tokio::io::duplex(1024);
        let server = Adopt::server(near).config(config.clone()).start().expect("nothing was agreed");
        let start = Instant::now();
        let end = watch(server).await;
        assert!(end.starts_with("lost: "), "{end}");
        assert_eq!(start.elapsed().as_secs(), 30);

        let (near, far) = tokio::io::duplex(1024);
        let server = Adopt::server(near).config(config).start().expect("nothing was agreed");
        let mut client = Adopt::client(far).start().expect("nothing was agreed");
        let watching = tokio::spawn(watch(server));
        // It reads for an hour, which answers the Pings, and then leaves.
        tokio::select! {
            message = client.next() => panic!("{message:?}"),
            () = sleep(Duration::from_secs(3600)) => {}
        }
        client.close(1000, "").await.expect("a clean end");
        assert_eq!(watching.await.expect("no panic"), "closed with 1000");
    }
}

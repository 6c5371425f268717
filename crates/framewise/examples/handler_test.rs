//! A handler that is generic over the transport, tested without a network: `cargo test --example handler_test`

use framewise::{Error, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite};

/// Answers each text in capitals.
async fn shout<S: AsyncRead + AsyncWrite + Unpin>(mut ws: WebSocket<S>) -> Result<(), Error> {
    while let Some(message) = ws.next().await {
        if let Some(text) = message?.as_text() {
            ws.send(text.to_uppercase()).await?;
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    framewise::Server::new().bind("127.0.0.1:9001").await?.serve(shout).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::shout;

    #[tokio::test]
    async fn it_shouts() -> Result<(), framewise::Error> {
        let (mut client, server) = framewise::pair();
        let handler = tokio::spawn(shout(server));
        client.send("hello").await?;
        let answer = client.next().await.transpose()?;
        assert_eq!(answer.as_ref().and_then(|message| message.as_text()), Some("HELLO"));
        client.close(1000, "").await?;
        assert!(handler.await.is_ok_and(|result| result.is_ok()));
        Ok(())
    }
}

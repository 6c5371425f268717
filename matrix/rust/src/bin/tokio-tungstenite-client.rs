//! tokio-tungstenite, with the loop of its example for Autobahn.

use framewise_matrix::{Failure, LARGEST, Target, Wanted, run};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

fn main() -> Result<(), Failure> {
    run("tokio-tungstenite", connection)
}

async fn connection(target: Target, wanted: Wanted) -> Result<String, Failure> {
    let config = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
    let (mut socket, _) = connect_async_with_config(target.url(), Some(config), true).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if wanted == Wanted::First {
            socket.close(None).await?;
            return Ok(message.to_text()?.to_owned());
        }
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(String::new())
}

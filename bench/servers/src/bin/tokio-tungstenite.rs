//! tokio-tungstenite.

use bench_servers::{Arguments, Failure, echo, serve};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse()?.without_deflate()?;
    serve(arguments.address, move |stream| async move {
        let config = WebSocketConfig::default();
        let ws = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await?;
        echo::echo(arguments.mode, ws, |item| {
            let message = item?;
            Ok((message.is_text() || message.is_binary()).then_some(message))
        })
        .await
    })
}

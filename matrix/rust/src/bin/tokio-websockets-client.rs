//! tokio-websockets, with the loop of its example for Autobahn.

use framewise_matrix::{Failure, LARGEST, Target, Wanted, run};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_websockets::{ClientBuilder, Limits};

fn main() -> Result<(), Failure> {
    run("tokio-websockets", connection)
}

async fn connection(target: Target, wanted: Wanted) -> Result<String, Failure> {
    // Its example has no limit: then a header that claims 2^62 bytes makes it reserve them, which ends the program.
    let limits = Limits::default().max_payload_len(Some(LARGEST));
    let builder = ClientBuilder::new().uri(&target.url())?.limits(limits);
    let (mut socket, _) = builder.connect().await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if wanted == Wanted::First {
            socket.close().await?;
            return Ok(message.as_text().unwrap_or_default().to_owned());
        }
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(String::new())
}

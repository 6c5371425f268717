//! The names of tokio-tungstenite, as programs use them.
#![allow(clippy::result_large_err, reason = "as the callbacks of tungstenite")]

mod blocking;
mod handshake;
mod messages;
mod settings;
mod violations;

use framewise_tungstenite as tokio_tungstenite;
use tokio::io::{DuplexStream, duplex};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config, client_async_with_config};

/// How many bytes each end of a [`pair`] writes before it waits for the other.
const ROOM: usize = 64 * 1024;

type Stream = WebSocketStream<DuplexStream>;

/// A client and a server, connected by the handshake of this crate.
async fn pair(config: WebSocketConfig) -> (Stream, Stream) {
    let (near, far) = duplex(ROOM);
    let (client, server) = tokio::join!(
        client_async_with_config("ws://localhost/", near, Some(config)),
        accept_async_with_config(far, Some(config)),
    );
    (client.expect("a client").0, server.expect("a server"))
}

/// One end, and the raw stream to it.
async fn raw(role: Role, config: WebSocketConfig) -> (Stream, DuplexStream) {
    let (near, far) = duplex(ROOM);
    (WebSocketStream::from_raw_socket(near, role, Some(config)).await, far)
}

#[test]
fn a_connection_may_move_to_another_thread() {
    fn is_send<T: Send + Sync + Unpin>() {}
    is_send::<Stream>();
    is_send::<WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>>();
    is_send::<tokio_tungstenite::tungstenite::Error>();
}

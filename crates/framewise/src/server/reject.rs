use std::io;
use std::time::Duration;

use bytes::BytesMut;
use framewise_proto::handshake::http1::FIRST_READ;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

/// Bytes that a client may send after a rejected request, before the connection is cut.
const DRAINED: usize = 1024 * 1024;

/// Answers a request that is not accepted, and reads until the client ends the connection: closing it with unread bytes
/// resets it, and the reset can overtake the answer (RFC 9112 §9.6).
pub(super) async fn reject<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    response: &[u8],
    limit: Duration,
) {
    // Boxed: an accepted handshake does not need the memory for it.
    let answered = Box::pin(timeout(limit, async {
        stream.write_all(response).await?;
        stream.shutdown().await?;
        let mut rest = BytesMut::with_capacity(FIRST_READ);
        let mut drained = 0;
        while drained < DRAINED {
            rest.clear();
            match stream.read_buf(&mut rest).await? {
                0 => break,
                count => drained += count,
            }
        }
        io::Result::Ok(())
    }));
    // If the client is gone or stays, the error is still that of the request.
    let _ = answered.await;
}

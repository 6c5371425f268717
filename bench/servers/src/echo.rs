//! The two loops, for the libraries that are a `Stream` and a `Sink`.

use futures_util::{FutureExt, Sink, SinkExt, Stream, StreamExt};

use crate::{Failure, Mode};

/// A batch ends here even if more is there.
const BATCH: usize = 32;

/// Echoes until the end; `pick` says what of an item is to be sent back.
pub async fn echo<W, M>(
    mode: Mode,
    ws: W,
    pick: impl Fn(W::Item) -> Result<Option<M>, Failure>,
) -> Result<(), Failure>
where
    W: Stream + Sink<M> + Unpin,
    W::Error: Into<Failure>,
{
    match mode {
        Mode::Plain => plain(ws, pick).await,
        Mode::Best => batched(ws, pick).await,
    }
}

async fn plain<W, M>(mut ws: W, pick: impl Fn(W::Item) -> Result<Option<M>, Failure>) -> Result<(), Failure>
where
    W: Stream + Sink<M> + Unpin,
    W::Error: Into<Failure>,
{
    while let Some(item) = ws.next().await {
        match pick(item) {
            Ok(Some(message)) => ws.send(message).await.map_err(Into::into)?,
            Ok(None) => {}
            Err(failure) => {
                // Some libraries tell the failure first, and send its Close frame when they are asked again.
                let _ = ws.next().await;
                return Err(failure);
            }
        }
    }
    Ok(())
}

/// Takes what is there already, and answers it with one flush.
async fn batched<W, M>(mut ws: W, pick: impl Fn(W::Item) -> Result<Option<M>, Failure>) -> Result<(), Failure>
where
    W: Stream + Sink<M> + Unpin,
    W::Error: Into<Failure>,
{
    while let Some(first) = ws.next().await {
        let mut item = Some(first);
        for _ in 0..BATCH {
            let Some(found) = item else { break };
            if let Some(message) = pick(found)? {
                ws.feed(message).await.map_err(Into::into)?;
            }
            item = ws.next().now_or_never().flatten();
        }
        if let Some(message) = item.map(&pick).transpose()?.flatten() {
            ws.feed(message).await.map_err(Into::into)?;
        }
        ws.flush().await.map_err(Into::into)?;
    }
    Ok(())
}

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::task::coop;

use super::answer::RequestRejection;
use crate::panic::Panic;
use crate::trace;

/// The stream of a request that waits for its answer. If it is dropped, because the application failed or panicked before it
/// answered, the client gets a 500.
pub(super) struct Unanswered<S> {
    /// There until it is taken.
    stream: Option<S>,
    /// [`fail`], as a pointer: dropping a request must not need bounds on `S`.
    fail: fn(&mut S),
}

/// [`PendingRequest`](super::PendingRequest) is consumed when its stream is taken.
const THERE: &str = "the stream of a request that is answered is not used";

impl<S> Unanswered<S> {
    pub(super) fn get_ref(&self) -> &S {
        self.stream.as_ref().expect(THERE)
    }

    /// Takes the stream, to answer.
    pub(super) fn take(&mut self) -> S {
        self.stream.take().expect(THERE)
    }
}

impl<S: AsyncWrite + Unpin> Unanswered<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self { stream: Some(stream), fail: fail::<S> }
    }
}

impl<S> Drop for Unanswered<S> {
    fn drop(&mut self) {
        if let Some(stream) = &mut self.stream {
            // A stream that panics here must not end the program, which a second panic of a thread does.
            let _ = Panic::catch(|| (self.fail)(stream));
        }
    }
}

/// Answers as far as the stream takes it at once.
fn fail<S: AsyncWrite + Unpin>(stream: &mut S) {
    let RequestRejection { response, error } = RequestRejection::<Vec<u8>>::failed();
    trace::rejected(&error);
    // Without the cooperative budget of tokio, which would hold back bytes that the stream takes.
    let write = coop::unconstrained(async {
        stream.write_all(&response).await?;
        stream.shutdown().await
    });
    let _ = pin!(write).poll(&mut Context::from_waker(Waker::noop()));
}

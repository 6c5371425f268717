use std::any::Any;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::io::{AsyncRead, AsyncWrite};

use super::Inner;
use crate::{CloseCode, trace};

/// The state is there until [`Owned::into_inner`], which takes the owner with it.
const THERE: &str = "nobody has the owner of a state that was taken out";

/// The owner of a connection's state. If it is dropped, it writes what is queued, as far as the stream takes it at once.
pub(super) struct Owned<S>(Option<Box<Inner<S>>>);

impl<S> Owned<S> {
    pub(super) fn new(inner: Inner<S>) -> Self {
        Self(Some(Box::new(inner)))
    }

    /// Takes the state. Nothing is written when that is dropped.
    pub(super) fn into_inner(mut self) -> Inner<S> {
        *self.0.take().expect(THERE)
    }

    /// Puts another stream in the place of the stream.
    pub(super) fn map_stream<T>(self, map: impl FnOnce(S) -> T) -> Owned<T>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let Inner { stream, engine, in_flight, timer, state, ended, head, stop, details, .. } =
            self.into_inner();
        let (stream, write_last) = (map(stream), Inner::write_last);
        Owned::new(Inner { stream, engine, in_flight, timer, state, ended, head, stop, details, write_last })
    }
}

impl<S> Deref for Owned<S> {
    type Target = Inner<S>;

    #[inline]
    fn deref(&self) -> &Inner<S> {
        self.0.as_deref().expect(THERE)
    }
}

impl<S> DerefMut for Owned<S> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Inner<S> {
        self.0.as_deref_mut().expect(THERE)
    }
}

impl<S> Drop for Owned<S> {
    fn drop(&mut self) {
        let Some(inner) = &mut self.0 else { return };
        if std::thread::panicking() {
            inner.fail_for_panic();
        }
        if !inner.owes() {
            return;
        }
        // A stream that panics here must not end the program, which a second panic of a thread does.
        let written = catch_unwind(AssertUnwindSafe(|| (inner.write_last)(inner)));
        if written.is_err() || inner.owes() {
            trace::unwritten(inner.engine.role(), inner.queued());
        }
    }
}

impl<S> Inner<S> {
    /// The task that has the connection panics. RFC 6455 §7.4.1: 1011 says that an endpoint "encountered an unexpected
    /// condition that prevented it from fulfilling the request".
    #[cold]
    pub(super) fn fail_for_panic(&mut self) {
        if self.engine.is_open() {
            // It is open, and the code may be sent.
            let _ = self.start_close(CloseCode::INTERNAL_ERROR, "");
        }
    }
}

/// Any stream, and the way back to its own type.
pub(super) trait AnyStream: AsyncRead + AsyncWrite + Unpin + Send {
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> AnyStream for S {
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// A stream whose type the halves of a split connection do not name.
pub(super) type Erased = Box<dyn AnyStream>;

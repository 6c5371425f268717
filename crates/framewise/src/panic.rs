//! Panics of the application's code: they are reported, and then go on.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A panic that was caught.
pub(crate) struct Panic(Box<dyn Any + Send>);

impl Panic {
    /// Runs code of the application.
    pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Self> {
        // What the code has left half done is dropped: the panic continues, or ends its connection.
        catch_unwind(AssertUnwindSafe(run)).map_err(Self)
    }

    /// Runs code of the application, and reports a panic to `tracing`, before it continues.
    #[cfg(any(feature = "tower", feature = "axum"))]
    pub(crate) fn trace<T>(run: impl FnOnce() -> T) -> T {
        Self::catch(run).unwrap_or_else(|panic| {
            crate::trace::panicked(panic.message());
            panic.resume()
        })
    }

    /// What `panic!` was called with, where that is text.
    pub(crate) fn message(&self) -> &str {
        let text = self.0.downcast_ref::<&str>().copied();
        text.or_else(|| self.0.downcast_ref::<String>().map(String::as_str)).unwrap_or("not a text")
    }

    /// Lets it go on.
    pub(crate) fn resume(self) -> ! {
        resume_unwind(self.0)
    }
}

//! The search for causes. It may take as long as a hostile stream makes it, within its budget: so it runs on a thread of
//! its own, one search at a time, and each connection waits for its own alone.

use tokio::sync::Semaphore;

/// One search at a time, whatever the number of connections: the others wait in the order in which they came, and the
/// threads that pass bytes on have the other processors.
pub(crate) static TURN: Semaphore = Semaphore::const_new(1);

/// Runs what may take long where no byte waits for it.
pub(crate) async fn off_the_byte_path<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    // The semaphore is never closed.
    let turn = TURN.acquire().await.ok();
    let done = tokio::task::spawn_blocking(work).await;
    drop(turn);
    match done {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Says on a terminal that work continues, once it has taken a second; silent in a pipe.
#[derive(Debug)]
pub(crate) struct Progress {
    running: Option<(Sender<()>, JoinHandle<()>)>,
    done: Arc<AtomicUsize>,
}

impl Progress {
    pub(crate) fn start(what: String) -> Self {
        Self::begin(what, None)
    }

    /// Counts up to a number: see [`Progress::step`].
    pub(crate) fn counted(what: String, most: usize) -> Self {
        Self::begin(what, Some(most))
    }

    /// One more is done.
    pub(crate) fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    fn begin(what: String, most: Option<usize>) -> Self {
        let done = Arc::new(AtomicUsize::new(0));
        if !std::io::stderr().is_terminal() {
            return Self { running: None, done };
        }
        let (stop, stopped) = channel::<()>();
        let start = Instant::now();
        let counter = done.clone();
        let thread = std::thread::spawn(move || {
            let mut wait = Duration::from_secs(1);
            let mut shown = false;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(wait) {
                wait = Duration::from_millis(500);
                shown = true;
                let seconds = start.elapsed().as_secs();
                let count = counter.load(Ordering::Relaxed);
                let count = most.map_or_else(String::new, |most| format!("{count} of {most}, "));
                // What a longer line left is erased.
                let _ = write!(std::io::stderr(), "\r{what} … {count}{seconds} s\x1b[K");
            }
            if shown {
                // The line is erased: it is not part of the result.
                let _ = write!(std::io::stderr(), "\r\x1b[K");
            }
        });
        Self { running: Some((stop, thread)), done }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.running.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

//! Lines that appear while a command works. They are written by a thread of their own: a terminal that is stopped, or a
//! pipe that nobody reads, must not stop the connections that pass through.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::output::Output;

/// Lines about single frames that may wait; findings and reports always may.
const MOST_WAITING: usize = 8_192;

#[derive(Clone, Copy, Debug)]
pub(crate) enum To {
    Stdout,
    Stderr,
}

/// The end that lines are given to.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    lines: Sender<(To, String)>,
    waiting: Arc<AtomicUsize>,
    skipped: Arc<AtomicUsize>,
}

/// The thread that writes them.
#[derive(Debug)]
pub(crate) struct Writer {
    done: Receiver<()>,
}

/// Lines that nobody writes yet.
#[derive(Debug)]
pub(crate) struct Queue {
    lines: Receiver<(To, String)>,
    waiting: Arc<AtomicUsize>,
}

impl Live {
    /// The writing starts at once.
    pub(crate) fn start(output: Output) -> (Self, Writer) {
        let (live, queue) = Self::new();
        (live, queue.start(output))
    }

    /// The writing starts when it is known whether it shall: see [`Queue::start`].
    pub(crate) fn new() -> (Self, Queue) {
        let (sender, lines) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let queue = Queue { lines, waiting: Arc::clone(&waiting) };
        (Self { lines: sender, waiting, skipped: Arc::default() }, queue)
    }

    /// Says something that must not be lost.
    pub(crate) fn say(&self, to: To, text: impl Into<String>) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        // The thread lives as long as there is a sender.
        let _ = self.lines.send((to, text.into()));
    }

    /// Says something that may be left out when the reader is far behind; what was left out is counted.
    pub(crate) fn chat(&self, to: To, text: impl Into<String>) {
        if self.waiting.load(Ordering::Relaxed) >= MOST_WAITING {
            self.skipped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        match self.skipped.swap(0, Ordering::Relaxed) {
            0 => {}
            skipped => {
                self.say(to, format!("… {skipped} lines left out: the reader was too slow for them\n"));
            }
        }
        self.say(to, text);
    }
}

impl Queue {
    /// Writes to standard output and standard error.
    pub(crate) fn start(self, output: Output) -> Writer {
        self.start_with(output, |to, text| write(to, text.as_bytes()))
    }

    /// Writes with what is given.
    pub(crate) fn start_with(
        self,
        output: Output,
        write: impl FnMut(To, &str) -> io::Result<()> + Send + 'static,
    ) -> Writer {
        let (finished, done) = channel();
        std::thread::spawn(move || {
            self.write_all(output, write);
            // The other end may have given up waiting.
            let _ = finished.send(());
        });
        Writer { done }
    }

    fn write_all(self, output: Output, mut write: impl FnMut(To, &str) -> io::Result<()>) {
        let mut gone = [false; 2];
        while let Ok((to, text)) = self.lines.recv() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            let gone = &mut gone[to as usize];
            // A reader that has gone is no reason to end a connection that passes through: what it would have read is
            // dropped.
            if !*gone {
                *gone = write(to, &output.dress(to, &text)).is_err();
            }
        }
    }
}

impl Writer {
    /// Waits until everything is written, but not for a reader that has stopped.
    pub(crate) fn finish(self, live: Live) {
        drop(live);
        let _ = self.done.recv_timeout(Duration::from_secs(2));
    }
}

fn write(to: To, bytes: &[u8]) -> io::Result<()> {
    match to {
        To::Stdout => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(bytes)?;
            stdout.flush()
        }
        To::Stderr => io::stderr().write_all(bytes),
    }
}

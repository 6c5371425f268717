//! Lines that appear while a command works. They are written by a thread of their own: a terminal that is stopped, or a
//! pipe without a reader, must not stop the connections that pass through, nor fill the memory.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::failure::complain;
use crate::output::{Output, Text, To};
use crate::render::clean;

/// Bytes that may wait to be written. Lines about single frames are left out earlier, so that findings and reports find
/// their place.
const MOST_WAITING: usize = 8 << 20;
const MOST_WAITING_FRAMES: usize = 1 << 20;
/// What a line takes beside its text.
const LINE: usize = 64;

/// The end that lines are given to.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    lines: Sender<(To, Text)>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Bytes that wait.
    waiting: AtomicUsize,
    /// Lines that were left out since that was last reported.
    left_out: AtomicUsize,
}

/// The thread that writes them.
#[derive(Debug)]
pub(crate) struct Writer {
    done: Receiver<()>,
    counts: Arc<Counts>,
}

/// Lines that wait for a writer.
#[derive(Debug)]
pub(crate) struct Queue {
    lines: Receiver<(To, Text)>,
    counts: Arc<Counts>,
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
        let counts = Arc::<Counts>::default();
        (Self { lines: sender, counts: Arc::clone(&counts) }, Queue { lines, counts })
    }

    /// Prints a text that was rendered: colours are in it, and what came from a peer is clean.
    pub(crate) fn say(&self, to: To, text: impl Into<String>) {
        self.push(to, Text::Styled(text.into()), MOST_WAITING);
    }

    /// Prints a sentence, which may quote a peer, on a line of its own.
    pub(crate) fn sentence(&self, to: To, sentence: &str) {
        self.say(to, format!("{}\n", clean(sentence)));
    }

    /// Prints a value as JSON on a line of its own.
    pub(crate) fn json(&self, to: To, value: &impl serde::Serialize) {
        // What is printed has no map whose keys are not strings, which is all that could fail.
        if let Ok(json) = serde_json::to_string(value) {
            self.push(to, Text::json(&json), MOST_WAITING);
        }
    }

    /// Prints a text about a single frame: the first that is left out when the reader is far behind.
    pub(crate) fn chat(&self, to: To, text: impl Into<String>) {
        self.push(to, Text::Styled(text.into()), MOST_WAITING_FRAMES);
    }

    fn push(&self, to: To, text: Text, most: usize) {
        let size = text.as_str().len() + LINE;
        if self.counts.waiting.load(Ordering::Relaxed) + size > most {
            self.counts.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        match self.counts.left_out.swap(0, Ordering::Relaxed) {
            0 => {}
            // JSON output has no sentences between its objects.
            count => self.send(
                if text.is_json() { To::Stderr } else { to },
                Text::Styled(format!("… {}\n", left_out(count))),
            ),
        }
        self.send(to, text);
    }

    fn send(&self, to: To, text: Text) {
        self.counts.waiting.fetch_add(text.as_str().len() + LINE, Ordering::Relaxed);
        // The thread lives as long as there is a sender.
        let _ = self.lines.send((to, text));
    }
}

fn left_out(count: usize) -> String {
    let lines = if count == 1 { "1 message was" } else { &format!("{count} messages were") };
    format!("{lines} left out: the output is read too slowly")
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
        let counts = Arc::clone(&self.counts);
        std::thread::spawn(move || {
            self.write_all(output, write);
            // The other end may have given up waiting.
            let _ = finished.send(());
        });
        Writer { done, counts }
    }

    fn write_all(self, output: Output, mut write: impl FnMut(To, &str) -> io::Result<()>) {
        let mut gone = [false; 2];
        while let Ok((to, text)) = self.lines.recv() {
            let gone = &mut gone[to as usize];
            // A reader that is gone does not end a forwarded connection: what it would have read is
            // dropped.
            if !*gone {
                *gone = write(to, &output.dress(to, &text)).is_err();
            }
            self.counts.waiting.fetch_sub(text.as_str().len() + LINE, Ordering::Relaxed);
        }
    }
}

impl Writer {
    /// Waits until everything is written, but not for a reader that has stopped.
    pub(crate) fn finish(self, live: Live) {
        drop(live);
        let _ = self.done.recv_timeout(Duration::from_secs(2));
        match self.counts.left_out.load(Ordering::Relaxed) {
            0 => {}
            count => complain(&left_out(count)),
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::output::Color;

    /// A reader that begins to read when the other end of this is dropped; what it was given.
    fn stopped_reader(queue: Queue) -> (Sender<()>, Arc<Mutex<Vec<String>>>, Writer) {
        let (go, wait) = channel::<()>();
        let read = Arc::<Mutex<Vec<String>>>::default();
        let written = Arc::clone(&read);
        let writer = queue.start_with(Output::new(Color::Never), move |_, text| {
            let _ = wait.recv();
            written.lock().expect("no test panics with it").push(text.to_owned());
            Ok(())
        });
        (go, read, writer)
    }

    #[test]
    fn what_waits_for_a_reader_is_bounded_and_what_is_left_out_is_counted() {
        let (live, queue) = Live::new();
        let (go, read, writer) = stopped_reader(queue);
        let line = "x".repeat(1000);
        let mut most = 0;
        for number in 0..100_000 {
            live.say(To::Stdout, format!("{number} {line}\n"));
            most = most.max(live.counts.waiting.load(Ordering::Relaxed));
        }
        assert!(most <= MOST_WAITING && most > MOST_WAITING / 2, "{most}");
        let left_out = live.counts.left_out.load(Ordering::Relaxed);
        drop(go);
        while live.counts.waiting.load(Ordering::Relaxed) > 0 {
            std::thread::yield_now();
        }
        live.say(To::Stdout, "the last\n");
        writer.finish(live);
        let read = read.lock().expect("the writer is done");
        assert_eq!(read.len() - 2 + left_out, 100_000);
        assert_eq!(
            read[read.len() - 2],
            format!("… {left_out} messages were left out: the output is read too slowly\n")
        );
        assert_eq!(read[read.len() - 1], "the last\n");
    }

    #[test]
    fn frames_are_left_out_before_findings() {
        let (live, queue) = Live::new();
        let (go, read, writer) = stopped_reader(queue);
        let frame = "x".repeat(1000);
        for _ in 0..2_000 {
            live.chat(To::Stdout, frame.clone());
        }
        assert!(live.counts.waiting.load(Ordering::Relaxed) <= MOST_WAITING_FRAMES);
        live.say(To::Stdout, "a finding\n");
        drop(go);
        writer.finish(live);
        assert_eq!(read.lock().expect("the writer is done").last().map(String::as_str), Some("a finding\n"));
    }

    #[test]
    fn a_reader_that_keeps_up_misses_nothing() {
        let (live, queue) = Live::new();
        let (go, read, writer) = stopped_reader(queue);
        drop(go);
        for number in 0..1_000 {
            live.say(To::Stdout, format!("{number}\n"));
        }
        writer.finish(live);
        assert_eq!(read.lock().expect("the writer is done").len(), 1_000);
    }
}

use std::io::{BufRead, BufReader, Write};
use std::iter;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use crate::script::Saw;

/// How long a line may take. Generous: the limit is for programs that hang, not for slow ones.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a program may take to exit after its standard input ended.
const FAREWELL: Duration = Duration::from_secs(5);

/// A program that communicates in lines and is stopped when this value is dropped. Its standard error is shown with the
/// test.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Process {
    /// Starts a program that reads its jobs from standard input and exits when it ends.
    pub fn with_input(name: &str, command: &mut Command) -> Self {
        Self::start(name, command.stdin(Stdio::piped()))
    }

    /// Starts a program that runs until it is killed.
    pub fn without_input(name: &str, command: &mut Command) -> Self {
        Self::start(name, command.stdin(Stdio::null()))
    }

    /// Starts a program whose standard input is already set.
    pub fn start(name: &str, command: &mut Command) -> Self {
        let mut child = match command.stdout(Stdio::piped()).spawn() {
            Ok(child) => child,
            Err(error) => panic!("{name} did not start: {error} ({command:?})"),
        };
        let input = child.stdin.take();
        let (sender, lines) = channel();
        // Read in a thread: a full pipe would block the program.
        if let Some(output) = child.stdout.take() {
            std::thread::spawn(move || {
                BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
            });
        }
        Self { name: name.to_owned(), child, input, lines }
    }

    /// The first line on standard error, which must be a pipe; the rest is shown with the test.
    pub fn first_notice(&mut self) -> String {
        let stderr = self
            .child
            .stderr
            .take()
            .unwrap_or_else(|| panic!("{}'s standard error is not a pipe", self.name));
        let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
        let first = lines.next().unwrap_or_else(|| panic!("{} ended: {:?}", self.name, self.child.wait()));
        std::thread::spawn(move || lines.for_each(|line| eprintln!("{line}")));
        first
    }

    /// Asks it to stop, as Ctrl-C does.
    pub fn interrupt(&self) {
        assert!(self.signal("-INT"), "{} could not be interrupted", self.name);
    }

    fn signal(&self, signal: &str) -> bool {
        let mut kill = Command::new("kill");
        kill.args([signal, &self.child.id().to_string()]).stderr(Stdio::null());
        kill.status().is_ok_and(|status| status.success())
    }

    /// The next line of its output.
    pub fn line(&mut self) -> String {
        match self.lines.recv_timeout(LIMIT) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("{} said nothing for {LIMIT:?}", self.name),
            Err(RecvTimeoutError::Disconnected) => panic!("{} ended: {:?}", self.name, self.child.wait()),
        }
    }

    /// The next report of a script.
    pub(crate) fn next_saw(&mut self) -> Saw {
        Saw::read(&self.line())
    }

    /// The reports of a script up to its next [`Saw::End`].
    pub(crate) fn saw(&mut self) -> Vec<Saw> {
        iter::from_fn(|| Some(self.next_saw()).filter(|event| *event != Saw::End)).collect()
    }

    /// Sends it a line.
    pub fn send(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap_or_else(|| panic!("{} has no standard input", self.name));
        if let Err(error) = writeln!(input, "{line}").and_then(|()| input.flush()) {
            panic!("{} does not listen: {error}", self.name);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Asked first: a browser's driver has a browser to end, and a proxy its workers. They are gone when nobody is
        // left who could write a line.
        if self.input.take().is_none() {
            self.signal("-TERM");
        }
        while self.lines.recv_timeout(FAREWELL).is_ok() {}
        // Both fail where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

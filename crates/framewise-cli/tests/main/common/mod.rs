//! The built binary as a person, or a script, runs it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longer than anything here takes: a test that hangs is to fail.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn framewise() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_framewise"));
    for variable in ["LC_ALL", "LC_MESSAGES", "LANG", "NO_COLOR", "CLICOLOR_FORCE", "RUST_BACKTRACE"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// It could not do its work, and said so in one plain sentence.
    pub(crate) fn refused(&self) -> &str {
        assert_eq!(self.code, Some(2), "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        self.err.strip_prefix("framewise: ").unwrap().trim_end()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Runs it to its end.
pub(crate) fn run(args: &[&str]) -> Done {
    run_with(framewise().args(args), b"")
}

pub(crate) fn run_with(command: &mut Command, input: &[u8]) -> Done {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // It may end without reading it all.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let done = Running::of(child).done();
    writer.join().unwrap();
    done
}

/// A command that works until it is ended. Its output is read all the time.
pub(crate) struct Running {
    pub(crate) pid: u32,
    pub(crate) out: Lines,
    pub(crate) err: Lines,
    status: Receiver<ExitStatus>,
    guard: Guard,
}

/// Ends it where a test failed before it did.
struct Guard {
    pid: u32,
    over: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.over {
            signal(self.pid, rustix::process::Signal::KILL);
        }
    }
}

fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _ = rustix::process::kill_process(pid, signal);
}

/// What it writes, line by line.
pub(crate) struct Lines {
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    fn of(read: impl std::io::Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut read = BufReader::new(read);
            let mut line = Vec::new();
            while read.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        Self { lines, seen: Vec::new() }
    }

    /// Waits for the next line.
    pub(crate) fn next(&mut self) -> String {
        let line =
            self.lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{error} after {:?}", self.seen));
        self.seen.push(line.clone());
        line
    }

    /// Waits for a line that has this in it.
    pub(crate) fn until(&mut self, part: &str) -> String {
        loop {
            let line = self.next();
            if line.contains(part) {
                return line;
            }
        }
    }

    fn rest(mut self) -> String {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.seen.push(line);
        }
        self.seen.concat()
    }
}

impl Running {
    pub(crate) fn of(mut child: Child) -> Self {
        let (out, err) = (child.stdout.take().map(Lines::of), child.stderr.take().map(Lines::of));
        let pid = child.id();
        let (sender, status) = channel();
        std::thread::spawn(move || sender.send(child.wait().unwrap()));
        let nothing = || Lines { lines: channel().1, seen: Vec::new() };
        Self {
            pid,
            out: out.unwrap_or_else(nothing),
            err: err.unwrap_or_else(nothing),
            status,
            guard: Guard { pid, over: false },
        }
    }

    /// Starts it, and waits for the line that says where it listens.
    pub(crate) fn listening(args: &[&str]) -> (Self, SocketAddr) {
        let mut running = Self::of(framewise().args(args).spawn().unwrap());
        let line = if args.contains(&"--json") { running.err.next() } else { running.out.next() };
        let address = line.trim_end().strip_prefix("listening on ws://").unwrap_or_else(|| panic!("{line}"));
        (running, address.parse().unwrap())
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        signal(self.pid, rustix::process::Signal::INT);
    }

    /// Waits for its end.
    pub(crate) fn done(mut self) -> Done {
        let Ok(status) = self.status.recv_timeout(PATIENCE) else {
            panic!("it does not end: {:?} {:?}", self.out.seen, self.err.seen);
        };
        self.guard.over = true;
        let done = Done { code: status.code(), out: self.out.rest(), err: self.err.rest() };
        assert!(!done.err.contains("panicked") && !done.err.contains("RUST_BACKTRACE"), "{done:?}");
        done
    }

    pub(crate) fn end(self) -> Done {
        self.interrupt();
        self.done()
    }
}

pub(crate) const HANDSHAKE: &[u8] =
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
pub(crate) const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A client whose handshake is done.
pub(crate) fn open(address: SocketAddr) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(HANDSHAKE).unwrap();
    assert!(head(&mut stream).starts_with("HTTP/1.1 101 "));
    stream
}

pub(crate) fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

pub(crate) fn exactly(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

pub(crate) fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// A server for one connection, played by the test.
pub(crate) fn server(
    play: impl FnOnce(TcpStream) + Send + 'static,
) -> (SocketAddr, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        play(stream);
    });
    (address, thread)
}

/// An address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A path for a file of this test alone.
pub(crate) fn path(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{count}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// Bytes that look like chance, the same each time.
pub(crate) fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

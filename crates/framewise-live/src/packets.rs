mod flow;
mod pcapng;

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::SystemTime;

use framewise::rustls::KeyLog;
use framewise_rules::Role;
use tokio::net::TcpStream;

use crate::record::path_of;
use crate::{About, Event, Sink};
use flow::{Flow, Segment};

/// Packets that may wait to be written; more are lost, so that a slow disk slows no connection.
const MOST_WAITING: usize = 1024;
/// Bytes that are written at once.
const BUFFER: usize = 256 * 1024;
/// Lines of key logs that are written again at the start of the next file.
const MOST_SECRETS: usize = 4096;

/// When a recording continues in another file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rotation {
    /// Bytes of a file; `None` for any number.
    pub size: Option<u64>,
    /// Files that are kept, the newest ones; `None` for all.
    pub keep: Option<usize>,
}

/// A recording of the packets of all connections, in a pcapng file: those of the client and those of the server, TLS as it
/// is on the wire, with its secrets.
#[derive(Debug)]
pub struct Packets {
    file: Writer,
}

impl Packets {
    /// Begins the recording; `about` describes what is recorded. A file that is there already is replaced.
    ///
    /// Errors: those of writing the file.
    pub fn create(path: &Path, about: impl Into<String>, rotation: Rotation) -> io::Result<Self> {
        let mut file = Writer {
            path: path.to_owned(),
            about: about.into(),
            rotation,
            number: 0,
            file: None,
            written: 0,
            buffer: Vec::new(),
            files: VecDeque::new(),
            secrets: VecDeque::new(),
        };
        file.next_file()?;
        Ok(Self { file })
    }

    /// Starts the thread that writes.
    pub(crate) fn start(self, sink: Arc<dyn Sink>) -> Recording {
        let (sender, queue) = sync_channel(MOST_WAITING);
        let packets = Sender { items: sender, lost: Arc::default() };
        let lost = Arc::clone(&packets.lost);
        let thread = std::thread::spawn(move || self.file.write_all(&queue, &*sink, &lost));
        Recording { packets, thread: Some(thread) }
    }
}

/// The thread that writes, and the way to it.
#[derive(Debug)]
pub(crate) struct Recording {
    packets: Sender,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone, Debug)]
struct Sender {
    items: SyncSender<Item>,
    /// Packets that found no place.
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Item {
    Packet(SystemTime, Segment),
    Secret(String),
    End,
}

/// The packets of one TCP connection.
#[derive(Debug)]
pub(crate) struct Tracer {
    packets: Sender,
    flow: Flow,
    /// The proxy's role on this connection.
    near: Role,
}

impl Recording {
    /// Begins a TCP connection, whose near end has this role.
    pub(crate) fn trace(&self, stream: &TcpStream, near: Role) -> Option<Tracer> {
        let (own, peer) = (stream.local_addr().ok()?, stream.peer_addr().ok()?);
        let (client, server) = match near {
            Role::Client => (own, peer),
            Role::Server => (peer, own),
        };
        let mut flow = Flow::new(client, server);
        let opened = flow.opened();
        let tracer = Tracer { packets: self.packets.clone(), flow, near };
        tracer.send(SystemTime::now(), opened);
        Some(tracer)
    }

    /// Where TLS puts its secrets.
    pub(crate) fn key_log(&self) -> Arc<dyn KeyLog> {
        Arc::new(Secrets(self.packets.clone()))
    }

    /// Waits until everything is written.
    pub(crate) async fn finish(mut self) {
        let Some(thread) = self.thread.take() else { return };
        let items = self.packets.items.clone();
        let ended = tokio::task::spawn_blocking(move || {
            let _ = items.send(Item::End);
            let _ = thread.join();
        });
        let _ = ended.await;
    }
}

impl Tracer {
    pub(crate) const fn far(&self) -> Role {
        self.near.peer()
    }

    pub(crate) const fn near(&self) -> Role {
        self.near
    }

    pub(crate) fn bytes(&mut self, time: SystemTime, from: Role, bytes: &[u8]) {
        let segments = self.flow.bytes(from, bytes);
        self.send(time, segments);
    }

    pub(crate) fn ended(&mut self, from: Role) {
        let segment = self.flow.ended(from);
        self.send(SystemTime::now(), segment);
    }

    pub(crate) fn reset(&mut self, from: Role) {
        let segment = self.flow.reset(from);
        self.send(SystemTime::now(), segment);
    }

    fn send(&self, time: SystemTime, segments: impl IntoIterator<Item = Segment>) {
        for segment in segments {
            if let Err(TrySendError::Full(_)) = self.packets.items.try_send(Item::Packet(time, segment)) {
                self.packets.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

struct Secrets(Sender);

impl KeyLog for Secrets {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = format!("{label} ");
        for part in [client_random, secret] {
            for byte in part {
                let _ = write!(line, "{byte:02x}");
            }
            line.push(' ');
        }
        line.pop();
        line.push('\n');
        // Without its secrets a recording is worth nothing: this waits for a place.
        let _ = self.0.items.send(Item::Secret(line));
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

#[derive(Debug)]
struct Writer {
    path: PathBuf,
    about: String,
    rotation: Rotation,
    number: u64,
    /// `None` after a failure.
    file: Option<File>,
    /// Bytes of the file, those of the buffer included.
    written: u64,
    /// Blocks that are written with the next ones.
    buffer: Vec<u8>,
    files: VecDeque<PathBuf>,
    secrets: VecDeque<String>,
}

impl Writer {
    fn write_all(mut self, queue: &Receiver<Item>, sink: &dyn Sink, lost: &AtomicU64) {
        let mut said = false;
        loop {
            let item = if let Ok(item) = queue.try_recv() {
                item
            } else {
                // Nothing waits: what is there is written.
                let written = self.flush();
                self.check(written, sink);
                let Ok(item) = queue.recv() else { break };
                item
            };
            let block = match item {
                Item::Packet(time, segment) => pcapng::packet(time, &segment),
                Item::Secret(line) => {
                    let block = pcapng::secrets(&line);
                    self.secrets.push_back(line);
                    if self.secrets.len() > MOST_SECRETS {
                        self.secrets.pop_front();
                    }
                    block
                }
                Item::End => {
                    let written = self.flush();
                    return self.check(written, sink);
                }
            };
            if self.file.is_none() {
                continue;
            }
            let written = self.write(&block);
            self.check(written, sink);
            let lost = lost.load(Ordering::Relaxed);
            if lost > 0 && !std::mem::replace(&mut said, true) {
                let error = io::Error::other("the disk is too slow: packets are left out");
                sink.event(&About::default(), Event::NotRecorded { path: self.path.clone(), error });
            }
        }
    }

    /// After a failure nothing more is written.
    fn check(&mut self, written: io::Result<()>, sink: &dyn Sink) {
        if let Err(error) = written {
            self.file = None;
            let path = path_of(&self.path, self.number);
            sink.event(&About::default(), Event::NotRecorded { path, error });
        }
    }

    fn write(&mut self, block: &[u8]) -> io::Result<()> {
        let full = self.rotation.size.is_some_and(|size| self.written + block.len() as u64 > size);
        if full {
            self.next_file()?;
        }
        self.append(block)
    }

    fn append(&mut self, block: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(block);
        self.written += block.len() as u64;
        if self.buffer.len() > BUFFER { self.flush() } else { Ok(()) }
    }

    /// Writes the buffer, or as many complete blocks of it as the disk takes: the file stays one that can be read.
    fn flush(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let buffer = std::mem::take(&mut self.buffer);
        let start = self.written - buffer.len() as u64;
        let mut done = 0;
        while done < buffer.len() {
            let error = match file.write(&buffer[done..]) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(count) => {
                    done += count;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            let _ = file.set_len(start + pcapng::whole(&buffer[..done]) as u64);
            return Err(error);
        }
        Ok(())
    }

    fn next_file(&mut self) -> io::Result<()> {
        self.flush()?;
        self.number += 1;
        let path = path_of(&self.path, self.number);
        // It has the secrets of every connection.
        self.file = Some(private(&path)?);
        self.written = 0;
        self.files.push_back(path);
        let mut start = pcapng::start(&self.about);
        if !self.secrets.is_empty() {
            let lines: String = self.secrets.iter().map(String::as_str).collect();
            start.extend(pcapng::secrets(&lines));
        }
        self.append(&start)?;
        self.flush()?;
        while self.rotation.keep.is_some_and(|keep| self.files.len() > keep.max(1)) {
            let Some(oldest) = self.files.pop_front() else { break };
            let _ = std::fs::remove_file(oldest);
        }
        Ok(())
    }
}

/// A new file that only its owner can read; one that is there already keeps its permissions.
fn private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

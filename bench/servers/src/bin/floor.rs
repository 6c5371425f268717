//! The floor: one recv and one send, and of the protocol only what it takes to send the payload back: the mask is
//! taken off, the header rewritten. It checks nothing. No server can cost less by much.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use bench_common::handshake;
use bench_servers::{Arguments, Failure};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};

const LISTENER: u64 = u64::MAX;
/// As large as uWebSockets' one.
const BUFFER: usize = 512 * 1024;

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse()?.without_deflate()?;
    bench_common::limits::raise_open_files();
    let listener = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&listener, true)?;
    bind(&listener, &arguments.address)?;
    listen(&listener, 4096)?;
    let listener = TcpListener::from(listener);
    println!("listening {}", listener.local_addr()?);

    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&poll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut free = Vec::new();
    let mut buffers = Buffers { input: vec![0; BUFFER], output: Vec::with_capacity(BUFFER + 64) };
    let mut events = Vec::with_capacity(512);
    loop {
        events.clear();
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            let number = event.data.u64();
            if number == LISTENER {
                let (socket, _) = listener.accept()?;
                socket.set_nodelay(true)?;
                socket.set_nonblocking(true)?;
                let slot = free.pop().unwrap_or_else(|| {
                    connections.push(None);
                    connections.len() - 1
                });
                epoll::add(&poll, &socket, EventData::new_u64(slot as u64), EventFlags::IN)?;
                connections[slot] = Some(Connection::new(socket));
                continue;
            }
            let slot = number as usize;
            let Some(connection) = &mut connections[slot] else { continue };
            let waited = !connection.unsent.is_empty();
            if connection.turn(&mut buffers).is_err() {
                connections[slot] = None;
                free.push(slot);
                continue;
            }
            let waits = !connection.unsent.is_empty();
            if waits != waited {
                // What is not read makes the peer stop sending.
                let flags = if waits { EventFlags::OUT } else { EventFlags::IN };
                epoll::modify(&poll, &connection.socket, EventData::new_u64(number), flags)?;
            }
        }
    }
}

struct Buffers {
    input: Vec<u8>,
    output: Vec<u8>,
}

struct Connection {
    socket: TcpStream,
    /// The start of a header whose end has not come, or of the request.
    partial: Vec<u8>,
    open: bool,
    /// Payload bytes of the current frame that are still to come, and its key, turned to the next of them.
    left: usize,
    key: [u8; 4],
    unsent: Vec<u8>,
}

impl Connection {
    fn new(socket: TcpStream) -> Self {
        Self { socket, partial: Vec::new(), open: false, left: 0, key: [0; 4], unsent: Vec::new() }
    }

    fn turn(&mut self, buffers: &mut Buffers) -> Result<(), Failure> {
        if !self.unsent.is_empty() {
            let unsent = std::mem::take(&mut self.unsent);
            return self.send(&unsent);
        }
        // A cut header goes in front of what comes now: twelve bytes at most.
        let start = self.partial.len();
        buffers.input[..start].copy_from_slice(&self.partial);
        self.partial.clear();
        let count = match self.socket.read(&mut buffers.input[start..]) {
            Ok(0) => return Err("closed".into()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error.into()),
        };
        let input = &buffers.input[..start + count];
        buffers.output.clear();
        if self.open {
            self.echo(input, &mut buffers.output);
        } else if input.ends_with(b"\r\n\r\n") {
            self.open = true;
            buffers
                .output
                .extend_from_slice(handshake::response(std::str::from_utf8(input)?, |_| None)?.as_bytes());
        } else {
            self.partial.extend_from_slice(input);
        }
        self.send(&buffers.output)
    }

    fn send(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            match self.socket.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.unsent = bytes.to_vec();
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn echo(&mut self, mut input: &[u8], output: &mut Vec<u8>) {
        while !input.is_empty() {
            if self.left == 0 {
                let extra = match input.get(1).map(|second| second & 0x7f) {
                    Some(126) => 2,
                    Some(127) => 8,
                    _ => 0,
                };
                let Some(rest) = input.get(6 + extra..) else {
                    self.partial.extend_from_slice(input);
                    return;
                };
                output.push(input[0]);
                output.push(input[1] & 0x7f);
                output.extend_from_slice(&input[2..2 + extra]);
                let extended =
                    input[2..2 + extra].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
                self.left = if extra == 0 { usize::from(input[1] & 0x7f) } else { extended };
                self.key.copy_from_slice(&input[2 + extra..6 + extra]);
                input = rest;
            }
            let (now, rest) = input.split_at(self.left.min(input.len()));
            unmask(now, self.key, output);
            self.key.rotate_left(now.len() % 4);
            self.left -= now.len();
            input = rest;
        }
    }
}

/// Copies and unmasks in one pass; the compiler makes vectors of it.
fn unmask(payload: &[u8], key: [u8; 4], output: &mut Vec<u8>) {
    let wide = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
    let start = output.len();
    output.extend_from_slice(payload);
    let mut chunks = output[start..].chunks_exact_mut(8);
    for chunk in &mut chunks {
        let value = u64::from_ne_bytes(chunk.try_into().expect("eight bytes")) ^ wide;
        chunk.copy_from_slice(&value.to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

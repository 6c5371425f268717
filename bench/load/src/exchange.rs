//! A cell: a number of connections, each with a number of messages in flight, for a given time.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use bench_common::cell::Cell;
use bench_common::usage;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use crate::arguments::{Arguments, Deflate};
use crate::connection::Connection;
use crate::echo::Echo;
use crate::script::Script;
use crate::socket;

/// If no echo arrives for this long, the server hangs.
const PATIENCE: Duration = Duration::from_secs(10);
/// The number of compressed connections whose messages are inflated and compared.
const INFLATED: usize = 1;

pub fn run(arguments: &Arguments, cell: Cell) -> Result<String, String> {
    let script = Script::new(cell, arguments.deflate != Deflate::None);
    let opened = socket::open(arguments.address, 0, cell.connections, arguments.deflate.offer())?;
    let extensions = opened.extensions.clone();
    let mut exchange = Exchange::new(opened.sockets, script, cell, arguments.deflate)?;

    exchange.phase(arguments.warm_up)?;
    let before = Snapshot::take(arguments.pid)?;
    let measured = exchange.phase(arguments.measured)?;
    let after = Snapshot::take(arguments.pid)?;

    let mut line = format!(
        "messages={} wall_ns={} server_ns={} load_ns={} received={}",
        measured.messages,
        (after.at - before.at).as_nanos(),
        (after.server - before.server).as_nanos(),
        (after.load - before.load).as_nanos(),
        measured.received,
    );
    if let Some(extensions) = extensions {
        line += &format!(" extensions={}", extensions.replace(' ', ""));
    }
    Ok(line)
}

struct Snapshot {
    at: Instant,
    server: Duration,
    load: Duration,
}

impl Snapshot {
    fn take(pid: u32) -> Result<Self, String> {
        let cpu = |pid| usage::cpu(pid).map_err(|error| format!("the CPU time of {pid}: {error}"));
        // Nothing is in flight, so the server is on its way to sleep: only then is its time complete.
        std::thread::sleep(Duration::from_millis(5));
        Ok(Self { at: Instant::now(), server: cpu(pid)?, load: cpu(std::process::id())? })
    }
}

#[derive(Default)]
struct Counted {
    messages: u64,
    received: u64,
}

struct Exchange {
    connections: Vec<Connection>,
    script: Script,
    header: Vec<u8>,
    in_flight: usize,
    poll: OwnedFd,
    buffer: Vec<u8>,
}

impl Exchange {
    fn new(
        sockets: Vec<std::net::TcpStream>,
        script: Script,
        cell: Cell,
        deflate: Deflate,
    ) -> Result<Self, String> {
        let poll = epoll::create(CreateFlags::CLOEXEC).map_err(|error| error.to_string())?;
        let mut connections = Vec::with_capacity(sockets.len());
        for (number, socket) in sockets.into_iter().enumerate() {
            epoll::add(&poll, &socket, EventData::new_u64(number as u64), EventFlags::IN)
                .map_err(|error| error.to_string())?;
            let echo = match deflate {
                Deflate::None => Echo::default(),
                _ if number >= INFLATED => Echo::default(),
                Deflate::Takeover => Echo::inflating(true),
                Deflate::NoTakeover => Echo::inflating(false),
            };
            connections.push(Connection::new(socket, echo));
        }
        let header = script.echo_header();
        Ok(Self { connections, script, header, in_flight: cell.in_flight, poll, buffer: vec![0; 1 << 20] })
    }

    /// Keeps the messages in flight for `duration`, then waits until all of them are back.
    fn phase(&mut self, duration: Duration) -> Result<Counted, String> {
        let end = Instant::now() + duration;
        let mut counted = Counted::default();
        let mut outstanding = self.connections.len() * self.in_flight;
        for number in 0..self.connections.len() {
            self.send(number, self.in_flight)?;
        }
        let mut sending = true;
        let mut last = Instant::now();
        let mut events = Vec::with_capacity(512);
        let tick = Timespec { tv_sec: 1, tv_nsec: 0 };
        while outstanding > 0 {
            events.clear();
            epoll::wait(&self.poll, rustix::buffer::spare_capacity(&mut events), Some(&tick))
                .map_err(|error| format!("epoll: {error}"))?;
            let now = Instant::now();
            sending = sending && now < end;
            if events.is_empty() && now - last > PATIENCE {
                return Err(format!("{outstanding} messages never came back"));
            }
            if !events.is_empty() {
                last = now;
            }
            for event in &events {
                let number = event.data.u64() as usize;
                // A packed struct has no references to its fields.
                let flags = event.flags;
                if flags.contains(EventFlags::OUT) && self.connections[number].write(&self.script)? {
                    self.watch(number, EventFlags::IN)?;
                }
                if !flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
                    continue;
                }
                let (received, completed) =
                    self.connections[number].read(&mut self.buffer, &self.script, &self.header)?;
                counted.received += received as u64;
                counted.messages += completed as u64;
                if completed > 0 && sending {
                    self.send(number, completed)?;
                } else {
                    outstanding -= completed;
                }
            }
        }
        Ok(counted)
    }

    fn send(&mut self, number: usize, messages: usize) -> Result<(), String> {
        if !self.connections[number].send(messages, &self.script)? {
            self.watch(number, EventFlags::IN | EventFlags::OUT)?;
        }
        Ok(())
    }

    fn watch(&self, number: usize, flags: EventFlags) -> Result<(), String> {
        let socket = &self.connections[number].socket;
        epoll::modify(&self.poll, socket, EventData::new_u64(number as u64), flags)
            .map_err(|error| format!("epoll: {error}"))
    }
}

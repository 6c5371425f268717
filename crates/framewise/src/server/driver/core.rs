//! The connections of a worker and what they share: how each is read, written, and changed between idle and active.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use framewise_proto::rules::Role;
use framewise_proto::{Header, IdleConfig, IdleConnection, Misuse, Transmit, Violation};
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use tokio::time::Instant;

use super::outgoing::Outgoing;
use super::polled::Window;
use super::slots::{ConnectionId, Idle, Phase, Slots};
use super::socket::{self, Ready, Socket};
use super::topics::Topics;
use super::wake::{Queue, Wakers};
use super::wheel::Wheel;
use crate::peer_head::PeerHead;
use crate::server::Settings;
use crate::server::report::{OnError, Report};
use crate::stop::Stop;
use crate::websocket::Established;
use crate::{CloseCode, Error, MessageRef, WebSocket, trace};

/// The size of the read buffer: the most that one connection reads in its turn.
const READ: usize = 128 * 1024;
/// A larger payload is written from where it lies.
const LARGE: usize = 4 * 1024;
/// A larger write buffer is not kept.
const WRITE: usize = 256 * 1024;
/// No connection.
const NONE: u32 = u32::MAX;

pub(super) struct Core {
    pub(super) slots: Slots,
    pub(super) config: IdleConfig,
    pub(super) settings: Arc<Settings>,
    pub(super) on_error: Option<Arc<OnError>>,
    pub(super) stop: Stop,
    pub(super) queue: Arc<Queue>,
    pub(super) wakers: Wakers,
    /// The beginning of the engines' time.
    pub(super) start: Instant,
    /// The time of this turn.
    pub(super) now: Duration,
    /// The connections that wait for their turn.
    pub(super) listed: Vec<u32>,
    /// The connection whose turn it is.
    current: u32,
    /// What is to be written to it.
    out: Vec<u8>,
    /// What is to be written to others.
    pub(super) outgoing: Outgoing,
    read: Vec<u8>,
    /// `None` if idle connections have no deadline.
    wheel: Option<Wheel>,
    pub(super) topics: Topics,
    /// What the future whose turn it is has not taken of the read buffer.
    pub(super) window: Window,
    /// Who waits for a connection beside the future that is polled in its turn.
    pub(super) elsewhere: HashMap<u32, Waker>,
}

/// The result of reading an idle connection.
pub(super) enum Read {
    /// So many bytes are in the buffer.
    Bytes(usize),
    /// There is nothing to read now.
    Nothing,
    /// The stream ended or failed, which the active connection finds out.
    Active,
}

impl Core {
    pub(super) fn new(settings: Arc<Settings>, stop: Stop, on_error: Option<Arc<OnError>>) -> Self {
        let config = IdleConfig::new(Arc::clone(&settings.config));
        let queue = Arc::<Queue>::default();
        let limit = IdleConnection::new(0, Duration::ZERO).poll_timeout(&config);
        Self {
            slots: Slots::default(),
            config,
            settings,
            on_error,
            stop,
            wakers: Wakers::new(Arc::clone(&queue)),
            queue,
            start: Instant::now(),
            now: Duration::ZERO,
            listed: Vec::new(),
            current: NONE,
            out: Vec::new(),
            outgoing: Outgoing::default(),
            read: Vec::new(),
            wheel: limit.map(Wheel::new),
            topics: Topics::default(),
            window: Window::default(),
            elsewhere: HashMap::new(),
        }
    }

    // The turn of a connection

    /// Reads the clock. Returns how long ago it was read before.
    pub(super) fn tick(&mut self) -> Duration {
        let before = std::mem::replace(&mut self.now, self.start.elapsed());
        self.now.saturating_sub(before)
    }

    /// Puts a connection on the list of those that wait for their turn.
    pub(super) fn list(&mut self, index: u32) {
        if !self.slots[index].set_listed(true) {
            self.listed.push(index);
        }
    }

    pub(super) fn list_by_id(&mut self, id: ConnectionId) {
        if let Some(index) = self.slots.find(id) {
            self.list(index);
        }
    }

    /// Lists an idle connection that has more to read: epoll does not tell it again.
    pub(super) fn list_readable(&mut self, index: u32) {
        let slot = self.slots.get(index);
        if slot.is_some_and(|slot| matches!(&slot.phase, Phase::Idle(idle) if idle.readable)) {
            self.list(index);
        }
    }

    /// Notes what epoll told of a connection.
    pub(super) fn note(&mut self, token: u64, flags: EventFlags) {
        let Some(index) = self.slots.find(ConnectionId::of_token(token)) else { return };
        match &mut self.slots[index].phase {
            Phase::Vacant | Phase::Released => return,
            Phase::Opening(opening) => note(&opening.ready, flags),
            Phase::Active(ws) => note(ws.get_ref().ready(), flags),
            Phase::Idle(idle) => {
                let mut ready = Ready { readable: idle.readable, ended: idle.ended, ..Ready::NEW };
                ready.note(flags);
                (idle.readable, idle.ended) = (ready.readable, ready.ended);
                if !ready.readable {
                    return;
                }
            }
        }
        self.list(index);
    }

    /// The turn of a connection begins: what it sends is collected.
    pub(super) fn begin(&mut self, index: u32) {
        self.current = index;
        if let Phase::Active(ws) = &self.slots[index].phase {
            socket::begin(ws.get_ref().ready());
        }
        self.send_missed(index);
        if let Some(bytes) = self.outgoing.take(&mut self.slots[index]) {
            self.out.extend_from_slice(&bytes);
            self.outgoing.recycle(bytes);
        }
    }

    /// The turn ends: what the connection sent is written.
    pub(super) fn end(&mut self) {
        let index = std::mem::replace(&mut self.current, NONE);
        if !self.out.is_empty() {
            self.current = index;
            self.write(index);
            self.current = NONE;
        }
        if index != NONE && self.slots.get(index).is_some_and(|slot| !slot.is_vacant()) {
            self.send_missed(index);
        }
        if self.out.capacity() > WRITE {
            self.out = Vec::new();
        }
    }

    pub(super) const fn is_turn_of(&self, index: u32) -> bool {
        self.current == index
    }

    /// Whether the current connection has so much to write that no more is received.
    pub(super) fn is_full(&self) -> bool {
        self.out.len() >= self.config.config().send_queue.max(1)
    }

    // Reading

    /// Reads once from an idle connection, into the buffer that [`Core::take_read`] returns.
    pub(super) fn read(&mut self, index: u32) -> Read {
        if self.read.len() != READ {
            self.read = vec![0; READ];
        }
        let Phase::Idle(idle) = &mut self.slots[index].phase else { return Read::Active };
        if !idle.readable {
            return Read::Nothing;
        }
        let read = socket::read(&idle.fd, &mut self.read);
        let mut ready = Ready { ended: idle.ended, ..Ready::NEW };
        ready.note_read(read, READ);
        idle.readable = ready.readable;
        match read {
            Ok(0) => {
                idle.readable = true;
                self.activate(index, None, None);
                Read::Active
            }
            Ok(count) => {
                idle.engine.heard(self.now);
                Read::Bytes(count)
            }
            Err(Errno::AGAIN) => Read::Nothing,
            Err(Errno::INTR) => {
                self.list(index);
                Read::Nothing
            }
            Err(error) => {
                self.activate(index, None, Some(error));
                Read::Active
            }
        }
    }

    /// Takes the read buffer; [`Core::give_read`] gives it back.
    pub(super) fn take_read(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.read)
    }

    pub(super) fn give_read(&mut self, buffer: Vec<u8>) {
        self.read = buffer;
    }

    /// The engine of an idle connection, and the configuration.
    #[inline]
    pub(super) fn idle(&mut self, index: u32) -> Option<(&mut IdleConnection, &IdleConfig)> {
        match &mut self.slots[index].phase {
            Phase::Idle(idle) => Some((&mut idle.engine, &self.config)),
            Phase::Vacant | Phase::Released | Phase::Opening(_) | Phase::Active(_) => None,
        }
    }

    /// The current connection, which was idle, received something else than whole messages.
    pub(super) fn received_rest(&mut self, index: u32, rest: &[u8], violation: Option<Violation>) {
        self.activate(index, None, None);
        let Phase::Active(ws) = &mut self.slots[index].phase else { return };
        if let Some(violation) = violation {
            ws.break_rule(violation);
        } else {
            ws.push_read(rest);
        }
    }

    // Writing

    /// Queues a message.
    #[inline]
    pub(super) fn send(&mut self, index: u32, message: MessageRef<'_>) -> Result<(), Error> {
        if index == self.current && message.len() <= LARGE && self.idle(index).is_some() {
            encode(message, &mut self.out);
            return Ok(());
        }
        self.send_any(index, message)
    }

    #[inline(never)]
    fn send_any(&mut self, index: u32, message: MessageRef<'_>) -> Result<(), Error> {
        let current = index == self.current;
        let slot = self.slots.get(index).ok_or(Misuse::Closed)?;
        match &slot.phase {
            Phase::Vacant | Phase::Released | Phase::Opening(_) => Err(Misuse::Closed.into()),
            Phase::Idle(_) if current => {
                self.send_large(index, message);
                Ok(())
            }
            Phase::Idle(_) => {
                encode(message, self.outgoing.of(&mut self.slots[index], index));
                Ok(())
            }
            Phase::Active(_) => {
                if let Phase::Active(ws) = &mut self.slots[index].phase {
                    ws.queue(message)?;
                }
                if !current {
                    self.list(index);
                }
                Ok(())
            }
        }
    }

    /// How many bytes wait to be written.
    pub(super) fn queued(&self, index: u32) -> usize {
        let current = if index == self.current { self.out.len() } else { 0 };
        let slot = &self.slots[index];
        current
            + match &slot.phase {
                Phase::Vacant | Phase::Released | Phase::Opening(_) => 0,
                Phase::Idle(_) => self.outgoing.len_of(slot),
                Phase::Active(ws) => ws.queued(),
            }
    }

    /// Queues a frame that was encoded, for a connection that is idle. Returns whether it is.
    pub(super) fn send_frame(&mut self, index: u32, frame: &[u8]) -> bool {
        if self.idle(index).is_none() {
            return false;
        }
        if index == self.current {
            self.out.extend_from_slice(frame);
        } else {
            self.outgoing.of(&mut self.slots[index], index).extend_from_slice(frame);
        }
        true
    }

    /// Writes a large message of the current connection from where it lies, behind what is queued.
    fn send_large(&mut self, index: u32, message: MessageRef<'_>) {
        let (payload, opcode) = (message.as_bytes(), message.kind().opcode());
        let (header, size) = Header::new(opcode, payload.len() as u64, None).encode();
        let Some(fd) = self.slots[index].phase.fd() else { return };
        let slices = [&self.out[..], &header[..size], payload].map(IoSlice::new);
        let written = socket::write_all_of(fd, &slices);
        let total = self.out.len() + size + payload.len();
        if written == Ok(total) {
            self.out.clear();
            return;
        }
        self.out.extend_from_slice(&header[..size]);
        self.out.extend_from_slice(payload);
        self.activate(index, Some(written.unwrap_or(0)), None);
    }

    /// Writes what is queued for the current connection.
    pub(super) fn write(&mut self, index: u32) {
        let Some(fd) = self.slots[index].phase.fd() else { return self.out.clear() };
        let written = socket::write(fd, &self.out);
        if written == Ok(self.out.len()) {
            self.out.clear();
        } else {
            self.activate(index, Some(written.unwrap_or(0)), None);
            self.list(index);
        }
    }

    /// Writes what was queued for connections during the turns of others.
    pub(super) fn write_outgoing(&mut self) {
        while let Some(index) = self.outgoing.next() {
            let slot = &mut self.slots[index];
            let (Some(bytes), Some(fd)) = (self.outgoing.take(slot), slot.phase.fd()) else { continue };
            let written = socket::write(fd, &bytes);
            if written == Ok(bytes.len()) {
                self.outgoing.recycle(bytes);
            } else {
                self.activate_with(index, bytes, Some(written.unwrap_or(0)), None);
                self.list(index);
            }
        }
    }

    // Changing between idle and active

    /// The handshake of a connection is done.
    pub(super) fn establish(&mut self, index: u32, socket: Socket, mut established: Established) {
        established.head = PeerHead::Forgotten;
        // With permessage-deflate it is never idle.
        if established.deflate.is_some() {
            let ws = WebSocket::started(socket, Role::Server, established, self.start);
            self.slots[index].phase = Phase::Active(ws);
        } else {
            let (fd, Ready { readable, ended, .. }) = socket.into_parts();
            let engine = IdleConnection::new(established.head_size, self.now);
            self.slots[index].phase = Phase::Idle(Idle { engine, fd, readable, ended });
            let Established { protocol, notes, rest, .. } = established;
            trace::handshake_done(Role::Server, protocol.as_deref(), false, &notes);
            if let Some(ws) = (!rest.is_empty()).then(|| self.active(index)).flatten() {
                ws.push_read(&rest);
            }
        }
        self.watch(index);
    }

    /// Gives a connection all that it can do. `written`: so much of what is queued was written, and then the socket took no
    /// more; `None` if it was not tried. `failed`: the error of a read.
    pub(super) fn activate(&mut self, index: u32, written: Option<usize>, failed: Option<Errno>) {
        if self.idle(index).is_none() {
            return;
        }
        let out = if index == self.current {
            std::mem::take(&mut self.out)
        } else {
            self.outgoing.take(&mut self.slots[index]).unwrap_or_default()
        };
        self.activate_with(index, out, written, failed);
    }

    fn activate_with(&mut self, index: u32, out: Vec<u8>, written: Option<usize>, failed: Option<Errno>) {
        let slot = &mut self.slots[index];
        let Idle { engine, fd, readable, ended } = match std::mem::replace(&mut slot.phase, Phase::Vacant) {
            Phase::Idle(idle) => idle,
            other @ (Phase::Vacant | Phase::Released | Phase::Opening(_) | Phase::Active(_)) => {
                slot.phase = other;
                return;
            }
        };
        let ready = Ready { readable, writable: written.is_none(), ended, ..Ready::NEW };
        let socket = Socket::new(fd, Rc::new(Cell::new(ready)), failed);
        let unwritten = Transmit::of_frames(out, written.unwrap_or(0));
        let (engine, stop) = (engine.connection(&self.config), self.stop.register());
        slot.phase = Phase::Active(WebSocket::of_idle(socket, engine, self.start, stop, unwritten));
    }

    /// Makes a connection of which nothing is open idle again.
    pub(super) fn settle(&mut self, index: u32) {
        let slot = &mut self.slots[index];
        let Phase::Active(ws) = &slot.phase else { return };
        let Some(engine) = ws.to_idle() else { return };
        let Phase::Active(ws) = std::mem::replace(&mut slot.phase, Phase::Vacant) else { return };
        let (fd, Ready { readable, ended, .. }) = ws.into_stream().into_parts();
        slot.phase = Phase::Idle(Idle { engine, fd, readable, ended });
    }

    /// The connection, with all that it can do.
    pub(super) fn active(&mut self, index: u32) -> Option<&mut WebSocket<Socket>> {
        self.slots.get(index)?;
        self.activate(index, None, None);
        match &mut self.slots.get_mut(index)?.phase {
            Phase::Active(ws) => Some(ws),
            Phase::Vacant | Phase::Released | Phase::Opening(_) | Phase::Idle(_) => None,
        }
    }

    /// Closes a connection, after what was sent to it.
    pub(super) fn close(&mut self, index: u32, code: CloseCode, reason: &str) -> Result<(), Error> {
        let current = self.current;
        self.active(index).ok_or(Misuse::Closed)?.start_close(code, reason)?;
        if index != current {
            self.list(index);
        }
        Ok(())
    }

    /// The server stops: each connection gets its Close.
    pub(super) fn stop_all(&mut self) {
        for index in 0..self.slots.places() {
            self.activate(index, None, None);
            if !self.slots[index].is_vacant() {
                self.list(index);
            }
        }
    }

    /// Forgets a connection, and closes its socket.
    pub(super) fn remove(&mut self, index: u32) {
        let id = self.slots.id(index);
        self.unsubscribe_all(index);
        self.wakers.forget(id);
        self.outgoing.take(&mut self.slots[index]);
        drop(self.slots.remove(index));
    }

    // Deadlines

    /// Has the connection looked at when it may have been idle for too long.
    pub(super) fn watch(&mut self, index: u32) {
        let due = match &self.slots[index].phase {
            Phase::Idle(idle) => idle.engine.poll_timeout(&self.config),
            // Its own timer ends it; afterwards, the limit counts from its last byte.
            Phase::Active(_) => IdleConnection::new(0, self.now).poll_timeout(&self.config),
            Phase::Vacant | Phase::Released | Phase::Opening(_) => None,
        };
        let id = self.slots.id(index);
        if let (Some(wheel), Some(due)) = (&mut self.wheel, due) {
            wheel.add(id, due, self.now);
        }
    }

    pub(super) fn due(&self) -> Option<Duration> {
        self.wheel.as_ref().and_then(Wheel::due)
    }

    /// Ends the connections that were idle for too long.
    pub(super) fn time_out(&mut self) {
        let Some(wheel) = &mut self.wheel else { return };
        for id in wheel.take(self.now) {
            let Some(index) = self.slots.find(id) else { continue };
            let due = match &self.slots[index].phase {
                Phase::Idle(idle) => idle.engine.poll_timeout(&self.config),
                Phase::Vacant | Phase::Released | Phase::Opening(_) | Phase::Active(_) => None,
            };
            if due.is_some_and(|due| due <= self.now) {
                // Its own timer, which is not coarse, does the rest.
                self.activate(index, None, None);
                self.list(index);
            }
            self.watch(index);
        }
    }

    // Reports

    pub(super) fn report(&self, index: u32) -> Report {
        let slot = &self.slots[index];
        let peer = slot.phase.fd().map(socket::peer).and_then(io::Result::ok);
        let unknown = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        Report { peer: peer.unwrap_or(unknown), span: slot.span.clone(), on_error: self.on_error.clone() }
    }
}

fn note(ready: &Cell<Ready>, flags: EventFlags) {
    let mut noted = ready.get();
    noted.note(flags);
    ready.set(noted);
}

#[inline]
fn encode(message: MessageRef<'_>, out: &mut Vec<u8>) {
    match message {
        MessageRef::Text(text) => IdleConnection::send_text(text, out),
        MessageRef::Binary(bytes) => IdleConnection::send_binary(bytes, out),
    }
}

use std::cell::Cell;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::rc::Rc;

use framewise_proto::IdleConnection;
use framewise_proto::handshake::Request;

use super::socket::{Ready, Socket};
use crate::server::report::Report;
use crate::trace::Span;
use crate::websocket::Established;
use crate::{Error, WebSocket};

/// A connection of a worker. No two connections of a worker have the same one, except after four thousand million others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    pub(super) index: u32,
    /// Its number among the connections of the worker.
    serial: u32,
}

impl ConnectionId {
    pub(super) const fn token(self) -> u64 {
        (self.serial as u64) << 32 | self.index as u64
    }

    pub(super) const fn of_token(token: u64) -> Self {
        Self { index: token as u32, serial: (token >> 32) as u32 }
    }
}

/// The result of a handshake, as it is established.
pub(super) type Shaken = Result<(Socket, Established, Request), Error>;

/// A connection whose handshake is going on.
pub(super) struct Opening {
    pub(super) handshake: Pin<Box<dyn Future<Output = Shaken>>>,
    pub(super) ready: Rc<Cell<Ready>>,
    pub(super) report: Report,
}

/// A connection of which nothing is open.
#[derive(Debug)]
pub(super) struct Idle {
    pub(super) engine: IdleConnection,
    pub(super) fd: OwnedFd,
    pub(super) readable: bool,
    /// As [`Ready::ended`].
    pub(super) ended: bool,
}

/// The state of a connection, as large as one that is idle.
pub(super) enum Phase {
    Vacant,
    Opening(Box<Opening>),
    Idle(Idle),
    /// Something is open: a message or frame that is incomplete, something to write, a Close; or permessage-deflate.
    Active(WebSocket<Socket>),
    /// It was dropped by its handler, which goes on.
    Released,
}

impl Phase {
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Vacant | Self::Opening(_) | Self::Released => None,
            Self::Idle(idle) => Some(idle.fd.as_fd()),
            Self::Active(ws) => Some(ws.get_ref().as_fd()),
        }
    }
}

pub(super) struct Slot {
    serial: u32,
    /// Whether it waits for its turn; and where its messages from others are, from 1.
    flags: u32,
    pub(super) phase: Phase,
    pub(super) span: Span,
}

const LISTED: u32 = 1 << 31;

impl Slot {
    pub(super) const fn is_vacant(&self) -> bool {
        matches!(self.phase, Phase::Vacant)
    }

    /// Whether it waits for its turn. Sets it, and returns what it was.
    pub(super) const fn set_listed(&mut self, listed: bool) -> bool {
        let before = self.flags & LISTED != 0;
        self.flags = self.flags & !LISTED | if listed { LISTED } else { 0 };
        before
    }

    /// The place of what others sent to it.
    pub(super) fn outgoing(&self) -> Option<usize> {
        (self.flags & !LISTED).checked_sub(1).map(|place| place as usize)
    }

    pub(super) fn set_outgoing(&mut self, place: Option<usize>) {
        self.flags = self.flags & LISTED | place.map_or(0, |place| place as u32 + 1);
    }
}

/// The connections of a worker.
#[derive(Default)]
pub(super) struct Slots {
    places: Vec<Slot>,
    /// Places that were vacated; some are taken again, or gone.
    free: Vec<u32>,
    serial: u32,
    open: usize,
}

impl Slots {
    pub(super) const fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// The number of places, some of which are vacant.
    pub(super) fn places(&self) -> u32 {
        self.places.len() as u32
    }

    /// Puts a connection into a place. `None`: there are four thousand million of them.
    pub(super) fn insert(
        &mut self,
        span: Span,
        phase: impl FnOnce(ConnectionId) -> Phase,
    ) -> Option<ConnectionId> {
        let index = loop {
            let Some(index) = self.free.pop() else { break u32::try_from(self.places.len()).ok()? };
            if self.places.get(index as usize).is_some_and(Slot::is_vacant) {
                break index;
            }
        };
        self.serial = self.serial.wrapping_add(1);
        let id = ConnectionId { index, serial: self.serial };
        let slot = Slot { serial: self.serial, flags: 0, phase: phase(id), span };
        self.open += usize::from(!slot.is_vacant());
        match self.places.get_mut(index as usize) {
            Some(vacant) => *vacant = slot,
            None => self.places.push(slot),
        }
        Some(id)
    }

    /// Vacates a place. The memory of a burst is freed with its last connections.
    pub(super) fn remove(&mut self, index: u32) -> Phase {
        let slot = &mut self[index];
        slot.flags = 0;
        let phase = std::mem::replace(&mut slot.phase, Phase::Vacant);
        self.open -= usize::from(!matches!(phase, Phase::Vacant));
        self.free.push(index);
        while self.places.last().is_some_and(Slot::is_vacant) {
            self.places.pop();
        }
        let used = self.places.len();
        if used < self.places.capacity() / 4 {
            self.places.shrink_to(used * 2);
            self.free.retain(|&free| (free as usize) < used);
            self.free.shrink_to_fit();
        }
        phase
    }

    pub(super) fn id(&self, index: u32) -> ConnectionId {
        ConnectionId { index, serial: self[index].serial }
    }

    /// The place of a connection; `None` if it is closed.
    pub(super) fn find(&self, id: ConnectionId) -> Option<u32> {
        let slot = self.places.get(id.index as usize)?;
        (slot.serial == id.serial && !slot.is_vacant()).then_some(id.index)
    }

    pub(super) fn get(&self, index: u32) -> Option<&Slot> {
        self.places.get(index as usize)
    }

    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut Slot> {
        self.places.get_mut(index as usize)
    }
}

impl std::ops::Index<u32> for Slots {
    type Output = Slot;

    #[inline]
    fn index(&self, index: u32) -> &Slot {
        &self.places[index as usize]
    }
}

impl std::ops::IndexMut<u32> for Slots {
    #[inline]
    fn index_mut(&mut self, index: u32) -> &mut Slot {
        &mut self.places[index as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_takes_sixty_four_bytes() {
        if !crate::trace::IS_ON {
            assert_eq!(size_of::<Slot>(), 64);
        }
    }
}

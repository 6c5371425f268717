//! Memory that the connections of a thread share, so that an idle one holds none.
//!
//! - The read buffer: whoever has something to read takes it, and gives it back when it has taken its messages out.
//! - The write buffer, likewise: taken by the first send, given back when everything is written.
//! - The arena: small messages are copied out of the read buffer into chunks, densely, without an allocation each. A
//!   message that the application keeps pins its chunk, which holds its neighbours and no more.
//! - The large ones: a buffer of a large message comes back when the application has let go of it. To allocate and free
//!   a megabyte for each message costs more than to receive it.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};

/// Bytes of the read buffer.
pub(crate) const READ: usize = 256 * 1024;
/// Room that a read has at the least: what is handed out without a copy takes room away.
const READ_ROOM: usize = 64 * 1024;
/// A payload up to this is copied into the arena.
pub(crate) const SMALL: usize = 4096;
/// A payload from this on is handed out as a part of the read buffer, which it pins.
pub(crate) const SLICE: usize = 8 * 1024;
/// Bytes of a chunk of the arena.
const CHUNK: usize = 16 * 1024;
/// A write buffer above this is not kept.
const WRITE: usize = 256 * 1024;
/// A buffer of a large message above this is not kept.
const LARGE: usize = 1024 * 1024;
/// Read buffers, over all threads, that connections may keep while they hand out messages one by one.
const HELD: usize = 64;

#[derive(Default)]
struct Pool {
    read: Option<BytesMut>,
    write: Vec<u8>,
    arena: BytesMut,
    chunk_before: BytesMut,
    large: [Bytes; 2],
}

impl Pool {
    /// Whether the chunk at hand has room, or one of the two is free again. Often somebody has the last message still,
    /// and no other: then it is the chunk before.
    fn has_room(&mut self, size: usize) -> bool {
        if self.arena.capacity() >= size || self.arena.try_reclaim(CHUNK) {
            return true;
        }
        let free = self.chunk_before.try_reclaim(CHUNK);
        if free {
            std::mem::swap(&mut self.arena, &mut self.chunk_before);
        }
        free
    }
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

/// Read buffers that connections keep between two calls.
static HELD_NOW: AtomicUsize = AtomicUsize::new(0);

/// The thread's read buffer, empty, with room. Where another connection has it, a new one.
pub(crate) fn take_read() -> BytesMut {
    let buffer = POOL.with_borrow_mut(|pool| pool.read.take());
    match buffer {
        Some(mut buffer) => {
            // Back to its start, where nobody holds a part of it any more.
            if buffer.try_reclaim(READ) || buffer.capacity() >= READ_ROOM {
                buffer
            } else {
                BytesMut::with_capacity(READ)
            }
        }
        None => BytesMut::with_capacity(READ),
    }
}

/// Gives it back.
pub(crate) fn give_read(mut buffer: BytesMut) {
    buffer.clear();
    // A thread that ends has no pool any more: the buffer goes.
    let _ = POOL.try_with(|pool| pool.borrow_mut().read.get_or_insert(buffer).is_empty());
}

/// Whether a connection may keep the read buffer until its next call. If so, [`release_read`] has to follow.
pub(crate) fn hold_read() -> bool {
    if HELD_NOW.fetch_add(1, Ordering::Relaxed) < HELD {
        return true;
    }
    HELD_NOW.fetch_sub(1, Ordering::Relaxed);
    false
}

/// A buffer that [`hold_read`] allowed to be kept is not kept any more.
pub(crate) fn release_read() {
    HELD_NOW.fetch_sub(1, Ordering::Relaxed);
}

/// The thread's write buffer, empty.
pub(crate) fn take_write() -> Vec<u8> {
    POOL.with_borrow_mut(|pool| std::mem::take(&mut pool.write))
}

/// Gives it back.
pub(crate) fn give_write(mut buffer: Vec<u8>) {
    if buffer.capacity() <= WRITE {
        buffer.clear();
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.write.capacity() < buffer.capacity() {
                pool.write = buffer;
            }
        });
    }
}

/// A copy of a payload that lies in a read buffer.
pub(crate) fn copy_out(payload: &[u8]) -> Bytes {
    if payload.is_empty() {
        return Bytes::new();
    }
    if payload.len() > SMALL {
        return Bytes::copy_from_slice(payload);
    }
    copy_small(payload).freeze()
}

/// A copy of a few bytes, in the arena.
fn copy_small(bytes: &[u8]) -> BytesMut {
    POOL.with_borrow_mut(|pool| {
        if !pool.has_room(bytes.len()) {
            pool.chunk_before = std::mem::replace(&mut pool.arena, BytesMut::with_capacity(CHUNK));
        }
        pool.arena.extend_from_slice(bytes);
        pool.arena.split()
    })
}

/// A copy of a whole read in the arena; `None` where much of a chunk would be left empty. Of messages that are kept, that is
/// memory, too: they go in one by one.
pub(crate) fn copy_read(bytes: &[u8]) -> Option<BytesMut> {
    let fits = POOL.with_borrow_mut(|pool| pool.has_room(bytes.len()) || pool.arena.capacity() < CHUNK / 16);
    fits.then(|| copy_small(bytes))
}

/// An empty buffer for a large message.
pub(crate) fn take_large(capacity: usize) -> BytesMut {
    let kept = POOL.with_borrow_mut(|pool| {
        let kept = pool.large.iter_mut().find(|kept| kept.len() >= capacity / 2 && kept.is_unique())?;
        std::mem::take(kept).try_into_mut().ok()
    });
    match kept {
        Some(mut buffer) => {
            buffer.clear();
            let _ = buffer.try_reclaim(capacity);
            buffer
        }
        None => BytesMut::with_capacity(capacity),
    }
}

/// Remembers the buffer of a large message that is handed out, for the time when nobody else has it any more.
pub(crate) fn keep_large(message: &Bytes) {
    if message.len() <= LARGE {
        POOL.with_borrow_mut(|pool| {
            pool.large.swap(0, 1);
            pool.large[0] = message.clone();
        });
    }
}

//! Memory that the connections of a thread share, so that an idle connection holds none.
//!
//! - The read buffer: a connection with something to read takes it, and returns it when it has taken its messages out.
//! - The write buffer: the first send takes it, and it is returned when everything is written.
//! - The arena: small messages are copied from the read buffer into chunks, without an allocation for each. A message that
//!   the application keeps pins its chunk, which contains its neighbours only.
//! - The large buffers: the buffer of a large message is reused when the application has dropped the message. Allocating and
//!   freeing a megabyte for each message would cost more than receiving it.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use framewise_proto::{Transmit, Utf8Bytes};
use framewise_simd::Utf8Buffer;

/// The size of the read buffer.
pub(crate) const READ: usize = 256 * 1024;
/// The least free space for a read: messages that are returned without a copy occupy the buffer.
const READ_ROOM: usize = 64 * 1024;
/// Payloads up to this size are copied into the arena.
pub(crate) const SMALL: usize = 4096;
/// Payloads from this size on are returned as a slice of the read buffer, which they pin.
pub(crate) const SLICE: usize = 8 * 1024;
/// The size of a chunk of the arena.
const CHUNK: usize = 16 * 1024;
/// Larger write buffers are not kept.
const WRITE: usize = 256 * 1024;
/// Larger buffers of large messages are not kept.
const LARGE: usize = 1024 * 1024;
/// How many read buffers, over all threads, connections may keep while they return messages one by one.
const HELD: usize = 64;

#[derive(Default)]
struct Pool {
    read: Option<BytesMut>,
    write: Transmit,
    arena: BytesMut,
    chunk_before: BytesMut,
    large: [Bytes; 2],
}

impl Pool {
    /// Whether the current chunk has space, or one of the two chunks is free again. Often the application still has the last
    /// message and no other: then the previous chunk is free.
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

/// How many read buffers connections keep between two calls.
#[derive(Default)]
struct Held(AtomicUsize);

impl Held {
    fn add(&self) -> bool {
        if self.0.fetch_add(1, Ordering::Relaxed) < HELD {
            return true;
        }
        self.remove();
        false
    }

    fn remove(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

static HELD_NOW: Held = Held(AtomicUsize::new(0));

/// Takes the read buffer of the thread, empty. If another connection has it, allocates a new one.
pub(crate) fn take_read() -> BytesMut {
    let buffer = POOL.with_borrow_mut(|pool| pool.read.take());
    match buffer {
        Some(mut buffer) => {
            // Back to its start, where no part of it is in use.
            if buffer.try_reclaim(READ) || buffer.capacity() >= READ_ROOM {
                buffer
            } else {
                BytesMut::with_capacity(READ)
            }
        }
        None => BytesMut::with_capacity(READ),
    }
}

/// Returns it.
pub(crate) fn give_read(mut buffer: BytesMut) {
    buffer.clear();
    // A thread that ends has no pool any more: the buffer goes.
    let _ = POOL.try_with(|pool| pool.borrow_mut().read.get_or_insert(buffer).is_empty());
}

/// Whether a connection may keep the read buffer until its next call. If so, [`release_read`] has to follow.
pub(crate) fn hold_read() -> bool {
    HELD_NOW.add()
}

/// Ends what [`hold_read`] allowed.
pub(crate) fn release_read() {
    HELD_NOW.remove();
}

/// Takes the write buffer of the thread, empty.
pub(crate) fn take_write() -> Transmit {
    POOL.with_borrow_mut(|pool| std::mem::take(&mut pool.write))
}

/// Returns it, when all of it is written.
pub(crate) fn give_write(buffer: Transmit) {
    if buffer.capacity() <= WRITE {
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.write.capacity() < buffer.capacity() {
                pool.write = buffer;
            }
        });
    }
}

/// Copies a payload out of a read buffer.
pub(crate) fn copy_out(payload: &[u8]) -> Bytes {
    if payload.is_empty() {
        return Bytes::new();
    }
    if payload.len() > SMALL {
        return Bytes::copy_from_slice(payload);
    }
    copy_small(payload).freeze()
}

/// Copies text out of a read buffer.
pub(crate) fn copy_text(text: &str) -> Utf8Bytes {
    if text.is_empty() {
        return Utf8Bytes::default();
    }
    if text.len() > SMALL {
        return text.into();
    }
    with_arena(text.len(), |arena| Utf8Bytes::copied_to(arena, text))
}

/// Copies a few bytes into the arena.
fn copy_small(bytes: &[u8]) -> BytesMut {
    with_arena(bytes.len(), |arena| {
        arena.extend_from_slice(bytes);
        arena.split()
    })
}

/// The arena, empty, with capacity for this many bytes.
fn with_arena<T>(size: usize, copy: impl FnOnce(&mut BytesMut) -> T) -> T {
    POOL.with_borrow_mut(|pool| {
        if !pool.has_room(size) {
            pool.chunk_before = std::mem::replace(&mut pool.arena, BytesMut::with_capacity(CHUNK));
        }
        copy(&mut pool.arena)
    })
}

/// Copies a complete read into the arena; `None` if much of a chunk would stay empty, which kept messages would pin: then they
/// are copied one by one.
pub(crate) fn copy_read(bytes: &[u8]) -> Option<BytesMut> {
    let fits = POOL.with_borrow_mut(|pool| pool.has_room(bytes.len()) || pool.arena.capacity() < CHUNK / 16);
    fits.then(|| copy_small(bytes))
}

/// Takes an empty buffer for a large message.
pub(crate) fn take_large(capacity: usize) -> Utf8Buffer {
    let kept = POOL.with_borrow_mut(|pool| {
        let kept = pool.large.iter_mut().find(|kept| kept.len() >= capacity / 2 && kept.is_unique())?;
        std::mem::take(kept).try_into_mut().ok()
    });
    Utf8Buffer::new(match kept {
        Some(mut buffer) => {
            buffer.clear();
            let _ = buffer.try_reclaim(capacity);
            buffer
        }
        None => BytesMut::with_capacity(capacity),
    })
}

/// Remembers the buffer of a large message that is returned to the application, to reuse it after the message is dropped.
pub(crate) fn keep_large(message: &Bytes) {
    if message.len() <= LARGE {
        POOL.with_borrow_mut(|pool| {
            pool.large.swap(0, 1);
            pool.large[0] = message.clone();
        });
    }
}

#[cfg(test)]
mod tests;

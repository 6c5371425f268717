use super::slots::Slot;

/// How many buffers are kept for later use, and up to what size.
const KEPT: usize = 1024;
const SMALL: usize = 4 * 1024;

/// What is to be written to idle connections to which others have sent: all of it at the end of the round, together.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    queues: Vec<(u32, Vec<u8>)>,
    /// How many at the front were written, in this round.
    done: usize,
    spare: Vec<Vec<u8>>,
}

impl Outgoing {
    /// The queue of a connection.
    pub(super) fn of(&mut self, slot: &mut Slot, index: u32) -> &mut Vec<u8> {
        let place = slot.outgoing().unwrap_or_else(|| {
            self.queues.push((index, self.spare.pop().unwrap_or_default()));
            slot.set_outgoing(Some(self.queues.len() - 1));
            self.queues.len() - 1
        });
        &mut self.queues[place].1
    }

    /// Takes the queue of a connection, if there is one.
    pub(super) fn take(&mut self, slot: &mut Slot) -> Option<Vec<u8>> {
        let place = slot.outgoing()?;
        slot.set_outgoing(None);
        self.queues.get_mut(place).map(|(_, queue)| std::mem::take(queue))
    }

    /// How much is queued for a connection.
    pub(super) fn len_of(&self, slot: &Slot) -> usize {
        slot.outgoing().and_then(|place| self.queues.get(place)).map_or(0, |(_, queue)| queue.len())
    }

    /// The next connection with a queue.
    pub(super) fn next(&mut self) -> Option<u32> {
        while let Some((index, queue)) = self.queues.get(self.done) {
            self.done += 1;
            if !queue.is_empty() {
                return Some(*index);
            }
        }
        self.queues.clear();
        self.done = 0;
        None
    }

    /// Keeps a buffer for later use.
    pub(super) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < KEPT && buffer.capacity() <= SMALL {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}

//! Messages to all connections of a worker that subscribed to a topic.

use std::collections::HashMap;

use framewise_proto::IdleConnection;

use super::core::Core;
use super::slots::{ConnectionId, Phase};
use crate::{CloseCode, MessageRef, Prepared};

/// What becomes of a message to a subscriber that reads slowly: its queue is full
/// ([`Config::send_queue`](crate::Config::send_queue)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Slow {
    /// It misses the message.
    #[default]
    Drop,
    /// It gets the last message of the topic when it has read what is queued, and misses those before.
    Conflate,
    /// It gets a Close with this code, such as 1008 or 1013, and what is queued is dropped.
    Close(CloseCode),
}

struct Subscriber {
    id: ConnectionId,
    slow: Slow,
    /// The last message that it missed.
    missed: Option<Prepared>,
}

/// The topics of a worker, and their subscribers.
#[derive(Default)]
pub(super) struct Topics {
    subscribers: HashMap<Box<str>, Vec<Subscriber>>,
    /// The topics of each connection that has one.
    joined: HashMap<u32, Vec<Box<str>>>,
    /// How many messages were missed, and are not sent yet.
    missed: usize,
    /// A frame that is sent to many.
    frame: Vec<u8>,
}

impl Topics {
    fn remove(&mut self, topic: &str, id: ConnectionId) {
        let Some(subscribers) = self.subscribers.get_mut(topic) else { return };
        subscribers.retain(|subscriber| {
            let stays = subscriber.id != id;
            self.missed -= usize::from(!stays && subscriber.missed.is_some());
            stays
        });
        if subscribers.is_empty() {
            self.subscribers.remove(topic);
        }
    }
}

impl Core {
    /// Subscribes a connection, or changes what becomes of messages that it is too slow for.
    pub(super) fn subscribe(&mut self, index: u32, topic: &str, slow: Slow) {
        let id = self.slots.id(index);
        let subscribers = self.topics.subscribers.entry(topic.into()).or_default();
        if let Some(subscriber) = subscribers.iter_mut().find(|subscriber| subscriber.id == id) {
            subscriber.slow = slow;
            return;
        }
        subscribers.push(Subscriber { id, slow, missed: None });
        self.topics.joined.entry(index).or_default().push(topic.into());
    }

    pub(super) fn unsubscribe(&mut self, index: u32, topic: &str) {
        let id = self.slots.id(index);
        self.topics.remove(topic, id);
        if let Some(topics) = self.topics.joined.get_mut(&index) {
            topics.retain(|subscribed| **subscribed != *topic);
            if topics.is_empty() {
                self.topics.joined.remove(&index);
            }
        }
    }

    /// A connection is closed.
    pub(super) fn unsubscribe_all(&mut self, index: u32) {
        let id = self.slots.id(index);
        for topic in self.topics.joined.remove(&index).into_iter().flatten() {
            self.topics.remove(&topic, id);
        }
    }

    /// Sends a message to the subscribers of a topic but one. Returns to how many.
    pub(super) fn publish(&mut self, topic: &str, message: MessageRef<'_>, but: Option<u32>) -> usize {
        let Some(mut subscribers) = self.topics.subscribers.get_mut(topic).map(std::mem::take) else {
            return 0;
        };
        // Encoded once; and compressed once for each agreement, if anybody has one.
        let mut frame = std::mem::take(&mut self.topics.frame);
        frame.clear();
        match message {
            MessageRef::Text(text) => IdleConnection::send_text(text, &mut frame),
            MessageRef::Binary(bytes) => IdleConnection::send_binary(bytes, &mut frame),
        }
        let mut prepared = None;
        let mut reached = 0;
        for subscriber in &mut subscribers {
            let Some(index) = self.slots.find(subscriber.id).filter(|&index| Some(index) != but) else {
                continue;
            };
            if self.queued(index) >= self.config.config().send_queue.max(1) {
                match subscriber.slow {
                    Slow::Drop => {}
                    Slow::Conflate => {
                        let message = prepared.get_or_insert_with(|| Prepared::new(message.to_message()));
                        let before = subscriber.missed.replace(message.clone());
                        self.topics.missed += usize::from(before.is_none());
                    }
                    Slow::Close(code) => self.abort(index, code),
                }
                continue;
            }
            // A later message takes the place of the one that was missed.
            self.topics.missed -= usize::from(subscriber.missed.take().is_some());
            let sent = if let Phase::Active(_) = &self.slots[index].phase {
                let message = prepared.get_or_insert_with(|| Prepared::new(message.to_message()));
                self.send_prepared(index, message)
            } else {
                self.send_frame(index, &frame)
            };
            reached += usize::from(sent);
        }
        self.topics.frame = frame;
        // Nobody subscribes meanwhile.
        self.topics.subscribers.insert(topic.into(), subscribers);
        reached
    }

    /// The turn of a connection begins or ends: it gets what it missed, if it has read what is queued.
    pub(super) fn send_missed(&mut self, index: u32) {
        if self.topics.missed == 0 || self.queued(index) >= self.config.config().send_queue.max(1) {
            return;
        }
        let id = self.slots.id(index);
        let Some(topics) = self.topics.joined.get(&index) else { return };
        let mut missed = Vec::new();
        for topic in topics {
            let subscribers = self.topics.subscribers.get_mut(topic).into_iter().flatten();
            missed.extend(
                subscribers.filter(|subscriber| subscriber.id == id).filter_map(|one| one.missed.take()),
            );
        }
        self.topics.missed -= missed.len();
        for message in missed {
            // It fails if the connection is closing.
            self.send_prepared(index, &message);
        }
    }

    fn send_prepared(&mut self, index: u32, message: &Prepared) -> bool {
        let sent = self.active(index).is_some_and(|ws| ws.queue_prepared(message).is_ok());
        if sent && !self.is_turn_of(index) {
            self.list(index);
        }
        sent
    }

    fn abort(&mut self, index: u32, code: CloseCode) {
        if let Some(ws) = self.active(index) {
            // It may be closing already.
            let _ = ws.abort(code, "too slow");
            self.list(index);
        }
    }
}

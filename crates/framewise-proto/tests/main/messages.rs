//! Bytes taken from one engine and given to another.

use std::time::Duration;

use framewise_proto::rules::Rule;
use framewise_proto::{Connection, Event};

const NOW: Duration = Duration::ZERO;

/// Takes what is queued.
pub(crate) fn written(engine: &mut Connection) -> Vec<u8> {
    let mut written = Vec::new();
    while let Some(transmit) = engine.poll_transmit() {
        written.extend(transmit.into_vec());
    }
    written
}

/// The messages in `bytes`, given in pieces of `cut`, and the rule that was broken.
pub(crate) fn received(engine: &mut Connection, bytes: &[u8], cut: usize) -> (Vec<Vec<u8>>, Option<Rule>) {
    let (mut messages, mut message, mut inbox) = (Vec::new(), Vec::new(), Vec::new());
    for piece in bytes.chunks(cut) {
        inbox.extend_from_slice(piece);
        let mut at = 0;
        loop {
            let (consumed, event) = engine.receive(NOW, &mut inbox[at..]);
            at += consumed;
            let last = match event {
                Some(Event::Data { payload, last, .. }) => {
                    message.extend_from_slice(&payload);
                    last
                }
                Some(Event::Inflated { last, .. }) => {
                    message.extend_from_slice(&engine.take_inflated());
                    last
                }
                Some(Event::Violation(violation)) => return (messages, Some(violation.rule)),
                Some(_) => false,
                None => break,
            };
            if last {
                messages.push(std::mem::take(&mut message));
            }
        }
        inbox.drain(..at);
    }
    (messages, None)
}

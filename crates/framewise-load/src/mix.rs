//! The messages that are sent.

use framewise::{Bytes, Message};

/// A kind of message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Text of this many bytes.
    Text(usize),
    /// Binary of this many bytes.
    Binary(usize),
    /// This text.
    Exactly(String),
    /// A Ping, whose latency is that of its Pong.
    Ping,
}

/// How many different payloads there are of a kind, so that a reply that was lost, repeated or moved is noticed.
const VARIANTS: usize = 62;

/// One message to send.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Message(Message),
    Ping,
}

/// The messages that each connection sends in turn.
#[derive(Clone, Debug)]
pub(crate) struct Mix(Vec<Vec<Item>>);

impl Mix {
    pub(crate) fn new(kinds: &[Kind]) -> Self {
        Self(kinds.iter().map(variants).collect())
    }

    /// The message with this number.
    pub(crate) fn get(&self, number: u64) -> Option<&Item> {
        let kinds = self.0.len() as u64;
        let of_kind = self.0.get((number.checked_rem(kinds)?) as usize)?;
        of_kind.get((number / kinds) as usize % of_kind.len())
    }
}

fn variants(kind: &Kind) -> Vec<Item> {
    match kind {
        Kind::Text(size) => (0..VARIANTS)
            .map(|variant| {
                let text: String = (0..*size).map(|at| letter(variant + at)).collect();
                Item::Message(Message::text(text))
            })
            .collect(),
        Kind::Binary(size) => (0..VARIANTS)
            .map(|variant| {
                let bytes: Vec<u8> = (0..*size).map(|at| (variant + at) as u8).collect();
                Item::Message(Message::binary(Bytes::from(bytes)))
            })
            .collect(),
        Kind::Exactly(text) => vec![Item::Message(Message::text(text.clone()))],
        Kind::Ping => vec![Item::Ping],
    }
}

fn letter(number: usize) -> char {
    const LETTERS: &[u8; VARIANTS] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    LETTERS[number % VARIANTS].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_take_turns_and_payloads_differ() {
        let mix = Mix::new(&[Kind::Text(3), Kind::Ping, Kind::Binary(2), Kind::Exactly("x".into())]);
        let text = |number| match mix.get(number) {
            Some(Item::Message(message)) => message.as_bytes().to_vec(),
            Some(Item::Ping) => b"ping".to_vec(),
            None => panic!("no message"),
        };
        let sent: Vec<_> = (0..8).map(text).collect();
        assert_eq!(sent, [&b"ABC"[..], b"ping", &[0, 1], b"x", b"BCD", b"ping", &[1, 2], b"x"]);
        assert_eq!(text(4 * 62), b"ABC", "they begin again");
        assert!(Mix::new(&[]).get(0).is_none());
    }
}

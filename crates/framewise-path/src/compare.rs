//! Compares the frames that were sent with those that arrived.

use std::fmt::Write as _;

use framewise_proto::Opcode;

use crate::tape::{Seen, frames};

/// How what arrived differs from what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Only the masking keys differ.
    Remasked,
    /// The same messages in other frames; `cap`: no frame has more payload than this.
    Refragmented { cap: Option<usize> },
    /// The stream arrived inside chunks of HTTP.
    Chunked,
    /// A Ping or Pong arrived without its payload.
    PayloadDropped(Opcode),
    /// A Close arrived with another code.
    CloseCode(Option<u16>, Option<u16>),
    /// This frame did not arrive, and what was sent after it did.
    Lost { index: usize, opcode: Opcode },
    /// Nothing arrived from this frame on.
    Tail { index: usize, opcode: Opcode, part: bool },
    /// A frame arrived that was not sent.
    Extra { opcode: Opcode, payload: Vec<u8> },
    /// Other bytes arrived.
    Altered { index: usize },
}

/// The first difference, and the bytes of both sides around it; `None` where every byte is the same.
pub(crate) fn compare(sent: &[u8], got: &[u8]) -> Option<(Difference, Vec<String>)> {
    if sent == got {
        return None;
    }
    let ((one, _), (other, rest)) = (frames(sent), frames(got));
    let same = one.iter().zip(&other).take_while(|(one, other)| alike(one, other)).count();
    let at = |frames: &[Seen], bytes: &[u8]| {
        let offset = frames.get(same).map_or(bytes.len(), |frame| frame.offset);
        (offset, bytes.get(offset..).unwrap_or_default().to_vec())
    };
    let shown = |(offset, bytes): (usize, Vec<u8>)| format!("at byte {offset}: {}", hex(&bytes));
    let bytes =
        vec![format!("sent     {}", shown(at(&one, sent))), format!("arrived  {}", shown(at(&other, got)))];
    Some((difference(sent, got, (&one, &other), same, rest), bytes))
}

fn difference(
    sent: &[u8],
    got: &[u8],
    (one, other): (&[Seen], &[Seen]),
    same: usize,
    rest: &[u8],
) -> Difference {
    let all_got = same == other.len() && rest.is_empty();
    if all_got && same == one.len() {
        return Difference::Remasked;
    }
    if dechunked(got).is_some_and(|plain| !plain.is_empty() && sent.starts_with(&plain)) {
        return Difference::Chunked;
    }
    let Some(missing) = one.get(same) else {
        let extra = &other[same.min(other.len().saturating_sub(1))];
        return Difference::Extra { opcode: extra.header.opcode, payload: extra.payload.clone() };
    };
    let opcode = missing.header.opcode;
    let begun = other.get(same).is_some_and(|last| {
        !last.complete && header_alike(missing, last) && missing.payload.starts_with(&last.payload)
    });
    // A header that is cut short: its first bytes are those of the frame that was sent.
    let cut = same == other.len() && sent[missing.offset..].starts_with(&rest[..rest.len().min(2)]);
    if all_got || begun || cut {
        return Difference::Tail { index: same, opcode, part: !all_got };
    }
    if refragmented(one, other) {
        return Difference::Refragmented { cap: cap(one, other) };
    }
    let Some(came) = other.get(same) else { return Difference::Altered { index: same } };
    let follows = |one: &[Seen], other: &[Seen]| {
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
    };
    if follows(&one[same + 1..], &other[same..]) {
        return Difference::Lost { index: same, opcode };
    }
    let (control, same_opcode) = (opcode.is_control(), came.header.opcode == opcode);
    if control && same_opcode && opcode == Opcode::Close && code(missing) != code(came) {
        return Difference::CloseCode(code(missing), code(came));
    }
    if control
        && same_opcode
        && opcode != Opcode::Close
        && came.payload.is_empty()
        && !missing.payload.is_empty()
    {
        return Difference::PayloadDropped(opcode);
    }
    if follows(&one[same..], &other[same + 1..]) || (came.header.opcode.is_control() && !same_opcode) {
        return Difference::Extra { opcode: came.header.opcode, payload: came.payload.clone() };
    }
    Difference::Altered { index: same }
}

fn code(frame: &Seen) -> Option<u16> {
    frame.payload.first_chunk::<2>().map(|code| u16::from_be_bytes(*code))
}

/// The same but for the masking key.
fn alike(one: &Seen, other: &Seen) -> bool {
    header_alike(one, other) && one.payload == other.payload && one.complete == other.complete
}

fn header_alike(one: &Seen, other: &Seen) -> bool {
    let (mut a, mut b) = (one.header, other.header);
    let masks = a.mask.is_some() == b.mask.is_some();
    (a.mask, b.mask) = (None, None);
    masks && a == b
}

/// Whether the messages and the control frames are the same, though their frames are not.
fn refragmented(one: &[Seen], other: &[Seen]) -> bool {
    let (Some(sent), Some(got)) = (Units::of(one), Units::of(other)) else { return false };
    !got.messages.is_empty() && sent.controls == got.controls && sent.messages == got.messages
}

/// The size to which frames were cut: all but the last ones of a message have it.
fn cap(one: &[Seen], other: &[Seen]) -> Option<usize> {
    let parts: Vec<_> = other
        .iter()
        .filter(|frame| !frame.header.fin)
        .map(|frame| frame.payload.len())
        .filter(|&size| size > 0)
        .collect();
    let size = parts.iter().copied().max()?;
    let cut = other.len() > one.len()
        && parts.iter().all(|&part| part == size)
        && one.iter().any(|frame| frame.payload.len() > size);
    cut.then_some(size)
}

#[derive(Debug, Default)]
struct Units {
    messages: Vec<(Opcode, bool, Vec<u8>)>,
    controls: Vec<(Opcode, Vec<u8>)>,
}

impl Units {
    /// `None` where the frames are no sequence of messages.
    fn of(frames: &[Seen]) -> Option<Self> {
        let mut units = Self::default();
        let mut open = false;
        for Seen { header, payload, complete, .. } in frames {
            if !complete || (header.opcode == Opcode::Continuation) != open && !header.opcode.is_control() {
                return None;
            }
            if header.opcode.is_control() {
                units.controls.push((header.opcode, payload.clone()));
                continue;
            }
            if open {
                units.messages.last_mut()?.2.extend_from_slice(payload);
            } else {
                units.messages.push((header.opcode, header.rsv1, payload.clone()));
            }
            open = !header.fin;
        }
        (!open).then_some(units)
    }
}

/// The bytes inside complete chunks of HTTP (RFC 9112 §7.1); `None` where the stream is no sequence of chunks.
pub(crate) fn dechunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.windows(2).take(20).position(|two| two == b"\r\n")?;
        let digits = std::str::from_utf8(&bytes[..end]).ok()?;
        let size = usize::from_str_radix(digits.split(';').next()?.trim(), 16).ok()?;
        let chunk = bytes.get(end + 2..)?;
        plain.extend_from_slice(&chunk[..size.min(chunk.len())]);
        bytes = chunk.get(size.saturating_add(2)..).unwrap_or_default();
    }
    Some(plain)
}

/// The first bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const SHOWN: usize = 24;
    let mut text = String::new();
    for byte in bytes.iter().take(SHOWN) {
        let _ = write!(text, "{byte:02x} ");
    }
    match bytes.len() {
        0 => "nothing".into(),
        more if more > SHOWN => format!("{text}… ({more} bytes)"),
        _ => text.trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use framewise_rules::Role;

    use super::*;
    use crate::wire::Frame;

    fn client(opcode: Opcode, payload: &str) -> Vec<u8> {
        Frame::new(Role::Client, opcode, payload).bytes()
    }

    fn server(opcode: Opcode, payload: &str) -> Vec<u8> {
        Frame::new(Role::Server, opcode, payload).bytes()
    }

    fn differs(sent: &[Vec<u8>], got: &[Vec<u8>]) -> Option<Difference> {
        compare(&sent.concat(), &got.concat()).map(|(difference, _)| difference)
    }

    #[test]
    fn each_kind_of_difference_is_named() {
        let text = || server(Opcode::Text, "hello");
        let ping = || server(Opcode::Ping, "p");
        let end = || server(Opcode::Text, "end");
        assert_eq!(differs(&[text(), end()], &[text(), end()]), None);
        let mut other_key = Frame::new(Role::Client, Opcode::Text, "hello");
        other_key.header.mask = Some([1, 2, 3, 4]);
        assert_eq!(
            differs(&[client(Opcode::Text, "hello")], &[other_key.bytes()]),
            Some(Difference::Remasked)
        );
        let halves = [
            Frame::new(Role::Server, Opcode::Text, "hel").more().bytes(),
            server(Opcode::Continuation, "lo"),
        ];
        let whole = |cap| Some(Difference::Refragmented { cap });
        assert_eq!(differs(&[text()], &halves), whole(Some(3)));
        assert_eq!(differs(&halves, &[text()]), whole(None));
        assert_eq!(
            differs(&[text()], &[b"7\r\n".to_vec(), text(), b"\r\n".to_vec()]),
            Some(Difference::Chunked)
        );
        assert_eq!(
            differs(&[ping(), end()], &[server(Opcode::Ping, ""), end()]),
            Some(Difference::PayloadDropped(Opcode::Ping))
        );
        assert_eq!(
            differs(&[ping(), end()], &[end()]),
            Some(Difference::Lost { index: 0, opcode: Opcode::Ping })
        );
        assert_eq!(
            differs(&[end()], &[server(Opcode::Pong, ""), end()]),
            Some(Difference::Extra { opcode: Opcode::Pong, payload: Vec::new() })
        );
        assert_eq!(
            differs(&[text(), end()], &[text()]),
            Some(Difference::Tail { index: 1, opcode: Opcode::Text, part: false })
        );
        assert_eq!(
            differs(&[text(), end()], &[text(), end()[..3].to_vec()]),
            Some(Difference::Tail { index: 1, opcode: Opcode::Text, part: true })
        );
        assert_eq!(
            differs(&[server(Opcode::Close, "\u{3}\u{7f}")], &[server(Opcode::Close, "\u{3}\u{7e}")]),
            Some(Difference::CloseCode(Some(0x37f), Some(0x37e)))
        );
    }

    #[test]
    fn a_byte_that_is_lost_or_changed_is_an_alteration_and_no_missing_end() {
        let sent = [server(Opcode::Binary, "0123456789"), server(Opcode::Text, "end")].concat();
        let mut got = sent.clone();
        got.remove(5);
        assert_eq!(compare(&sent, &got).map(|found| found.0), Some(Difference::Altered { index: 0 }));
        let mut got = sent.clone();
        got[5] ^= 1;
        assert_eq!(compare(&sent, &got).map(|found| found.0), Some(Difference::Altered { index: 0 }));
    }
}

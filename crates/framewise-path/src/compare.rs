//! Compares what was sent with what arrived: frame by frame, and message by message where the frames are others.

mod messages;

use std::fmt::Write as _;

use framewise_proto::Opcode;
use framewise_proto::deflate::Direction;
use framewise_rules::Rule;

use crate::tape::{Seen, frames};
use messages::Messages;

/// What one side of a leg sent after its head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream<'s> {
    pub(crate) bytes: &'s [u8],
    /// How its messages are compressed; `None`: not at all.
    pub(crate) deflate: Option<Direction>,
}

/// How what arrived differs from what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Only the masking keys differ.
    Remasked,
    /// The same messages in other frames; `cap`: no frame has more payload than this.
    Refragmented { cap: Option<usize> },
    /// The same messages, compressed in another way or not at all.
    Recompressed,
    /// The stream arrived inside chunks of HTTP.
    Chunked,
    /// A Ping or Pong arrived without its payload.
    PayloadDropped(Opcode),
    /// A Close arrived with another code.
    CloseCode(Option<u16>, Option<u16>),
    /// A Close arrived with the same code, and with another reason or without one.
    CloseReason { without: bool },
    /// A message arrived compressed against the agreement.
    Deflate { index: usize, rule: Rule },
    /// This frame did not arrive, and what was sent after it did.
    Lost { index: usize, opcode: Opcode },
    /// Nothing arrived from this frame on.
    Tail { index: usize, opcode: Opcode, part: bool },
    /// A frame arrived that was not sent.
    Extra { opcode: Opcode, payload: Vec<u8> },
    /// Other bytes arrived.
    Altered { index: usize },
}

/// What decides whether two frames are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// The header but for the masking key, and the payload.
    Frames,
    /// The kind of the message, and its content.
    Messages,
}

/// The first difference, and the bytes of both sides around it; `None` where every byte is the same.
pub(crate) fn compare(sent: Stream<'_>, got: Stream<'_>) -> Option<(Difference, Vec<String>)> {
    if sent.bytes == got.bytes {
        return None;
    }
    let ((one, _), (other, rest)) = (frames(sent.bytes), frames(got.bytes));
    let same = alike(&one, &other, Level::Frames);
    let at = |frames: &[Seen], bytes: &[u8]| {
        let offset = frames.get(same).map_or(bytes.len(), |frame| frame.offset);
        (offset, bytes.get(offset..).unwrap_or_default().to_vec())
    };
    let shown = |(offset, bytes): (usize, Vec<u8>)| format!("at byte {offset}: {}", hex(&bytes));
    let bytes = vec![
        format!("sent     {}", shown(at(&one, sent.bytes))),
        format!("arrived  {}", shown(at(&other, got.bytes))),
    ];
    let mut found = difference((sent, &one), (got, &other), same, rest);
    // Pings of the intermediary between those that it passes on, or in place of them.
    if let Difference::Altered { .. } = found
        && let Some(payload) = foreign(&one, &other).next()
    {
        let own: Vec<Seen> = other.iter().filter(|frame| !is_foreign(&one, frame)).cloned().collect();
        let rest = difference((sent, &one), (got, &own), alike(&one, &own, Level::Frames), rest);
        if rest == Difference::Remasked {
            found = Difference::Extra { opcode: Opcode::Ping, payload };
        } else if !matches!(rest, Difference::Altered { .. }) {
            found = rest;
        }
    }
    Some((found, bytes))
}

/// The payloads of the Pings that arrived and were not sent.
fn foreign<'f>(one: &'f [Seen], other: &'f [Seen]) -> impl Iterator<Item = Vec<u8>> + 'f {
    other.iter().filter(move |frame| is_foreign(one, frame)).map(|frame| frame.payload.clone())
}

fn is_foreign(sent: &[Seen], frame: &Seen) -> bool {
    let sent_too = |other: &Seen| other.header.opcode == Opcode::Ping && other.payload == frame.payload;
    frame.header.opcode == Opcode::Ping && !sent.iter().any(sent_too)
}

fn difference(
    (sent, one): (Stream<'_>, &[Seen]),
    (got, other): (Stream<'_>, &[Seen]),
    same: usize,
    rest: &[u8],
) -> Difference {
    if same == one.len() && same == other.len() && rest.is_empty() {
        return Difference::Remasked;
    }
    if dechunked(got.bytes).is_some_and(|plain| !plain.is_empty() && sent.bytes.starts_with(&plain)) {
        return Difference::Chunked;
    }
    if let Some(exact) = exact(one, other, Level::Frames, rest, sent.bytes) {
        return exact;
    }
    // An intermediary that is an endpoint of both legs takes messages, and not frames.
    if let (Some(one), Some(other)) = (Messages::of(one, sent.deflate), Messages::of(other, got.deflate)) {
        // It inflates to the same content here, and not at a receiver with the history that was agreed.
        if let Some((index, rule)) = other.fault.filter(|_| one.fault.is_none()) {
            return one.in_frames(Difference::Deflate { index, rule });
        }
        if let Some(same) = one.reframed(&other).filter(|_| rest.is_empty()) {
            return same;
        }
        if let Some(exact) = exact(&one.all, &other.all, Level::Messages, rest, sent.bytes) {
            return one.in_frames(exact);
        }
    }
    let (Some(missing), Some(came)) = (one.get(same), other.get(same)) else {
        return Difference::Altered { index: same };
    };
    if came.header.opcode.is_control() && came.header.opcode != missing.header.opcode {
        return Difference::Extra { opcode: came.header.opcode, payload: came.payload.clone() };
    }
    Difference::Altered { index: same }
}

/// The difference, if what else was sent arrived as it was sent.
fn exact(one: &[Seen], other: &[Seen], level: Level, rest: &[u8], sent: &[u8]) -> Option<Difference> {
    let same = alike(one, other, level);
    let all_got = same == other.len() && rest.is_empty();
    let Some(missing) = one.get(same) else {
        let extra = other.get(same)?;
        return Some(Difference::Extra { opcode: extra.header.opcode, payload: extra.payload.clone() });
    };
    let opcode = missing.header.opcode;
    let begun = other
        .get(same)
        .is_some_and(|last| same + 1 == other.len() && !last.complete && begins(missing, last, level));
    // A header that is cut short: its first bytes are those of the frame that was sent.
    let cut = same == other.len()
        && !rest.is_empty()
        && sent[missing.offset..].starts_with(&rest[..rest.len().min(2)]);
    if all_got || begun || cut {
        return Some(Difference::Tail { index: same, opcode, part: !all_got });
    }
    let came = other.get(same)?;
    let follows =
        |one: &[Seen], other: &[Seen]| one.len() == other.len() && alike(one, other, level) == one.len();
    // All the Pings, say, of an intermediary that answers them itself.
    let without = |frames: &[Seen], opcode: Opcode| -> Vec<Seen> {
        frames.iter().filter(|frame| frame.header.opcode != opcode).cloned().collect()
    };
    let kind_lost = matches!(opcode, Opcode::Ping | Opcode::Pong)
        && follows(&without(&one[same..], opcode), &other[same..]);
    if kind_lost || follows(&one[same + 1..], &other[same..]) {
        return Some(Difference::Lost { index: same, opcode });
    }
    let same_opcode = came.header.opcode == opcode;
    if opcode == Opcode::Close && same_opcode {
        return Some(if code(missing) == code(came) {
            Difference::CloseReason { without: came.payload.len() <= 2 }
        } else {
            Difference::CloseCode(code(missing), code(came))
        });
    }
    if opcode.is_control() && same_opcode && came.payload.is_empty() && !missing.payload.is_empty() {
        return Some(Difference::PayloadDropped(opcode));
    }
    let added = came.header.opcode;
    let kind_added = matches!(added, Opcode::Ping | Opcode::Pong)
        && follows(&one[same..], &without(&other[same..], added));
    (kind_added || follows(&one[same..], &other[same + 1..]))
        .then(|| Difference::Extra { opcode: came.header.opcode, payload: came.payload.clone() })
}

fn code(frame: &Seen) -> Option<u16> {
    frame.payload.first_chunk::<2>().map(|code| u16::from_be_bytes(*code))
}

/// How many frames or messages are the same from the first one on.
fn alike(one: &[Seen], other: &[Seen], level: Level) -> usize {
    let same = |(one, other): &(&Seen, &Seen)| {
        begins(one, other, level) && one.payload == other.payload && one.complete == other.complete
    };
    one.iter().zip(other).take_while(same).count()
}

/// Whether this is the other one, or its beginning.
fn begins(one: &Seen, other: &Seen, level: Level) -> bool {
    let (mut a, mut b) = (one.header, other.header);
    let masks = a.mask.is_some() == b.mask.is_some();
    let header = match level {
        Level::Frames => {
            (a.mask, b.mask) = (None, None);
            a == b
        }
        Level::Messages => (a.opcode, a.rsv1, a.rsv2, a.rsv3) == (b.opcode, b.rsv1, b.rsv2, b.rsv3),
    };
    masks && header && one.payload.starts_with(&other.payload)
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

    const fn plain(bytes: &[u8]) -> Stream<'_> {
        Stream { bytes, deflate: None }
    }

    fn differs(sent: &[Vec<u8>], got: &[Vec<u8>]) -> Option<Difference> {
        compare(plain(&sent.concat()), plain(&got.concat())).map(|(difference, _)| difference)
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
    fn pings_of_the_intermediary_are_told_from_those_that_were_sent() {
        let (ping, own) = (|| server(Opcode::Ping, "alive"), || server(Opcode::Ping, "own"));
        let (text, end) = (|| server(Opcode::Text, "hello"), || server(Opcode::Text, "end"));
        let extra = Some(Difference::Extra { opcode: Opcode::Ping, payload: b"own".to_vec() });
        // Between, and in place of those that it answers itself.
        assert_eq!(
            differs(&[ping(), text(), ping(), end()], &[ping(), own(), text(), ping(), own(), end()]),
            extra
        );
        assert_eq!(
            differs(&[text(), ping(), ping(), end()], &[text(), own(), own(), own(), end()]),
            Some(Difference::Lost { index: 1, opcode: Opcode::Ping })
        );
        // Other bytes in a message are none of its Pings.
        assert_eq!(
            differs(&[text(), ping(), end()], &[text(), own(), server(Opcode::Text, "enD")]),
            Some(Difference::Altered { index: 1 })
        );
    }

    #[test]
    fn a_byte_that_is_lost_or_changed_is_an_alteration_and_no_missing_end() {
        let sent = [server(Opcode::Binary, "0123456789"), server(Opcode::Text, "end")].concat();
        let mut got = sent.clone();
        got.remove(5);
        assert_eq!(
            compare(plain(&sent), plain(&got)).map(|found| found.0),
            Some(Difference::Altered { index: 0 })
        );
        let mut got = sent.clone();
        got[5] ^= 1;
        assert_eq!(
            compare(plain(&sent), plain(&got)).map(|found| found.0),
            Some(Difference::Altered { index: 0 })
        );
    }

    /// What an intermediary that is an endpoint of both legs makes of messages, and what no intermediary may make of them.
    #[test]
    fn messages_that_are_compressed_anew_are_the_same_only_if_their_content_is() {
        let agreed = Direction { window_bits: 15, takeover: true };
        let compressed = |payload: &[u8]| {
            let mut frame = Frame::new(Role::Server, Opcode::Text, payload);
            frame.header.rsv1 = true;
            frame.bytes()
        };
        // RFC 7692 §7.2.3.1 and §7.2.3.2: "Hello" twice, the second time from the history.
        let hello = [&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..], &[0xf2, 0x00, 0x11, 0x00, 0x00][..]];
        let sent = [compressed(hello[0]), compressed(hello[1]), server(Opcode::Text, "end")].concat();
        let stored = |text: &str| compressed(&[b"\0\x05\0\xfa\xff", text.as_bytes(), b"\0"].concat());
        let end = || server(Opcode::Text, "end");
        let text = |text: &str| server(Opcode::Text, text);
        let differs = |got: &[Vec<u8>], deflate| {
            let got = got.concat();
            compare(Stream { bytes: &sent, deflate: Some(agreed) }, Stream { bytes: &got, deflate })
                .map(|(difference, _)| difference)
        };
        let all_stored = [stored("Hello"), stored("Hello"), stored("end")];
        let all_stored = [all_stored[0].clone(), all_stored[1].clone(), {
            let mut third = Frame::new(Role::Server, Opcode::Text, &b"\0\x03\0\xfc\xffend\0"[..]);
            third.header.rsv1 = true;
            third.bytes()
        }];
        assert_eq!(differs(&all_stored, Some(agreed)), Some(Difference::Recompressed));
        assert_eq!(differs(&[text("Hello"), text("Hello"), end()], None), Some(Difference::Recompressed));
        let halves = [
            Frame::new(Role::Server, Opcode::Text, "Hel").more().bytes(),
            server(Opcode::Continuation, "lo"),
            text("Hello"),
            end(),
        ];
        assert_eq!(differs(&halves, None), Some(Difference::Refragmented { cap: Some(3) }));
        for altered in [
            vec![stored("HellO"), stored("Hello"), end()],
            vec![text("Hello"), text("hello"), end()],
            // Not what was agreed on this leg: RSV1 has no meaning there.
            vec![stored("Hello"), stored("Hello"), end()],
        ] {
            let deflate = (altered[0] != stored("Hello")).then_some(agreed);
            assert!(matches!(differs(&altered, deflate), Some(Difference::Altered { .. })), "{altered:?}");
        }
        assert_eq!(
            differs(&[stored("Hello"), end()], Some(agreed)),
            Some(Difference::Lost { index: 1, opcode: Opcode::Text })
        );
        // The history that the second message refers to was not agreed.
        let without = Direction { takeover: false, ..agreed };
        let got = [stored("Hello"), compressed(hello[1]), end()];
        assert_eq!(
            differs(&got, Some(without)),
            Some(Difference::Deflate { index: 1, rule: Rule::DeflateContextMismatch })
        );
    }

    #[test]
    fn a_reason_of_a_close_and_a_ping_between_fragments_are_told_from_other_bytes() {
        let close = |payload: &[u8]| server(Opcode::Close, std::str::from_utf8(payload).expect("text"));
        assert_eq!(
            differs(&[close(b"\x03\x7fwhy")], &[close(b"\x03\x7f")]),
            Some(Difference::CloseReason { without: true })
        );
        assert_eq!(
            differs(&[close(b"\x03\x7fwhy")], &[close(b"\x03\x7fwho")]),
            Some(Difference::CloseReason { without: false })
        );
        let part = Frame::new(Role::Server, Opcode::Text, "one ").more().bytes();
        let sent = [
            part,
            server(Opcode::Ping, "p"),
            server(Opcode::Continuation, "two"),
            server(Opcode::Text, "end"),
        ];
        let joined = [server(Opcode::Text, "one two"), server(Opcode::Text, "end")];
        assert_eq!(differs(&sent, &joined), Some(Difference::Lost { index: 1, opcode: Opcode::Ping }));
        // Each Ping was answered on the way, and something else was lost.
        let pings = |last: &str| {
            [
                server(Opcode::Ping, "p"),
                server(Opcode::Text, "x"),
                server(Opcode::Ping, "q"),
                server(Opcode::Text, last),
            ]
        };
        let texts = [server(Opcode::Text, "x"), server(Opcode::Text, "end")];
        let lost = Some(Difference::Lost { index: 0, opcode: Opcode::Ping });
        assert_eq!(differs(&pings("end"), &texts), lost);
        assert_eq!(differs(&pings("And"), &texts), Some(Difference::Altered { index: 0 }));
        let extra = Some(Difference::Extra { opcode: Opcode::Ping, payload: b"p".to_vec() });
        assert_eq!(differs(&texts, &pings("end")), extra);
        let with_ping = [server(Opcode::Ping, "p"), joined[0].clone(), joined[1].clone()];
        assert_eq!(differs(&sent, &with_ping), Some(Difference::Refragmented { cap: None }));
    }
}

//! A transcript for a person: a frame a line, each with what it is, and the bytes that break a rule marked. It is still a
//! transcript: what is said stands in comments.

use std::fmt::Write as _;

use framewise_inspect::diagnose;
use framewise_proto::{Header, Opcode};
use framewise_rules::{CloseCode, Role};
use framewise_transcript::{Action, Event, Transcript};

/// Lines of one transcript.
const MOST_LINES: usize = 60;
/// Bytes of a frame that are shown.
const MOST_BYTES: usize = 48;

/// What of one direction's stream was read.
#[derive(Default)]
struct Stream {
    /// Bytes before the event that is read.
    at: u64,
    /// The head of the handshake is complete.
    open: bool,
    /// The last bytes of the head, to find its end over events.
    tail: Vec<u8>,
    /// Bytes of the last frame that are still to come.
    missing: u64,
}

/// Where a rule is broken.
struct Mark {
    from: Role,
    offset: u64,
    says: String,
}

/// The transcript, with what its frames are and what they break.
pub(crate) fn marked(transcript: &Transcript) -> String {
    let mut marks: Vec<Mark> = diagnose(transcript)
        .findings
        .into_iter()
        .filter_map(|finding| {
            let rule = finding.rule?;
            Some(Mark { from: finding.by?, offset: finding.offset, says: format!("breaks {rule}") })
        })
        .collect();
    let (mut client, mut server) = (Stream::default(), Stream::default());
    let mut out = String::new();
    let mut lines = 0;
    for event in &transcript.events {
        let stream = if event.from == Role::Client { &mut client } else { &mut server };
        let pieces = match &event.action {
            Action::Bytes(bytes) => stream.pieces(bytes),
            Action::Eof | Action::Reset | Action::Gap(_) => {
                vec![(stream.at..stream.at + 1, event.action.clone(), String::new())]
            }
        };
        for (range, action, mut comment) in pieces {
            lines += 1;
            if lines > MOST_LINES {
                out.push_str("# more follows\n");
                return out;
            }
            while let Some(at) =
                marks.iter().position(|mark| mark.from == event.from && range.contains(&mark.offset))
            {
                let Mark { offset, says, .. } = marks.remove(at);
                let byte = offset - range.start;
                let place = if byte == 0 { String::new() } else { format!(" at byte {byte}") };
                let separator = if comment.is_empty() { "" } else { "; " };
                let _ = write!(comment, "{separator}<-- {says}{place}");
            }
            let line = Event { action, ..event.clone() };
            let _ = write!(out, "{line}");
            let _ = if comment.is_empty() { writeln!(out) } else { writeln!(out, "  # {comment}") };
        }
    }
    out
}

/// Bytes of a stream by their place in it, what is shown of them, and what they are.
type Piece = (std::ops::Range<u64>, Action, String);

impl Stream {
    /// The bytes of one event: the head of the handshake, and then a piece for each frame.
    fn pieces(&mut self, mut bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if !self.open {
            let before = self.tail.len();
            self.tail.extend_from_slice(bytes);
            let end = self.tail.windows(4).position(|window| window == b"\r\n\r\n");
            let size = end.map_or(bytes.len(), |end| (end + 4).saturating_sub(before).min(bytes.len()));
            self.open = end.is_some();
            let keep = self.tail.len().saturating_sub(3);
            self.tail.drain(..keep);
            self.push(&mut pieces, &bytes[..size], bytes.len().max(size), String::new());
            bytes = &bytes[size..];
        }
        while !bytes.is_empty() {
            let (size, comment) = if self.missing > 0 {
                let size = usize::try_from(self.missing).unwrap_or(usize::MAX).min(bytes.len());
                self.missing -= size as u64;
                (size, "more of the payload".to_owned())
            } else if let Some(header) = Header::decode(bytes) {
                let whole = header.length.saturating_add(header.size() as u64);
                let size = usize::try_from(whole).unwrap_or(usize::MAX).min(bytes.len());
                self.missing = whole - size as u64;
                (size, described(&header, &bytes[header.size()..size]))
            } else {
                (bytes.len(), "part of a header".to_owned())
            };
            self.push(&mut pieces, &bytes[..size], MOST_BYTES, comment);
            bytes = &bytes[size..];
        }
        pieces
    }

    fn push(&mut self, pieces: &mut Vec<Piece>, bytes: &[u8], most: usize, mut comment: String) {
        if bytes.is_empty() {
            return;
        }
        let shown = &bytes[..bytes.len().min(most)];
        if shown.len() < bytes.len() {
            let _ = write!(comment, "; {} more bytes are not shown", bytes.len() - shown.len());
        }
        let range = self.at..self.at + bytes.len() as u64;
        self.at = range.end;
        pieces.push((range, Action::Bytes(shown.to_vec()), comment));
    }
}

/// What a frame is, in a few words.
fn described(header: &Header, payload: &[u8]) -> String {
    let mut text = header.opcode.to_string();
    let bits = [(header.rsv1, "RSV1"), (header.rsv2, "RSV2"), (header.rsv3, "RSV3"), (!header.fin, "no FIN")];
    for (_, word) in bits.iter().filter(|(set, _)| *set) {
        let _ = write!(text, ", {word}");
    }
    let _ = write!(text, ", {} bytes", header.length);
    let key = header.mask.unwrap_or_default();
    if header.mask.is_some() {
        text.push_str(", masked");
    }
    let clear: Vec<u8> =
        payload.iter().take(MOST_BYTES).zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    if let (Opcode::Close, [high, low, ..]) = (header.opcode, &clear[..]) {
        let _ = write!(text, ": {}", CloseCode(u16::from_be_bytes([*high, *low])));
    } else if !clear.is_empty()
        && clear.len() == payload.len()
        && clear.iter().all(|byte| matches!(byte, b' '..=b'~'))
    {
        let _ = write!(text, ": {}", String::from_utf8_lossy(&clear));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frame_has_a_line_and_the_one_that_breaks_a_rule_is_marked() {
        let text = "> 81 82 01 02 03 04 69 6b 83 80 01 02 03 04\n< 88 02 03 ea\n< eof\n";
        let transcript = Transcript::parse(&format!("open\n{text}")).expect("a transcript");
        let mut transcript = transcript;
        // After `open` the first bytes are frames.
        let head = |from, bytes: &[u8]| Event {
            line: 0,
            time: None,
            leg: 0,
            from,
            action: Action::Bytes(bytes.to_vec()),
        };
        transcript.legs[0].open = None;
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        let response = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        transcript.events.insert(0, head(Role::Server, response));
        transcript.events.insert(0, head(Role::Client, request));
        let shown = marked(&transcript);
        let lines: Vec<_> = shown.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "> 81 82 01 02 03 04 69 6b  # text, 2 bytes, masked: hi",
                "> 83 80 01 02 03 04  # reserved opcode 3, 0 bytes, masked; <-- breaks opcode-reserved-data",
                "< 88 02 03 ea  # close, 2 bytes: 1002",
                "< eof",
            ],
            "{shown}"
        );
        // It is a transcript still, of the same bytes.
        let again = Transcript::parse(&shown).expect("a transcript");
        assert_eq!(again.stream(0, Role::Client), transcript.stream(0, Role::Client));
        let legal = text.replace("83 80", "82 80");
        let legal = Transcript::parse(&format!("open\n{legal}")).expect("a transcript");
        assert!(!marked(&legal).contains("<--"), "{}", marked(&legal));
    }
}

//! What a recorded stream consists of: lines of heads, bodies, frames, and bytes that are neither.

use std::ops::Range;

use framewise_proto::{Header, Opcode};
use framewise_rules::Role;
use framewise_transcript::{Action, Transcript};

/// One direction of a leg, with gaps as zeros.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) leg: usize,
    pub(crate) from: Role,
    pub(crate) bytes: Vec<u8>,
    /// Its parts, in order and without holes.
    pub(crate) parts: Vec<Part>,
    /// For each event of the transcript that sent bytes of it, its index and where they are.
    pub(crate) events: Vec<(usize, Range<usize>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) range: Range<usize>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The request line or the status line, with its line end.
    StartLine,
    /// Another line of a head, or the empty one at its end.
    Line,
    /// What follows a head that did not lead to a WebSocket connection.
    Body,
    /// A frame; its payload may be incomplete.
    Frame(Box<Frame>),
    /// Bytes after the place where frames can no longer be told apart.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) header: Header,
    pub(crate) payload: Range<usize>,
    /// The message has RSV1 set, and permessage-deflate was agreed.
    pub(crate) compressed: bool,
}

/// Bytes of a gap that are filled in; after a longer one, frames cannot be told apart.
const GAP: u64 = 1 << 20;

/// The streams of a transcript, taken apart.
pub(crate) fn streams(transcript: &Transcript) -> Vec<Stream> {
    let mut streams = Vec::new();
    for leg in 0..transcript.legs.len() {
        let (mut client, client_lost) = collect(transcript, leg, Role::Client);
        let (mut server, server_lost) = collect(transcript, leg, Role::Server);
        let (agreed, request, response) = if let Some(extensions) = &transcript.legs[leg].open {
            (Some(extensions.clone()), 0, 0)
        } else {
            let request = head(&client.bytes, &mut client.parts, 0);
            let (mut start, mut response) = (0, head(&server.bytes, &mut server.parts, 0));
            // Interim responses come before the one that counts.
            while status(&server.bytes[start..response]).is_some_and(is_interim)
                && server.bytes[response..].starts_with(b"HTTP/")
            {
                start = response;
                response = head(&server.bytes, &mut server.parts, start);
            }
            let last = &server.bytes[start..response];
            let agreed = (status(last) == Some(101))
                .then(|| field(last, "sec-websocket-extensions").unwrap_or_default());
            (agreed, request, response)
        };
        let deflate = agreed.as_deref().is_some_and(|agreed| agreed.contains("permessage-deflate"));
        // A client may send frames before the answer is recorded, or without one.
        rest(&mut client, request, deflate, agreed.is_some() || response == 0, client_lost);
        rest(&mut server, response, deflate, agreed.is_some(), server_lost);
        streams.extend([client, server]);
    }
    streams.retain(|stream| !stream.events.is_empty());
    streams
}

fn collect(transcript: &Transcript, leg: usize, from: Role) -> (Stream, Option<usize>) {
    let mut stream = Stream { leg, from, bytes: Vec::new(), parts: Vec::new(), events: Vec::new() };
    let mut lost = None;
    for (index, event) in transcript.events.iter().enumerate() {
        if event.leg != leg || event.from != from {
            continue;
        }
        match &event.action {
            Action::Bytes(bytes) => {
                let start = stream.bytes.len();
                stream.bytes.extend_from_slice(bytes);
                stream.events.push((index, start..stream.bytes.len()));
            }
            Action::Gap(bytes) if (1..=GAP).contains(bytes) => {
                let end = stream.bytes.len() + usize::try_from(*bytes).unwrap_or_default();
                stream.bytes.resize(end, 0);
            }
            Action::Gap(_) => {
                lost.get_or_insert(stream.bytes.len());
            }
            Action::Eof | Action::Reset => {}
        }
    }
    (stream, lost)
}

/// The lines of the head that begins at `at`; where it ends, or ends with the stream.
fn head(bytes: &[u8], parts: &mut Vec<Part>, at: usize) -> usize {
    let mut start = at;
    while start < bytes.len() {
        let end =
            bytes[start..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |end| start + end + 1);
        let kind = if start == at { Kind::StartLine } else { Kind::Line };
        parts.push(Part { range: start..end, kind });
        let line = &bytes[start..end];
        start = end;
        if line == b"\r\n" || line == b"\n" {
            break;
        }
    }
    start
}

/// RFC 9110 §15.2: "an interim response for communicating connection status or request progress"; 101 is the last one here.
pub(crate) fn is_interim(status: u16) -> bool {
    (100..200).contains(&status) && status != 101
}

/// The status of a response that begins with these bytes.
pub(crate) fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.1 ").or_else(|| head.strip_prefix(b"HTTP/1.0 "))?;
    std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}

/// The values of a header field, joined as RFC 9110 allows it.
pub(crate) fn field(head: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let values: Vec<_> = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(|(field, _)| field.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// What follows the heads.
fn rest(stream: &mut Stream, start: usize, deflate: bool, frames: bool, lost: Option<usize>) {
    let end = stream.bytes.len();
    let lost = lost.unwrap_or(end).max(start).min(end);
    if start == end {
        return;
    }
    if !frames {
        stream.parts.push(Part { range: start..end, kind: Kind::Body });
        return;
    }
    let mut at = start;
    let mut message_compressed = false;
    let mut doubtful = false;
    while at < lost {
        let Some(header) = Header::decode(&stream.bytes[at..lost]) else { break };
        // One bad header is what is looked for; after two in a row, these are no frames.
        let bad = !is_plausible(&header);
        if bad && doubtful {
            break;
        }
        doubtful = bad;
        if matches!(header.opcode, Opcode::Text | Opcode::Binary) {
            message_compressed = deflate && header.rsv1;
        }
        let begin = at + header.size();
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let payload = begin..begin.saturating_add(length).min(lost);
        let compressed = message_compressed && !header.opcode.is_control();
        at = payload.end;
        let frame = Frame { header, payload, compressed };
        stream
            .parts
            .push(Part { range: begin - frame.header.size()..at, kind: Kind::Frame(Box::new(frame)) });
    }
    if at < end {
        stream.parts.push(Part { range: at..end, kind: Kind::Unknown });
    }
}

fn is_plausible(header: &Header) -> bool {
    let known = !matches!(header.opcode, Opcode::Reserved(_));
    let minimal = header.form == Header::new(header.opcode, header.length, None).form;
    let control = !header.opcode.is_control() || (header.length <= 125 && header.fin);
    known && minimal && header.length < 1 << 40 && control && !header.rsv2 && !header.rsv3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Role, Vec<String>)> {
        let transcript: Transcript = text.parse().expect("a transcript");
        streams(&transcript)
            .iter()
            .map(|stream| {
                // Nothing is left out, and nothing is twice.
                let mut at = 0;
                for part in &stream.parts {
                    assert_eq!(part.range.start, at, "{text}");
                    at = part.range.end;
                }
                assert_eq!(at, stream.bytes.len(), "{text}");
                let kind = |part: &Part| match &part.kind {
                    Kind::StartLine => "start".to_owned(),
                    Kind::Line => "line".to_owned(),
                    Kind::Body => "body".to_owned(),
                    Kind::Unknown => "unknown".to_owned(),
                    Kind::Frame(frame) => {
                        let compressed = if frame.compressed { " compressed" } else { "" };
                        format!("{} {}{compressed}", frame.header.opcode, frame.payload.len())
                    }
                };
                (stream.from, stream.parts.iter().map(kind).collect())
            })
            .collect()
    }

    #[test]
    fn heads_frames_and_bodies_are_told_apart() {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let request = "> \"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n\"\n";
        let joined = format!(
            "{request}< \"HTTP/1.1 101 S\\r\\nSec-WebSocket-Extensions: permessage-deflate\\r\\n\\r\\n\"\n< c1 01 00 89 00\n> 81"
        );
        assert_eq!(kinds(&joined)[0].1, words(&["start", "line", "line", "unknown"]));
        assert_eq!(kinds(&joined)[1].1, words(&["start", "line", "line", "text 1 compressed", "ping 0"]));
        let early =
            format!("{request}< \"HTTP/1.1 103 E\\r\\n\\r\\nHTTP/1.1 101 S\\r\\n\\r\\n\"\n< c1 01 00");
        assert_eq!(kinds(&early)[1].1, words(&["start", "line", "start", "line", "text 1"]));
        let rejected = format!("{request}< \"HTTP/1.1 403 F\\r\\n\\r\\nno\"");
        assert_eq!(kinds(&rejected)[1].1, words(&["start", "line", "body"]));
    }

    #[test]
    fn one_bad_header_is_a_frame_and_two_are_bytes_out_of_step() {
        assert_eq!(kinds("open\n< 83 00 81 00")[0].1, ["reserved opcode 3 0", "text 0"]);
        assert_eq!(kinds("open\n< 83 00 7b 22 61 22")[0].1, ["reserved opcode 3 0", "unknown"]);
        assert_eq!(kinds("open\n< 81 05 68\n< gap 2\n< 69 6a 89 00")[0].1, ["text 5", "ping 0"]);
        assert_eq!(kinds("open\n< 81 05 68\n< gap 0\n< 69 6a 89 00")[0].1, ["text 1", "unknown"]);
    }
}

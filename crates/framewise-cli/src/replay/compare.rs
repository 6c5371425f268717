use framewise_rules::Role;
use framewise_transcript::{Action, Transcript};

use crate::recording::parts::{Frame, Kind, Stream, streams};

/// Differences that are listed.
const MOST: usize = 20;
/// Fields that differ each time.
const VARY: [&str; 3] = ["date", "sec-websocket-accept", "sec-websocket-key"];

/// What a side did in the new connection and not in the recorded one, or the other way round.
pub(super) fn differences(recorded: &Transcript, leg: usize, new: &Transcript, side: Role) -> Vec<String> {
    let of = |transcript: &Transcript, leg: usize| {
        streams(transcript).into_iter().find(|stream| stream.leg == leg && stream.from == side)
    };
    let (old, came) = (of(recorded, leg), of(new, 0));
    let mut found = Vec::new();
    // A recording that starts after its handshake has none to compare.
    if recorded.legs.get(leg).is_some_and(|leg| leg.open.is_none()) {
        heads(old.as_ref(), came.as_ref(), &mut found);
    }
    let (old, came) = (frames(old.as_ref()), frames(came.as_ref()));
    for (index, (old, came)) in old.iter().zip(&came).enumerate() {
        if old != came {
            found.push(format!(
                "frame {}: {} came, {} was recorded",
                index + 1,
                came.says(old),
                old.says(came)
            ));
        }
    }
    if old.len() != came.len() {
        found.push(format!("{} frames came, {} were recorded", came.len(), old.len()));
    }
    let (old, came) = (end(recorded, leg, side), end(new, 0, side));
    if old != came {
        let says = |end: Option<&str>| end.map_or("no end", |end| end).to_owned();
        found.push(format!("{} came, {} was recorded", says(came), says(old)));
    }
    if found.len() > MOST {
        let more = found.len() - MOST;
        found.truncate(MOST);
        found.push(format!("{more} more differences"));
    }
    found
}

fn heads(old: Option<&Stream>, came: Option<&Stream>, found: &mut Vec<String>) {
    let (old, came) = (lines(old), lines(came));
    let start = |lines: &[String]| lines.first().cloned().unwrap_or_else(|| "nothing".to_owned());
    if start(&old) != start(&came) {
        found.push(format!("`{}` came, `{}` was recorded", start(&came), start(&old)));
    }
    let fields = |lines: &[String]| -> Vec<String> {
        let varies = |line: &String| {
            let name = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
            VARY.contains(&name.as_str())
        };
        lines.iter().skip(1).filter(|line| !varies(line)).cloned().collect()
    };
    let (old, came) = (fields(&old), fields(&came));
    for line in came.iter().filter(|line| !old.contains(line)) {
        found.push(format!("`{line}` came, and was not recorded"));
    }
    for line in old.iter().filter(|line| !came.contains(line)) {
        found.push(format!("`{line}` was recorded, and did not come"));
    }
}

fn lines(stream: Option<&Stream>) -> Vec<String> {
    let Some(stream) = stream else { return Vec::new() };
    let lines = stream.parts.iter().filter(|part| matches!(part.kind, Kind::StartLine | Kind::Line));
    let text =
        lines.map(|part| String::from_utf8_lossy(&stream.bytes[part.range.clone()]).trim_end().to_owned());
    text.filter(|line| !line.is_empty()).collect()
}

#[derive(PartialEq)]
struct Seen {
    header: [u8; 2],
    length: u64,
    opcode: String,
    content: Vec<u8>,
}

impl Seen {
    /// A frame in words, as far as it differs from the other one.
    fn says(&self, other: &Self) -> String {
        let Self { header, length, opcode, .. } = self;
        if *header != other.header || *length != other.length {
            return format!("{opcode} of {length} bytes ({:02x} {:02x})", header[0], header[1]);
        }
        let at = self.content.iter().zip(&other.content).take_while(|(one, other)| one == other).count();
        match self.content.get(at) {
            Some(byte) => format!("byte {byte:02x} at {at} of {opcode}"),
            None => format!("{opcode} cut after {at} bytes"),
        }
    }
}

fn frames(stream: Option<&Stream>) -> Vec<Seen> {
    let Some(stream) = stream else { return Vec::new() };
    let seen = |frame: &Frame| {
        let header = frame.header;
        let (encoded, _) = header.encode();
        let key = header.mask.unwrap_or_default();
        let payload = stream.bytes[frame.payload.clone()].iter().zip(key.iter().cycle());
        Seen {
            header: [encoded[0], encoded[1]],
            length: header.length,
            opcode: header.opcode.to_string(),
            content: payload.map(|(byte, key)| byte ^ key).collect(),
        }
    };
    let frames = stream.parts.iter().filter_map(|part| match &part.kind {
        Kind::Frame(frame) => Some(seen(frame)),
        Kind::StartLine | Kind::Line | Kind::Body | Kind::Unknown => None,
    });
    frames.collect()
}

fn end(transcript: &Transcript, leg: usize, side: Role) -> Option<&'static str> {
    let events = transcript.events.iter().rev().filter(|event| event.leg == leg && event.from == side);
    events.map(|event| &event.action).find_map(|action| match action {
        Action::Eof => Some("the end of the stream"),
        Action::Reset => Some("a reset"),
        Action::Bytes(_) | Action::Gap(_) => None,
    })
}

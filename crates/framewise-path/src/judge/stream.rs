//! Compares what one side sent with what the other got.

use std::time::Duration;

use framewise_proto::Opcode;
use framewise_proto::deflate::DeflateAgreement;
use framewise_proto::extension::parse_extensions;
use framewise_rules::{Cause, Role, Rule};

use super::{Note, time};
use crate::compare::{self, Difference, Stream};
use crate::end::Record;
use crate::probe::{Group, Measure, Probe};
use crate::report::Verdict;
use crate::server::header;
use crate::tape::{Ended, Tape};

/// Where data still arrived this long before the deadline, the path is slow, and holds nothing back.
const FLOWING: Duration = Duration::from_secs(1);
/// A transfer that is cut after so long a silence of the other direction may have been cut for that.
const ONE_WAY: Duration = Duration::from_secs(1);

/// Compares what one side sent with what the other got.
pub(super) fn stream(probe: &Probe, from: Role, one: &Record, other: &Record) -> Option<Note> {
    // The answer of a leg is what its client got, and what its server sent.
    let (near, far) = match from {
        Role::Client => (&one.got, &other.sent),
        Role::Server => (&one.sent, &other.got),
    };
    let stream = |bytes, answer: &Tape| Stream {
        bytes,
        deflate: agreement(answer).map(|agreed| agreed.sent_by(from)),
    };
    let (sent, got) = (stream(one.sent.after_head(), near), stream(other.got.after_head(), far));
    let (difference, bytes) = compare::compare(sent, got)?;
    let to = from.peer();
    let note =
        |verdict, causes: &[Cause], says: String| Some(Note::new(verdict, causes, says).with(bytes.clone()));
    let sized = probe.sized;
    match difference {
        Difference::Remasked => {
            let says = format!(
                "the frames of the {from} arrived with other masking keys: the intermediary takes them apart"
            );
            note(Verdict::Changed, &[Cause::FramesRemaskedOnPath], says)
        }
        Difference::Refragmented { cap: Some(cap) } => {
            let says = format!("a frame of the {from} arrived as several frames of {cap} bytes at most");
            note(Verdict::Capped, &[Cause::FramesRefragmentedOnPath], says)
        }
        Difference::Refragmented { cap: None } => {
            let says = format!("the messages of the {from} arrived in other frames");
            note(Verdict::Changed, &[Cause::FramesRefragmentedOnPath], says)
        }
        Difference::Recompressed => {
            let says = format!(
                "the messages of the {from} arrived compressed in another way, or not at all, with the same content"
            );
            note(Verdict::Changed, &[Cause::FramesRefragmentedOnPath], says)
        }
        Difference::Deflate { index, rule } => {
            let cause = [
                (Rule::DeflateWindowViolated, Cause::DeflateWindowTooLarge),
                (Rule::DeflateContextMismatch, Cause::DeflateContextLost),
            ]
            .into_iter()
            .find(|&(broken, _)| broken == rule)
            .map_or(Cause::BytesAlteredOnPath, |(_, cause)| cause);
            let says = format!(
                "frame {} of the {from} arrived compressed against the agreement of its leg ({rule})",
                number(from, index)
            );
            note(Verdict::Changed, &[cause], says)
        }
        Difference::CloseReason { without } => {
            let how = if without { "without its reason" } else { "with another reason" };
            let says = format!("the Close of the {from} arrived with its code, and {how}");
            note(Verdict::Changed, &[Cause::BytesAlteredOnPath], says)
        }
        Difference::Chunked => {
            let says =
                format!("the frames of the {from} arrived inside the chunks of Transfer-Encoding: chunked");
            note(Verdict::Changed, &[Cause::ChunkedFramingInStream], says)
        }
        Difference::PayloadDropped(opcode) => {
            let says = format!("a {opcode} of the {from} arrived without its payload");
            note(Verdict::Changed, &[Cause::PingPayloadDroppedOnPath, Cause::BytesAlteredOnPath], says)
        }
        Difference::CloseCode(sent, got) => {
            let code = |code: Option<u16>| code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
            let says = format!("the Close of the {from} with {} arrived with {}", code(sent), code(got));
            note(Verdict::Changed, &[Cause::CloseCodeChangedOnPath, Cause::BytesAlteredOnPath], says)
        }
        Difference::Altered { index } => {
            let says = format!("frame {} of the {from} arrived with other bytes", number(from, index));
            note(Verdict::Changed, &[Cause::BytesAlteredOnPath], says)
        }
        Difference::Lost { index, opcode } => {
            let says = format!(
                "frame {} of the {from}, a {opcode}, did not reach the {to}; what was sent after it did",
                number(from, index)
            );
            let (verdict, cause) = match probe.group {
                Group::Early => (Verdict::Dropped, Cause::EarlyFramesLost),
                Group::Size => (Verdict::Capped, Cause::LimitOfIntermediary),
                _ if opcode == Opcode::Ping && answered(one) => {
                    (Verdict::Answered, Cause::PingAnsweredOnPath)
                }
                Group::Handshake
                | Group::Fragments
                | Group::Deflate
                | Group::Ping
                | Group::Close
                | Group::End
                | Group::Time
                | Group::Idle
                | Group::Http2
                | Group::Illegal => (Verdict::Dropped, Cause::BytesAlteredOnPath),
            };
            note(verdict, &[cause], says)
        }
        Difference::Extra { opcode: Opcode::Pong, .. } => {
            let says =
                format!("the {to} got a Pong that the {from} did not send: the intermediary answers Pings");
            note(Verdict::Answered, &[Cause::PingAnsweredOnPath], says)
        }
        // A keepalive of the intermediary.
        Difference::Extra { opcode: Opcode::Ping, .. } => {
            note(Verdict::Changed, &[], format!("the {to} got a Ping of the intermediary"))
        }
        Difference::Extra { opcode: Opcode::Close, payload } => {
            let code = payload.first_chunk::<2>().map_or(1005, |code| u16::from_be_bytes(*code));
            // RFC 6455 §7.4.1: 1005, 1006 and 1015 "MUST NOT be set as a status code in a Close control frame by an endpoint".
            let reserved = matches!(code, 1006 | 1015) || (code == 1005 && !payload.is_empty());
            let says = format!("the {to} got a Close with {code} of the intermediary");
            if one.shut.is_some() || other.shut.is_some() {
                // An endpoint that ended its own stream gets an answer for the other one: that is no fault.
                if !reserved && one.got.end.is_some() && other.shut.is_some() {
                    return None;
                }
                let ended = if one.shut.is_some() { from } else { to };
                let says = format!("the {ended} ended its stream without a Close; {says}");
                let causes: &[Cause] = if reserved { &[Cause::CloseCodeForwarded] } else { &[] };
                return note(Verdict::Answered, causes, says);
            }
            let (verdict, cause) = match (code, sized) {
                (1009, _) | (_, true) => (Verdict::Capped, Cause::LimitOfIntermediary),
                _ if probe.group == Group::Idle => (Verdict::Closed, Cause::IdleTimeoutIntermediary),
                _ => (Verdict::Closed, Cause::ReceiverRejectsLegalFrame),
            };
            note(
                verdict,
                &[cause],
                format!("the intermediary sent the {to} a Close with {code}, which the {from} did not send"),
            )
        }
        Difference::Extra { opcode, .. } => {
            let says = format!("the {to} got a {opcode} frame that the {from} did not send");
            note(Verdict::Changed, &[Cause::BytesAlteredOnPath], says)
        }
        Difference::Tail { index, opcode, part } => {
            Some(tail(probe, (from, one, other), (index, opcode, part)).with(bytes))
        }
    }
}

/// What the two ends of a leg agreed, by its answer.
fn agreement(answer: &Tape) -> Option<DeflateAgreement> {
    let head = answer.head_text();
    DeflateAgreement::in_response(&parse_extensions(header(&head, "sec-websocket-extensions")?)?)
}

/// A frame's number in the probe: the client sends one before.
fn number(from: Role, index: usize) -> usize {
    (index + usize::from(from == Role::Server)).max(1)
}

/// Whether a Pong came that the other side did not send.
fn answered(one: &Record) -> bool {
    let (frames, _) = crate::tape::frames(one.got.after_head());
    frames.iter().any(|frame| frame.header.opcode == Opcode::Pong)
}

/// From a frame on nothing arrived.
fn tail(
    probe: &Probe,
    (from, one, other): (Role, &Record, &Record),
    (index, opcode, part): (usize, Opcode, bool),
) -> Note {
    let to = from.peer();
    let cut = one.got.end.or(other.got.end).filter(|_| one.shut.is_none() && other.shut.is_none());
    let what = if part { "arrived in part" } else { "did not arrive" };
    let says = format!("frame {} of the {from}, a {opcode}, {what}", number(from, index));
    let close = |record: &Record| {
        let (frames, _) = crate::tape::frames(record.got.after_head());
        let close = frames.iter().rev().find(|frame| frame.header.opcode == Opcode::Close)?;
        Some(close.payload.first_chunk::<2>().map_or(1005, |code| u16::from_be_bytes(*code)))
    };
    let closed = close(one).or_else(|| close(other)).filter(|_| probe.group != Group::Close);
    if probe.measure == Measure::Reload && (cut.is_some() || closed.is_some()) {
        return time::silence(probe, one, other);
    }
    if probe.group == Group::Idle
        && (cut.is_some() || closed.is_some() || index > usize::from(from == Role::Client))
    {
        return time::silence(probe, one, other);
    }
    if probe.measure == Measure::HalfClose && other.shut.is_some() {
        let says = format!(
            "{says}: it was sent after the {to} had ended its own stream, and the intermediary had ended both"
        );
        return Note::new(Verdict::Closed, &[], says);
    }
    if opcode == Opcode::Close && probe.group == Group::Close {
        let end =
            if cut.is_some() { "the connection ended without it" } else { "the connection stayed open" };
        return Note::new(Verdict::Dropped, &[Cause::CloseSwallowedOnPath], format!("{says}; {end}"));
    }
    // In the middle of a frame, after a silence of the other direction: that is a time-out, and no size.
    if let (true, None, Some((_, at))) = (part && probe.group == Group::Size, closed, cut)
        && let Some(quiet) = one.got.times.last().map(|&(_, last)| at.saturating_sub(last))
        && quiet > ONE_WAY
    {
        let says = format!(
            "{says}; the intermediary ended the connection after {:.1} s in which the {to} sent nothing",
            quiet.as_secs_f64()
        );
        return Note::new(Verdict::Closed, &[Cause::IdleTimeoutIntermediary], says);
    }
    if closed == Some(1009) || (probe.group == Group::Size && (cut.is_some() || closed.is_some())) {
        let code = closed.map_or_else(String::new, |code| format!(" with {code}"));
        let says = format!("{says}; the intermediary ended the connection{code}");
        return Note::new(Verdict::Capped, &[Cause::LimitOfIntermediary], says);
    }
    if let Some(code) = closed {
        let says = format!(
            "{says}; the intermediary closed with {code}, towards the {}",
            if close(one).is_some() { from } else { to }
        );
        return Note::new(Verdict::Closed, &[Cause::ReceiverRejectsLegalFrame], says);
    }
    if let Some((end, _)) = cut {
        let how = if end == Ended::Reset { "reset" } else { "ended" };
        return Note::new(
            Verdict::Closed,
            &[Cause::ConnectionCutOnPath],
            format!("{says}; the intermediary {how} the connection"),
        );
    }
    if let Some(&(bytes, at)) = other.got.times.last()
        && at + FLOWING >= probe.deadline
        && probe.measure != Measure::Delay
    {
        let rate = (bytes as u64 * 1000 / 1024) / (at.as_millis() as u64).max(1);
        let says = format!("{says} within the deadline: the path passes {rate} KiB/s");
        return Note::new(Verdict::Delayed, &[], says);
    }
    let says =
        format!("{says} within the deadline, and the connection stayed open: the intermediary holds it back");
    Note::new(Verdict::Hung, &[Cause::FramesBufferedOnPath], says)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Frame;

    /// A large message of the client that is cut in the middle of a frame, after the server was silent for so long.
    fn cut_after(quiet: u64) -> Note {
        let probe = crate::probes::named("size/64m-message-client").expect("the probe");
        let at = Duration::from_millis;
        let (mut client, mut server) = (Record::default(), Record::default());
        let (request, response) = (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
        client.sent.push(request, at(1));
        server.got.push(request, at(1));
        server.sent.push(response, at(2));
        client.got.push(response, at(2));
        let frame = Frame::new(Role::Client, Opcode::Binary, vec![7; 1000]).bytes();
        client.sent.push(&frame, at(3));
        server.got.push(&frame[..500], at(4));
        client.got.end = Some((Ended::Eof, at(2 + quiet)));
        server.got.end = Some((Ended::Eof, at(2 + quiet)));
        stream(&probe, Role::Client, &client, &server).expect("a difference")
    }

    #[test]
    fn a_transfer_that_is_cut_after_a_silence_of_the_other_direction_shows_no_limit_of_size() {
        let note = cut_after(3000);
        assert_eq!((note.verdict, &*note.causes), (Verdict::Closed, &[Cause::IdleTimeoutIntermediary][..]));
        assert!(note.says.contains("3.0 s in which the server sent nothing"), "{}", note.says);
        let note = cut_after(200);
        assert_eq!((note.verdict, &*note.causes), (Verdict::Capped, &[Cause::LimitOfIntermediary][..]));
    }
}

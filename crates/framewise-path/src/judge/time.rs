//! What takes time: silences, ends, delays, and what was measured.

use std::time::Duration;

use framewise_rules::{Cause, Role};

use super::Note;
use crate::end::Record;
use crate::judge::Ends;
use crate::probe::{Group, Measure, Probe};
use crate::report::{Figure, Verdict};
use crate::tape::Tape;

/// A frame that takes longer than this at the median was held back: far more than a busy machine needs.
const LATE: Duration = Duration::from_millis(200);
/// So many small frames that were sent one by one arrive together only if they were collected.
const TOGETHER: usize = 4;

/// The connection did not live through a silence.
pub(super) fn silence(probe: &Probe, one: &Record, other: &Record) -> Note {
    let end = [one, other].into_iter().filter_map(|record| record.got.end).map(|(_, at)| at).min();
    if let (Some(end), Measure::Life | Measure::Reload) = (end, probe.measure) {
        let seconds = end.as_secs_f64();
        let says = if probe.measure == Measure::Reload {
            format!(
                "the intermediary ended the connection when it took another configuration, {seconds:.1} s after it opened"
            )
        } else {
            format!(
                "the intermediary ended the connection {seconds:.1} s after it opened, although both ends kept sending"
            )
        };
        return Note::new(Verdict::Closed, &[Cause::ConnectionCutOnPath], says);
    }
    let quiet = |tape: &Tape, end: Duration| {
        tape.times.iter().map(|&(_, at)| at).filter(|&at| at < end).max().map(|last| end.saturating_sub(last))
    };
    let Some(end) = end else {
        let says = format!("{}: afterwards nothing arrived, and neither side was told", probe.says);
        return Note::new(Verdict::Hung, &[Cause::IdleTimeoutIntermediary], says);
    };
    let tapes = [&one.sent, &one.got, &other.sent, &other.got];
    let silent = tapes.into_iter().filter_map(|tape| quiet(tape, end)).min();
    let seconds = silent.unwrap_or_default().as_secs_f64();
    let says = format!("the intermediary ended the connection after {seconds:.1} s of silence");
    Note::new(Verdict::Closed, &[Cause::IdleTimeoutIntermediary], says)
}

/// What the other end saw of an end.
pub(super) fn ending(probe: &Probe, from: Role, one: &Record, other: &Record) -> Option<Note> {
    if probe.group != Group::End || one.shut.is_none() || other.got.end.is_some() {
        return None;
    }
    let says = format!(
        "the {from} ended its connection, and the {} did not notice within the deadline",
        from.peer()
    );
    Some(Note::new(Verdict::Hung, &[Cause::EndNotForwardedOnPath], says))
}

/// The delay of each write, and how many reads it took to get them.
fn delays(one: &Record, other: &Record) -> (Vec<Duration>, usize) {
    let sent = &one.sent;
    let offset = |bytes: usize| bytes - sent.head + other.got.head;
    let mut delays: Vec<_> = sent
        .times
        .iter()
        .filter(|&&(bytes, _)| bytes > sent.head)
        .filter_map(|&(bytes, at)| Some(other.got.when(offset(bytes))?.saturating_sub(at)))
        .collect();
    delays.sort_unstable();
    let reads = other.got.times.iter().filter(|&&(bytes, _)| bytes > other.got.head).count();
    (delays, reads)
}

/// How late small frames arrived at the median, and whether they were collected on the way.
pub(super) fn delay(probe: &Probe, from: Role, one: &Record, other: &Record) -> Option<Note> {
    if probe.measure != Measure::Delay || one.sent.frames < 10 {
        return None;
    }
    let (delays, reads) = delays(one, other);
    let median = *delays.get(delays.len() / 2)?;
    let says = if median >= LATE {
        format!(
            "small frames of the {from} arrived {} ms late (the median of {})",
            median.as_millis(),
            delays.len()
        )
    } else if reads * TOGETHER <= delays.len() {
        format!("{} small frames of the {from}, sent one by one, arrived in {reads} pieces", delays.len())
    } else {
        return None;
    };
    Some(Note::new(Verdict::Delayed, &[Cause::FramesBufferedOnPath], says))
}

/// What was measured on a connection.
pub(crate) fn figures(probe: &Probe, ends: &Ends) -> Vec<Figure> {
    let Some(server) = &ends.server else { return Vec::new() };
    let ways = [(Role::Client, &ends.client, server), (Role::Server, server, &ends.client)];
    ways.into_iter().flat_map(|(from, one, other)| measured(probe, from, one, other)).collect()
}

fn measured(probe: &Probe, from: Role, one: &Record, other: &Record) -> Vec<Figure> {
    const MIB: f64 = 1024.0 * 1024.0;
    let figure = |what: String, value: f64, unit| Figure { what, value, unit };
    match probe.measure {
        Measure::Nothing | Measure::HalfClose | Measure::Life | Measure::Reload => Vec::new(),
        Measure::Delay => {
            let (delays, _) = delays(one, other);
            if delays.len() < 10 {
                return Vec::new();
            }
            let median = delays[delays.len() / 2].as_secs_f64() * 1000.0;
            vec![figure(format!("median delay from the {from}"), median, "ms")]
        }
        Measure::Throughput => {
            let got = &other.got;
            let data = float(got.bytes.len().saturating_sub(got.head));
            let begin = got.times.iter().find(|&&(bytes, _)| bytes > got.head).map(|&(_, at)| at);
            let (Some(begin), Some(&(_, end))) = (begin, got.times.last()) else { return Vec::new() };
            let seconds = end.saturating_sub(begin).as_secs_f64();
            // A marker alone is no measure.
            if data < MIB || seconds <= 0.0 {
                return Vec::new();
            }
            vec![figure(format!("from the {from}"), data / MIB / seconds, "MiB/s")]
        }
        Measure::Backlog => match other.resumed {
            None => Vec::new(),
            Some(resumed) => {
                let on_the_way = float(one.written_by(resumed).saturating_sub(one.sent.head));
                let what = if on_the_way + 1.0 >= float(one.sent.bytes.len().saturating_sub(one.sent.head)) {
                    "the path and the systems took all of it while nobody read"
                } else {
                    "the path and the systems took, while nobody read,"
                };
                vec![figure(what.into(), on_the_way / MIB, "MiB")]
            }
        },
    }
}

/// A number of bytes, to be divided: far below 2^32.
fn float(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Frame;
    use framewise_proto::Opcode;

    /// Twenty frames, 25 ms apart, that arrive so late, so many at a time.
    fn judged(late: u64, together: u64) -> Option<Note> {
        let at = Duration::from_millis;
        let probe = crate::probes::named("time/small-frames-server").expect("there is one");
        let (mut one, mut other) = (Record::default(), Record::default());
        one.sent.push(b"HTTP/1.1 101 x\r\n\r\n", at(0));
        other.got.push(b"HTTP/1.1 101 x\r\n\r\n", at(1));
        let frame = Frame::new(Role::Server, Opcode::Text, "small").bytes();
        for number in 0..20 {
            one.sent.push(&frame, at(number * 25));
        }
        for last in (together - 1..20).step_by(together as usize) {
            other.got.push(&frame.repeat(together as usize), at(last * 25 + late));
        }
        delay(&probe, Role::Server, &one, &other)
    }

    #[test]
    fn small_frames_that_are_late_or_collected_are_named_and_a_slow_path_is_not() {
        assert!(judged(50, 1).is_none() && judged(199, 1).is_none() && judged(20, 2).is_none());
        let late = judged(200, 1).expect("late").says;
        assert!(late.contains("200 ms late"), "{late}");
        let collected = judged(1, 5).expect("collected").says;
        assert!(collected.contains("arrived in 4 pieces"), "{collected}");
    }
}

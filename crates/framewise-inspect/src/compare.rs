//! Compares the legs of a connection: reports where they differ in legal bytes.

pub(crate) mod controls;

use std::time::Duration;

use framewise_rules::Role;

use crate::finding::hex;
use crate::frames::MessageSeen;
use crate::leg::Leg;
use crate::report::{Excerpt, Finding, Searched};

/// A frame that is passed on later than this was held back.
const LATE: Duration = Duration::from_secs(5);

/// How two legs differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A message's content.
    Altered,
    /// How a message is fragmented.
    Refragmented,
    /// A message that arrived late or not at all.
    Buffered,
    /// A message that arrived together with the head and was not passed on.
    Lost,
}

/// A difference between two legs.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    pub(crate) kind: Kind,
    pub(crate) says: String,
    /// The leg that it should have been passed on to.
    leg: usize,
    from: Role,
    offset: u64,
    length: u64,
    message: u64,
}

/// A finding without a rule.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) finding: Finding,
    pub(crate) leg: usize,
    pub(crate) stream: Role,
}

/// The legs in order, from the client to the server, by their names: `client-proxy` before `proxy-server`.
fn in_order(legs: &[Leg]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..legs.len()).collect();
    let rank = |leg: &Leg| match (leg.name.starts_with("client"), leg.name.ends_with("server")) {
        (true, false) => 0,
        (false, true) => 2,
        _ => 1,
    };
    order.sort_by_key(|&leg| rank(&legs[leg]));
    order
}

/// The leg that carries on what this side sends on `leg`.
pub(crate) fn onward<'l>(legs: &'l [Leg], leg: &Leg, from: Role) -> Option<&'l Leg> {
    let order = in_order(legs);
    let at = order.iter().position(|&index| std::ptr::eq(&raw const legs[index], leg))?;
    let next = match from {
        Role::Client => at.checked_add(1)?,
        Role::Server => at.checked_sub(1)?,
    };
    order.get(next).map(|&index| &legs[index])
}

/// The legs on the two sides of each intermediary: the client's first.
pub(crate) fn neighbours(legs: &[Leg]) -> Vec<(&Leg, &Leg)> {
    in_order(legs).windows(2).map(|pair| (&legs[pair[0]], &legs[pair[1]])).collect()
}

/// The leg that touches this endpoint.
pub(crate) fn endpoint(legs: &[Leg], role: Role) -> usize {
    let order = in_order(legs);
    match role {
        Role::Client => order.first(),
        Role::Server => order.last(),
    }
    .copied()
    .unwrap_or_default()
}

/// The leg that carries what this side sends before `leg` does; `None` if `leg` is its own.
pub(crate) fn source<'l>(legs: &'l [Leg], leg: &Leg, from: Role) -> Option<&'l Leg> {
    onward(legs, leg, from.peer())
}

/// The legs that carry what this side sends before `leg` does, the nearest first.
pub(crate) fn sources<'l>(legs: &'l [Leg], leg: &'l Leg, from: Role) -> impl Iterator<Item = &'l Leg> {
    std::iter::successors(source(legs, leg, from), move |leg| source(legs, leg, from))
}

/// All differences between neighbouring legs, as far as their frames are legal.
pub(crate) fn differences(legs: &[Leg]) -> Vec<Difference> {
    let order = in_order(legs);
    let mut found = Vec::new();
    for pair in order.windows(2) {
        for (from, source, sink) in [(Role::Client, pair[0], pair[1]), (Role::Server, pair[1], pair[0])] {
            // What one recording lacks is no difference.
            let whole = [source, sink].iter().all(|&leg| !legs[leg].dir(from).gaps);
            if whole {
                found.extend(compare(legs, from, source, sink));
                found.extend(controls::compare(legs, from, source, sink));
            }
        }
    }
    found
}

/// The findings for the differences.
pub(crate) fn compare_all(legs: &[Leg]) -> Vec<Found> {
    // An intermediary may fragment messages differently (RFC 6455 §5.4); alone that is not a finding.
    let worth = differences(legs).into_iter().filter(|difference| difference.kind != Kind::Refragmented);
    worth
        .map(|difference| {
            let leg = difference.leg;
            let finding = Finding {
                rule: None,
                answer: None,
                by: None,
                leg: legs[leg].name.clone(),
                offset: difference.offset,
                length: difference.length,
                frame: None,
                message: Some(difference.message),
                time: None,
                bytes: String::new(),
                also: Vec::new(),
                says: difference.says,
                causes: Vec::new(),
                searched: Searched::No,
                index: 0,
                consequence: None,
                excerpt: Excerpt::default(),
                close: None,
            };
            Found { finding, leg, stream: difference.from }
        })
        .collect()
}

fn compare(legs: &[Leg], from: Role, source: usize, sink: usize) -> Option<Difference> {
    let (sent, came) = (legs[source].dir(from), legs[sink].dir(from));
    let (sent_log, came_log) = (&sent.frames.as_ref()?.log, &came.frames.as_ref()?.log);
    // Messages cannot be matched if a rule was broken, or if the first ones were dropped.
    if sent.broken || came.broken || sent_log.messages_dropped > 0 || came_log.messages_dropped > 0 {
        return None;
    }
    let difference = |kind, says, offset, length, message| Difference {
        kind,
        says,
        leg: sink,
        from,
        offset,
        length,
        message,
    };
    if let Some(lost) = sent_log.messages.front()
        && came_log.messages.front().is_none_or(|first| first.content_differs(lost))
        && with_head(&legs[source], from, lost)
        && (legs[sink].dir(from.peer()).last.is_some_and(|last| last.step > lost.at.step)
            || came.end.is_some_and(|(_, end)| end.step > lost.at.step))
    {
        let says = format!(
            "the first message of the {from} arrived on the leg {} in one piece with the head, and was never sent on the leg {}",
            legs[source].name, legs[sink].name
        );
        return Some(difference(Kind::Lost, says, came.window.end(), 0, lost.number));
    }
    let mut refragmented = None;
    for (one, other) in sent_log.messages.iter().zip(&came_log.messages) {
        let place = || {
            let (source, sink) = (&legs[source].name, &legs[sink].name);
            format!("message {} of the {from} on the legs {source} and {sink}", one.number)
        };
        if one.text != other.text || one.content_differs(other) {
            let diff = diff(&legs[source], &legs[sink], from, (one, other));
            let says = format!("{}: {}{diff}", place(), altered(one, other));
            return Some(difference(Kind::Altered, says, other.offset, other.payload, other.number));
        }
        if one.frames != other.frames && refragmented.is_none() {
            let says = format!("{}: {} frames became {}", place(), one.frames, other.frames);
            refragmented =
                Some(difference(Kind::Refragmented, says, other.offset, other.payload, other.number));
        }
        if let (Some(left), Some(arrived)) = (one.at.time, other.at.time)
            && arrived.saturating_sub(left) > LATE
        {
            let late = arrived.saturating_sub(left).as_secs_f64();
            let says = format!("{}: forwarded {late:.1} s late", place());
            return Some(difference(Kind::Buffered, says, other.offset, other.payload, other.number));
        }
    }
    if let Some(missing) = sent_log.messages.get(came_log.messages.len())
        && never_came(legs, from, sink, missing)
    {
        let says = format!(
            "message {} of the {from} arrived on the leg {} and was never sent on the leg {}",
            missing.number, legs[source].name, legs[sink].name
        );
        return Some(difference(Kind::Buffered, says, came.window.end(), 0, missing.number));
    }
    refragmented
}

/// Whether a message directly follows its side's head and arrived with it.
fn with_head(leg: &Leg, from: Role, message: &MessageSeen) -> bool {
    let head = match from {
        Role::Client => leg.request.as_ref().map(|seen| (seen.head.len() as u64, seen.at)),
        Role::Server => leg.response.as_ref().map(|seen| (seen.end(), seen.at)),
    };
    // A client's early frames are read with the 101, so their own step says nothing.
    head.is_some_and(|(end, at)| {
        message.offset == end && (message.at.step == at.step || (from == Role::Client && leg.early))
    })
}

fn altered(one: &MessageSeen, other: &MessageSeen) -> String {
    match (one.text == other.text, one.length == other.length) {
        (false, _) => "its kind differs".to_owned(),
        (true, false) => format!("{} bytes became {}", one.length, other.length),
        (true, true) => format!("its {} bytes differ", one.length),
    }
}

/// Where the contents of a message in one frame begin to differ, with the bytes of both legs.
fn diff(source: &Leg, sink: &Leg, from: Role, (one, other): (&MessageSeen, &MessageSeen)) -> String {
    const SHOWN: usize = 8;
    let plain = |leg: &Leg, message: &MessageSeen| -> Option<Vec<u8>> {
        let dir = leg.dir(from);
        let frame = dir.frames.as_ref()?.log.frames.iter().find(|frame| frame.offset == message.offset)?;
        let mut bytes = dir.window.read(frame.payload(), frame.header.length).to_vec();
        let kept = bytes.len() as u64 == message.length && !message.compressed && message.frames == 1;
        if let Some(key) = frame.header.mask {
            framewise_simd::unmask(&mut bytes, key, 0);
        }
        kept.then_some(bytes)
    };
    let (Some(sent), Some(came)) = (plain(source, one), plain(sink, other)) else { return String::new() };
    if sent == came {
        return String::new();
    }
    let at = sent.iter().zip(&came).take_while(|(sent, came)| sent == came).count();
    let shown = |bytes: &[u8]| match bytes.get(at..) {
        None | Some([]) => "nothing".to_owned(),
        Some(rest) if rest.len() > SHOWN => format!("{} …", hex(&rest[..SHOWN])),
        Some(rest) => hex(rest),
    };
    format!("; from byte {at} of its content on, {} became {}", shown(&sent), shown(&came))
}

/// Whether the leg's recording continues long enough after a message to say that it never arrived.
fn never_came(legs: &[Leg], from: Role, sink: usize, missing: &MessageSeen) -> bool {
    let leg = &legs[sink];
    // A side that has ended or failed does not pass on anything; that is another finding.
    if leg.dir(from).end.is_some() || leg.dir(from.peer()).end.is_some() || leg.dir(from.peer()).broken {
        return false;
    }
    let behind = [Role::Client, Role::Server]
        .into_iter()
        .filter_map(|role| leg.dir(role).last)
        .find(|last| last.step > missing.at.step);
    match behind {
        Some(behind) => match (behind.time, missing.at.time) {
            (Some(behind), Some(missing)) => behind.saturating_sub(missing) > LATE,
            _ => true,
        },
        None => false,
    }
}

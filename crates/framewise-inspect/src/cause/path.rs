//! Causes on the path between the endpoints: size, time, and differences between legs.

mod altered;
mod idle;
mod receiver;

pub(super) use altered::{control_altered, stream_altered};
pub(super) use idle::{idle_timeout_endpoint, idle_timeout_intermediary, keepalive_timeout};
pub(super) use receiver::{message_type_unsupported, receiver_rejects};

use framewise_rules::{Cause, Role, Rule};

use super::evidence::Evidence;
use super::sign::Sign;
use crate::compare::{self, Kind};
use crate::frames::Moment;
use crate::leg::Leg;
use crate::report::How;

/// Smaller limits are sizes of buffers, and not chosen: 4 KiB, 8 KiB, 16 KiB.
const BUFFER: u64 = 16 * 1024;

/// A size just above a well-known default limit.
pub(super) fn limit_of_receiver(e: &Evidence<'_>) -> Option<Sign> {
    let (size, by) = if e.is(&[Rule::MessageTooBig, Rule::FrameTooBig, Rule::InflateTooBig]) {
        (size(e)?, e.stream)
    } else if e.is(&[Rule::CloseMissing, Rule::ConnectionReset]) {
        // A receiver that drops the connection during a large message.
        let last = e.peer().frames.as_ref()?.log.last_data()?;
        let cut = last.end() > e.peer().window.end() && last.header.length >= 0x1_0000;
        (cut.then_some(last.header.length)?, e.stream.peer())
    } else {
        return None;
    };
    // Such a length is not a size: other bytes were read as a length.
    if size >> 40 != 0 {
        return None;
    }
    // A buffer that holds no ordinary message is the receiver's fault, and a message of megabytes the sender's.
    let by = if size <= BUFFER { by.peer() } else { by };
    let evidence = match below(size) {
        Some((limit, who)) => format!("the message has {size} bytes, more than {limit} bytes: {who}"),
        None => format!("the message has {size} bytes"),
    };
    Some(Sign { cause: Cause::LimitOfReceiver, fault: Some(by.into()), evidence })
}

/// The size of the finding's message, by its headers so far.
fn size(e: &Evidence<'_>) -> Option<u64> {
    let frame = e.frame()?;
    let frames = e.frames()?.log.frames.iter().filter(|other| {
        other.message == frame.message && other.number <= frame.number && !other.header.opcode.is_control()
    });
    Some(frames.fold(0, |sum, frame| sum.saturating_add(frame.header.length)))
}

/// The largest well-known default limit below a size, and its product.
fn below(size: u64) -> Option<(u64, &'static str)> {
    const LIMITS: &[(u64, &str)] = &[
        (4 * 1024, "4 KiB, a buffer of .NET and of embedded servers"),
        (8 * 1024, "8 KiB, Tomcat's default buffer"),
        (16 * 1024, "16 KiB, the default of uWebSockets"),
        (
            32 * 1024,
            "32 KiB, the default of coder/websocket and of SignalR, and the frame quota of AWS API Gateway",
        ),
        (64 * 1024, "64 KiB, the default of Netty, Jetty and WebSocket-Node's frames"),
        (128 * 1024, "128 KiB, the limit of AWS API Gateway"),
        (256 * 1024, "256 KiB"),
        (512 * 1024, "512 KiB"),
        (
            1024 * 1024,
            "1 MiB, the default of Python websockets and of WebSocket-Node's messages, and the limit of Cloudflare Workers",
        ),
        (4 * 1024 * 1024, "4 MiB, the default of aiohttp"),
        (8 * 1024 * 1024, "8 MiB"),
        (10_000_000, "10 MB"),
        (16 * 1024 * 1024, "16 MiB, the default of uvicorn, OkHttp's queue and tungstenite's frames"),
        (32 * 1024 * 1024, "32 MiB"),
        (64 * 1024 * 1024, "64 MiB, the default of tungstenite's messages"),
        (100 * 1024 * 1024, "100 MiB, the default of ws"),
    ];
    LIMITS.iter().rev().find(|(limit, _)| size > *limit).copied()
}

/// Too big on this leg, and the other leg never saw the message.
pub(super) fn limit_of_intermediary(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::MessageTooBig, Rule::FrameTooBig]) {
        return None;
    }
    let size = size(e)?;
    let number = e.frame()?.message;
    let other = compare::onward(e.legs, e.leg, e.stream)?;
    let frames = other.dir(e.stream).frames.as_ref()?;
    if frames.messages() >= number {
        return None;
    }
    let evidence = format!(
        "message {number} of {size} bytes is on the leg {}, but never reached the leg {}",
        e.leg.name, other.name
    );
    e.path_fault(Cause::LimitOfIntermediary, evidence)
}

fn difference(e: &Evidence<'_>, wanted: &[Kind]) -> Option<String> {
    // The difference's own finding, or an end that it explains.
    let own = |says: &str| {
        e.finding.rule.is_none()
            && ((e.finding.close.is_some() && e.finding.answer.is_none()) || e.finding.says == says)
    };
    let end = e.is(&[Rule::CloseMissing, Rule::CloseUnanswered, Rule::ConnectionReset]);
    let early = e.is(&[Rule::RequestEarlyData]) && wanted == [Kind::Lost];
    if !(e.finding.rule.is_none() || end || early) {
        return None;
    }
    // Neighbouring legs are compared message by message, in both directions.
    let messages = e.legs.iter().flat_map(|leg| [leg.dir(Role::Client), leg.dir(Role::Server)]);
    let messages = messages.filter_map(|dir| Some(dir.frames.as_ref()?.log.messages.len() as u64)).sum();
    if !e.work.take(messages) {
        return None;
    }
    compare::differences(e.legs)
        .into_iter()
        .find(|difference| wanted.contains(&difference.kind) && (own(&difference.says) || end || early))
        .map(|difference| difference.says)
}

/// The two legs differ in a frame's bytes.
pub(super) fn bytes_altered(e: &Evidence<'_>) -> Option<Sign> {
    e.path_fault(Cause::BytesAlteredOnPath, difference(e, &[Kind::Altered])?)
}

/// The same message in other frames, which the receiver did not accept.
pub(super) fn frames_refragmented(e: &Evidence<'_>) -> Option<Sign> {
    e.path_fault(Cause::FramesRefragmentedOnPath, difference(e, &[Kind::Refragmented])?)
}

/// A message together with the head, which was not passed on: the parser of the head discarded it.
pub(super) fn lost_with_head(e: &Evidence<'_>) -> Option<Sign> {
    e.path_fault(Cause::EarlyFramesLost, difference(e, &[Kind::Lost])?)
}

/// A frame was passed on late, or not before the end of the recording.
pub(super) fn frames_buffered(e: &Evidence<'_>) -> Option<Sign> {
    if e.finding.rule.is_some() || e.finding.close.is_some() {
        return None;
    }
    e.path_fault(Cause::FramesBufferedOnPath, difference(e, &[Kind::Buffered])?)
}

/// A Close on one leg, none on the other.
pub(super) fn close_swallowed(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::CloseMissing, Rule::CloseUnanswered]) {
        return None;
    }
    let other = e.other_legs().find(|leg| leg.dir(e.stream).closed())?;
    let close = other.dir(e.stream).frames.as_ref()?.close.as_ref()?;
    // The Close must precede this side's end; otherwise it came too late.
    if e.own().end.is_some_and(|(_, end)| end.step < close.at.step) {
        return None;
    }
    let evidence = format!(
        "the {} sent its Close on the leg {}, but the leg {} does not carry one",
        e.stream, other.name, e.leg.name
    );
    e.path_fault(Cause::CloseSwallowedOnPath, evidence)
}

/// The intermediary ended both of its legs, and neither endpoint did before.
pub(super) fn connection_cut(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::CloseMissing, Rule::ConnectionReset, Rule::PayloadTruncated, Rule::HeaderTruncated]) {
        return None;
    }
    // On each leg, the side that is the intermediary ends first.
    let ends_first = |leg: &Leg, role: Role| -> Option<(How, Moment)> {
        let (how, end) = leg.dir(role).end?;
        leg.dir(role.peer()).end.is_none_or(|(_, other)| other.step > end.step).then_some((how, end))
    };
    let (towards_client, towards_server) = compare::neighbours(e.legs)
        .into_iter()
        .find(|&(one, other)| std::ptr::eq(one, e.leg) || std::ptr::eq(other, e.leg))?;
    let (how, one) = ends_first(towards_client, Role::Server)?;
    let (_, other) = ends_first(towards_server, Role::Client)?;
    let ended = if how == How::Reset { "reset" } else { "ended" };
    let apart = one.time.zip(other.time).map_or_else(String::new, |(one, other)| {
        format!(", {:.1} ms apart", one.abs_diff(other).as_secs_f64() * 1000.0)
    });
    let evidence = format!(
        "the intermediary {ended} the leg {} towards the client and the leg {} towards the server{apart}, and neither endpoint ended before",
        towards_client.name, towards_server.name
    );
    e.path_fault(Cause::ConnectionCutOnPath, evidence)
}

/// RST, or FIN within a frame.
pub(super) fn peer_crashed(e: &Evidence<'_>) -> Option<Sign> {
    let evidence = match e.finding.rule? {
        Rule::ConnectionReset => format!("the {} reset the connection", e.stream),
        Rule::PayloadTruncated | Rule::HeaderTruncated => {
            format!("the stream of the {} ends inside a frame", e.stream)
        }
        // A reset instead of a response, or instead of the answer to a Close.
        Rule::CloseMissing | Rule::CloseUnanswered | Rule::ResponseMissing
            if e.own().end.is_some_and(|(how, _)| how == How::Reset) =>
        {
            format!("the {} reset the connection", e.stream)
        }
        _ => return None,
    };
    if e.own().end.is_some_and(|(how, _)| how == How::Reset) {
        // A reset is a fact of the path: an endpoint, a proxy and a firewall reset alike.
        return e.nobodys_fault(Cause::PeerCrashed, evidence);
    }
    e.own_fault(Cause::PeerCrashed, evidence)
}

/// The heads of two legs differ in the header that this finding is about.
pub(super) fn heads_altered(e: &Evidence<'_>) -> Option<Sign> {
    let rule = e.finding.rule.filter(|_| e.finding.frame.is_none())?;
    let header = match rule {
        Rule::RequestUpgrade | Rule::ResponseUpgrade => "upgrade",
        Rule::RequestConnection | Rule::ResponseConnection => "connection",
        Rule::ResponseBodyFraming => "transfer-encoding",
        Rule::ResponseAcceptMissing | Rule::ResponseAcceptWrong => "sec-websocket-accept",
        Rule::ResponseExtensionUnoffered | Rule::DeflateResponseInvalid => "sec-websocket-extensions",
        Rule::ResponseSubprotocolUnoffered | Rule::ResponseSubprotocolMissing => "sec-websocket-protocol",
        Rule::RequestHost | Rule::RequestHostInvalid | Rule::RequestHostMismatch => "host",
        Rule::RequestContentLength => "content-length",
        _ => return None,
    };
    let value = |leg: &Leg| -> Option<Option<String>> {
        match e.stream {
            Role::Client => Some(leg.request.as_ref()?.header(header).map(str::to_owned)),
            Role::Server => Some(leg.response.as_ref()?.header(header).map(str::to_owned)),
        }
    };
    let own = value(e.leg)?;
    let other = e.other_legs().find(|leg| value(leg).is_some_and(|other| other != own))?;
    e.path_fault(
        Cause::BytesAlteredOnPath,
        format!("the header {header} differs between the legs {} and {}", other.name, e.leg.name),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_above_a_limit_from_one_byte_more_on() {
        let limits = [
            4096,
            8192,
            16_384,
            32_768,
            65_536,
            131_072,
            262_144,
            524_288,
            1_048_576,
            4_194_304,
            8_388_608,
            10_000_000,
            16_777_216,
            33_554_432,
            67_108_864,
            104_857_600,
        ];
        let mut before = None;
        for limit in limits {
            assert_eq!(below(limit).map(|(limit, _)| limit), before);
            assert_eq!(below(limit + 1).map(|(limit, _)| limit), Some(limit));
            before = Some(limit);
        }
    }
}

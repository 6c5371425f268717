//! Causes around silence, and who ended it.

use std::time::Duration;

use framewise_proto::Opcode;
use framewise_rules::{Cause, Role, Rule};

use crate::cause::evidence::Evidence;
use crate::cause::sign::Sign;
use crate::leg::Leg;
use crate::report::How;

/// Shorter silence is not evidence: no idle time-out is shorter.
const SHORTEST: Duration = Duration::from_secs(20);

/// Default idle time-outs of intermediaries, in seconds.
const KNOWN: &[(u64, &str)] = &[
    (30, "in examples of HAProxy and Kubernetes gateways, the default of Jetty"),
    (50, "HAProxy's example configuration"),
    (55, "Heroku's router"),
    (60, "the default of nginx (proxy_read_timeout) and of AWS load balancers (ALB, classic ELB)"),
    (90, "some firewalls"),
    (100, "Cloudflare's proxy"),
    (120, "IIS, Apache and others"),
    (230, "Azure App Service"),
    (240, "the Azure load balancer"),
    (300, "Envoy's stream idle time-out, and many firewalls"),
    (350, "the AWS network load balancer and NAT gateway"),
    (600, "Google Cloud's network, AWS API Gateway"),
    (900, "many firewalls"),
    (1800, "many firewalls"),
    (3600, "Envoy's connection idle time-out, HAProxy's tunnels, many firewalls"),
];

/// How long both sides of the leg were silent before this one ended.
pub(super) fn silence(leg: &Leg, stream: Role) -> Option<Duration> {
    let (_, end) = leg.dir(stream).end?;
    let last = [Role::Client, Role::Server].into_iter().filter_map(|role| leg.dir(role).last?.time).max()?;
    Some(end.time?.saturating_sub(last))
}

fn named(silence: Duration) -> Option<(u64, &'static str)> {
    let seconds = silence.as_secs_f64();
    // Timers are checked once a second, and the recorder's clock has another origin.
    KNOWN.iter().copied().find(|&(known, _)| {
        #[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
        let known = known as f64;
        (seconds - known).abs() <= (known * 0.02).max(1.0)
    })
}

/// A silence as long as an intermediary's time-out, then FIN or RST without a Close.
pub(crate) fn idle_timeout_intermediary(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::CloseMissing, Rule::ConnectionReset, Rule::IdleTimeout]) {
        return None;
    }
    let (silence, how) = match silence(e.leg, e.stream).filter(|silence| *silence >= SHORTEST) {
        Some(silence) => (silence, "the connection ended without a Close after"),
        None => (forgotten(e)?, "the first bytes are answered with a reset after"),
    };
    let what = match named(silence) {
        Some((known, who)) => format!(": {known} s, {who}"),
        None => ", longer than the limit of many intermediaries".to_owned(),
    };
    let evidence = format!("{how} {:.1} s of silence{what}", silence.as_secs_f64());
    e.path_fault(Cause::IdleTimeoutIntermediary, evidence)
}

/// The silence before a message that was answered with a reset at once: a load balancer or a NAT drops an idle connection
/// without a word, and resets it when the next packet comes.
fn forgotten(e: &Evidence<'_>) -> Option<Duration> {
    /// After a shorter silence, the message is a likelier reason.
    const LEAST: Duration = Duration::from_secs(60);
    /// A network's answer takes no longer.
    const AT_ONCE: Duration = Duration::from_secs(5);
    let (_, end) = e.own().end.filter(|(how, _)| *how == How::Reset)?;
    let log = &e.peer().frames.as_ref()?.log;
    let last = log.last()?;
    let before = log.frame(last.number.checked_sub(1)?).and_then(|frame| frame.at.time);
    let before = [before, e.own().last?.time, e.response().and_then(|response| response.at.time)];
    let asked = last.at.time?;
    let silence = asked.saturating_sub(before.into_iter().flatten().max()?);
    let answered = e.own().last.is_some_and(|own| own.step > last.at.step);
    (!answered && silence >= LEAST && end.time?.saturating_sub(asked) < AT_ONCE).then_some(silence)
}

/// The same silence, ended by the endpoint's own limit.
pub(crate) fn idle_timeout_endpoint(e: &Evidence<'_>) -> Option<Sign> {
    // A Close whose reason names it.
    let said = [Role::Client, Role::Server].into_iter().find_map(|role| {
        let close = e.leg.dir(role).frames.as_ref()?.close.as_ref()?;
        let reason = close.reason.to_ascii_lowercase();
        let named =
            ["idle", "inactiv", "timeout", "timed out", "time-out"].iter().any(|word| reason.contains(word));
        let ping = reason.contains("ping") || reason.contains("keepalive");
        (named && !ping).then(|| (role, close.reason.clone()))
    });
    if let Some((role, reason)) = said.filter(|_| {
        e.is(&[Rule::CloseMissing, Rule::CloseUnanswered, Rule::ConnectionReset, Rule::IdleTimeout])
            || e.finding.rule.is_none()
    }) {
        return Some(Sign {
            cause: Cause::IdleTimeoutEndpoint,
            fault: Some(role.into()),
            evidence: format!("the {role}'s Close says {reason:?}"),
        });
    }
    if e.finding.rule == Some(Rule::IdleTimeout) {
        return e.own_fault(Cause::IdleTimeoutEndpoint, "the endpoint reached its own limit");
    }
    if !e.is(&[Rule::CloseMissing, Rule::ConnectionReset]) {
        return None;
    }
    let silence = silence(e.leg, e.stream).filter(|silence| *silence >= SHORTEST)?;
    let evidence = format!(
        "the connection ended after {:.1} s of silence; the limit may also be one of the {} itself",
        silence.as_secs_f64(),
        e.stream
    );
    e.own_fault(Cause::IdleTimeoutEndpoint, evidence)
}

/// A Ping without Pong, then the end.
pub(crate) fn keepalive_timeout(e: &Evidence<'_>) -> Option<Sign> {
    let mut short = None;
    let pinger = match e.finding.rule? {
        // A Pong that came late after all gave no reason to give up.
        Rule::PingUnanswered if e.peer().pings.unanswered => e.stream.peer(),
        Rule::CloseMissing | Rule::CloseUnanswered | Rule::ConnectionReset => {
            // The side that pinged gave up, or the silent one is gone.
            let unanswered =
                [e.stream, e.stream.peer()].into_iter().find(|&role| e.leg.dir(role).pings.unanswered);
            if let Some(pinger) = unanswered {
                pinger
            } else {
                short = Some(gave_up(e)?);
                e.stream
            }
        }
        _ => return None,
    };
    let close = [Role::Client, Role::Server].into_iter().find_map(|role| {
        let close = e.leg.dir(role).frames.as_ref()?.close.as_ref()?;
        (!close.reason.is_empty()).then(|| format!("; the {role}'s Close says {:?}", close.reason))
    });
    let ended = [Role::Client, Role::Server].into_iter().any(|role| {
        let dir = e.leg.dir(role);
        dir.closed() || dir.end.is_some()
    });
    let rest = close.unwrap_or_else(|| if ended { ", and the connection ended" } else { "" }.to_owned());
    let evidence = match short {
        Some(waited) => format!(
            "the last frame of the {} is a Ping, the {} did not answer it with a Pong, and the {} ended the connection {} ms later",
            e.stream,
            e.stream.peer(),
            e.stream,
            waited.as_millis()
        ),
        None if e.leg.dir(pinger).pings.mismatched => {
            format!("the Pong for a Ping carried another payload, so that it does not answer it{rest}")
        }
        None => format!("a Ping was not answered with a Pong{rest}"),
    };
    Some(Sign { cause: Cause::KeepaliveTimeout, fault: Some(pinger.peer().into()), evidence })
}

/// How long the side that ended waited for the answer to its last frame, a Ping, in silence.
fn gave_up(e: &Evidence<'_>) -> Option<Duration> {
    /// A side that ends sooner did not wait: its Ping and its end are one event.
    const LEAST: Duration = Duration::from_millis(50);
    let (_, end) = e.own().end?;
    let pinged = e.own().pings.waiting_since()?;
    let last = e.frames()?.log.last()?;
    let silent = e.peer().last.is_none_or(|last| last.step < pinged.step);
    let waited = end.time?.saturating_sub(pinged.time?);
    (last.header.opcode == Opcode::Ping && last.at.step == pinged.step && silent && waited >= LEAST)
        .then_some(waited)
}

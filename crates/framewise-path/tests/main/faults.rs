//! Each planted fault is named, and nothing else is.

use std::sync::Arc;
use std::time::Duration;

use framewise_path::{Report, Verdict};
use framewise_rules::Cause;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::relay::{Fault, through};

/// What does not take seconds.
const QUICK: &[&str] = &[
    "handshake/",
    "early/",
    "size/0-",
    "size/125-",
    "size/126-",
    "size/4096-",
    "size/65536-",
    "size/131072",
    "size/128k-",
    "fragments/",
    "deflate/",
    "ping/",
    "close/",
    "end/",
    "illegal/",
    "time/small",
    "time/both",
    "time/many",
    "idle/",
];

fn verdicts(report: &Report, start: &str) -> Vec<Verdict> {
    report
        .probes
        .iter()
        .filter(|outcome| outcome.name.starts_with(start))
        .map(|outcome| outcome.verdict)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_plain_relay_everything_arrives_as_sent() {
    let report = through(Fault::None, &[""]).await;
    let wrong: Vec<_> = report.probes.iter().filter(|outcome| outcome.verdict != Verdict::AsSent).collect();
    assert!(wrong.is_empty() && report.causes.is_empty(), "{wrong:#?}");
    assert!(report.probes.len() > 150, "{}", report.probes.len());
}

/// The relay reads frames and writes them again: what it does not damage must not be found.
#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_named_and_nothing_else() {
    const CHANGED: Cause = Cause::HeadersChangedOnPath;
    let rows: Vec<(Fault, &'static [&'static str], &'static [Cause])> = vec![
        (
            Fault::ExtensionsCopied,
            &["handshake/"],
            &[Cause::ExtensionHeaderStripped, Cause::ExtensionHeaderAdded],
        ),
        (Fault::ExtensionsStripped, &["handshake/"], &[Cause::ExtensionHeaderStripped]),
        (Fault::UpgradeDropped, &["handshake/"], &[Cause::UpgradeHeadersDropped]),
        (Fault::Http10, &["handshake/"], &[Cause::Http10ToUpstream]),
        (Fault::KeyMissing, &["handshake/"], &[Cause::KeyDroppedOnPath]),
        (Fault::KeyRewritten, &["handshake/"], &[Cause::KeyRewritten]),
        (Fault::HostChanged, &["handshake/"], &[CHANGED]),
        (Fault::OrderChanged, &["handshake/"], &[]),
        (Fault::CaseChanged, &["handshake/"], &[]),
        (
            Fault::Chunked,
            &["handshake/", "size/125-server"],
            &[Cause::ChunkedFramingInStream, Cause::BodyHeadersOn101],
        ),
        (Fault::Split(4096), QUICK, &[Cause::FramesRefragmentedOnPath]),
        (Fault::TooBig(65_535), QUICK, &[Cause::LimitOfIntermediary]),
        (Fault::LargeDropped(65_535), QUICK, &[Cause::LimitOfIntermediary]),
        (Fault::Remasked, QUICK, &[Cause::FramesRemaskedOnPath]),
        (
            Fault::PingPayloadDropped,
            &["ping/"],
            &[Cause::PingPayloadDroppedOnPath, Cause::BytesAlteredOnPath],
        ),
        (Fault::PingDropped, &["ping/"], &[Cause::BytesAlteredOnPath]),
        (Fault::CloseSwallowed, &["close/1", "end/", "ping/"], &[Cause::CloseSwallowedOnPath]),
        (Fault::CloseCode, &["close/", "end/"], &[Cause::CloseCodeChangedOnPath, Cause::BytesAlteredOnPath]),
        (Fault::ByteLost, &["size/126-", "size/4096-", "early/"], &[Cause::BytesAlteredOnPath]),
        (Fault::ByteChanged, &["size/126-", "size/4096-", "early/"], &[Cause::BytesAlteredOnPath]),
        (Fault::EarlyLost, &["early/", "size/125-", "handshake/"], &[Cause::EarlyFramesLost]),
        (Fault::Delayed(Duration::from_millis(400)), &["time/small"], &[Cause::FramesBufferedOnPath]),
        (Fault::Held, &["size/125-"], &[Cause::FramesBufferedOnPath]),
        (Fault::Idle(Duration::from_secs(4)), &["idle/", "ping/"], &[Cause::IdleTimeoutIntermediary]),
        (Fault::EndHeld, &["end/", "ping/"], &[Cause::EndNotForwardedOnPath]),
        (Fault::HeadLimit(2000), &["handshake/"], &[Cause::LimitOfIntermediary]),
        (Fault::PingAnswered, &["ping/", "size/125-"], &[Cause::PingAnsweredOnPath]),
        (Fault::PingAnsweredToo, &["ping/", "size/125-"], &[Cause::PingAnsweredOnPath]),
        (Fault::TooBigWithClose(65_535), &["size/", "ping/"], &[Cause::LimitOfIntermediary]),
        (Fault::HalfCloseCut, &["end/", "close/", "ping/"], &[]),
        (
            Fault::Collected(Duration::from_millis(150)),
            &["time/small", "ping/"],
            &[Cause::FramesBufferedOnPath],
        ),
        (Fault::Delayed(Duration::from_millis(10)), &["time/small", "ping/"], &[]),
        (Fault::InterimDropped, &["handshake/"], &[]),
        (Fault::BodyDropped, &["handshake/"], &[]),
        (Fault::FirstOfHeaders, &["handshake/"], &[Cause::HeaderJoinedOrRepeated]),
        (Fault::SetCookieJoined, &["handshake/"], &[Cause::HeaderJoinedOrRepeated]),
        (Fault::HeadersJoined, &["handshake/"], &[]),
        (Fault::Looped, &["handshake/"], &[Cause::ForwardingLoop]),
        (Fault::TwoInARow, &["handshake/"], &[]),
        (Fault::HeadLimit(5000), &["handshake/"], &[]),
        (Fault::ResponseLimit(3000), &["handshake/"], &[]),
        (Fault::Keepalive(Duration::from_millis(700)), &["idle/", "ping/", "time/both"], &[]),
        (Fault::MaxLife(Duration::from_secs(4)), &["-busy"], &[Cause::ConnectionCutOnPath]),
        (Fault::Slow(200 << 10), &["time/throughput", "ping/"], &[]),
        (Fault::Unbounded, &["time/", "end/", "ping/"], &[]),
        (Fault::CutAtFragment, &["fragments/", "size/125-"], &[Cause::ConnectionCutOnPath]),
    ];
    let mut wrong = Vec::new();
    let mut running = JoinSet::new();
    // Too many at a time are late on a busy machine.
    let slots = Arc::new(Semaphore::new(6));
    for (fault, probes, causes) in rows {
        let slots = slots.clone();
        running.spawn(async move {
            let _slot = slots.acquire_owned().await;
            (through(fault, probes).await, fault, causes)
        });
    }
    while let Some(ran) = running.join_next().await {
        let (report, fault, causes) = ran.expect("no panic");
        let (mut found, mut due) = (report.causes.clone(), causes.to_vec());
        found.sort_unstable();
        due.sort_unstable();
        if found != due {
            let bad: Vec<_> = report
                .probes
                .iter()
                .filter(|outcome| !outcome.causes.is_empty())
                .map(|outcome| {
                    format!("{} {} {:?} {}", outcome.name, outcome.verdict, outcome.causes, outcome.says)
                })
                .collect();
            wrong.push(format!("{fault:?}: found {found:?}, due {due:?}\n{}", bad.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_says_what_became_of_the_probe() {
    let report = through(Fault::TooBig(65_535), &["size/65535-client", "size/65536-client"]).await;
    assert_eq!(verdicts(&report, "size/"), [Verdict::AsSent, Verdict::Capped]);
    let report = through(Fault::Idle(Duration::from_secs(4)), &["idle/"]).await;
    // Shorter than the limit; longer; longer with pings of either side, of which each interrupts one direction alone.
    assert_eq!(verdicts(&report, "idle/")[..2], [Verdict::AsSent, Verdict::Closed]);
    // It is said, and is no cause: the order has no meaning.
    let report = through(Fault::OrderChanged, &["handshake/plain"]).await;
    assert_eq!(verdicts(&report, "handshake/"), [Verdict::Changed]);
    assert!(report.probes[0].says.contains("order"), "{}", report.probes[0].says);
    let report = through(Fault::CloseSwallowed, &["close/1000-client"]).await;
    assert_eq!(verdicts(&report, "close/"), [Verdict::Dropped]);
}

/// Of many connections, the bytes are those of the one that the sentence is about.
#[tokio::test(flavor = "multi_thread")]
async fn the_transcript_shows_the_connection_that_failed() {
    let report = through(Fault::Busy(30), &["time/many-connections"]).await;
    let outcome = &report.probes[0];
    assert_eq!(outcome.verdict, Verdict::Refused, "{outcome:?}");
    assert!(outcome.says.contains("50 connections failed"), "{}", outcome.says);
    assert!(outcome.transcript.contains("503 Service Unavailable"), "{}", outcome.transcript);
    let report = through(Fault::HeadLimit(2000), &["handshake/"]).await;
    let refused: Vec<_> =
        report.probes.iter().filter(|outcome| outcome.verdict == Verdict::Refused).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].name, "handshake/header-4k");
}

/// What is legal, rare or a quantity is said, and is no cause; the same without the fault is as sent.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_fault_is_said() {
    let rows: [(Fault, &str, Verdict, &str); 11] = [
        (Fault::HalfCloseCut, "end/half-close-server", Verdict::Closed, "had ended both"),
        (Fault::InterimDropped, "handshake/early-hints", Verdict::Dropped, "103 Early Hints"),
        (Fault::BodyDropped, "handshake/request-body", Verdict::Dropped, "the body of the request"),
        (Fault::HeadersJoined, "handshake/repeated", Verdict::Changed, "one, two"),
        (Fault::HeadLimit(5000), "handshake/header-8k", Verdict::Capped, "431"),
        (Fault::HeadLimit(9000), "handshake/header-8k", Verdict::AsSent, "it did"),
        (Fault::ResponseLimit(5000), "handshake/response-8k", Verdict::Capped, "502"),
        (Fault::ResponseLimit(9000), "handshake/response-8k", Verdict::AsSent, "it did"),
        (Fault::Slow(100 << 10), "time/throughput-client", Verdict::Delayed, "KiB/s"),
        (Fault::Unbounded, "time/slow-reader-client", Verdict::AsSent, "took all of it"),
        (Fault::Looped, "handshake/plain", Verdict::Changed, "more than once"),
    ];
    for (fault, probe, verdict, part) in rows {
        let report = through(fault, &[probe]).await;
        let outcome = &report.probes[0];
        assert_eq!(outcome.verdict, verdict, "{fault:?}: {outcome:#?}");
        assert!(outcome.says.contains(part), "{fault:?}: {}", outcome.says);
        let other = &through(Fault::None, &[probe]).await.probes[0];
        assert_eq!(other.verdict, Verdict::AsSent, "{probe}: {}", other.says);
        assert!(
            verdict != Verdict::AsSent || other.says != outcome.says || part == "it did",
            "{}",
            other.says
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_measured_is_in_the_report() {
    let report = through(Fault::None, &["time/"]).await;
    for (name, unit) in [
        ("time/small-frames-client", "ms"),
        ("time/throughput-server", "MiB/s"),
        ("time/slow-reader-client", "MiB"),
    ] {
        let outcome = report.probes.iter().find(|outcome| outcome.name == name).expect("it ran");
        let [figure] = &outcome.figures[..] else { panic!("{outcome:#?}") };
        assert!(figure.unit == unit && figure.value > 0.0, "{figure:?}");
        assert!(outcome.says.ends_with(unit), "{}", outcome.says);
    }
}

//! The gate over the whole table of rules: what keeps rules, engine, observer and reference one thing.
//!
//! 1. Each bad transcript yields exactly its rule, at its last step, at the right offset, fed whole, byte by byte, and
//!    cut at each position; each good one yields nothing.
//! 2. A receiver rule makes the engine give the row's answer; a rule that a sender could break makes the API refuse.
//! 3. Each rule is emitted somewhere, and has its prose in each language.

pub(crate) mod endpoint;
pub(crate) mod observer;
pub(crate) mod pending;
mod reaction;

use std::collections::BTreeSet;
use std::time::Duration;

use framewise_proto::{CloseFrame, Config, Connection, MessageKind, Misuse};
use framewise_rules::prose::Language;
use framewise_rules::{Answer, CloseCode, Role, Rule, SeenBy};
use framewise_transcript::Transcript;

use endpoint::Cut;
use pending::{ENDPOINT, OBSERVER};

fn parse(transcript: &str) -> Transcript {
    transcript.parse().unwrap_or_else(|error| panic!("{error}\n{transcript}"))
}

/// Every way in which a transcript's bytes are cut: whole, byte by byte, and once at each position.
fn cuts(transcript: &Transcript) -> Vec<Cut> {
    let longest = transcript.events.iter().map(|event| endpoint::bytes(event).len()).max().unwrap_or(0);
    let mut cuts = vec![Cut::Whole, Cut::Bytes];
    cuts.extend((1..longest).map(Cut::At));
    cuts
}

#[test]
fn the_engine_finds_each_bad_transcript_at_its_last_step_and_answers_as_the_row_says() {
    let (mut transcripts, mut runs, mut failures) = (0, 0, Vec::new());
    for &rule in Rule::ALL.iter().filter(|rule| rule.seen_by() == SeenBy::Receiver) {
        let mut emitted = false;
        for bad in rule.examples().bad {
            let transcript = parse(bad.transcript);
            transcripts += 1;
            let mut whole = None;
            for cut in cuts(&transcript) {
                runs += 1;
                let judged = endpoint::judge(&transcript, &bad.setup, rule.by(), cut);
                // All of it: the rules beside it, the frame, the detail. Of a head only what has arrived is pointed at.
                let found = judged.found.clone().into_iter().map(|mut found| {
                    if found.frame == 0 {
                        found.length = 0;
                    }
                    found
                });
                let found: Vec<_> = found.collect();
                let whole = whole.get_or_insert_with(|| found.clone());
                if *whole != found {
                    failures.push(format!("{rule}, {cut:?}: {:?} instead of {whole:?}", judged.found));
                }
                emitted |= judged.found.iter().any(|found| found.rule == rule);
                if let Err(failure) = judged.is(rule, bad.offset) {
                    failures.push(format!("{rule}, {cut:?}: {failure}\n{}", bad.transcript));
                    break;
                }
            }
        }
        assert!(!(emitted && ENDPOINT.contains(&rule)), "{rule} is emitted: take it off the pending list");
        if ENDPOINT.contains(&rule) {
            failures.retain(|failure| !failure.starts_with(&format!("{rule}, ")));
        }
    }
    println!("engine: {transcripts} bad transcripts, {runs} runs");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_engine_finds_nothing_in_a_good_transcript() {
    let (mut runs, mut failures) = (0, Vec::new());
    // The engine's handshake is that of HTTP/1.1.
    let read = |rule: &&Rule| !ENDPOINT.contains(rule) && rule.topic() != "http2";
    for &rule in Rule::ALL.iter().filter(read) {
        for good in rule.examples().good {
            let transcript = parse(good.transcript);
            for cut in cuts(&transcript) {
                runs += 1;
                let judged = endpoint::judge(&transcript, &good.setup, rule.by(), cut);
                if !judged.found.is_empty() {
                    failures.push(format!("{rule}, {cut:?}: {:?}\n{}", judged.found, good.transcript));
                    break;
                }
            }
        }
    }
    println!("engine: {runs} runs over good transcripts");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_observer_finds_each_bad_transcript_where_it_is_and_nothing_in_a_good_one() {
    let (mut runs, mut failures) = (0, Vec::new());
    for &rule in Rule::ALL {
        let mut emitted = false;
        for bad in rule.examples().bad {
            let transcript = parse(bad.transcript);
            for cut in cuts(&transcript) {
                runs += 1;
                let found = observer::judge(&transcript, &bad.setup, cut);
                emitted |= found.iter().any(|found| found.0 == rule);
                if found != [(rule, bad.offset)] && !OBSERVER.contains(&rule) {
                    failures
                        .push(format!("{rule} at {}, {cut:?}: {found:?}\n{}", bad.offset, bad.transcript));
                    break;
                }
            }
        }
        assert!(!(emitted && OBSERVER.contains(&rule)), "{rule} is emitted: take it off the pending list");
        for good in rule.examples().good {
            if OBSERVER.contains(&rule) {
                continue;
            }
            let transcript = parse(good.transcript);
            for cut in cuts(&transcript) {
                runs += 1;
                let found = observer::judge(&transcript, &good.setup, cut);
                if !found.is_empty() {
                    failures.push(format!("good of {rule}, {cut:?}: {found:?}\n{}", good.transcript));
                    break;
                }
            }
        }
    }
    println!("observer: {runs} runs");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_sending_api_refuses_or_cannot_write_what_a_sender_could_break() {
    let mut refused = BTreeSet::new();
    for role in [Role::Client, Role::Server] {
        for misuse in every_misuse(role) {
            refused.extend(misuse.rule());
        }
    }
    // What no command can write: the header is made by the engine, which has no argument for these. That it is made
    // right is shown below, for each form that it can take.
    let impossible = [
        Rule::Rsv1Unnegotiated,
        Rule::Rsv1OnContinuation,
        Rule::Rsv1OnControl,
        Rule::Rsv2Set,
        Rule::Rsv3Set,
        Rule::OpcodeReservedData,
        Rule::OpcodeReservedControl,
        Rule::LengthNotMinimal16,
        Rule::LengthNotMinimal64,
        Rule::LengthTopBit,
        Rule::MaskMissing,
        Rule::MaskPresent,
        Rule::ControlFragmented,
        Rule::ClosePayloadOneByte,
        // The reason is a `String`.
        Rule::CloseReasonInvalidUtf8,
    ];
    for rule in Rule::ALL {
        let of_frames =
            ["framing", "masking", "fragmentation", "control", "text", "closing"].contains(&rule.topic());
        let enforced = rule.seen_by() == SeenBy::Receiver && matches!(rule.answer(), Answer::Close(_));
        if of_frames && enforced && *rule != Rule::TextTruncatedUtf8 {
            assert!(
                refused.contains(rule) || impossible.contains(rule),
                "{rule}: nothing keeps a caller from it"
            );
        }
    }
    assert!(refused.contains(&Rule::TextInvalidUtf8), "it stands for text-truncated-utf8 as well");
}

fn every_misuse(role: Role) -> Vec<Misuse> {
    let now = Duration::ZERO;
    let mut engine = endpoint::engine(role, Config::default(), 0);
    let mut misuses = Vec::new();
    let mut refuse = |result: Result<(), Misuse>| misuses.push(result.expect_err("it must be refused"));
    refuse(engine.ping(now, &[0; 126]));
    refuse(engine.pong(&[0; 126]));
    refuse(engine.send_part(b"", true));
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
        refuse(engine.close(now, Some(&CloseFrame::new(CloseCode(code), ""))));
    }
    refuse(engine.close(now, Some(&CloseFrame::new(CloseCode(1000), "x".repeat(124)))));
    engine.begin(MessageKind::Text).expect("open");
    refuse(engine.send_text(""));
    refuse(engine.begin(MessageKind::Binary));
    refuse(engine.send_part(b"\xc0", false));
    refuse(engine.send_part(b"\xe2\x82", true));
    engine.close(now, None).expect("open");
    refuse(engine.send_binary(b""));
    refuse(engine.ping(now, b""));
    refuse(engine.close(now, None));
    misuses
}

/// Whatever is sent, the peer's engine finds nothing wrong with it.
#[test]
fn what_the_engine_writes_breaks_no_rule() {
    for role in [Role::Client, Role::Server] {
        let mut sender = endpoint::engine(role, Config::default(), 0);
        let mut receiver = endpoint::engine(role.peer(), Config::default(), 0);
        let mut written = Vec::new();
        let mut flush = |sender: &mut Connection| {
            while let Some(transmit) = sender.poll_transmit() {
                written.extend(transmit.into_vec());
            }
        };
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            sender.send_binary(&vec![0xff; length]).expect("open");
            sender.send_text(&"x".repeat(length)).expect("open");
            sender.begin(MessageKind::Text).expect("open");
            sender.send_part("é".repeat(length).as_bytes(), false).expect("open");
            sender.ping(Duration::ZERO, &vec![0; length.min(125)]).expect("open");
            sender.pong(&vec![0; length.min(125)]).expect("open");
            sender.send_part(b"", true).expect("open");
            flush(&mut sender);
        }
        let reason = CloseFrame::new(CloseCode(4000), "é".repeat(61));
        sender.close(Duration::ZERO, Some(&reason)).expect("open");
        flush(&mut sender);
        let found = endpoint::feed(&mut receiver, Duration::ZERO, &mut written, &mut Vec::new());
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn each_rule_has_its_examples_its_prose_in_each_language_and_someone_who_emits_it() {
    let mut transcripts = 0;
    for &rule in Rule::ALL {
        assert!(!rule.examples().bad.is_empty() && !rule.examples().good.is_empty(), "{rule} has no example");
        transcripts += rule.examples().bad.len() + rule.examples().good.len();
        for language in [Language::English, Language::French] {
            assert!(!rule.title(language).is_empty(), "{rule}");
            assert_eq!(rule.sections(language).len(), 3, "{rule}");
        }
        let pending =
            OBSERVER.contains(&rule) && (rule.seen_by() == SeenBy::Observer || ENDPOINT.contains(&rule));
        println!("{rule}: {}", if pending { "pending" } else { "emitted" });
    }
    println!("{} rules, {transcripts} transcripts", Rule::ALL.len());
}

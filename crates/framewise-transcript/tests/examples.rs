//! The examples of the rules are transcripts: each parses, and fits its rule.
#![allow(missing_docs)]

use framewise_rules::{Offender, Role, Rule};
use framewise_transcript::{Action, Transcript};

#[test]
fn every_rule_has_a_bad_and_a_good_transcript_and_all_of_them_parse() {
    for &rule in Rule::ALL {
        let examples = rule.examples();
        assert!(!examples.bad.is_empty() && !examples.good.is_empty(), "{rule}");
        let bad = examples.bad.iter().map(|bad| bad.transcript);
        for text in bad.chain(examples.good.iter().map(|good| good.transcript)) {
            match Transcript::parse(text) {
                Ok(transcript) => {
                    assert!(transcript.legs.len() == 1 && !transcript.events.is_empty(), "{rule}: {text}");
                }
                Err(error) => panic!("{rule}: {error}\n{text}"),
            }
        }
    }
}

#[test]
fn an_offset_lies_in_a_stream_of_who_can_break_the_rule() {
    for &rule in Rule::ALL {
        for bad in rule.examples().bad {
            let transcript = Transcript::parse(bad.transcript).unwrap();
            let offenders = [Role::Client, Role::Server].into_iter().filter(|&role| rule.by().includes(role));
            let longest = offenders.map(|role| transcript.stream(0, role).len() as u64).max();
            assert!(longest >= Some(bad.offset), "{rule}: {}", bad.transcript);
        }
    }
}

#[test]
fn a_rule_of_both_sides_is_broken_by_both() {
    for &rule in Rule::ALL.iter().filter(|rule| rule.by() == Offender::Either) {
        let sides = rule.examples().bad.iter().map(|bad| {
            let transcript = Transcript::parse(bad.transcript).unwrap();
            transcript.events.last().map(|event| event.from)
        });
        let sides: Vec<_> = sides.collect();
        assert!(sides.contains(&Some(Role::Client)) && sides.contains(&Some(Role::Server)), "{rule}");
    }
}

#[test]
fn no_two_transcripts_of_a_rule_are_the_same() {
    for &rule in Rule::ALL {
        let bad = rule.examples().bad.iter().map(|bad| (bad.transcript, format!("{:?}", bad.setup)));
        let good = rule.examples().good.iter().map(|good| (good.transcript, format!("{:?}", good.setup)));
        let mut all: Vec<_> = bad.chain(good).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count, "{rule}");
    }
}

#[test]
fn a_step_that_is_bytes_has_some() {
    for &rule in Rule::ALL {
        for bad in rule.examples().bad {
            for event in Transcript::parse(bad.transcript).unwrap().events {
                assert_ne!(event.action, Action::Bytes(Vec::new()), "{rule}");
            }
        }
    }
}

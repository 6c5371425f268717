//! Legal traffic that looks like a fault, beside traffic that is one.

use framewise_inspect::diagnose;
use framewise_transcript::Transcript;

use crate::causes::expand;

/// The rules that are found in a transcript.
fn rules(text: &str) -> Vec<&'static str> {
    let transcript: Transcript = expand(text).parse().expect("a transcript");
    let found = diagnose(&transcript).findings;
    found.iter().map(|finding| finding.rule.map_or("none", framewise_rules::Rule::id)).collect()
}

#[test]
fn a_pong_that_comes_behind_the_next_ping_answers_its_own() {
    let pings = "open\n< 89 01 61\n< 89 01 62\n";
    let (a, b, c) =
        ("> 8a 81 01 00 00 01 60  # a\n", "> 8a 81 01 00 00 01 63  # b\n", "> 8a 81 01 00 00 01 62  # c\n");
    assert_eq!(rules(&format!("{pings}{a}{b}")), ["ping-unanswered"]);
    assert_eq!(rules(&format!("{pings}{b}{c}")), ["ping-unanswered"], "what comes unsolicited is legal");
    assert_eq!(rules(&format!("{pings}{a}{c}")), ["ping-unanswered", "pong-mismatched"]);
    assert_eq!(rules(&format!("{pings}{c}")), ["ping-unanswered", "pong-mismatched"]);
}

#[test]
fn a_side_that_waits_for_longer_than_others_would_and_goes_on_has_nothing_to_complain_of() {
    let closed = "[21.0] > 88 82 37 fa 21 3d 34 12  # 1000\n[21.1] < eof\n[21.2] > eof\n";
    let patient = format!("[0.0] REQUEST\n[12.0] RESPONSE\n[13.0] < 88 02 03 e8\n{closed}");
    assert_eq!(rules(&patient), [""; 0]);
    // Who gives up shows by its end that it waited too long.
    assert_eq!(rules("[0.0] REQUEST\n[12.0] > eof"), ["response-timeout"]);
    let unanswered = "[0.0] REQUEST\n[0.1] RESPONSE\n[1.0] < 88 02 03 e8\n[9.0] < eof";
    assert_eq!(rules(unanswered), ["close-unanswered"]);
}

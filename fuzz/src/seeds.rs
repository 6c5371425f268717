//! The examples of the rules, as seeds.

use framewise_rules::{Role, Rule};
use framewise_transcript::Transcript;

/// Every example of the table: its text, and what it parses to.
pub fn examples() -> Vec<(&'static str, Transcript)> {
    let texts = Rule::ALL.iter().flat_map(|rule| {
        let examples = rule.examples();
        let bad = examples.bad.iter().map(|bad| bad.transcript);
        bad.chain(examples.good.iter().map(|good| good.transcript))
    });
    texts.filter_map(|text| Some((text, text.parse().ok()?))).collect()
}

/// The streams of the examples that begin after a handshake: who sent them, what was agreed, the bytes.
pub fn streams() -> Vec<(Role, String, Vec<u8>)> {
    let mut streams = Vec::new();
    for (_, transcript) in examples() {
        let Some(open) = transcript.legs.first().and_then(|leg| leg.open.clone()) else { continue };
        for role in [Role::Client, Role::Server] {
            let stream = transcript.stream(0, role);
            if !stream.is_empty() && stream.len() <= 2048 {
                streams.push((role, open.clone(), stream));
            }
        }
    }
    streams
}

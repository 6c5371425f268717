use framewise_rules::{Limits, MessageKinds, Role, Rule, SeenBy};
use framewise_transcript::{Action, Transcript};

/// Bytes that break a rule after a correct handshake.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) rule: Rule,
    /// The extensions that the handshake must agree; "" for none.
    pub(crate) agreed: String,
    /// Everything that one end sends; the last part breaks the rule.
    pub(crate) bytes: Vec<u8>,
}

impl Case {
    /// The bytes in a readable form, shortened if there are many.
    pub(crate) fn shown(&self) -> String {
        const MOST: usize = 24;
        let hex: Vec<String> = self.bytes.iter().take(MOST).map(|byte| format!("{byte:02x}")).collect();
        let mut shown = hex.join(" ");
        if self.bytes.len() > MOST {
            shown = format!("{shown} … ({} bytes)", self.bytes.len());
        }
        if self.agreed.is_empty() { shown } else { format!("{shown} [{}]", self.agreed) }
    }
}

/// The examples in which only this end sends, and the other end can detect the violation at once. Examples about limits and
/// message types are left out: each endpoint chooses those for itself.
pub(crate) fn all(by: Role) -> Vec<Case> {
    let rules = Rule::ALL.iter().filter(|rule| rule.seen_by() == SeenBy::Receiver && rule.topic() != "limit");
    rules
        .flat_map(|&rule| {
            rule.examples().bad.iter().filter_map(move |bad| {
                let own_choice =
                    bad.setup.limits != Limits::DEFAULT || bad.setup.messages != MessageKinds::All;
                if own_choice { None } else { case(rule, bad.transcript, by) }
            })
        })
        .collect()
}

fn case(rule: Rule, transcript: &str, by: Role) -> Option<Case> {
    let transcript = Transcript::parse(transcript).unwrap_or_else(|error| panic!("{}: {error}", rule.id()));
    let [leg] = &transcript.legs[..] else { return None };
    let agreed = leg.open.clone()?;
    let by_it_alone =
        transcript.events.iter().all(|event| event.from == by && matches!(event.action, Action::Bytes(_)));
    by_it_alone.then(|| Case { rule, agreed, bytes: transcript.stream(0, by) })
}

//! What breaks one connection leaves the others alone.

use std::collections::BTreeSet;

use framewise_proto::Opcode;

use crate::case::{Case, Due, Frame, Level, Needs, Of, Step, Work};

/// A case for each rule that has one so far: its bytes go over a connection beside the one that is judged.
pub(super) fn push(cases: &mut Vec<Case>) {
    let mut rules = BTreeSet::new();
    let mut more = Vec::new();
    for case in cases.iter().filter(|case| case.of != Of::Client) {
        let (Some(rule), Work::Frames { steps, due: Due::Fail { .. }, .. }) = (case.rule, &case.work) else {
            continue;
        };
        if rules.insert(rule.id()) {
            let says = format!("One connection breaks {rule}: another goes on with its message");
            more.push(beside(rule.id(), says, steps.clone(), case));
        }
    }
    if let Some(plain) = cases.first() {
        let half = Frame { claims: Some(1000), ..Frame::new(Opcode::Binary, "half") };
        let ends: [(&str, &str, Vec<Step>); 4] = [
            ("end-of-tcp", "One connection ends without a Close frame", vec![Step::Eof]),
            (
                "half-a-frame",
                "One connection stops inside a frame",
                vec![Step::Frame(half.clone()), Step::Mute],
            ),
            (
                "half-a-frame-and-end",
                "One connection ends inside a frame",
                vec![Step::Frame(half), Step::Eof],
            ),
            (
                "close",
                "One connection is closed as it should be",
                vec![Step::Frame(Frame::new(Opcode::Close, b"\x03\xe8"))],
            ),
        ];
        for (name, says, steps) in ends {
            more.push(beside(name, format!("{says}: another goes on with its message"), steps, plain));
        }
    }
    cases.extend(more);
}

fn beside(name: &str, says: String, steps: Vec<Step>, of: &Case) -> Case {
    Case {
        name: format!("isolation/{name}"),
        says,
        rule: None,
        level: Level::Must,
        of: Of::Server,
        needs: Needs { echo: true, deflate: of.needs.deflate.clone(), cases: Vec::new() },
        autobahn: None,
        work: Work::Beside { steps },
    }
}

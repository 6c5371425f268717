//! The mutants: one for each rule and role that a receiver can check, and at least one for each family of cases.

use framewise_conform::Closing;
use framewise_rules::{Offender, Role, Rule, SeenBy};

use crate::peer::Fault;

/// One faulty endpoint, the cases that are run against it, and what they have to say.
#[derive(Clone, Debug)]
pub(super) struct Mutant {
    pub(super) fault: Fault,
    pub(super) role: Role,
    /// The names of the cases begin so; empty for those of the rule.
    pub(super) cases: &'static str,
    /// The rule that a failing case names.
    pub(super) rule: Option<Rule>,
    /// How the connection ends in the failing case, where that is the fault.
    pub(super) closing: Option<Closing>,
}

/// Rules that a receiver enforces and no mutant switches off, and why.
pub(super) const LEFT_OUT: [(Rule, &str); 14] = [
    (Rule::RequestHostMismatch, "RFC 9112 lets a server ignore Host: recorded only"),
    (Rule::RequestOrigin, "depends on the configuration of the server"),
    (Rule::ResponseTimeout, "shown by a clock alone"),
    (Rule::ExtensionRequired, "depends on the configuration of the client"),
    (Rule::UnsupportedData, "depends on the configuration of the endpoint"),
    (Rule::MessageTooBig, "depends on the limit of the endpoint: recorded only"),
    (Rule::FragmentsTooMany, "depends on the limit of the endpoint: recorded only"),
    (Rule::InflateTooBig, "depends on the limit of the endpoint: recorded only"),
    (Rule::ControlFlood, "depends on the limit of the endpoint: recorded only"),
    (Rule::IdleTimeout, "shown by a clock alone"),
    (Rule::CloseTimeout, "shown by a clock alone"),
    // Their mutants are among those of the families.
    (Rule::FrameAfterClose, "the mutant `ReadsAfterClose`"),
    (Rule::TextTruncatedUtf8, "the mutant of text"),
    (Rule::DeflateContextMismatch, "the mutant of the table"),
];

/// A mutant for each rule that a receiver of this role can check.
fn of_rules() -> Vec<Mutant> {
    let mut mutants = Vec::new();
    for &rule in Rule::ALL {
        if rule.seen_by() != SeenBy::Receiver {
            continue;
        }
        let (server, client) = match rule.by() {
            Offender::Client => (true, false),
            Offender::Server => (false, true),
            Offender::Either => (true, true),
        };
        let left_out = LEFT_OUT.iter().any(|&(left_out, _)| left_out == rule)
            && !matches!(rule, Rule::TextTruncatedUtf8 | Rule::DeflateContextMismatch);
        for role in [(server, Role::Server), (client, Role::Client)] {
            if role.0 && !left_out {
                let (fault, role) = (Fault::Unchecked(rule), role.1);
                mutants.push(Mutant { fault, role, cases: "", rule: Some(rule), closing: None });
            }
        }
    }
    mutants
}

/// A fault, the cases that notice it, the rule that they name, how the connection ends, and the roles.
type Row = (Fault, &'static str, Option<Rule>, Option<Closing>, &'static [Role]);

const BOTH: &[Role] = &[Role::Server, Role::Client];
const SERVER: &[Role] = &[Role::Server];
const CLIENT: &[Role] = &[Role::Client];

#[rustfmt::skip]
const OF_FAMILIES: &[Row] = &[
    // How a connection is failed, and closed.
    (Fault::DropsInsteadOfFailing, "frame/opcode/3-empty", Some(Rule::OpcodeReservedData), Some(Closing::Dropped), BOTH),
    (Fault::FailsWith(1000), "frame/opcode/3-empty", Some(Rule::OpcodeReservedData), Some(Closing::WrongCode), BOTH),
    (Fault::FailsWith(1007), "frame/opcode/3-empty", Some(Rule::OpcodeReservedData), Some(Closing::WrongCode), BOTH),
    (Fault::FailsWith(1002), "text/sequence/impossible-1", Some(Rule::TextInvalidUtf8), Some(Closing::WrongCode), BOTH),
    (Fault::EmptyCloses, "close/code/3000-is-echoed", Some(Rule::CloseCodeNotEchoed), Some(Closing::NoCode), BOTH),
    (Fault::NoCloses, "close/payload/code", Some(Rule::CloseUnanswered), None, BOTH),
    (Fault::RejectsCodes, "close/code/1014", None, Some(Closing::WrongCode), BOTH),
    (Fault::ReadsAfterClose, "close/message-after", Some(Rule::FrameAfterClose), None, BOTH),
    // A client does not end TCP first.
    (Fault::Lingers, "time/tcp-ends-after-", Some(Rule::CloseTcpLingering), Some(Closing::Lingering), SERVER),
    (Fault::ForgetsAtEnd, "time/half-close/after-a-close", Some(Rule::CloseUnanswered), Some(Closing::Dropped), BOTH),
    (Fault::Unchecked(Rule::RequestTimeout), "time/unfinished-request/", Some(Rule::RequestTimeout), None, SERVER),
    // Control frames.
    (Fault::EmptyPongs, "control/ping/text", Some(Rule::PingUnanswered), None, BOTH),
    (Fault::NoPongs, "control/ping/text", Some(Rule::PingUnanswered), None, BOTH),
    (Fault::AnswersPongs, "control/pong/unsolicited-then-ping", None, None, BOTH),
    // What comes back.
    (Fault::WrongKind, "frame/length/binary-1", None, None, BOTH),
    (Fault::WrongMask, "frame/length/text-1", Some(Rule::MaskPresent), None, SERVER),
    (Fault::WrongMask, "frame/length/text-1", Some(Rule::MaskMissing), None, CLIENT),
    (Fault::ReplacesLong, "frame/length/text-65536", None, None, BOTH),
    (Fault::ReplacesLong, "size/text-64k", None, None, BOTH),
    (Fault::ReplacesLong, "size/binary-1m-in-pieces-of-2048", None, None, BOTH),
    (Fault::LosesThird, "many/text-16", None, None, BOTH),
    (Fault::EchoesFragments, "fragments/two", None, None, BOTH),
    (Fault::ReplacesBadText, "text/fault/surrogate-", Some(Rule::TextInvalidUtf8), None, BOTH),
    (Fault::ReplacesBadText, "text/long/bad-byte-", Some(Rule::TextInvalidUtf8), None, BOTH),
    (Fault::LosesFragments, "flood/100-fragments", None, None, BOTH),
    (Fault::TiredOfPings, "flood/100-pings-empty", Some(Rule::PingUnanswered), None, BOTH),
    (Fault::Unchecked(Rule::FrameTooBig), "limit/announced/", Some(Rule::FrameTooBig), Some(Closing::Missing), BOTH),
    // Security.
    (Fault::Unchecked(Rule::MaskMissing), "security/unmasked/", Some(Rule::MaskMissing), None, SERVER),
    (Fault::Unchecked(Rule::MaskPresent), "security/masked/", Some(Rule::MaskPresent), None, CLIENT),
    (Fault::Unchecked(Rule::RequestTooLarge), "security/head-", Some(Rule::RequestTooLarge), None, SERVER),
    (Fault::EndsAll, "isolation/rsv2-set", None, None, SERVER),
    // Handshakes.
    (Fault::ComparesCase, "handshake/accepts/upgrade-", None, None, SERVER),
    (Fault::AgreesToAll, "handshake/accepts/unknown-extension", None, None, SERVER),
    (Fault::WrongAccept, "frame/length/text-1", Some(Rule::ResponseAcceptWrong), None, SERVER),
    (Fault::Unchecked(Rule::ResponseUpgrade), "response/", Some(Rule::ResponseUpgrade), None, CLIENT),
    // Compression.
    (Fault::NoTakeover, "deflate/frames/takeover", None, None, BOTH),
    (Fault::NoTakeover, "deflate/offer/plain", None, None, SERVER),
    // A server is offered `client_no_context_takeover` with these.
    (Fault::NoTakeover, "deflate/json-64", None, None, CLIENT),
    (Fault::NoTakeover, "deflate/parameters/plain-64", None, None, CLIENT),
    (Fault::InflatesShort, "deflate/json-16384", None, None, BOTH),
    (Fault::InflatesShort, "deflate/parameters/plain-16384", None, None, BOTH),
    (Fault::DoesNotInflate, "deflate/frames/one-frame", None, None, BOTH),
    (Fault::InflatesShort, "deflate/dense/50-kib", None, None, BOTH),
    (Fault::AgreesTooMuch, "deflate/frames/one-frame", Some(Rule::DeflateResponseInvalid), None, SERVER),
    (Fault::IgnoresTakeover, "deflate/offer/snct", Some(Rule::DeflateTakeoverIgnored), None, SERVER),
    (Fault::CompressesTooFar, "deflate/offer/smwb9-large", Some(Rule::DeflateWindowViolated), None, SERVER),
    (Fault::CompressesOn, "deflate/offer/snct", Some(Rule::DeflateContextMismatch), None, SERVER),
    (Fault::Unchecked(Rule::DeflateOfferInvalid), "deflate/invalid-offer/", Some(Rule::DeflateOfferInvalid), None, SERVER),
    (Fault::Unchecked(Rule::DeflateDataInvalid), "deflate/turned-bit/", Some(Rule::DeflateDataInvalid), None, BOTH),
    (Fault::Unchecked(Rule::DeflateDataInvalid), "deflate/fault/", Some(Rule::DeflateDataInvalid), None, BOTH),
    (Fault::Unchecked(Rule::DeflateContextMismatch), "table/deflate-context-mismatch/", Some(Rule::DeflateContextMismatch), None, BOTH),
];

pub(super) fn all() -> Vec<Mutant> {
    let mut mutants = of_rules();
    for &(fault, cases, rule, closing, roles) in OF_FAMILIES {
        mutants.extend(roles.iter().map(|&role| Mutant { fault, role, cases, rule, closing }));
    }
    mutants
}

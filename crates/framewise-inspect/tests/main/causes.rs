//! Connections made up for the detectors: other shapes, sizes and sides than the corpus has, and legal traffic, in which
//! nothing may be found.

use framewise_inspect::diagnose;
use framewise_inspect::report::Consequence;
use framewise_transcript::Transcript;

const CASES: &str = include_str!("../causes.txt");
const LOOKALIKES: &str = include_str!("../lookalikes.txt");

const REQUEST: &str = concat!(
    r#"> "GET /ws HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"#,
    r#"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n""#
);
const RESPONSE: &str = concat!(
    r#"< "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"#,
    r#"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n""#
);

/// Every case: its name, what is expected, and its transcript.
pub(crate) fn cases() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    [CASES, LOOKALIKES].into_iter().flat_map(|cases| cases.split("\n= ").skip(1)).map(|case| {
        let (head, transcript) = case.split_once('\n').expect("a case has lines");
        let (name, expected) = head.rsplit_once(": ").expect("a case has an expectation");
        (name, expected, transcript)
    })
}

/// A transcript with the two heads of a handshake in full.
pub(crate) fn expand(transcript: &str) -> String {
    transcript.replace("REQUEST", REQUEST).replace("RESPONSE", RESPONSE)
}

/// What went other than expected in a case; `None` where it is as it should be.
fn failure(expected: &str, transcript: &str) -> Option<String> {
    let transcript: Transcript = expand(transcript).parse().expect("the case is a transcript");
    let connection = diagnose(&transcript);
    if expected == "legal" {
        return (!connection.findings.is_empty()).then(|| format!("{:#?}", connection.findings));
    }
    let (expected, not) = expected.split_once(", not ").unwrap_or((expected, ""));
    let [rule, by, causes] = expected.split(", ").collect::<Vec<_>>()[..] else { panic!("{expected}") };
    let id = |rule: Option<framewise_rules::Rule>| rule.map_or("null", framewise_rules::Rule::id);
    let found = connection.findings.iter().find(|finding| id(finding.rule) == rule);
    let Some(found) = found else {
        let rules: Vec<_> = connection.findings.iter().map(|finding| id(finding.rule)).collect();
        return Some(format!("found {rules:?}"));
    };
    if found.by.map_or("-", framewise_rules::Role::name) != by {
        return Some(format!("by {:?}", found.by));
    }
    // As a reader sees them: the verdict's first, then those of the other findings.
    let verdict = connection.verdict.and_then(|verdict| verdict.cause);
    let named = verdict
        .into_iter()
        .chain(connection.findings.iter().flat_map(|finding| &finding.causes).map(|cause| cause.id));
    let named: Vec<_> = named.map(framewise_rules::Cause::id).collect();
    if let Some(wrong) = named.iter().find(|cause| not.split('|').any(|not| not == **cause)) {
        return Some(format!("{wrong} is named"));
    }
    let first = named.first().copied().unwrap_or("-");
    (!causes.split('|').any(|cause| cause == first)).then(|| format!("the first cause is {first}"))
}

#[test]
fn each_case_has_its_rule_its_side_and_its_cause() {
    let mut failures = Vec::new();
    let mut cases = 0;
    for (name, expected, transcript) in self::cases() {
        cases += 1;
        if let Some(failure) = failure(expected, transcript) {
            failures.push(format!("{name}: expected {expected}; {failure}"));
        }
    }
    println!("{cases} cases");
    assert!(cases > 200);
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

/// Every cause is named with its evidence and what to do.
#[test]
fn a_cause_comes_with_its_evidence_and_a_fix() {
    let transcript: Transcript =
        format!("{REQUEST}\n{RESPONSE}\n> 81 02 68 69").parse().expect("it is a transcript");
    let connection = diagnose(&transcript);
    let causes = &connection.findings[0].causes;
    assert_eq!(causes[0].id, framewise_rules::Cause::ClientDoesNotMask);
    assert!(!causes[0].evidence.is_empty() && !causes[0].fix.is_empty());
    assert_eq!(connection.findings[0].bytes, "81 02 68 69");
    assert_eq!(connection.findings[0].excerpt.marked.len(), 2);
}

fn consequences(transcript: &str) -> Vec<Option<Consequence>> {
    let connection = diagnose(&expand(transcript).parse().expect("it is a transcript"));
    connection.findings.iter().map(|finding| finding.consequence).collect()
}

/// One fault is one finding: what follows from it says from which.
#[test]
fn what_follows_from_a_fault_says_so() {
    // A client without masks, in each of three frames.
    let unmasked = consequences("open\n> 81 02 68 69\n> 81 02 68 69\n> 89 00\n< 8a 00");
    assert_eq!(unmasked, [None, Some(Consequence::Repeats(0)), Some(Consequence::Repeats(0))]);
    // No response after a missing Upgrade.
    let request = REQUEST.replace("Upgrade: websocket\\r\\n", "");
    assert_eq!(consequences(&format!("{request}\n< eof")), [None, Some(Consequence::Follows(0))]);
}

/// The rejection of a request that breaks a rule is no finding of its own: the request's says how it was answered.
#[test]
fn a_rejection_is_part_of_the_finding_that_it_answers() {
    let says = |transcript: &str| -> Vec<String> {
        let connection = diagnose(&expand(transcript).parse().expect("it is a transcript"));
        connection.findings.into_iter().map(|finding| finding.says).collect()
    };
    let request = REQUEST.replace("Upgrade: websocket\\r\\n", "");
    let rejection =
        r#"< "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 22\r\n\r\nmissing Upgrade header""#;
    let expected = " The server answers 426 Upgrade Required: \"missing Upgrade header\".";
    let refused = says(&format!("{request}\n{rejection}"));
    assert!(refused.len() == 1 && refused[0].ends_with(expected), "{refused:?}");
    // The same, passed on by a proxy to a leg whose request was right.
    let passed_on = says(&format!(
        "leg client-proxy\nREQUEST\nleg proxy-server\n{request}\n{rejection}\nleg client-proxy\n{rejection}"
    ));
    assert!(passed_on.len() == 1 && passed_on[0].ends_with(expected), "{passed_on:?}");
    // A request that is right: the rejection is the finding.
    let right = says(&format!("REQUEST\n{rejection}"));
    assert!(
        right.len() == 1 && right[0].starts_with("The response status is not 101 (here 426)"),
        "{right:?}"
    );
}

/// Nobody is at fault without evidence, and the intermediary where one leg shows that an endpoint is not.
#[test]
fn a_fault_is_somebodys_as_far_as_the_legs_prove_it() {
    use framewise_inspect::report::Fault;
    let fault = |transcript: &str| {
        let connection = diagnose(&expand(transcript).parse().expect("it is a transcript"));
        connection.verdict.expect("something is wrong").fault
    };
    assert_eq!(fault("open\n< 81 02 68 69\n< reset"), None);
    assert_eq!(fault("open\n< 81 05 68 69\n< eof"), Some(Fault::Server), "it ends inside a frame");
    // Without a cause, the sender of the bytes; of an end nobody.
    assert_eq!(
        fault("open\n> 83 80 01 02 03 04\n> 81 80 01 02 03 04\n> 81 80 01 02 03 04"),
        Some(Fault::Client)
    );
    assert_eq!(fault("open\n> 81 80 01 02 03 04\n< 81 00\n< eof"), None);
    // An empty list of subprotocols, written by the proxy, and by the client.
    let empty = REQUEST.replace("Version: 13", "Version: 13\\r\\nSec-WebSocket-Protocol: ");
    let legs = |client: &str| format!("leg client-proxy\n{client}\nleg proxy-server\n{empty}");
    assert_eq!(fault(&legs("REQUEST")), Some(Fault::Intermediary));
    assert_eq!(fault(&legs(&empty)), Some(Fault::Client));
    // A server that sends a masked frame through the proxy, and a proxy that masks it.
    let masked = |server: &str| {
        format!(
            "leg client-proxy\nopen\nleg proxy-server\nopen\n< {server}\nleg client-proxy\n< 81 82 01 02 03 04 69 6b"
        )
    };
    assert_eq!(fault(&masked("81 82 01 02 03 04 69 6b")), Some(Fault::Server));
    assert_eq!(fault(&masked("81 02 68 69")), Some(Fault::Intermediary));
    // One leg: a page that an intermediary wrote itself, and the same status of an application.
    let page = |body: &str| {
        fault(&format!("REQUEST\n< \"HTTP/1.1 404 Not Found\\r\\nServer: nginx\\r\\n\\r\\n{body}\""))
    };
    assert_eq!(page("<hr><center>nginx/1.24</center>"), Some(Fault::Intermediary));
    assert_eq!(page("no such channel"), Some(Fault::Server));
    // An answer that came, and came late.
    let close = "[0.0] REQUEST\n[0.1] RESPONSE\n[1.0] > 88 80 00 00 00 00\n";
    assert_eq!(fault(&format!("{close}[99.0] < 88 00\n[99.0] < eof")), Some(Fault::Server));
    assert_eq!(fault(&format!("{close}[99.0] < eof")), None, "nothing says who lost the connection");
    // A message above a buffer, and one above a limit.
    let big = |header: &str| fault(&format!("open\n> 81 {header} 00 00 00 00 61\n< 88 02 03 f1"));
    assert_eq!(big("fe 24 00"), Some(Fault::Server));
    assert_eq!(big("ff 00 00 00 00 00 1e 84 80"), Some(Fault::Client));
    // A server that says that it does not speak the client's subprotocol.
    let offered = REQUEST.replace("Version: 13", "Version: 13\\r\\nSec-WebSocket-Protocol: graphql-ws");
    let connection = diagnose(
        &expand(&format!("{offered}\nRESPONSE\n< 88 02 11 36\n< eof")).parse().expect("it is a transcript"),
    );
    assert_eq!(connection.findings[0].causes[0].fault, Some(Fault::Client));
}

/// What looks like it and stands for itself.
#[test]
fn two_faults_are_two_findings() {
    // Each side breaks the same rule.
    let both = consequences("open\n> 83 80 00 00 00 00\n< 83 00");
    assert_eq!(both, [None, None]);
    // Two rules of one side.
    let two = consequences("open\n> 81 02 68 69\n> 81 fe 00 02 00 00 00 00 68 69");
    assert_eq!(two, [None, None]);
    // A refusal of a request with a note, which refuses nothing.
    let note = REQUEST.replace("Host: example.com", "Host: example.com\\r\\nSec-WebSocket-Accept: x");
    let status = consequences(&format!("{note}\n< \"HTTP/1.1 503 Service Unavailable\\r\\n\\r\\n\""));
    assert!(status.iter().all(Option::is_none), "{status:?}");
    // A side that broke a rule and then drops the connection itself.
    let own = consequences("open\n< 83 00\n< eof");
    assert!(own.iter().all(Option::is_none), "{own:?}");
}

/// A finding's sentence is the violation's: what broke the rule, who sent it, and where.
#[test]
fn a_finding_says_what_who_and_where() {
    let says = |transcript: &str| {
        diagnose(&transcript.parse().expect("it is a transcript")).findings[0].says.clone()
    };
    let reserved = says("open\n< 88 02 03 ee  # 1006");
    assert!(reserved.ends_with(" (here 1006). Sent by the server at byte 2, frame 1."), "{reserved}");
    let end = says("open\n> 81 82 37 fa 21 3d 5f 93  # \"hi\"\n> eof");
    assert!(end.ends_with(". By the client after byte 8, frame 1."), "{end}");
    let head = says("> \"GET /\"\n> \"\\x01\\r\\n\"");
    assert!(head.ends_with("Sent by the client at byte 0."), "{head}");
}

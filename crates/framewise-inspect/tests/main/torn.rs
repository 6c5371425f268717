//! Long binary messages, in whose bytes anything can be read: a frame that tears one apart is told from one that does not.

use framewise_inspect::{Connection, Endpoints, Observer};
use framewise_rules::{Cause, Role, Rule};

/// A binary message whose bytes look like anything, from a generator: the same in every run.
fn dense(length: u16, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let payload = (0..length).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    [0x82, 126].into_iter().chain(length.to_be_bytes()).chain(payload).collect()
}

fn observe_server(stream: &[u8]) -> Connection {
    let mut observer = Observer::new(Endpoints::UNKNOWN);
    let leg = observer.leg("client-server");
    observer.open(leg, "");
    observer.bytes(leg, Role::Server, None, stream);
    observer.finish()
}

fn first(connection: &Connection) -> (Option<Rule>, Option<Cause>) {
    let finding = connection.findings.first().expect("a rule is broken");
    (finding.rule, finding.causes.first().map(|cause| cause.id))
}

/// In many random bytes there is a header somewhere whose length fits: that alone tears no frame apart.
#[test]
fn a_frame_that_is_wrong_by_itself_is_not_torn_from_the_one_before() {
    let wrong: [(&[u8], Rule, Option<Cause>); 5] = [
        (b"\x82\x86\x5a\x13\xc7\x2e\x72\x3a\xed\x05\x76\x3e", Rule::MaskPresent, Some(Cause::ServerMasks)),
        (b"\x82\x7e\x00\x05\x01\x02\x03\x04\x05", Rule::LengthNotMinimal16, Some(Cause::LengthAlwaysLong)),
        (b"\x83\x04\x9a\xbc\xde\xf0", Rule::OpcodeReservedData, None),
        (b"\x09\x00", Rule::ControlFragmented, Some(Cause::FinOmitted)),
        (b"Traceback: the worker has died\n", Rule::Rsv1Unnegotiated, Some(Cause::TextWrittenToSocket)),
    ];
    for length in [1_000, 4_000, 16_000, 60_000] {
        for seed in 0..4 {
            for (bytes, rule, cause) in &wrong {
                let connection = observe_server(&[&dense(length, seed), *bytes].concat());
                assert_eq!(first(&connection), (Some(*rule), *cause), "{length} bytes, seed {seed}");
            }
        }
    }
}

/// What does tear it apart is found in as many bytes.
#[test]
fn a_message_between_the_bytes_of_a_long_one_is_found() {
    for length in [1_000, 4_000, 16_000, 60_000] {
        for seed in 0..4 {
            let mut stream = dense(length, seed);
            let middle = stream.len() / 2;
            stream.splice(middle..middle, *b"\x81\x17{\"event\":\"heartbeat 7\"}");
            stream.extend(b"\x82\x02\x01\x02");
            let connection = observe_server(&stream);
            let causes = connection.findings.iter().flat_map(|finding| &finding.causes);
            let named = causes.map(|cause| cause.id).next();
            assert_eq!(named, Some(Cause::InterleavedWriters), "{length} bytes, seed {seed}");
        }
    }
}

/// A length that lost its upper bytes: what is left of it is announced, and all of it follows.
#[test]
fn a_length_that_was_truncated_is_told_from_one_that_is_too_short() {
    let text = |length: usize| -> Vec<u8> { b"plain text, ".iter().copied().cycle().take(length).collect() };
    let named = |stream: &[u8]| {
        let mut observer = Observer::new(Endpoints::UNKNOWN);
        let leg = observer.leg("client-server");
        observer.open(leg, "");
        observer.bytes(leg, Role::Server, None, stream);
        observer.eof(leg, Role::Server, None);
        let causes = observer.finish().findings.into_iter().flat_map(|finding| finding.causes);
        causes.map(|cause| (cause.id, cause.evidence)).next().expect("a cause is named")
    };
    // In sixteen bits, and one byte more, of which nothing is left over.
    let cut = |length: usize| {
        [&b"\x81\x7e"[..], &(length as u16).to_be_bytes(), &text(length), b"\x81\x02hi"].concat()
    };
    let (cause, evidence) = named(&cut(70_000));
    assert_eq!(cause, Cause::LengthSignOrOverflow, "{evidence}");
    assert!(evidence.contains("70000 truncated to sixteen bits is 4464"), "{evidence}");
    let mut longer = cut(70_000);
    longer.insert(100, b'x');
    assert_ne!(named(&longer).0, Cause::LengthSignOrOverflow);
    // In eight bits, where what is left reads as the sign of a longer form: 382 is 126 and 256.
    let in_one_byte = [&b"\x81\x7e"[..], &text(382)].concat();
    let (cause, evidence) = named(&in_one_byte);
    assert_eq!(cause, Cause::LengthInOneByte, "{evidence}");
    assert!(evidence.contains("382 bytes of plain text follow"), "{evidence}");
    let other = [&b"\x81\x7e"[..], &text(381)].concat();
    assert_ne!(named(&other).0, Cause::LengthInOneByte);
}

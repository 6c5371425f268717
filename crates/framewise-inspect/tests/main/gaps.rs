//! What a recording lacks proves nothing; what is there is judged all the same.

use framewise_inspect::diagnose;
use framewise_rules::Rule;
use framewise_transcript::Transcript;

fn found(text: &str) -> Vec<(Rule, u64)> {
    let transcript = Transcript::parse(text).expect("a transcript");
    let connection = diagnose(&transcript);
    connection.findings.iter().map(|found| (found.rule.expect("a rule"), found.offset)).collect()
}

#[test]
fn a_gap_breaks_no_rule() {
    for text in [
        // Between frames, within a payload, within a header, at the end, across a Close.
        "open\n< 81 02 68 69\n< gap 100\n< 81 01 61 82 00\n< 88 02 03 e8\n> 88 82 00 00 00 01 03 e8\n< eof",
        "open\n< 81 04 68 69\n< gap 2\n< 81 01 61",
        "open\n< 82 7e 01 00 01 02\n< gap 254\n< 88 02 03 e8\n> 88 82 01 02 03 04 02 ea\n< eof",
        "open\n< 81\n< gap 3\n< 81 01 61",
        "open\n< 81 01 61\n< gap 4\n< eof\n> eof",
        "open\n> gap 8\n< 88 02 03 e8\n< eof",
        // A Ping, or its Pong, among what is missing.
        "open\n[0.0] < 89 01 61\n[0.1] > gap 7\n[0.2] < 89 01 62\n[3.0] < 88 00",
        // The rest of a message whose beginning is missing.
        "open\n< gap 9\n< 80 01 ff\n< 81 01 61\n< 88 00",
        "open\n< gap 9\n< 00 01 ff\n< 80 01 ff\n< 81 01 61\n< 88 00",
        // Nobody knows how many bytes are missing of a long payload, and of an open message.
        "open\n< 82 7d 68 69\n< gap 0\n< 81 01 61\n< 88 02 03 e8\n> 88 82 00 00 00 01 03 e8\n< eof",
        "open\n< 01 02 68 c3\n< gap 0\n< 80 01 ff\n< 81 01 61",
        "open\n< 01 02 68 c3\n< gap 9\n< 80 01 ff\n< 81 01 61",
        // A character cut by the gap.
        "open\n< 81 04 68 c3\n< gap 1\n< 69\n< 88 00",
        // What a Close refuses may be missing.
        "open\n> gap 100\n> 81 81 00 00 00 01 61\n< 88 02 03 ea\n< eof",
        // A start in the middle: of the handshake, of the connection, with compression.
        "> gap 0\n> 81 81 01 02 03 04 60\n< 81 01 61\n< 88 02 03 e8\n> 88 82 01 02 03 04 02 ea\n< eof",
        "< gap 0\n< c1 03 01 02 03\n< 81 01 61\n> c1 83 01 02 03 04 00 00 00",
        "> \"GET / HTTP/1.1\\r\\n\"\n> gap 300\n< \"HTTP/1.1 101 X\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n\\r\\n\"\n< 81 01 61",
        "> gap 0\n> eof\n< eof",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn what_is_there_is_judged() {
    for (text, rule, offset) in [
        // The same as above, with something broken where everything is known.
        ("open\n< gap 100\n< 81 01 61\n< 81 01 ff", Rule::TextInvalidUtf8, 105),
        ("open\n< 82 7e 01 00 01 02\n< gap 254\n< 88 02 03 ed", Rule::CloseCodeReserved, 262),
        ("open\n< gap 9\n< 81 01 61\n< 80 01 61", Rule::ContinuationOrphan, 12),
        ("open\n< gap 9\n< 80 01 ff\n< 80 01 61", Rule::ContinuationOrphan, 12),
        (
            "> gap 0\n> 81 81 01 02 03 04 60\n> 01 81 01 02 03 04 60\n> 81 81 51 92 23 14 30",
            Rule::DataInterleaved,
            14,
        ),
        ("open\n< 82 7d 68 69\n< gap 0\n< 81 01 61\n< 81 01 ff", Rule::TextInvalidUtf8, 9),
        // Nothing is missing behind the last frame: the end is there, and no Close.
        ("open\n< gap 9\n< 81 01 61\n< eof", Rule::CloseMissing, 12),
        ("open\n< gap 9\n< 81 01 61\n< reset", Rule::ConnectionReset, 12),
    ] {
        assert_eq!(found(text), [(rule, offset)], "{text}");
    }
}

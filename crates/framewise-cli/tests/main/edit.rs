//! `framewise redact` and `framewise minimize`

use std::fmt::Write as _;
use std::path::Path;

use crate::common::{Done, framewise, path, run, run_with};
use serde_json::Value;

const SECRETS: [&str; 6] = ["s3cr3t", "bob", "acme", "tok-77", "hello", "goodbye"];

/// A session with a secret in each place, and frames of both sides, the last of them broken.
fn session(last: &str) -> String {
    format!(
        "[0.001] > \"GET /chat/bob?token=s3cr3t HTTP/1.1\\r\\nHost: ws.acme.example\\r\\nOrigin: https://acme.example\\r\\n\
         Upgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\
         Sec-WebSocket-Version: 13\\r\\nCookie: sid=s3cr3t\\r\\nAuthorization: Bearer s3cr3t\\r\\n\
         Sec-WebSocket-Protocol: graphql-ws, tok-77\\r\\nX-Acme-User: bob\\r\\n\\r\\n\"\n\
         [0.002] < \"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\nSec-WebSocket-Protocol: tok-77\\r\\n\
         Set-Cookie: s=s3cr3t\\r\\n\\r\\n\"\n\
         [0.1] < \"\\x81\\x09hello bob\"\n\
         [0.2] > 81 85 00 00 00 00 68 65 6c 6c 6f\n\
         [0.3] < \"\\x89\\x03bob\"\n\
         [0.4] > 8a 83 00 00 00 00 62 6f 62\n\
         {last}"
    )
}

/// What `read` says, without the words and the bytes.
fn diagnosis(text: &str) -> Value {
    let done = run_with(framewise().args(["read", "--json", "-"]), text.as_bytes());
    let mut report = done.json();
    for finding in report["connections"][0]["findings"].as_array_mut().unwrap() {
        let finding = finding.as_object_mut().unwrap();
        for words in ["bytes", "says", "excerpt"] {
            finding.remove(words);
        }
        for cause in finding["causes"].as_array_mut().unwrap() {
            let cause = cause.as_object_mut().unwrap();
            cause.remove("evidence");
            cause.remove("fix");
        }
    }
    // A token is replaced: it may be a secret.
    if let Some(handshake) = report["connections"][0]["handshake"].as_object_mut() {
        handshake.remove("subprotocol");
    }
    if let Some(ended) = report["connections"][0]["ended"].as_object_mut() {
        ended.remove("reason");
    }
    report["connections"][0].clone()
}

fn edit(command: &str, args: &[&str], input: impl AsRef<[u8]>) -> Done {
    run_with(framewise().arg(command).args(args).arg("-"), input.as_ref())
}

/// The bytes of a transcript as one text, in whatever form they are written.
fn bytes(transcript: &str) -> String {
    let transcript: framewise_transcript::Transcript = transcript.parse().unwrap();
    let mut all = Vec::new();
    for (leg, from) in (0..transcript.legs.len())
        .flat_map(|leg| [(leg, framewise_rules::Role::Client), (leg, framewise_rules::Role::Server)])
    {
        all.extend(transcript.stream(leg, from));
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn nothing_private_is_left_and_the_diagnosis_is_the_same() {
    for (name, last) in [
        ("a mask is missing", "[0.5] > 81 05 68 65 6c 6c 6f\n[0.6] < 88 02 03 ea\n"),
        ("text that is not UTF-8", "[0.5] < \"\\x81\\x08bob Jos\\xe9\"\n[0.6] > 88 82 00 00 00 00 03 ef\n"),
        ("a reserved opcode", "[0.5] < \"\\x83\\x03bob\"\n[0.6] > 88 82 00 00 00 00 03 ea\n"),
        ("a wrong Pong", "[0.5] < \"\\x89\\x03acm\"\n[0.6] > 8a 83 00 00 00 00 62 6f 62\n"),
        ("a length that is not minimal", "[0.5] < \"\\x81\\x7e\\x00\\x05hello\"\n[0.6] < eof\n"),
        ("a close code that is swapped", "[0.5] < \"\\x88\\x09\\xe8\\x03goodbye\"\n[0.6] < eof\n"),
        (
            "nothing",
            "[0.5] < \"\\x88\\x09\\x03\\xe8goodbye\"\n[0.6] > 88 82 00 00 00 00 03 e8\n[0.7] < eof\n",
        ),
    ] {
        let before = session(last);
        let done = edit("redact", &[], &before);
        assert_eq!(done.code, Some(0), "{name}: {done:?}");
        assert!(done.err.contains("the diagnosis is the same"), "{name}: {}", done.err);
        assert_eq!(diagnosis(&before), diagnosis(&done.out), "{name}:\n{}", done.out);
        let text = bytes(&done.out).to_ascii_lowercase();
        for secret in SECRETS {
            assert!(!text.contains(secret), "{name}: {secret} is still in\n{}", done.out);
        }
        assert_eq!(bytes(&before).len(), bytes(&done.out).len(), "{name}: lengths stay");
        assert!(done.out.contains("graphql-ws"), "the name of a known subprotocol stays");
    }
}

/// The other answer of the check above: where the content is the evidence, it is kept, said, and the exit code says so too.
#[test]
fn what_the_diagnosis_needs_is_kept_and_said() {
    // MQTT's DISCONNECT explains why no Close followed.
    let mqtt = "> \"GET / HTTP/1.1\\r\\nHost: acme\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\
        Sec-WebSocket-Protocol: mqtt\\r\\n\\r\\n\"\n\
        < \"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\nSec-WebSocket-Protocol: mqtt\\r\\n\\r\\n\"\n\
        < \"\\x82\\x03bob\"\n> 82 82 00 00 00 00 e0 00\n< eof\n> eof\n";
    let done = edit("redact", &[], mqtt);
    assert_eq!(diagnosis(mqtt), diagnosis(&done.out), "{}", done.out);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains("kept for the diagnosis: the client's message 1 (2 bytes)"), "{}", done.err);
    assert!(!bytes(&done.out).contains("bob"), "the server's message says nothing: {}", done.out);
    // On request nothing is kept, and the change is reported.
    let strict = edit("redact", &["--strict"], mqtt);
    assert_eq!(strict.code, Some(1));
    assert!(!strict.out.contains("e0 00"), "{}", strict.out);
    assert!(strict.err.contains("the diagnosis was "), "{}", strict.err);
}

#[test]
fn a_long_session_becomes_the_frame_that_breaks_it() {
    let mut long = session("");
    for number in 0..200 {
        let _ = writeln!(long, "[{number}.5] < \"\\x81\\x05hello\"");
    }
    long.push_str("[300.0] < \"\\x83\\x09something\"\n[300.1] > 88 82 00 00 00 00 03 ea\n");
    let done = edit("minimize", &[], &long);
    assert_eq!(done.code, Some(0), "{done:?}");
    let verdict = |text: &str| diagnosis(text)["verdict"].clone();
    let (before, after) = (verdict(&long), verdict(&done.out));
    for part in ["rule", "cause", "fault", "close"] {
        assert_eq!(before[part], after[part], "{part}: {}", done.out);
    }
    let transcript: framewise_transcript::Transcript = done.out.parse().unwrap();
    assert!(transcript.events.len() <= 2, "{}", done.out);
    assert!(bytes(&done.out).len() <= 10, "{}", done.out);
    assert!(done.out.contains("\nopen\n"), "the handshake is not needed: {}", done.out);
}

#[test]
fn the_handshake_stays_where_the_fault_is_in_it() {
    let wrong =
        session("[1.0] < eof\n").replace("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "AAAALMBiTxaQ9kYGzzhZRbK+xOo=");
    let done = edit("minimize", &[], &wrong);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.contains("Sec-WebSocket-Accept: AAAA") && !done.out.contains("Cookie"), "{}", done.out);
    assert_eq!(diagnosis(&wrong)["verdict"]["rule"], diagnosis(&done.out)["verdict"]["rule"]);
}

#[test]
fn a_small_budget_ends_the_search_and_says_so() {
    let long = session("[1.0] < 83 00\n");
    let done = edit("minimize", &["--budget", "2"], &long);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.err.contains("the budget is used up"), "{}", done.err);
    assert_eq!(diagnosis(&long)["verdict"]["rule"], diagnosis(&done.out)["verdict"]["rule"]);
}

#[test]
fn other_formats_and_bad_input() {
    for command in ["redact", "minimize"] {
        let hex = edit(command, &[], "81 85 37 fa 21 3d 7f 9f 4d 51 58\n83 00\n");
        assert!(hex.out.starts_with(&format!("# framewise {command}")), "{hex:?}");
        assert!(edit(command, &[], b"\x1f\x8b\x08\x00").refused().contains("it is compressed"));
        assert!(edit(command, &[], "").refused().contains("no WebSocket connection found"));
        assert!(run(&[command, "no-such-file"]).refused().contains("cannot read no-such-file"));
        assert!(edit(command, &["--connection", "7"], session("")).refused().contains("no connection 7"));
        let out = edit(command, &["--out", "/no-such-folder/x"], session("< 83 00\n"));
        assert!(out.refused().contains("cannot write /no-such-folder/x"), "{out:?}");
        let file = path("out.txt");
        let done = edit(command, &["--out", file.to_str().unwrap()], session("< 83 00\n"));
        assert_eq!(done.out, "", "{done:?}");
        assert!(Path::new(&file).metadata().unwrap().len() > 20);
    }
    // Nothing wrong: there is nothing that a shorter one could show.
    let good = "open\n> 81 82 37 fa 21 3d 5f 93\n< 88 02 03 e8\n> 88 82 9c 01 42 6d 9f e9\n< eof\n> eof\n";
    assert!(edit("minimize", &[], good).refused().contains("nothing wrong found"));
}

/// Recordings of TLS, with their keys beside them.
fn encrypted(name: &str) -> String {
    format!("{}/../framewise-capture/tests/real/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn an_encrypted_capture_is_edited_with_its_keys() {
    let (capture, keys) = (encrypted("rustls-13-aes128.pcap"), encrypted("rustls-13-aes128.pcap.keys"));
    for command in ["redact", "minimize"] {
        let done = run(&[command, "--connection", "1", "--tls-keys", &keys, &capture]);
        assert!(done.out.contains("< 83 00"), "{command}: {} {}", done.out, done.err);
        // Without keys it is said what is missing.
        let said = "only encrypted ones: pass their keys with --tls-keys";
        assert!(run(&[command, &capture]).refused().contains(said));
    }
}

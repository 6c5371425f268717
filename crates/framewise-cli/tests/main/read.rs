//! `framewise read`

use std::fmt::Write as _;
use std::process::Stdio;

use crate::common::{Done, Running, framewise, noise, path, run, run_with};

fn read(args: &[&str], input: impl AsRef<[u8]>) -> Done {
    run_with(framewise().arg("read").args(args).arg("-"), input.as_ref())
}

#[test]
fn a_recording_without_a_fault() {
    let good = "open\n> 81 82 37 fa 21 3d 5f 93\n< 81 02 68 69\n> 88 82 37 fa 21 3d 34 12\n< 88 02 03 e8\n< eof\n> eof\n";
    let done = read(&[], good);
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{done:?}");
    assert!(done.out.contains("nothing wrong found"), "{}", done.out);
    assert_eq!(read(&["--json"], good).json()["connections"][0]["verdict"], serde_json::Value::Null);
}

#[test]
fn a_fault_with_its_bytes_its_cause_and_its_fix() {
    let file = path("recording.txt");
    std::fs::write(&file, "open\n[12.503] > 81 02 68 69\n").unwrap();
    let done = run(&["read", file.to_str().unwrap()]);
    assert_eq!(done.code, Some(1));
    for part in [
        "broken mask-missing",
        "00000000  81 02 68 69                                       |..hi|\n            ^^^^^\n",
        "00000001 >02                       no mask, length 2",
        "source    RFC 6455 §5.1 https://www.rfc-editor.org/rfc/rfc6455#section-5.1",
        "a strict endpoint closes with 1002 (Protocol error)",
        "client-does-not-mask",
        "(fault: client)",
        "fix ",
        "at 12.503 s",
        "verdict: mask-missing",
    ] {
        assert!(done.out.contains(part), "no {part:?} in:\n{}", done.out);
    }
}

#[test]
fn the_contract_of_the_json() {
    let done = read(&["--json"], "open\n[12.503] > 81 02 68 69\n");
    assert_eq!(done.code, Some(1));
    let report = done.json();
    let connection = &report["connections"][0];
    let finding = &connection["findings"][0];
    assert_eq!(finding["rule"], "mask-missing");
    assert_eq!(finding["answer"]["close"], 1002);
    assert_eq!(finding["by"], "client");
    assert_eq!(finding["leg"], "client-server");
    assert_eq!(
        (&finding["offset"], &finding["frame"], &finding["time"]),
        (&0.into(), &1.into(), &12.503.into())
    );
    assert!(finding["bytes"].as_str().unwrap().starts_with("81 02"));
    assert!(finding["says"].is_string() && finding["also"].is_array());
    assert_eq!(finding["causes"][0]["id"], "client-does-not-mask");
    assert_eq!(connection["verdict"]["rule"], "mask-missing");
    assert_eq!(connection["verdict"]["close"], 1002);
}

#[test]
fn hex_of_one_side() {
    for (args, text, rule) in [
        (&["--from", "client"][..], "81 02 68 69", "mask-missing"),
        // A masked frame is a client's, as it seems, and a server's when it is said so.
        (&["--from", "server"], "81 82 37 fa 21 3d 5f 93", "mask-present"),
        (
            &[],
            "00000000  83 00                                             |..|\n00000002\n",
            "opcode-reserved-data",
        ),
        (&["--format", "hex"], "00000000: 8300  ..\n", "opcode-reserved-data"),
        (&["--extensions", "permessage-deflate"], "a1 02 68 69", "rsv2-set"),
    ] {
        let done = read(&[args, &["--json"]].concat(), text);
        assert_eq!(done.code, Some(1), "{text}: {done:?}");
        assert_eq!(done.json()["connections"][0]["findings"][0]["rule"], rule, "{text}");
    }
    let head: String = b"GET / HTTP/1.0\r\nHost: x\r\n\r\n".iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    assert_eq!(
        read(&["--json"], head).json()["connections"][0]["findings"][0]["rule"],
        "request-http-version"
    );
}

#[test]
fn files_that_are_no_recordings_are_refused() {
    for (input, part) in [
        (&b""[..], "nothing to diagnose: standard input contains no bytes"),
        (b"# only a comment\n", "contains no bytes"),
        (b"open\n> 81 0x", "line 2, column 7"),
        (b"open\n\n> \"a\\q\"\n", "line 3, column 5"),
        (b"open\n> \"ab\xff\"\n", "line 2, column 6: a byte that is not UTF-8; write it as \\xff"),
        (b"81 85\n37 fz\n", "line 2, column 4"),
        (b"hello\n", "line 1, column 1"),
        (b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "the capture ends inside its header"),
        (b"\x0a\x0d\x0d\x0a\x6c\x00\x00\x00", "the capture ends inside its header"),
        (b"{ \"log\": { \"version\": \"1.2\" } }", "nothing in it was understood"),
        (b"\x1f\x8b\x08\x00", "it is compressed; decompress it"),
        (b"\x00\x01\x02\x03\xff\xfe\xfd", "it is binary"),
        (b"00000000: 61\n*\nffffffffff: 61\n", "256 MiB"),
    ] {
        let done = read(&[], input);
        assert!(done.refused().contains(part), "{input:?}: {}", done.err);
    }
    assert!(
        run(&["read", "no-such-file.txt"]).refused().contains("cannot read no-such-file.txt: no such file")
    );
    assert!(run(&["read", "/"]).refused().contains("directory"));
    assert!(run(&["read"]).refused().contains("FILE"));
    assert!(read(&["--format", "tar"], "").refused().contains("transcript, hex"));
    assert!(read(&["--from", "client"], "open\n> 81").refused().contains("--from"));
}

/// The keys of a capture: read, of another session, of no session, and none.
#[test]
fn tls_is_decrypted_with_a_key_log() {
    let real =
        |name: &str| format!("{}/../framewise-capture/tests/real/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let capture = real("node-13.pcap");
    let done = run(&["read", "--json", "--tls-keys", &real("node-13.pcap.keys"), &capture]);
    assert_eq!(done.json()["connections"][0]["verdict"]["rule"], "mask-present");
    let done = run(&["read", "--tls-keys", &real("openssl-13.pcap.keys"), &capture]);
    assert!(done.refused().contains("keys that are not in the key log"), "{}", done.err);
    let done = run(&["read", "--tls-keys", &capture, &capture]);
    assert!(done.refused().contains("node-13.pcap: it is not a TLS key log"), "{}", done.err);
    let done = run(&["read", "--tls-keys", "no-such.log", &capture]);
    assert!(done.refused().contains("cannot read no-such.log: no such file"), "{}", done.err);
    let done = run(&["read", &capture]);
    assert_eq!(done.code, Some(2));
    assert!(done.out.contains("--tls-keys keys.log") && done.err.contains("encrypted (TLS)"), "{done:?}");
}

/// `tcpdump -U -w - | framewise read -`: what is over is reported at once, and the rest with Ctrl-C, though the pipe stays open.
#[cfg(unix)]
#[test]
fn ctrl_c_reports_what_came_so_far() {
    let mut capture: Vec<u8> =
        [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 101].into_iter().flat_map(u32::to_le_bytes).collect();
    let mut packet = |port: u16, number: u32, flags: u8, payload: &[u8]| {
        let length = 40 + payload.len() as u32;
        capture.extend([1, 0, length, length].into_iter().flat_map(u32::to_le_bytes));
        capture.extend([0x45, 0, 0, length as u8, 0, 0, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
        capture.extend([port.to_be_bytes(), 80_u16.to_be_bytes()].concat());
        capture.extend([number.to_be_bytes(), [0; 4]].concat());
        capture.extend([0x50, flags, 0, 0, 0, 0, 0, 0]);
        capture.extend_from_slice(payload);
    };
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    for port in [40_000, 40_001] {
        packet(port, 1, 2, b"");
        packet(port, 2, 0x18, request);
    }
    // The first one is reset.
    packet(40_000, 2 + request.len() as u32, 4, b"");
    let mut child = framewise().args(["read", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let mut running = Running::of(child);
    std::io::Write::write_all(&mut pipe, &capture).unwrap();
    running.out.until("connection 1 (127.0.0.1:40000 to 127.0.0.1:80)");
    let done = running.end();
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.out.contains("connection 2 (127.0.0.1:40001 to 127.0.0.1:80)"), "{}", done.out);
    assert!(done.out.contains("2 WebSocket connections"), "{}", done.out);
    drop(pipe);
}

#[test]
fn utf_16_as_powershell_writes_it() {
    let mut text = vec![0xff, 0xfe];
    text.extend("open\r\n> 81 02 68 69\r\n".encode_utf16().flat_map(u16::to_le_bytes));
    assert_eq!(read(&["--json"], text).json()["connections"][0]["verdict"]["rule"], "mask-missing");
}

#[test]
fn noise_is_diagnosed_and_not_believed() {
    let mut hex = String::new();
    for byte in noise(1 << 20) {
        let _ = write!(hex, "{byte:02x} ");
    }
    for side in ["client", "server"] {
        let done = read(&["--from", side, "--json"], &hex);
        assert_eq!(done.code, Some(1));
        assert!(done.json()["connections"][0]["verdict"].is_object());
        assert!(!read(&["--from", side], &hex).out.contains('\x1b'));
    }
}

#[test]
fn a_head_of_a_mebibyte() {
    for header in [format!("X: {}\\r\\n", "a".repeat(1 << 20)), "X: y\\r\\n".repeat((1 << 20) / 6)] {
        let done = read(&["--json"], format!("> \"GET / HTTP/1.1\\r\\nHost: x\\r\\n{header}\\r\\n\"\n"));
        assert_eq!(done.code, Some(1));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn hostile_lengths_take_no_memory() {
    let file = path("hostile.txt");
    std::fs::write(
        &file,
        "open\n> 82 ff 7f ff ff ff ff ff ff ff 01 02 03 04 00\n< 82 7f 00 00 00 ff ff ff ff ff 00\n> eof\n",
    )
    .unwrap();
    // Within an address space that has no room for any of these lengths.
    let limited = format!(
        "ulimit -v 2000000; exec '{}' read --json '{}'",
        env!("CARGO_BIN_EXE_framewise"),
        file.display()
    );
    let mut command = std::process::Command::new("sh");
    let done = run_with(command.args(["-c", &limited]).stdout(Stdio::piped()).stderr(Stdio::piped()), b"");
    assert_eq!(done.code, Some(1), "{done:?}");
}

#[test]
fn escapes_in_a_recording_stay_text() {
    let done = read(&[], "open\n< 88 0c 03 ea \"\n");
    assert_eq!(done.code, Some(2));
    let done = read(&[], "open\n< 88 07 03 ea 1b 5b 32 4a 07\n> eof\n");
    assert!(!done.out.contains('\x1b') && done.out.contains("\\x1b[2J"), "{}", done.out);
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let file = path("recording.txt");
    std::fs::write(&file, "open\n> 81 02 68 69\n").unwrap();
    let mut child = framewise().arg("read").arg(&file).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(Running::of(child).done().err, "");
}

/// One fault is one finding: what repeats it or follows from it is a line beneath it, without a second block of bytes.
#[test]
fn what_follows_from_a_fault_is_a_line_beneath_it() {
    let done = read(&[], "open\n> 81 02 68 69\n> 81 02 68 69\n> 81 01 68\n< 88 02 03 ea\n");
    assert_eq!(done.out.matches("broken mask-missing").count(), 1, "{}", done.out);
    assert_eq!(done.out.matches("source ").count(), 1, "{}", done.out);
    assert!(
        done.out.contains("  again, 2 times: `mask-missing` in frame 2 (byte 4), in frame 3 (byte 8)\n"),
        "{}",
        done.out
    );
    let request = "> \"GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n\"\n";
    let done = read(&[], format!("{request}< \"HTTP/1.1 426 Upgrade Required\\r\\n\\r\\n\"\n"));
    assert_eq!(done.out.matches("source ").count(), 1, "{}", done.out);
    assert!(done.out.contains("The server answers 426 Upgrade Required."), "{}", done.out);
    assert!(!done.out.contains("response-status"), "{}", done.out);
    let done = read(&[], format!("{request}< eof\n"));
    assert_eq!(done.out.matches("source ").count(), 1, "{}", done.out);
    assert!(done.out.contains("  as a result: `response-missing`: "), "{}", done.out);
    // Two faults that have nothing to do with each other stay two findings.
    let done = read(&[], "open\n> 81 02 68 69\n< 83 00\n");
    assert_eq!(done.out.matches("source ").count(), 2, "{}", done.out);
    assert!(!done.out.contains("again") && !done.out.contains("as a result"), "{}", done.out);
}

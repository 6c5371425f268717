//! `framewise replay`

use std::io::Write as _;
use std::net::Shutdown;

use crate::common::{
    ANSWER, Done, HANDSHAKE, Running, connect, exactly, framewise, head, nobody, path, rest, run, server,
};

/// A recording of an echo: the third message is not masked, and the server closes with 1002.
const BROKEN: &str = "[0.0] > \"GET /chat HTTP/1.1\\r\\nHost: old.example\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n\"\n\
    [0.01] < \"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n\\r\\n\"\n\
    [0.02] > 81 82 37 fa 21 3d 5f 93\n\
    [0.03] < 81 02 68 69\n\
    [0.04] > 81 02 68 69\n\
    [0.05] < 88 02 03 ea\n\
    [0.06] < eof\n[0.07] > eof\n";

fn recording(text: &str) -> String {
    let file = path("recording.txt");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

fn replay(args: &[&str]) -> Done {
    Running::of(framewise().arg("replay").args(args).spawn().unwrap()).done()
}

#[test]
fn a_server_that_does_the_same_breaks_in_the_same_way() {
    let (address, play) = server(move |mut stream| {
        let head = head(&mut stream);
        assert!(
            head.starts_with("GET /chat HTTP/1.1\r\n") && head.contains("\r\nHost: 127.0.0.1:"),
            "{head}"
        );
        stream.write_all(ANSWER).unwrap();
        assert_eq!(exactly(&mut stream, 8), b"\x81\x82\x37\xfa\x21\x3d\x5f\x93");
        stream.write_all(b"\x81\x02hi").unwrap();
        assert_eq!(exactly(&mut stream, 4), b"\x81\x02hi", "sent as it was, fault included");
        stream.write_all(b"\x88\x02\x03\xea").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(rest(&mut stream), b"");
    });
    let record = path("new.txt");
    let file = recording(BROKEN);
    let url = format!("ws://{address}");
    let done = replay(&["--fast", &file, &url, "--record", record.to_str().unwrap()]);
    play.join().unwrap();
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.out.contains("verdict: mask-missing"), "{}", done.out);
    assert!(done.out.contains("the server did what was recorded"), "{}", done.out);
    let read = run(&["read", "--json", record.to_str().unwrap()]);
    assert_eq!(read.json()["connections"][0]["verdict"]["rule"], "mask-missing");
}

/// Each difference is said: in the head, in a frame, in how many there are, and in the end.
#[test]
fn a_server_that_does_something_else_is_told() {
    let (address, play) = server(move |mut stream| {
        let head = head(&mut stream);
        assert!(
            head.starts_with("GET /new?a=1 HTTP/1.1\r\n") && head.contains("\r\nHost: old.example\r\n"),
            "{head}"
        );
        stream.write_all(ANSWER.strip_suffix(b"\r\n").unwrap()).unwrap();
        stream.write_all(b"Server: other\r\n\r\n").unwrap();
        exactly(&mut stream, 8);
        stream.write_all(b"\x81\x02ho").unwrap();
        exactly(&mut stream, 4);
        stream.write_all(b"\x89\x00\x88\x02\x03\xea").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        rest(&mut stream);
    });
    let url = format!("ws://{address}/new?a=1");
    let done = replay(&["--json", "--keep-host", "--wait", "1", &recording(BROKEN), &url]);
    play.join().unwrap();
    let report = done.json();
    let differences = report["differences"].as_array().unwrap();
    for part in [
        "`Server: other` came",
        "byte 6f at 1 of text came",
        "frame 2: ping",
        "3 frames came, 2 were recorded",
    ] {
        assert!(
            differences.iter().any(|difference| difference.as_str().unwrap().contains(part)),
            "no {part:?} in {differences:?}"
        );
    }
    assert_eq!(differences.len(), 4, "and nothing else: {differences:?}");
    assert_eq!((&report["played"], &report["unanswered"]), (&"client".into(), &0.into()));
}

#[test]
fn a_rejection_is_told_and_no_frames_follow_it() {
    let (address, play) = server(move |mut stream| {
        head(&mut stream);
        stream
            .write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .unwrap();
        assert_eq!(rest(&mut stream), b"", "frames would be garbage to it");
    });
    let done = replay(&["--fast", "--wait", "1", &recording(BROKEN), &format!("ws://{address}")]);
    play.join().unwrap();
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.out.contains("differs: `HTTP/1.1 403 Forbidden` came"), "{}", done.out);
}

#[test]
fn a_client_gets_the_recorded_answers_with_an_accept_for_its_own_key() {
    let file = recording(BROKEN);
    let (running, address) = Running::listening(&["replay", "--fast", &file, "--listen", "127.0.0.1:0"]);
    let mut client = connect(address);
    let request = String::from_utf8(HANDSHAKE.to_vec()).unwrap();
    client
        .write_all(request.replace("dGhlIHNhbXBsZSBub25jZQ==", "AQIDBAUGBwgJCgsMDQ4PEC==").as_bytes())
        .unwrap();
    let answer = head(&mut client);
    let accept = framewise_proto::handshake::accept_value("AQIDBAUGBwgJCgsMDQ4PEC==");
    assert!(answer.contains(&format!("Sec-WebSocket-Accept: {accept}\r\n")), "{answer}");
    client.write_all(b"\x81\x82\x37\xfa\x21\x3d\x5f\x93").unwrap();
    assert_eq!(exactly(&mut client, 4), b"\x81\x02hi");
    client.write_all(b"\x81\x82\x37\xfa\x21\x3d\x5f\x93").unwrap();
    assert_eq!(rest(&mut client), b"\x88\x02\x03\xea");
    drop(client);
    let done = running.done();
    assert!(done.out.contains("differs: frame 2: text of 2 bytes (81 82) came"), "{}", done.out);
}

/// An Accept that was wrong is what the recording is about: it is sent as it was.
#[test]
fn a_wrong_accept_stays_wrong_and_a_recording_without_a_handshake_gets_one() {
    let wrong = recording(&BROKEN.replace("s3pPLMBi", "AAAALMBi"));
    let (running, address) =
        Running::listening(&["replay", "--fast", "--wait", "1", &wrong, "--listen", "127.0.0.1:0"]);
    let mut client = connect(address);
    client.write_all(HANDSHAKE).unwrap();
    assert!(head(&mut client).contains("Sec-WebSocket-Accept: AAAALMBi"));
    drop(client);
    running.done();
    let bare = recording("open\n< 83 00\n< eof\n");
    let (running, address) = Running::listening(&["replay", "--fast", &bare, "--listen", "127.0.0.1:0"]);
    let mut client = connect(address);
    client.write_all(HANDSHAKE).unwrap();
    assert_eq!(head(&mut client).as_bytes(), ANSWER);
    assert_eq!(rest(&mut client), b"\x83\x00");
    drop(client);
    assert!(running.done().out.contains("verdict: opcode-reserved-data"));
}

#[test]
fn what_cannot_be_played_is_said() {
    let file = recording(BROKEN);
    let gone = format!("ws://{}", nobody());
    assert!(replay(&[&file, &gone]).refused().contains("refused"));
    assert!(replay(&[&file]).refused().contains("--listen"));
    assert!(replay(&[&file, "ftp://x"]).refused().contains("ws://"));
    assert!(replay(&["no-such-file", &gone]).refused().contains("cannot read no-such-file"));
    assert!(replay(&[&file, &gone, "--leg", "x"]).refused().contains("has no leg x; it has client-server"));
    let server_only = recording("open\n< 83 00\n");
    assert!(replay(&[&server_only, &gone]).refused().contains("no bytes of the client"));
    let gap = recording("open\n> 81 82 37 fa 21 3d\n> gap 2\n");
    assert!(replay(&[&gap, &gone]).refused().contains("lacks 2 bytes of the client"));
}

//! `framewise serve`

use std::io::Write as _;
use std::net::Shutdown;

use crate::common::{HANDSHAKE, Running, connect, exactly, head, noise, open, rest, run};

const CLOSE: &[u8] = b"\x88\x82\x37\xfa\x21\x3d\x34\x12";

fn serve(args: &[&str]) -> (Running, std::net::SocketAddr) {
    Running::listening(&[&["serve", "--listen", "127.0.0.1:0"], args].concat())
}

#[test]
fn text_and_binary_come_back_as_they_went() {
    let (running, address) = serve(&[]);
    let mut client = open(address);
    client.write_all(b"\x81\x82\x37\xfa\x21\x3d\x5f\x93\x82\x81\0\0\0\0\xff\x89\x80\0\0\0\0").unwrap();
    assert_eq!(exactly(&mut client, 9), b"\x81\x02hi\x82\x01\xff\x8a\0");
    client.write_all(CLOSE).unwrap();
    assert_eq!(rest(&mut client), b"\x88\x02\x03\xe8");
    drop(client);
    let done = running.end();
    assert_eq!(
        (done.code, done.out.lines().count()),
        (Some(0), 1),
        "a client without a fault is not talked about: {done:?}"
    );
}

#[test]
fn a_subprotocol_of_several() {
    let (running, address) = serve(&["--protocol", "chat.v2", "--protocol", "chat.v1"]);
    let mut client = connect(address);
    let request = String::from_utf8(HANDSHAKE.to_vec()).unwrap();
    let request = request.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: x, chat.v1, chat.v2\r\n\r\n");
    client.write_all(request.as_bytes()).unwrap();
    assert!(head(&mut client).contains("Sec-WebSocket-Protocol: chat.v2\r\n"));
    drop(client);
    running.end();
}

#[test]
fn a_fault_of_a_client_is_explained() {
    let (mut running, address) = serve(&[]);
    let mut client = open(address);
    client.write_all(b"\x81\x02hi").unwrap();
    assert!(rest_after_shutdown(&mut client).starts_with(b"\x88\x0e\x03\xea"));
    running.out.until("broken mask-missing");
    running.out.until("client-does-not-mask");
    assert_eq!(running.end().code, Some(1));
    let (running, address) = serve(&["--json"]);
    let mut client = open(address);
    client.write_all(b"\x81\x02hi").unwrap();
    rest_after_shutdown(&mut client);
    let done = running.end();
    assert_eq!(done.json_lines()[0]["rule"], "mask-missing");
}

fn rest_after_shutdown(client: &mut std::net::TcpStream) -> Vec<u8> {
    client.shutdown(Shutdown::Write).unwrap();
    rest(client)
}

/// A server closes a connection at the first fault, and discards what comes after it: `inspect` would report both.
#[test]
fn nothing_is_judged_after_the_first_enforced_finding() {
    let (running, address) = serve(&["--json"]);
    for faults in [&b"\x81\x02hi\x83\x80\x37\xfa\x21\x3d"[..], b"\x83\x80\x37\xfa\x21\x3d\x81\x02hi"] {
        let mut client = open(address);
        client.write_all(faults).unwrap();
        rest_after_shutdown(&mut client);
    }
    // A note is not enforced: what comes after it is judged.
    let mut client = open(address);
    client.write_all(&[&b"\x81\x82\0\0\0\0hi".repeat(4)[..], b"\x83\x80\x37\xfa\x21\x3d"].concat()).unwrap();
    rest_after_shutdown(&mut client);
    let mut found: Vec<_> = running
        .end()
        .json_lines()
        .iter()
        .map(|line| (line["connection"].to_string(), line["rule"].as_str().unwrap().to_owned()))
        .collect();
    // Each connection is a task of its own: their order is not fixed, the order within one is.
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let rules: Vec<_> = found.iter().map(|(_, rule)| rule.as_str()).collect();
    assert_eq!(
        rules,
        ["mask-missing", "opcode-reserved-data", "mask-key-predictable", "opcode-reserved-data"],
        "{found:?}"
    );
}

#[test]
fn a_handshake_that_is_refused_is_explained() {
    let (mut running, address) = serve(&[]);
    let mut client = connect(address);
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(rest(&mut client).starts_with(b"HTTP/1.1 426 "));
    drop(client);
    running.out.until("broken request-upgrade");
    let done = running.end();
    // What follows from it is the server's, and no news.
    assert!(!done.out.contains("response-status"), "{}", done.out);
    assert_eq!(done.out.matches("source ").count(), 1, "one block: {}", done.out);
}

#[test]
fn heads_of_a_mebibyte_noise_and_hostile_lengths() {
    let (running, address) = serve(&[]);
    let mut client = connect(address);
    let large = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(1 << 20));
    // The answer may come before all is written.
    let _ = client.write_all(large.as_bytes());
    drop(client);

    let mut client = open(address);
    client.write_all(b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0").unwrap();
    let answer = rest_after_shutdown(&mut client);
    assert!(answer.starts_with(b"\x88") && answer[2..4] == [0x03, 0xf1], "1009: {answer:?}");

    let mut client = open(address);
    let _ = client.write_all(&noise(1 << 20));
    drop(client);
    let mut client = connect(address);
    let _ = client.write_all(&noise(1 << 20));
    drop(client);

    // It serves on.
    let mut client = open(address);
    client.write_all(CLOSE).unwrap();
    assert_eq!(rest(&mut client), b"\x88\x02\x03\xe8");
    drop(client);
    let done = running.end();
    assert_eq!(done.code, Some(1));
    for rule in ["request-too-large", "frame-too-big", "request-not-http"] {
        assert!(done.out.contains(&format!("broken {rule}")), "{rule}: {}", done.out);
    }
}

#[test]
fn a_client_that_stops_in_the_middle_of_the_handshake() {
    let (mut running, address) = serve(&[]);
    let mut client = connect(address);
    client.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    drop(client);
    running.out.until("broken request-truncated");
    // One that neither goes on nor goes away does not hold up the end.
    let mut client = connect(address);
    client.write_all(b"GET / HT").unwrap();
    running.end();
}

#[test]
fn ctrl_c_tells_everybody() {
    let (running, address) = serve(&[]);
    let mut client = open(address);
    // Its loop runs: otherwise the end could come before the handshake's task has begun to wait.
    client.write_all(b"\x89\x80\0\0\0\0").unwrap();
    assert_eq!(exactly(&mut client, 2), b"\x8a\0");
    running.interrupt();
    let close = exactly(&mut client, 2);
    let reason = exactly(&mut client, usize::from(close[1]));
    assert_eq!((close[0], &reason[..2]), (0x88, &b"\x03\xe9"[..]), "1001: {reason:?}");
    client.write_all(b"\x88\x82\0\0\0\0\x03\xe9").unwrap();
    assert_eq!(rest(&mut client), b"");
    drop(client);
    assert_eq!(running.done().code, Some(0));
}

#[test]
fn a_port_in_use() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    assert!(run(&["serve", "--listen", &taken]).refused().contains("is in use by another program"));
}

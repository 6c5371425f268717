//! `framewise inspect --fault` and `--faults`

use std::io::Write as _;
use std::net::{Shutdown, SocketAddr};

use crate::common::{ANSWER, Done, Running, connect, exactly, head, path, rest, run, server};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
/// What the server sends: three messages.
const SENT: &[u8] = b"\x81\x03one\x81\x03two\x81\x05three";
/// What the client sends: one message.
const SAID: &[u8] = b"\x81\x82\x37\xfa\x21\x3d\x5f\x93";

/// A server that sends three messages at once, and gives back what it got until the client's end.
fn upstream() -> (SocketAddr, std::sync::mpsc::Receiver<(String, Vec<u8>)>) {
    let (sender, got) = std::sync::mpsc::channel();
    let (address, _) = server(move |mut stream| {
        let head = head(&mut stream);
        stream.write_all(&[ANSWER, SENT].concat()).unwrap();
        let mut all = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut all);
        sender.send((head, all)).unwrap();
    });
    (address, got)
}

/// What a client and a server get with these faults, and what is printed.
fn with(args: &[&str]) -> (Vec<u8>, (String, Vec<u8>), Done) {
    let (upstream, got) = upstream();
    let url = format!("ws://{upstream}");
    let (running, address) =
        Running::listening(&[&["inspect", &url, "--listen", "127.0.0.1:0"], args].concat());
    let mut client = connect(address);
    client.write_all(REQUEST).unwrap();
    assert_eq!(head(&mut client).as_bytes(), ANSWER);
    client.write_all(SAID).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let received = rest(&mut client);
    drop(client);
    let got = got.recv().unwrap();
    (received, got, running.end())
}

#[test]
fn without_faults_everything_passes() {
    let (received, (head, got), _) = with(&[]);
    assert_eq!((received.as_slice(), head.as_bytes(), got.as_slice()), (SENT, REQUEST, SAID));
}

#[test]
fn a_rule_and_a_file_of_rules_change_what_passes_and_say_so() {
    let file = path("faults.txt");
    std::fs::write(
        &file,
        "# for the test\nflip 7 at message 2 from server\n\nclose 1011 \"no\" at message 3 from server\n",
    )
    .unwrap();
    let (received, (head, got), done) =
        with(&["--fault", "drop at message 1 from server", "--faults", file.to_str().unwrap()]);
    assert_eq!(received, b"\x81\x03\xf4wo\x88\x04\x03\xf3no");
    assert_eq!((head.as_bytes(), got.as_slice()), (REQUEST, SAID));
    for rule in
        ["drop at message 1 from server", "flip 7 at message 2 from server", "close 1011 \"no\" at message 3"]
    {
        assert!(
            done.out.contains(&format!("#1 fault made in what the server sends: {rule}")),
            "{}",
            done.out
        );
    }
    // What is diagnosed is what was passed on.
    assert!(done.out.contains("broken text-invalid-utf8"), "{}", done.out);
}

#[test]
fn messages_are_edited_uncompressed_and_nothing_but_the_extensions_is_changed_for_it() {
    let (received, (head, got), done) = with(&[
        "--fault",
        "edit \"e\" \"EE\" at every message from server",
        "--fault",
        "replace \"x\" at message 1 from client",
    ]);
    assert_eq!(received, b"\x81\x04onEE\x81\x03two\x81\x07thrEEEE");
    assert!(done.out.contains("#1 Sec-WebSocket-Extensions removed: permessage-deflate"), "{}", done.out);
    let request = String::from_utf8(REQUEST.to_vec()).unwrap();
    assert_eq!(head, request.replace("Sec-WebSocket-Extensions: permessage-deflate\r\n", ""));
    assert_eq!(got, [b"\x81\x81\x37\xfa\x21\x3d".as_slice(), &[b'x' ^ 0x37]].concat());
}

#[test]
fn the_connection_is_cut_or_reset() {
    let (address, _got) = upstream();
    let (url, rule) = (format!("ws://{address}"), format!("cut at byte {} from server", ANSWER.len() + 7));
    let (mut running, address) =
        Running::listening(&["inspect", &url, "--listen", "127.0.0.1:0", "--fault", &rule]);
    let mut client = connect(address);
    client.write_all(REQUEST).unwrap();
    assert_eq!(rest(&mut client), [ANSWER, &SENT[..7]].concat());
    running.out.until("verdict: payload-truncated");
    running.end();
    let (upstream, _got) = upstream();
    let url = format!("ws://{upstream}");
    let rule = ["--fault", "reset at message 2 from server"];
    let (mut running, address) =
        Running::listening(&[&["inspect", &url, "--listen", "127.0.0.1:0"], &rule[..]].concat());
    let mut client = connect(address);
    client.write_all(REQUEST).unwrap();
    head(&mut client);
    let mut all = Vec::new();
    let error = std::io::Read::read_to_end(&mut client, &mut all).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    running.out.until("verdict: connection-reset");
    running.end();
}

/// A fault by the clock, while nobody sends anything.
#[test]
fn a_message_is_injected_at_a_time() {
    let (upstream, _got) = upstream();
    let url = format!("ws://{upstream}");
    let (running, address) = Running::listening(&[
        "inspect",
        &url,
        "--listen",
        "127.0.0.1:0",
        "--fault",
        "inject text \"late\" after 300ms from server",
    ]);
    let mut client = connect(address);
    client.write_all(REQUEST).unwrap();
    head(&mut client);
    assert_eq!(exactly(&mut client, SENT.len() + 6), [SENT, b"\x81\x04late"].concat());
    running.end();
}

#[test]
fn rules_that_are_wrong_are_refused() {
    let inspect =
        |args: &[&str]| run(&[&["inspect", "ws://127.0.0.1:1", "--listen", "127.0.0.1:0"], args].concat());
    let done = inspect(&["--fault", "explode at message 1"]);
    assert!(done.refused().contains("\"explode\" is not an action: use delay, drop, cut"));
    assert!(
        inspect(&["--faults", "/no/such/file"]).refused().contains("cannot read /no/such/file: no such file")
    );
    let file = path("faults.txt");
    std::fs::write(&file, "drop at message 1\ndrop\n").unwrap();
    assert!(inspect(&["--faults", file.to_str().unwrap()]).refused().contains("faults.txt: line 2: "));
}

//! `framewise inspect --pair`: on both sides of an intermediary

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use crate::common::{ANSWER, Done, HANDSHAKE, Running, connect, exactly, head, path, rest, run, server};

/// An intermediary that changes what each side sends, a piece at a time.
fn intermediary(
    listener: TcpListener,
    behind: SocketAddr,
    request: fn(Vec<u8>) -> Vec<u8>,
    answer: fn(Vec<u8>) -> Vec<u8>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let server = connect(behind);
        let pass = |mut from: TcpStream, mut to: TcpStream, change: fn(Vec<u8>) -> Vec<u8>| {
            std::thread::spawn(move || {
                let mut buffer = vec![0; 65_536];
                while let Ok(count @ 1..) = from.read(&mut buffer) {
                    if to.write_all(&change(buffer[..count].to_vec())).is_err() {
                        return;
                    }
                }
                let _ = to.shutdown(Shutdown::Write);
            })
        };
        let up = pass(client.try_clone().unwrap(), server.try_clone().unwrap(), request);
        let down = pass(server, client, answer);
        up.join().unwrap();
        down.join().unwrap();
    })
}

/// A session through an intermediary with these changes, and what is printed and recorded.
fn session(
    args: &[&str],
    request: fn(Vec<u8>) -> Vec<u8>,
    answer: fn(Vec<u8>) -> Vec<u8>,
) -> (Done, std::path::PathBuf) {
    let (upstream, play) = server(|mut stream| {
        let request = head(&mut stream);
        let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        let accept = framewise_proto::handshake::accept_value(key);
        let answer = String::from_utf8(ANSWER.to_vec()).unwrap();
        stream.write_all(answer.replace("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", &accept).as_bytes()).unwrap();
        exactly(&mut stream, 8);
        stream.write_all(b"\x81\x02ab").unwrap();
        exactly(&mut stream, 8);
        stream.write_all(b"\x88\x02\x03\xe8").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        rest(&mut stream);
    });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, pair) =
        (format!("ws://{}", listener.local_addr().unwrap()), format!("127.0.0.1:0=ws://{upstream}"));
    let file = path("pair.txt");
    let all =
        ["inspect", &url, "--listen", "127.0.0.1:0", "--pair", &pair, "--record", file.to_str().unwrap()];
    let (mut running, address) = Running::listening(&[&all, args].concat());
    let line = running.out.until("behind the intermediary: ");
    let behind = line.split(": ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let between = intermediary(listener, behind, request, answer);
    let mut client = connect(address);
    client.write_all(HANDSHAKE).unwrap();
    head(&mut client);
    client.write_all(b"\x81\x82\x37\xfa\x21\x3d\x5f\x93").unwrap();
    let header = exactly(&mut client, 2);
    exactly(&mut client, usize::from(header[1]));
    client.write_all(b"\x88\x82\x37\xfa\x21\x3d\x34\x12").unwrap();
    assert_eq!(rest(&mut client), b"\x88\x02\x03\xe8");
    drop(client);
    play.join().unwrap();
    between.join().unwrap();
    running.out.until("ended by");
    (running.end(), file)
}

#[test]
fn an_intermediary_that_changes_nothing_gives_one_connection_without_findings() {
    let (done, file) = session(&[], |bytes| bytes, |bytes| bytes);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(done.out.matches("connection from").count(), 1, "{}", done.out);
    let connection = run(&["read", "--json", file.to_str().unwrap()]).json()["connections"][0].clone();
    assert_eq!(connection["legs"], serde_json::json!(["client-proxy", "proxy-server"]));
    assert_eq!(connection["verdict"], serde_json::Value::Null);
}

#[test]
fn what_an_intermediary_changes_is_found() {
    // A byte of a message, which stays legal.
    let (done, file) = session(
        &[],
        |bytes| bytes,
        |bytes| if bytes == b"\x81\x02ab" { b"\x81\x02aX".to_vec() } else { bytes },
    );
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.out.contains("fault: intermediary"), "{}", done.out);
    let connection = run(&["read", "--json", file.to_str().unwrap()]).json()["connections"][0].clone();
    assert_eq!(connection["verdict"]["fault"], "intermediary", "{connection}");
}

/// One that makes its own connection has its own key; a header that it passes on pairs both sides.
#[test]
fn another_key_is_not_paired_unless_a_header_is_named() {
    let other_key = |bytes: Vec<u8>| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if !text.starts_with("GET ") {
            return bytes;
        }
        text.replace("dGhlIHNhbXBsZSBub25jZQ==", "AQIDBAUGBwgJCgsMDQ4PEA==").into_bytes()
    };
    let own_accept = |bytes: Vec<u8>| {
        if bytes.starts_with(b"HTTP/1.1 101") { ANSWER.to_vec() } else { bytes }
    };
    let (done, _) = session(&["--pair-header", "host"], other_key, own_accept);
    assert!(!done.out.contains("not paired"), "{}", done.out);
    let pair = run(&["inspect", "ws://127.0.0.1:1", "--listen", "127.0.0.1:0", "--pair", "nonsense"]);
    assert!(pair.refused().contains("use --pair ADDR=URL"), "{pair:?}");
}

#[test]
fn what_comes_from_elsewhere_is_judged_alone() {
    let (upstream, play) = server(|mut stream| {
        head(&mut stream);
        stream.write_all(ANSWER).unwrap();
        stream.write_all(b"\x83\x00").unwrap();
        rest(&mut stream);
    });
    let pair = format!("127.0.0.1:0=ws://{upstream}");
    let (mut running, _) =
        Running::listening(&["inspect", "ws://127.0.0.1:1", "--listen", "127.0.0.1:0", "--pair", &pair]);
    let line = running.out.until("behind the intermediary: ");
    let behind: SocketAddr = line.split(": ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let mut client = connect(behind);
    // Without a key there is nothing to wait for.
    client.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
    head(&mut client);
    exactly(&mut client, 2);
    running.out.until("#behind-1 not paired");
    drop(client);
    play.join().unwrap();
    running.out.until("#behind-1 verdict");
    running.end();
}

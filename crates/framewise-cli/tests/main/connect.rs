//! `framewise connect`, in a pipe

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Stdio;

use crate::common::{Done, Running, exactly, framewise, head, nobody, rest, run, run_with, server};

fn accept(stream: &mut std::net::TcpStream) -> String {
    let head = head(stream);
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let accept = framewise_proto::handshake::accept_value(key);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).unwrap();
    head
}

fn connect(address: SocketAddr, args: &[&str], input: &[u8]) -> Done {
    run_with(framewise().args(["connect", &format!("ws://{address}/x")]).args(args), input)
}

fn echo() -> (Running, SocketAddr) {
    Running::listening(&["serve", "--listen", "127.0.0.1:0"])
}

#[test]
fn lines_go_out_and_come_back() {
    let (running, address) = echo();
    // More than the sockets hold: nothing is lost, and neither side waits for the other. One connection for all, since
    // each waits for answers after the last line.
    let many =
        (0..20_000).map(|number| format!("line {number} {}\n", "x".repeat(200))).collect::<Vec<_>>().concat();
    let input = format!("hello\nwörld\r\n\n{many}last without an end");
    let done = connect(address, &[], input.as_bytes());
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""));
    let (start, rest) = done.out.split_at("hello\nwörld\n\n".len());
    assert_eq!(start, "hello\nwörld\n\n");
    assert!(
        rest.strip_suffix("last without an end\n") == Some(&many),
        "{} bytes of {}",
        rest.len(),
        many.len()
    );
    assert_eq!(running.end().code, Some(0));
}

#[test]
fn frames_are_shown_down_to_the_bytes() {
    let (running, address) = echo();
    let done = connect(address, &["--frames"], b"hi\n");
    assert_eq!((done.code, done.out.as_str()), (Some(0), "hi\n"));
    for part in [
        "> GET /x HTTP/1.1",
        "< HTTP/1.1 101",
        "FIN, text (opcode 1)",
        "MASK, length 2",
        "masking key",
        "68 69",
    ] {
        assert!(done.err.contains(part), "no {part:?} in {}", done.err);
    }
    running.end();
}

#[test]
fn a_frame_that_is_broken_on_purpose() {
    let (running, address) = echo();
    let done = connect(address, &["--raw", "--wait", "20"], b"81 02 68 69\n");
    assert!(done.err.contains("closed by the server: 1002 (Protocol error) \"mask-missing\""), "{done:?}");
    assert_eq!(done.code, Some(0));
    assert_eq!(running.end().code, Some(1));
    let (running, address) = echo();
    assert!(
        connect(address, &["--raw"], b"81 0\n").refused().contains("line 1 of standard input: half a byte")
    );
    running.end();
}

#[test]
fn headers_subprotocols_and_binary_messages() {
    let (address, play) = server(|mut stream| {
        let head = accept(&mut stream);
        for line in [
            "GET /x HTTP/1.1",
            "Authorization: Bearer 4f1c",
            "Sec-WebSocket-Protocol: a, b",
            "Origin: https://x.example",
        ] {
            assert!(head.contains(&format!("{line}\r\n")), "no {line} in {head}");
        }
        stream.write_all(b"\x82\x02\x00\xff\x81\x02hi\x88\x02\x03\xe8").unwrap();
        exactly(&mut stream, 8);
    });
    let args = [
        "--header",
        "Authorization: Bearer 4f1c",
        "--protocol",
        "a",
        "--protocol",
        "b",
        "--origin",
        "https://x.example",
    ];
    let done = connect(address, &[&args[..], &["--wait", "20"]].concat(), b"");
    assert_eq!(done.out, "00 ff\nhi\n", "{done:?}");
    play.join().unwrap();
    let (address, play) = server(|mut stream| {
        accept(&mut stream);
        stream.write_all(b"\x82\x02\x00\x0a\x88\x02\x03\xe8").unwrap();
        exactly(&mut stream, 8);
    });
    let done = connect(address, &["--binary", "raw", "--wait", "20"], b"");
    assert_eq!(done.out, "\0\n");
    play.join().unwrap();
}

#[test]
fn what_comes_before_the_servers_close_is_printed() {
    let (address, play) = server(|mut stream| {
        accept(&mut stream);
        // The client's message and its Close are there before the answers go out.
        exactly(&mut stream, 8 + 8);
        stream.write_all(b"\x81\x03one\x81\x03two\x88\x02\x03\xe8").unwrap();
    });
    let done = connect(address, &[], b"hi\n");
    assert_eq!((done.code, done.out.as_str()), (Some(0), "one\ntwo\n"), "{done:?}");
    play.join().unwrap();
}

#[test]
fn a_fault_of_the_server_is_explained() {
    for (sent, rule) in [(&b"\x83\x00"[..], "opcode-reserved-data"), (b"\x81\x05he", "payload-truncated")] {
        let (address, play) = server(move |mut stream| {
            accept(&mut stream);
            stream.write_all(sent).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            rest(&mut stream);
        });
        let done = connect(address, &["--wait", "20"], b"");
        assert_eq!(done.code, Some(1), "{done:?}");
        assert!(done.err.contains(&format!("broken {rule}")), "{done:?}");
        play.join().unwrap();
    }
    // In the handshake too.
    let (address, play) = server(|mut stream| {
        head(&mut stream);
        stream.write_all(crate::common::ANSWER).unwrap();
        rest(&mut stream);
    });
    let done = connect(address, &[], b"");
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.err.contains("broken response-accept-wrong"), "{done:?}");
    play.join().unwrap();
}

#[test]
fn a_server_that_closes_with_a_code_is_quoted() {
    let (address, play) = server(|mut stream| {
        accept(&mut stream);
        stream.write_all(b"\x88\x06\x03\xf3oops").unwrap();
        exactly(&mut stream, 8);
    });
    let done = connect(address, &["--wait", "20"], b"");
    assert!(done.err.ends_with("closed by the server: 1011 (Internal error) \"oops\"\n"), "{done:?}");
    // Nothing that this client sent was wrong: the server failed the connection all the same.
    assert!(done.code == Some(1) && done.err.contains("rejected although legal"), "{done:?}");
    play.join().unwrap();
}

#[test]
fn servers_that_do_not_let_in() {
    for (answer, part) in [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnope\n",
            "answered 404 Not Found (\"nope\"): no WebSocket at this path",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
            "redirects to /login (302 Found); redirects are not followed",
        ),
        (
            "HTTP/1.1 403 \r\nContent-Length: 0\r\n\r\n",
            "answered 403: access denied: try --origin, or authenticate",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "answered 200 OK: this is a web page"),
    ] {
        let (address, play) = server(move |mut stream| {
            head(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let done = connect(address, &[], b"");
        assert!(done.refused().contains(part), "{}", done.err);
        play.join().unwrap();
    }
    let address = nobody();
    assert!(
        connect(address, &[], b"")
            .refused()
            .contains(&format!("cannot connect to ws://{address}/x: connection refused"))
    );
    assert!(run(&["connect", "http://localhost"]).refused().contains("use ws://localhost"));
    assert!(run(&["connect", "ws://"]).refused().contains("host"));
    assert!(run(&["connect", "ws://x", "-H", "nonsense"]).refused().contains("Name: value"));
}

#[test]
fn lines_that_are_no_text_are_refused() {
    let (running, address) = echo();
    let done = connect(address, &[], b"hello\n\xff\xfe\n");
    assert_eq!(
        done.refused(),
        "line 2 of standard input is not UTF-8, as a text message must be; use --raw to send bytes"
    );
    running.end();
}

#[test]
fn ctrl_c_closes_with_1001() {
    let (address, play) = server(|mut stream| {
        accept(&mut stream);
        stream.write_all(b"\x81\x02hi").unwrap();
        let close = exactly(&mut stream, 8);
        let code: Vec<u8> = close[6..].iter().zip(&close[2..]).map(|(byte, key)| byte ^ key).collect();
        assert_eq!((close[0], code.as_slice()), (0x88, &b"\x03\xe9"[..]), "1001");
        stream.write_all(b"\x88\x02\x03\xe9").unwrap();
    });
    let mut child =
        framewise().args(["connect", &format!("ws://{address}")]).stdin(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take();
    let mut running = Running::of(child);
    assert_eq!(running.out.next(), "hi\n");
    running.interrupt();
    play.join().unwrap();
    assert_eq!(running.done().code, Some(130));
    drop(stdin);
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let (running, address) = echo();
    let mut child =
        framewise().args(["connect", &format!("ws://{address}")]).stdin(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"hello\n").unwrap();
    let done = Running::of(child).done();
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""));
    running.end();
}

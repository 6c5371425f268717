//! Text from a peer, a file or an argument that a terminal would act upon: no command prints it as it is

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::common::{
    ANSWER, Done, HANDSHAKE, Running, connect, exactly, framewise, head, path, rest, run, run_with, server,
};

/// Clears the screen, sets the title, a one-byte CSI, DEL, and characters that turn the direction or are not seen.
const HOSTILE: &str =
    "a\x1b[2J\x1b]0;title\x07\u{9b}31m\x7f\u{61c}\u{200e}\u{202e}\u{2066}\u{ad}\u{200b}\u{e0041}z";

/// Without the line breaks: those that a program prints are its own.
#[track_caller]
fn assert_clean(text: &str) {
    let unsafe_ones = |c: &char| {
        (c.is_control() && *c != '\n')
            || ['\u{61c}', '\u{200e}', '\u{202e}', '\u{2066}', '\u{ad}', '\u{200b}', '\u{e0041}'].contains(c)
    };
    let found: Vec<char> = text.chars().filter(unsafe_ones).collect();
    assert!(found.is_empty(), "{found:?} in {text:?}");
}

#[track_caller]
fn assert_all_clean(done: &Done) {
    assert_clean(&done.out);
    assert_clean(&done.err);
}

/// It was printed, and clean: a test in which nothing was printed shows nothing.
#[track_caller]
fn assert_shown_clean(done: &Done) {
    assert_all_clean(done);
    assert!((done.out.clone() + &done.err).contains("\\u{202e}"), "{done:?}");
}

/// A Close frame of a server, 1002 with a reason.
fn close(reason: &str) -> Vec<u8> {
    [&[0x88, 2 + u8::try_from(reason.len()).unwrap(), 0x03, 0xea], reason.as_bytes()].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, " {byte:02x}").unwrap();
        hex
    })
}

/// A handshake with a hostile header each way; of what a header must not have, nothing.
fn heads() -> [Vec<u8>; 2] {
    let value: String = HOSTILE.chars().filter(|c| !c.is_ascii_control()).collect();
    [HANDSHAKE, ANSWER].map(|head| {
        let head = String::from_utf8(head.to_vec()).unwrap();
        head.replace("\r\n\r\n", &format!("\r\nX-Hostile: {value}\r\n\r\n")).into_bytes()
    })
}

#[test]
fn explain() {
    assert_shown_clean(&run(&["explain", HOSTILE]));
    assert_shown_clean(&run(&["explain", &format!("Invalid frame header {HOSTILE}")]));
    let json = run(&["explain", "--json", &format!("Invalid frame header {HOSTILE}")]);
    assert_all_clean(&json);
    assert_eq!(json.json()["text"], format!("Invalid frame header {HOSTILE}"));
    assert_shown_clean(&run(&["explain", "--lang", HOSTILE]));
    assert_shown_clean(&run(&[HOSTILE]));
}

#[test]
fn read() {
    let [request, response] = heads();
    let file = path(&format!("{}.txt", HOSTILE.replace('/', "")));
    let text = format!(
        "leg {HOSTILE}\n> {}\n< {}\n< {}\n< eof\n",
        hex(&request),
        hex(&response),
        hex(&close(HOSTILE))
    );
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let done = run(&["read", file]);
    assert_eq!(done.code, Some(1));
    assert_shown_clean(&done);
    let done = run(&["read", "--json", file]);
    assert_all_clean(&done);
    let connection = &done.json()["connections"][0];
    assert_eq!((&connection["ended"]["reason"], &connection["legs"][0]), (&HOSTILE.into(), &HOSTILE.into()));
    // Refused, by name and by content.
    assert_shown_clean(&run(&["read", HOSTILE]));
    let done = run_with(framewise().args(["read", "-"]), format!("open\n> {HOSTILE}\n").as_bytes());
    assert_eq!(done.code, Some(2));
    assert_all_clean(&done);
}

/// Plays a hostile server behind `inspect`, with a client of its own.
fn inspected(args: &[&str]) -> Done {
    let (upstream, play) = server(|mut stream| {
        head(&mut stream);
        stream.write_all(&heads()[1]).unwrap();
        stream.write_all(&[&[0x89, HOSTILE.len() as u8], HOSTILE.as_bytes()].concat()).unwrap();
        stream.write_all(&close(HOSTILE)).unwrap();
        rest(&mut stream);
    });
    let upstream = format!("ws://{upstream}");
    let (running, address) =
        Running::listening(&[&["inspect", &upstream, "--listen", "127.0.0.1:0"], args].concat());
    let mut client = connect(address);
    client.write_all(&heads()[0]).unwrap();
    exactly(&mut client, heads()[1].len() + 2 + HOSTILE.len() + close(HOSTILE).len());
    drop(client);
    play.join().unwrap();
    running.end()
}

#[test]
fn inspect() {
    assert_shown_clean(&inspected(&["--frames"]));
    let done = inspected(&["--json"]);
    assert_all_clean(&done);
    let lines = done.json_lines();
    assert!(lines.iter().any(|line| line["ended"]["reason"] == HOSTILE), "{lines:?}");
    assert_shown_clean(&run(&["inspect", &format!("ftp://{HOSTILE}")]));
    assert_shown_clean(&run(&["inspect", "ws://127.0.0.1:1", "--listen", HOSTILE]));
    let folder = format!("/no/{HOSTILE}");
    assert_shown_clean(&run(&[
        "inspect",
        "ws://127.0.0.1:1",
        "--listen",
        "127.0.0.1:0",
        "--record",
        &folder,
    ]));
}

#[test]
fn serve() {
    for args in [&["--frames"][..], &["--json"]] {
        let (running, address) = Running::listening(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
        let mut client = connect(address);
        client.write_all(&heads()[0]).unwrap();
        head(&mut client);
        // Without a mask, which is a finding, and shows the payload.
        client.write_all(&[&[0x81, HOSTILE.len() as u8], HOSTILE.as_bytes()].concat()).unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        rest(&mut client);
        let done = running.end();
        assert_all_clean(&done);
        assert!(done.out.contains("mask-missing"), "{done:?}");
    }
}

fn accept(stream: &mut TcpStream) {
    let head = head(stream);
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let answer = String::from_utf8(heads()[1].clone()).unwrap();
    let accept = framewise_proto::handshake::accept_value(key);
    stream.write_all(answer.replace("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", &accept).as_bytes()).unwrap();
}

/// A server that sends this text as a message and closes with it as a reason.
fn hostile_server() -> (SocketAddr, std::thread::JoinHandle<()>) {
    server(|mut stream| {
        accept(&mut stream);
        stream.write_all(&[&[0x81, HOSTILE.len() as u8], HOSTILE.as_bytes()].concat()).unwrap();
        stream.write_all(&close(HOSTILE)).unwrap();
        // The client's Close, with the code alone.
        exactly(&mut stream, 8);
    })
}

#[test]
fn connect_says_it_clean() {
    for answer in [
        format!("HTTP/1.1 404 {HOSTILE}\r\nContent-Length: 0\r\n\r\n"),
        format!("HTTP/1.1 302 Found\r\nLocation: /{HOSTILE}\r\nContent-Length: 0\r\n\r\n"),
        format!("HTTP/1.1 500 Oops\r\nContent-Length: {}\r\n\r\n{HOSTILE}", HOSTILE.len()),
        format!("HTTP/1.1 101 {HOSTILE}\r\nUpgrade: {HOSTILE}\r\n\r\n"),
    ] {
        let (address, play) = server(move |mut stream| {
            head(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let done = run(&["connect", &format!("ws://{address}")]);
        assert!(matches!(done.code, Some(1 | 2)), "{done:?}");
        assert_all_clean(&done);
        play.join().unwrap();
    }
    assert_shown_clean(&run(&["connect", &format!("http://{HOSTILE}")]));
}

#[test]
fn connect_gives_a_pipe_what_came_and_a_person_what_is_clean() {
    let (address, play) = hostile_server();
    let done = run(&["connect", "--frames", "--wait", "20", &format!("ws://{address}")]);
    play.join().unwrap();
    // For a program every byte counts.
    assert_eq!(done.out, format!("{HOSTILE}\n"));
    assert_clean(&done.err);
    assert!(done.err.contains("closed by the server: 1002 (Protocol error) \"a\\x1b[2J"), "{}", done.err);
}

/// Standard input is a pipe, standard output a terminal: the output decides.
#[cfg(target_os = "linux")]
#[test]
fn connect_prints_clean_on_a_terminal() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let (address, play) = hostile_server();
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal = std::fs::OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut command = framewise();
    command
        .args(["connect", "--wait", "20", "--color", "never", &format!("ws://{address}")])
        .stdout(terminal);
    let child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    // The command holds the other end of the terminal, which is at its end when nobody has it any more.
    drop(command);
    let mut seen = Vec::new();
    // Linux reports that end as an error.
    let _ = std::fs::File::from(master).read_to_end(&mut seen);
    let done = Running::of(child).done();
    play.join().unwrap();
    let seen = String::from_utf8(seen).unwrap().replace("\r\n", "\n");
    assert_clean(&seen);
    assert!(seen.contains("a\\x1b[2J") && seen.contains("\\u{202e}"), "{seen:?}");
    assert_clean(&done.err);
}

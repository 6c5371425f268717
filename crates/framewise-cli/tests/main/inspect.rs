//! `framewise inspect`

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr};

use crate::common::{
    ANSWER, HANDSHAKE, Running, connect, exactly, head, nobody, noise, path, rest, run, server,
};
use serde_json::Value;

fn inspect(upstream: SocketAddr, args: &[&str]) -> (Running, SocketAddr) {
    let upstream = format!("ws://{upstream}");
    Running::listening(&[&["inspect", &upstream, "--listen", "127.0.0.1:0"], args].concat())
}

/// The report of each connection among the lines.
fn connections(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line.get("findings").is_some()).collect()
}

#[test]
fn a_conversation_is_shown_and_recorded() {
    let (upstream, play) = server(|mut stream| {
        assert!(head(&mut stream).starts_with("GET / "));
        stream.write_all(ANSWER).unwrap();
        exactly(&mut stream, 8);
        stream.write_all(b"\x81\x02hi").unwrap();
        exactly(&mut stream, 8);
        stream.write_all(b"\x88\x02\x03\xe8").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(rest(&mut stream), b"");
    });
    let file = path("session.txt");
    let (mut running, address) = inspect(upstream, &["--frames", "--record", file.to_str().unwrap()]);
    assert!(running.out.next().starts_with(&format!("inspecting ws://{address} -> ws://{upstream}")));
    let mut client = connect(address);
    client.write_all(HANDSHAKE).unwrap();
    assert_eq!(head(&mut client).as_bytes(), ANSWER);
    client.write_all(b"\x81\x82\x37\xfa\x21\x3d\x5f\x93").unwrap();
    assert_eq!(exactly(&mut client, 4), b"\x81\x02hi");
    client.write_all(b"\x88\x82\x37\xfa\x21\x3d\x34\x12").unwrap();
    assert_eq!(rest(&mut client), b"\x88\x02\x03\xe8");
    drop(client);
    play.join().unwrap();
    running.out.until("nothing wrong found");
    let done = running.end();
    assert_eq!(done.code, Some(0), "{done:?}");
    for part in
        ["> GET / HTTP/1.1", "< HTTP/1.1 101", "> text", "mask 37fa213d  \"hi\"", "1000 (Normal closure)"]
    {
        assert!(done.out.contains(part), "no {part:?} in {}", done.out);
    }
    let read = run(&["read", "--json", file.to_str().unwrap()]);
    assert_eq!((read.code, &read.json()["connections"][0]["handshake"]["status"]), (Some(0), &101.into()));
}

#[test]
fn a_fault_is_told_while_the_connection_goes_on() {
    let (upstream, play) = server(|mut stream| {
        head(&mut stream);
        stream.write_all(ANSWER).unwrap();
        exactly(&mut stream, 4);
        stream.write_all(b"\x81\x02ok").unwrap();
        rest(&mut stream);
    });
    let (mut running, address) = inspect(upstream, &[]);
    let mut client = connect(address);
    client.write_all(HANDSHAKE).unwrap();
    head(&mut client);
    client.write_all(b"\x81\x02hi").unwrap();
    assert_eq!(exactly(&mut client, 4), b"\x81\x02ok");
    running.out.until("broken mask-missing");
    running.out.until("client-does-not-mask");
    drop(client);
    play.join().unwrap();
    running.out.until("verdict: mask-missing");
    assert_eq!(running.end().code, Some(1));
}

/// A client that masks no frame has one fault; the next frames are lines beneath it. Another fault is a block of its own.
#[test]
fn one_fault_is_one_block_and_what_follows_from_it_a_line() {
    let (upstream, play) = server(|mut stream| {
        head(&mut stream);
        stream.write_all(ANSWER).unwrap();
        exactly(&mut stream, 12);
        stream.write_all(b"\x83\0").unwrap();
        rest(&mut stream);
    });
    let (running, address) = inspect(upstream, &[]);
    let mut client = connect(address);
    client.write_all(HANDSHAKE).unwrap();
    head(&mut client);
    client.write_all(b"\x81\x02hi\x81\x02hi\x81\x02hi").unwrap();
    exactly(&mut client, 2);
    drop(client);
    play.join().unwrap();
    let out = running.end().out;
    assert_eq!(out.matches("broken mask-missing").count(), 1, "{out}");
    for frame in [2, 3] {
        assert_eq!(
            out.matches(&format!("again: `mask-missing` in frame {frame} (byte ")).count(),
            1,
            "{out}"
        );
    }
    assert_eq!(out.matches("broken opcode-reserved").count(), 1, "{out}");
    assert_eq!(out.matches("source ").count(), 2, "a block for each of two faults: {out}");
}

/// Every byte, also after something broke: a mebibyte of noise each way as a frame stream.
#[test]
fn every_byte_is_passed_on_unchanged() {
    let sent = noise(1 << 20);
    let expected = sent.clone();
    let (upstream, play) = server(move |mut stream| {
        head(&mut stream);
        stream.write_all(ANSWER).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let back: Vec<u8> = expected.iter().rev().copied().collect();
        let writing = std::thread::spawn(move || {
            writer.write_all(&back).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        assert!(rest(&mut stream) == expected, "the server got other bytes");
        writing.join().unwrap();
    });
    let file = path("noise.txt");
    let (running, address) = inspect(upstream, &["--json", "--record", file.to_str().unwrap()]);
    let mut client = connect(address);
    client.write_all(HANDSHAKE).unwrap();
    assert_eq!(head(&mut client).as_bytes(), ANSWER);
    let mut writer = client.try_clone().unwrap();
    let noise = sent.clone();
    let writing = std::thread::spawn(move || {
        writer.write_all(&noise).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let got = rest(&mut client);
    writing.join().unwrap();
    assert!(got.iter().rev().eq(&sent), "the client got other bytes");
    play.join().unwrap();
    let done = running.end();
    assert_eq!(done.code, Some(1));
    let lines = done.json_lines();
    assert_eq!(connections(&lines).len(), 1);
    // The recording is binary-safe: both streams stand in it whole.
    let transcript: framewise_transcript::Transcript =
        std::fs::read_to_string(file).unwrap().parse().unwrap();
    assert!(transcript.stream(0, framewise_rules::Role::Client) == [HANDSHAKE, &sent].concat());
    assert_eq!(transcript.stream(0, framewise_rules::Role::Server).len(), ANSWER.len() + sent.len());
}

/// What a server at this address gets of a request with these lines, and what is printed.
fn named(args: &[&str], lines: &str) -> (SocketAddr, String, String) {
    let request = format!("GET / HTTP/1.1\r\n{lines}\r\n");
    let (sender, got) = std::sync::mpsc::channel();
    let (upstream, play) = server(move |mut stream| {
        sender.send(head(&mut stream)).unwrap();
        stream.write_all(ANSWER.strip_suffix(b"\r\n").unwrap()).unwrap();
        stream.write_all(b"Alt-Svc: h3=\":443\"; ma=86400\r\n\r\n\x81\x0dHost: a.test\r\n").unwrap();
        // Only the head is a head.
        assert_eq!(rest(&mut stream), b"Host: a.test\r\n");
    });
    let (running, address) = inspect(upstream, args);
    let mut client = connect(address);
    client.write_all(request.as_bytes()).unwrap();
    head(&mut client);
    client.write_all(b"Host: a.test\r\n").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert!(rest(&mut client).ends_with(b"Host: a.test\r\n"));
    drop(client);
    play.join().unwrap();
    let got = got.recv().unwrap();
    let lines = got.strip_prefix("GET / HTTP/1.1\r\n").unwrap().strip_suffix("\r\n").unwrap().to_owned();
    (upstream, lines, running.end().out)
}

#[test]
fn host_names_the_upstream_unless_it_is_to_be_kept() {
    const LINES: &str = "X: Host: a\r\nHOST: a.test:6455\r\nOrigin: https://a.test\r\n";
    let with = |host: &str, origin: &str| format!("X: Host: a\r\nHOST: {host}\r\nOrigin: {origin}\r\n");
    let (upstream, got, out) = named(&[], LINES);
    assert_eq!(got, with(&upstream.to_string(), "https://a.test"));
    assert!(out.contains(&format!("#1 Host rewritten: a.test:6455 -> {upstream}")), "{out}");
    let (_, got, out) = named(&["--keep-host"], LINES);
    assert_eq!(got, LINES);
    assert!(!out.contains("rewritten"), "{out}");
    let (upstream, got, out) = named(&["--rewrite-origin"], LINES);
    assert_eq!(got, with(&upstream.to_string(), &format!("http://{upstream}")));
    assert!(out.contains(&format!("#1 Origin rewritten: https://a.test -> http://{upstream}")), "{out}");
    // The same name at another port is the same name.
    let (_, got, out) = named(&[], "Host: 127.0.0.1:6455\r\n");
    assert_eq!(got, "Host: 127.0.0.1:6455\r\n");
    assert!(!out.contains("rewritten"), "{out}");
    let (upstream, got, _) = named(&["--rewrite-origin"], "Host: 127.0.0.1:6455\r\n");
    assert_eq!(got, format!("Host: {upstream}\r\n"));
}

#[test]
fn alternative_services_are_reported() {
    let (_, _, out) = named(&[], "Host: 127.0.0.1\r\n");
    assert!(out.contains("#1 Alt-Svc: h3=\":443\"; ma=86400: a browser may use that instead"), "{out}");
    let (upstream, play) = server(|mut stream| {
        head(&mut stream);
        stream.write_all(ANSWER.strip_suffix(b"\r\n").unwrap()).unwrap();
        stream.write_all(b"Alt-Svc: clear\r\nX-Alt-Svc: h3\r\n\r\n").unwrap();
    });
    let (running, address) = inspect(upstream, &[]);
    let mut client = connect(address);
    client.write_all(HANDSHAKE).unwrap();
    rest(&mut client);
    drop(client);
    play.join().unwrap();
    let out = running.end().out;
    assert!(!out.contains("a browser may use"), "{out}");
}

#[test]
fn a_half_closed_side_stays_half_closed() {
    let (upstream, play) = server(|mut stream| {
        // The end of the client's side arrives, and the answer still goes back.
        assert_eq!(rest(&mut stream), b"GET ");
        stream.write_all(b"late").unwrap();
    });
    let (running, address) = inspect(upstream, &[]);
    let mut client = connect(address);
    client.write_all(b"GET ").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut client), b"late");
    play.join().unwrap();
    assert_eq!(running.end().code, Some(1));
}

#[test]
fn a_reset_is_passed_on_as_a_reset() {
    let (upstream, play) = server(|mut stream| {
        head(&mut stream);
        stream.write_all(ANSWER).unwrap();
        let error = stream.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    });
    let file = path("reset.txt");
    let (mut running, address) = inspect(upstream, &["--record", file.to_str().unwrap()]);
    let mut client = connect(address);
    client.write_all(HANDSHAKE).unwrap();
    head(&mut client);
    // Closed with bytes that were not read, a socket resets.
    rustix::net::sockopt::set_socket_linger(&client, Some(std::time::Duration::ZERO)).unwrap();
    drop(client);
    play.join().unwrap();
    running.out.until("verdict: connection-reset");
    running.end();
    assert!(std::fs::read_to_string(file).unwrap().contains("> reset"));
}

#[test]
fn json_lines_and_a_file_for_each_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = listener.local_addr().unwrap();
    let play = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            head(&mut stream);
            stream.write_all(ANSWER).unwrap();
            stream.write_all(b"\x83\x00").unwrap();
            rest(&mut stream);
        }
    });
    let file = path("session.txt");
    let (running, address) = inspect(upstream, &["--json", "--record", file.to_str().unwrap()]);
    for _ in 0..2 {
        let mut client = connect(address);
        client.write_all(HANDSHAKE).unwrap();
        head(&mut client);
        assert_eq!(exactly(&mut client, 2), b"\x83\x00");
    }
    play.join().unwrap();
    let done = running.end();
    assert_eq!(done.code, Some(1));
    let lines = done.json_lines();
    // The first connection may still be ending when the second one breaks: they are told as it happens.
    let found = lines.iter().filter(|line| line["rule"] == "opcode-reserved-data");
    let mut found: Vec<_> = found.map(|line| line["connection"].as_str().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, ["1", "2"]);
    let mut reports = connections(&lines);
    reports.sort_by_key(|report| report["id"].as_str().map(str::to_owned));
    assert_eq!(reports.len(), 2);
    assert_eq!(reports[1]["id"], "2");
    assert!(reports[1]["client"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(reports[1]["server"], upstream.to_string());
    for name in ["session.txt", "session-2.txt"] {
        let read = run(&["read", "--json", file.with_file_name(name).to_str().unwrap()]);
        assert_eq!(read.json()["connections"][0]["verdict"]["rule"], "opcode-reserved-data", "{name}");
    }
}

#[test]
fn ctrl_c_ends_what_is_open_and_reports_it() {
    let (upstream, play) = server(|mut stream| {
        head(&mut stream);
        stream.write_all(ANSWER).unwrap();
        rest(&mut stream);
    });
    let file = path("open.txt");
    let (running, address) = inspect(upstream, &["--record", file.to_str().unwrap()]);
    let mut client = connect(address);
    client.write_all(HANDSHAKE).unwrap();
    head(&mut client);
    let done = running.end();
    assert!(done.out.contains("handshake 101"), "{}", done.out);
    // Both sides see the end of the connection.
    assert_eq!(rest(&mut client), b"");
    play.join().unwrap();
    assert!(std::fs::read_to_string(file).unwrap().contains("101 Switching"));
}

#[test]
fn an_upstream_that_is_down() {
    let upstream = nobody();
    let (mut running, address) = inspect(upstream, &[]);
    let mut client = connect(address);
    // The client's connection is closed, not left hanging.
    assert_eq!(rest(&mut client), b"");
    let line = running.out.until("connection refused");
    assert!(line.starts_with(&format!("#1 cannot connect to ws://{upstream}")), "{line}");
    assert_eq!(running.end().code, Some(0));
}

/// Down, up, gone in the middle of a connection, down, and up again: each client gets what there is at its time.
#[test]
fn an_upstream_that_flaps() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = listener.local_addr().unwrap();
    drop(listener);
    let (mut running, address) = inspect(upstream, &[]);
    for round in 0..2 {
        let mut client = connect(address);
        assert_eq!(rest(&mut client), b"");
        running.out.until("connection refused");
        let listener = std::net::TcpListener::bind(upstream).unwrap();
        let mut client = connect(address);
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(HANDSHAKE).unwrap();
        assert_eq!(head(&mut server).as_bytes(), HANDSHAKE);
        server.write_all(ANSWER).unwrap();
        assert_eq!(head(&mut client).as_bytes(), ANSWER);
        // The server's process dies.
        rustix::net::sockopt::set_socket_linger(&server, Some(std::time::Duration::ZERO)).unwrap();
        drop((listener, server));
        assert!(client.read(&mut [0]).is_err(), "the reset is passed on");
        let line = running.out.until("verdict: ");
        assert!(line.starts_with(&format!("#{} verdict: connection-reset", 2 * round + 2)), "{line}");
    }
    assert_eq!(running.end().code, Some(1));
}

/// On a terminal: after Ctrl-C the last line is complete, no colour is left on, and a client that is open is reported.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_is_left_clean() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let (upstream, play) = server(|mut stream| {
        head(&mut stream);
        stream.write_all(ANSWER).unwrap();
        stream.write_all(b"\x83\x00").unwrap();
        rest(&mut stream);
    });
    let pty = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&pty).unwrap();
    unlockpt(&pty).unwrap();
    let name = ptsname(&pty, Vec::new()).unwrap();
    let terminal = std::fs::OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let before = rustix::termios::tcgetattr(&terminal).unwrap();
    let mut child = crate::common::framewise()
        .args(["inspect", &format!("ws://{upstream}"), "--listen", "127.0.0.1:0", "--frames"])
        .env("TERM", "xterm-256color")
        .stdout(terminal.try_clone().unwrap())
        .stderr(terminal.try_clone().unwrap())
        .spawn()
        .unwrap();
    let mut seen = String::new();
    let mut screen = std::fs::File::from(pty);
    // With the end of its line.
    let mut until = |part: &str| {
        while !seen.split_once(part).is_some_and(|(_, rest)| rest.contains('\n')) {
            let mut buffer = [0; 4096];
            let count = screen.read(&mut buffer).unwrap();
            seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        seen.clone()
    };
    let shown = until("inspecting ws://");
    let address = shown.split("listening on ws://").nth(1).unwrap().split("\r\n").next().unwrap();
    let mut client = connect(address.parse().unwrap());
    client.write_all(HANDSHAKE).unwrap();
    head(&mut client);
    until("source ");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let shown = until("verdict: ");
    let status = child.wait().unwrap();
    play.join().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(shown.contains("\u{1b}["), "it is coloured: {shown:?}");
    let last = shown.trim_end_matches(['\r', '\n']).rsplit('\n').next().unwrap();
    let (on, off) = (last.rfind("\u{1b}[").unwrap_or(0), last.rfind("\u{1b}[0m").unwrap_or(0));
    assert_eq!(on, off, "a colour is left on: {last:?}");
    for code in ["\u{1b}[?25l", "\u{1b}[?1049h", "\u{1b}[?2004h"] {
        assert!(!shown.contains(code), "the screen's mode is changed: {shown:?}");
    }
    let after = rustix::termios::tcgetattr(&terminal).unwrap();
    assert_eq!((before.local_modes, before.output_modes), (after.local_modes, after.output_modes));
}

#[test]
fn an_upstream_that_refuses_or_redirects() {
    for (answer, cause) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "not-a-websocket-endpoint"),
        (
            "HTTP/1.1 301 Moved Permanently\r\nLocation: https://x.example/\r\nContent-Length: 0\r\n\r\n",
            "redirected",
        ),
        ("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\n", "authentication-required"),
    ] {
        let (upstream, play) = server(move |mut stream| {
            head(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let (running, address) = inspect(upstream, &["--json"]);
        let mut client = connect(address);
        client.write_all(HANDSHAKE).unwrap();
        assert_eq!(rest(&mut client), answer.as_bytes());
        drop(client);
        play.join().unwrap();
        let done = running.end();
        let lines = done.json_lines();
        let verdict = &connections(&lines)[0]["verdict"];
        assert_eq!(
            (&verdict["rule"], &verdict["cause"]),
            (&"response-status".into(), &cause.into()),
            "{answer}"
        );
    }
}

#[test]
fn an_upstream_that_speaks_tls_where_plain_is_expected() {
    let (upstream, play) = server(|mut stream| {
        head(&mut stream);
        // An alert: unexpected message.
        stream.write_all(b"\x15\x03\x01\x00\x02\x02\x0a").unwrap();
    });
    let (mut running, address) = inspect(upstream, &[]);
    let mut client = connect(address);
    client.write_all(HANDSHAKE).unwrap();
    assert_eq!(rest(&mut client), b"\x15\x03\x01\x00\x02\x02\x0a");
    drop(client);
    play.join().unwrap();
    running.out.until("plain-in-tls-port");
    assert_eq!(running.end().code, Some(1));
}

#[test]
fn clients_that_stop_in_the_middle_of_the_handshake() {
    let (upstream, play) = server(|mut stream| assert_eq!(rest(&mut stream), b"GET / HTTP/1.1\r\nHo"));
    let (running, address) = inspect(upstream, &["--json"]);
    let mut client = connect(address);
    client.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
    drop(client);
    play.join().unwrap();
    let done = running.end();
    assert_eq!(connections(&done.json_lines())[0]["verdict"]["rule"], "request-truncated", "{done:?}");
}

#[test]
fn a_head_of_a_mebibyte_and_a_length_without_end() {
    let head = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {}\r\n\r\n", "a".repeat(1 << 20));
    let sent = [head.as_bytes(), b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0"].concat();
    let expected = sent.clone();
    let (upstream, play) = server(move |mut stream| assert!(rest(&mut stream) == expected));
    let (running, address) = inspect(upstream, &["--json"]);
    let mut client = connect(address);
    client.write_all(&sent).unwrap();
    drop(client);
    play.join().unwrap();
    assert_eq!(running.end().code, Some(1));
}

#[test]
fn what_cannot_be_done_is_refused() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let listener = std::net::TcpListener::bind(&taken).ok();
    let listener = listener.unwrap_or_else(|| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let taken = listener.local_addr().unwrap().to_string();
    let done = run(&["inspect", "ws://127.0.0.1:1", "--listen", &taken]);
    assert!(done.refused().contains(&format!("{taken} is in use by another program")));
    assert!(run(&["inspect", "ftp://x"]).refused().contains("cannot connect to ftp://x: "));
    assert!(run(&["inspect", "ws://x:99999"]).refused().contains("port"));
    assert!(run(&["inspect", "ws://x", "--listen", "nonsense"]).refused().contains("HOST:PORT"));
    assert!(
        run(&["inspect", "ws://x", "--listen", "192.0.2.1:0"])
            .refused()
            .contains("not an address of this machine")
    );
    let nowhere =
        run(&["inspect", "ws://x", "--listen", "127.0.0.1:0", "--record", "/no/such/folder/file.txt"]);
    assert!(nowhere.refused().contains("cannot write /no/such/folder/file.txt: no such file"));
}

/// Every connection would come back, be passed on, and come back, until the system has no descriptor left.
#[test]
fn a_proxy_in_front_of_itself_is_refused() {
    let port = nobody().port();
    for (listen, upstream) in [
        ("127.0.0.1", "ws://127.0.0.1"),
        ("127.0.0.1", "http://localhost"),
        ("127.0.0.1", "ws://0.0.0.0"),
        ("0.0.0.0", "ws://127.0.0.1"),
        ("0.0.0.0", "wss://localhost"),
        ("[::]", "ws://127.0.0.1"),
        ("[::]", "ws://[::1]"),
    ] {
        let done = run(&["inspect", &format!("{upstream}:{port}"), "--listen", &format!("{listen}:{port}")]);
        let sentence = done.refused();
        assert!(
            sentence.starts_with(&format!(
                "cannot inspect {upstream}:{port}: it is the address that this proxy listens on"
            )),
            "{sentence}"
        );
        assert!(sentence.ends_with("choose another port with --listen"), "{sentence}");
    }
}

/// Two proxies that lead to each other: neither can see it, and both stay within their descriptors.
#[cfg(target_os = "linux")]
#[test]
fn a_loop_through_another_proxy_ends_before_the_descriptors_do() {
    let (first, second) = (nobody(), nobody());
    let start = |listen: SocketAddr, upstream: SocketAddr| {
        let limited = format!(
            "ulimit -n 128; exec '{}' inspect ws://{upstream} --listen {listen}",
            env!("CARGO_BIN_EXE_framewise")
        );
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &limited]).stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut running = Running::of(command.spawn().unwrap());
        running.out.until("inspecting");
        running
    };
    let (mut one, two) = (start(first, second), start(second, first));
    let client = connect(first);
    one.err.until("connections are open, and further clients wait; does the upstream lead back");
    drop(client);
    for running in [one, two] {
        let done = running.end();
        assert!(!done.err.contains("cannot accept"), "{done:?}");
    }
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_proxy() {
    let (upstream, play) = server(|mut stream| {
        head(&mut stream);
        stream.write_all(ANSWER).unwrap();
        rest(&mut stream);
    });
    let url = format!("ws://{upstream}");
    let mut child = crate::common::framewise()
        .args(["inspect", &url, "--listen", "127.0.0.1:0", "--frames"])
        .spawn()
        .unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    drop(out);
    let running = Running::of(child);
    let mut client = connect(line.trim_end().rsplit('/').next().unwrap().parse().unwrap());
    client.write_all(HANDSHAKE).unwrap();
    assert_eq!(head(&mut client).as_bytes(), ANSWER);
    drop(client);
    play.join().unwrap();
    running.end();
}

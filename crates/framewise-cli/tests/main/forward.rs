//! `framewise inspect --forward`

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use crate::common::{
    ANSWER, HANDSHAKE, Running, connect, exactly, framewise, head, nobody, rest, run, server,
};
use crate::inspect_tls::{folder, trusting_over};
use crate::tls::tls_server;

fn forward(authority: &Path, trusts: Option<&Path>) -> (Running, SocketAddr) {
    let mut command = framewise();
    command.args([
        "inspect",
        "--forward",
        "--listen",
        "127.0.0.1:0",
        "--authority",
        authority.to_str().unwrap(),
    ]);
    if let Some(file) = trusts {
        command.env("SSL_CERT_FILE", file);
    }
    let mut running = Running::of(command.spawn().unwrap());
    let line = running.out.next();
    let address = line.trim_end().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{line}"));
    let address = address.parse().unwrap();
    running.out.until("certificates are signed by");
    (running, address)
}

/// A server that breaks a rule.
fn upstream(play: impl FnOnce(String) + Send + 'static) -> (SocketAddr, std::thread::JoinHandle<()>) {
    server(move |mut stream| {
        play(head(&mut stream));
        stream.write_all(ANSWER).unwrap();
        stream.write_all(b"\x83\x00").unwrap();
        rest(&mut stream);
    })
}

fn converse(mut client: TcpStream, request: &[u8]) {
    client.write_all(request).unwrap();
    assert_eq!(head(&mut client).as_bytes(), ANSWER);
    assert_eq!(exactly(&mut client, 2), b"\x83\x00");
}

fn tunnel(proxy: SocketAddr, server: &str) -> TcpStream {
    let mut client = connect(proxy);
    client.write_all(format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n\r\n").as_bytes()).unwrap();
    assert_eq!(head(&mut client), "HTTP/1.1 200 Connection established\r\n\r\n");
    client
}

fn socks(proxy: SocketAddr, address: &[u8], port: u16) -> (TcpStream, u8) {
    let mut client = connect(proxy);
    client.write_all(&[5, 2, 0, 2]).unwrap();
    assert_eq!(exactly(&mut client, 2), [5, 0]);
    client.write_all(&[&[5, 1, 0], address, &port.to_be_bytes()].concat()).unwrap();
    let reply = exactly(&mut client, 10)[1];
    (client, reply)
}

#[test]
fn a_tunnel_socks_and_an_absolute_url_lead_to_the_server() {
    let (mut running, proxy) = forward(&folder(), None);
    let passed = |head: String| assert_eq!(head.as_bytes(), HANDSHAKE, "not a byte is changed");
    let (server, play) = upstream(passed);
    converse(tunnel(proxy, &server.to_string()), HANDSHAKE);
    play.join().unwrap();
    running.out.until("verdict: opcode-reserved-data");
    for address in [&[1, 127, 0, 0, 1][..], b"\x03\x09localhost"] {
        let (server, play) = upstream(passed);
        let (client, reply) = socks(proxy, address, server.port());
        assert_eq!(reply, 0);
        converse(client, HANDSHAKE);
        play.join().unwrap();
        running.out.until("verdict: opcode-reserved-data");
    }
    let (server, play) = upstream(|head| {
        assert!(head.starts_with("GET /chat?x=1 HTTP/1.1\r\n") && !head.contains("Proxy-"), "{head}");
    });
    let request = String::from_utf8(HANDSHAKE.to_vec()).unwrap();
    let request = request
        .replace("GET / ", &format!("GET http://{server}/chat?x=1 "))
        .replace("Upgrade: w", "Proxy-Connection: keep-alive\r\nUpgrade: w");
    converse(connect(proxy), request.as_bytes());
    play.join().unwrap();
    running.out.until("verdict: opcode-reserved-data");
    assert_eq!(running.end().code, Some(1));
}

#[test]
fn tls_in_a_tunnel_is_read_with_the_authority() {
    let (server, trusts, play) = tls_server();
    let authority = folder();
    let (mut running, proxy) = forward(&authority, Some(&trusts));
    let stream = tunnel(proxy, &format!("localhost:{}", server.port()));
    let mut client =
        trusting_over(stream, &authority.join("authority.pem"), "localhost", &[b"h2", b"http/1.1"]);
    client.write_all(HANDSHAKE).unwrap();
    let mut answer = vec![0; ANSWER.len() + 8];
    client.read_exact(&mut answer).unwrap();
    client.write_all(b"\x88\x82\x37\xfa\x21\x3d\x34\x12").unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    drop(client);
    play.join().unwrap();
    running.out.until("nothing wrong found");
    let done = running.end();
    assert_eq!(done.code, Some(0), "{done:?}");
}

#[test]
fn what_is_no_websocket_connection_passes_and_nothing_is_said_about_it() {
    let (running, proxy) = forward(&folder(), None);
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    for tunnelled in [true, false] {
        let (address, play) = server(move |mut stream| {
            let head = head(&mut stream);
            assert!(head.starts_with("GET / HTTP/1.1\r\n"), "{head}");
            assert_eq!(head.contains("Connection: close"), !tunnelled, "{head}");
            stream.write_all(answer).unwrap();
        });
        let request = |target: &str| {
            format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: keep-alive\r\n\r\n")
        };
        let mut client = if tunnelled { tunnel(proxy, &address.to_string()) } else { connect(proxy) };
        let target = if tunnelled { "/".to_owned() } else { format!("http://{address}/") };
        client.write_all(request(&target).as_bytes()).unwrap();
        assert_eq!(rest(&mut client), answer);
        play.join().unwrap();
    }
    // Bytes that are neither HTTP nor TLS.
    let (address, play) = server(|mut stream| assert_eq!(rest(&mut stream), b"\x01\x02"));
    let mut client = tunnel(proxy, &address.to_string());
    client.write_all(b"\x01\x02").unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    play.join().unwrap();
    let done = running.end();
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(!done.out.contains("connection from") && !done.out.contains("broken"), "{}", done.out);
}

#[test]
fn what_is_wrong_with_a_request_is_said() {
    let (mut running, proxy) = forward(&folder(), None);
    let mut client = connect(proxy);
    client.write_all(HANDSHAKE).unwrap();
    let answer = String::from_utf8(rest(&mut client)).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 400 Bad Request\r\n") && answer.contains("this is a forward proxy"),
        "{answer}"
    );
    // No method without a password; a command other than CONNECT; a kind of address that does not exist.
    let mut client = connect(proxy);
    client.write_all(&[5, 1, 2]).unwrap();
    assert_eq!(rest(&mut client), [5, 0xff]);
    for (request, reply) in [([5, 2, 0, 1, 127, 0, 0, 1, 0, 80], 7), ([5, 1, 0, 9, 0, 0, 0, 0, 0, 0], 8)] {
        let mut client = connect(proxy);
        client.write_all(&[5, 1, 0]).unwrap();
        assert_eq!(exactly(&mut client, 2), [5, 0]);
        client.write_all(&request).unwrap();
        assert_eq!(exactly(&mut client, 10)[1], reply);
    }
    // A server that is down, and this proxy itself.
    let mut client = tunnel(proxy, &nobody().to_string());
    client.write_all(HANDSHAKE).unwrap();
    assert_eq!(rest(&mut client), b"");
    running.out.until("connection refused");
    let mut client = tunnel(proxy, &proxy.to_string());
    client.write_all(HANDSHAKE).unwrap();
    let _ = client.read_to_end(&mut Vec::new());
    running.out.until("leads back to this proxy");
    // An idle connection, as browsers open them in advance, and one in the middle of its request.
    let (idle, mut begun) = (connect(proxy), connect(proxy));
    begun.write_all(b"CONNECT exam").unwrap();
    running.end();
    drop((idle, begun));
    let done = run(&[
        "inspect",
        "--browser",
        "https://localhost",
        "--browser-program",
        "/no/such/browser",
        "--listen",
        "127.0.0.1:0",
    ]);
    assert!(done.err.contains("cannot start /no/such/browser: no such program"), "{done:?}");
    assert_eq!(done.code, Some(2));
    assert_eq!(run(&["inspect", "--forward", "ws://127.0.0.1:1"]).code, Some(2));
}

/// A program in place of the browser: it gets the proxy, the authority and the URL, and its end ends the command.
#[cfg(unix)]
#[test]
fn a_browser_is_started_through_the_proxy() {
    let authority = folder();
    let out = crate::common::path("arguments.txt");
    let program = crate::common::path("browser.sh");
    std::fs::write(&program, format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}'\n", out.display())).unwrap();
    let program = format!("sh {}", program.display());
    let done = run(&[
        "inspect",
        "--browser",
        "https://a.test/",
        "--browser-program",
        &program,
        "--listen",
        "127.0.0.1:0",
        "--authority",
        authority.to_str().unwrap(),
    ]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let address = done.out.lines().next().unwrap().strip_prefix("listening on ").unwrap();
    let arguments = std::fs::read_to_string(out).unwrap();
    assert!(arguments.contains(&format!("--proxy-server={address}\n")), "{arguments}");
    assert!(arguments.contains("--ignore-certificate-errors-spki-list="), "{arguments}");
    assert!(arguments.ends_with("\nhttps://a.test/\n"), "{arguments}");
}

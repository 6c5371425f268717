//! `framewise inspect --record`

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use crate::common::{ANSWER, HANDSHAKE, Running, connect, exactly, framewise, head, path, rest, run};
use crate::inspect_tls::{folder, trusting};
use crate::tls::tls_server;
use framewise_transcript::Transcript;

/// The rule of the verdict on each connection in a recording.
fn verdicts(file: &Path) -> Vec<serde_json::Value> {
    let report = run(&["read", "--json", file.to_str().unwrap()]).json();
    let connections = report["connections"].as_array().unwrap();
    connections.iter().map(|connection| connection["verdict"]["rule"].clone()).collect()
}

/// A server that sends so many bytes in a broken frame to each of so many clients.
fn servers(clients: usize, bytes: usize) -> (SocketAddr, std::thread::JoinHandle<()>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let play = std::thread::spawn(move || {
        for _ in 0..clients {
            let (mut stream, _) = listener.accept().unwrap();
            head(&mut stream);
            stream.write_all(ANSWER).unwrap();
            for _ in 0..bytes / 1000 {
                stream.write_all(&[b"\x82\x7e\x03\xe4".as_slice(), &[7; 996]].concat()).unwrap();
            }
            stream.write_all(b"\x83\x00").unwrap();
            rest(&mut stream);
        }
    });
    (address, play)
}

fn client(address: SocketAddr, bytes: usize) {
    let mut client = connect(address);
    client.write_all(HANDSHAKE).unwrap();
    head(&mut client);
    assert!(exactly(&mut client, bytes + 2).ends_with(b"\x83\x00"));
}

#[test]
fn packets_and_transcripts_of_plain_connections_give_the_same_diagnosis() {
    let (upstream, play) = servers(2, 100_000);
    let (text, packets) = (path("session.txt"), path("session.pcapng"));
    let url = format!("ws://{upstream}");
    let (mut running, address) = Running::listening(&[
        "inspect",
        &url,
        "--listen",
        "127.0.0.1:0",
        "--record",
        text.to_str().unwrap(),
        "--record",
        packets.to_str().unwrap(),
    ]);
    for _ in 0..2 {
        client(address, 100_000);
        running.out.until("verdict: opcode-reserved-data");
    }
    play.join().unwrap();
    let done = running.end();
    assert_eq!((done.code, done.err.as_str()), (Some(1), ""));
    assert_eq!(verdicts(&text), ["opcode-reserved-data"]);
    assert_eq!(verdicts(&packets), ["opcode-reserved-data"; 2], "both connections, each with its two legs");
    let legs = run(&["read", "--json", packets.to_str().unwrap()]).json()["connections"][0]["legs"].clone();
    assert_eq!(legs, serde_json::json!(["client-proxy", "proxy-server"]));
}

/// TLS on both sides: the recording has what is on the wire, and the secrets to read it.
#[test]
fn encrypted_packets_have_their_secrets_with_them() {
    let (upstream, upstreams, play) = tls_server();
    let (authority, file) = (folder(), path("session.pcapng"));
    let url = format!("wss://localhost:{}", upstream.port());
    let mut command = framewise();
    command.env("SSL_CERT_FILE", upstreams).args(["inspect", "--tls", &url, "--listen", "127.0.0.1:0"]);
    command.args(["--authority", authority.to_str().unwrap(), "--record", file.to_str().unwrap()]);
    let mut running = Running::of(command.spawn().unwrap());
    let line = running.out.next();
    let address = line.trim_end().strip_prefix("listening on wss://").unwrap().parse().unwrap();
    running.out.until("inspecting");
    let mut client = trusting(&authority.join("authority.pem"), address, "localhost", &[]);
    client.write_all(HANDSHAKE).unwrap();
    let mut answer = vec![0; ANSWER.len() + 8];
    client.read_exact(&mut answer).unwrap();
    client.write_all(b"\x88\x82\x37\xfa\x21\x3d\x34\x12").unwrap();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    client.conn.send_close_notify();
    client.flush().unwrap();
    drop(client);
    play.join().unwrap();
    running.out.until("nothing wrong found");
    running.end();
    let bytes = std::fs::read(&file).unwrap();
    assert!(!bytes.windows(9).any(|window| window == b"websocket"), "it is encrypted");
    // The secrets of two connections: each names its own by the random of its ClientHello, which is in the packets.
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().filter_map(|line| line.split_once("CLIENT_TRAFFIC_SECRET_0 "));
    let randoms: std::collections::BTreeSet<Vec<u8>> = lines
        .map(|(_, line)| {
            let hex = &line[..64];
            (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
        })
        .collect();
    assert_eq!(randoms.len(), 2);
    for random in &randoms {
        assert!(bytes.windows(32).any(|window| window == random), "no ClientHello has it");
    }
    // So it is read without a key log.
    let report = run(&["read", "--json", file.to_str().unwrap()]).json();
    let connection = &report["connections"][0];
    assert_eq!(report["connections"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(connection["legs"], serde_json::json!(["client-proxy", "proxy-server"]));
    assert_eq!(
        (&connection["handshake"]["status"], &connection["ended"]["code"]),
        (&101.into(), &1000.into())
    );
    assert_eq!(connection["verdict"], serde_json::Value::Null, "{report}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "the secrets are in it");
    }
}

/// The files of a recording of 200 kB in files of 64 KiB, in their order.
fn rotated(args: &[&str]) -> Vec<std::path::PathBuf> {
    let (upstream, play) = servers(1, 200_000);
    let file = path("session.pcapng");
    let url = format!("ws://{upstream}");
    let record =
        ["inspect", &url, "--listen", "127.0.0.1:0", "--record", file.to_str().unwrap(), "--rotate", "64K"];
    let (mut running, address) = Running::listening(&[&record, args].concat());
    client(address, 200_000);
    running.out.until("verdict: opcode-reserved-data");
    play.join().unwrap();
    running.end();
    let files = std::fs::read_dir(file.parent().unwrap()).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort_by_key(|file| {
        let name = file.file_stem().unwrap().to_str().unwrap();
        name.strip_prefix("session-").map_or(1, |number| number.parse::<u32>().unwrap())
    });
    for file in &files {
        assert!(file.metadata().unwrap().len() <= 64 << 10);
    }
    files
}

#[test]
fn packets_go_on_in_another_file_and_the_oldest_are_removed() {
    let files = rotated(&[]);
    assert!(files.len() >= 6, "both legs: {files:?}");
    // One after the other, they are one recording.
    let all: Vec<u8> = files.iter().flat_map(|file| std::fs::read(file).unwrap()).collect();
    let whole = path("all.pcapng");
    std::fs::write(&whole, all).unwrap();
    assert_eq!(verdicts(&whole), ["opcode-reserved-data"]);
    let newest = rotated(&["--keep", "2"]);
    assert_eq!(newest.len(), 2, "{newest:?}");
    assert_ne!(newest[0].file_name().unwrap(), "session.pcapng", "the first one is the oldest");
}

/// The limit of the size of a file stands for a disk that is full.
#[cfg(unix)]
#[test]
fn a_disk_that_fills_up_is_said_once_and_the_connections_go_on() {
    let (upstream, play) = servers(3, 300_000);
    for (name, kind) in [("session.txt", "txt"), ("session.pcapng", "pcapng")] {
        let file = path(name);
        // Blocks of 512 or 1024 bytes.
        let limited = format!(
            "trap '' XFSZ; ulimit -f 100; exec '{}' inspect ws://{upstream} --listen 127.0.0.1:0 --record '{}'",
            env!("CARGO_BIN_EXE_framewise"),
            file.display()
        );
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &limited]).stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut running = Running::of(command.spawn().unwrap());
        let line = running.out.next();
        let address = line.trim_end().strip_prefix("listening on ws://").unwrap().parse().unwrap();
        let clients = if kind == "txt" { 2 } else { 1 };
        for _ in 0..clients {
            client(address, 300_000);
            running.out.until("verdict: opcode-reserved-data");
        }
        let done = running.end();
        assert_eq!(done.err.matches("cannot write").count(), 1, "{}", done.err);
        assert!(done.err.contains("connections go on without a recording"), "{}", done.err);
        // What is written is complete up to there.
        if kind == "txt" {
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(
                text.len() <= 100 * 1024
                    && text.parse::<Transcript>().is_ok_and(|text| !text.events.is_empty())
            );
        } else {
            let done = run(&["read", file.to_str().unwrap()]);
            assert!(done.code.is_some_and(|code| code < 2), "{done:?}");
        }
    }
    play.join().unwrap();
}

#[test]
fn recordings_that_cannot_be_are_refused() {
    let inspect =
        |args: &[&str]| run(&[&["inspect", "ws://127.0.0.1:1", "--listen", "127.0.0.1:0"], args].concat());
    let (one, two) = (path("a.pcapng"), path("b.pcapng"));
    let done = inspect(&["--record", one.to_str().unwrap(), "--record", two.to_str().unwrap()]);
    assert!(
        done.refused().contains("--record takes one file for transcripts, and one that ends with .pcapng")
    );
    let done = inspect(&["--record", "/no/such/folder/a.pcapng"]);
    assert!(done.refused().contains("cannot write /no/such/folder/a.pcapng: no such file"));
    assert!(inspect(&["--rotate", "10"]).refused().contains("use a number of bytes from 4096"));
}

//! `framewise bench`

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;

use serde_json::Value;

use crate::common::{Running, framewise, nobody, run};

/// An echo server, and its URL.
fn echo() -> (Running, String) {
    let (running, address) = Running::listening(&["serve", "--listen", "127.0.0.1:0"]);
    (running, format!("ws://{address}"))
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()))
}

#[test]
fn load_is_measured_and_reported() {
    let (server, url) = echo();
    let (html, json) = (file("load.html"), file("load.json"));
    let reports = format!("html={},json={}", html.display(), json.display());
    let args = [
        "bench",
        "-c",
        "4",
        "-r",
        "200",
        "-d",
        "0.5",
        "--size",
        "0,300",
        "--deflate",
        "--report",
        &reports,
        &url,
    ];
    let done = run(&args);
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{done:?}");
    assert!(done.out.contains("100 sent, 100 answered, 0 unanswered"), "{}", done.out);
    assert!(done.out.ends_with("nothing wrong found\n"), "{}", done.out);
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(report["messages"]["bytes_sent"], 15_000);
    assert_eq!((&report["latency"]["count"], &report["connections"]["opened"]), (&100.into(), &4.into()));
    let schema = run(&["bench", "--schema"]).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&report), "{report:#}");
    assert!(!validator.is_valid(&serde_json::json!({ "target": 1 })));
    let page = std::fs::read_to_string(&html).unwrap();
    assert!(page.contains("<svg") && page.contains("Nothing wrong found") && !page.contains("http-equiv"));
    assert_eq!(server.end().code, Some(0), "the server found no fault of the client");
}

#[test]
fn a_scenario_says_what_is_sent() {
    let (server, url) = echo();
    let scenario = file("scenario.txt");
    std::fs::write(
        &scenario,
        "phase 200ms 0..500\nphase 200ms 500\ntext \"hi\"\nbinary 9\nping # and its Pong\n",
    )
    .unwrap();
    let name = scenario.to_str().unwrap();
    let done = run(&["bench", "--scenario", name, "-c", "2", "--json", &url]);
    assert_eq!(done.code, Some(0), "{done:?}");
    // 50 messages in the ramp, and 100 after it: a third of each kind.
    assert_eq!(done.json()["messages"]["answered"], 150);
    std::fs::write(&scenario, "text 3\nshout 4\n").unwrap();
    assert!(run(&["bench", "--scenario", name, &url]).refused().contains("line 2: `shout`"));
    assert!(run(&["bench", "--scenario", "/nowhere", &url]).refused().contains("/nowhere"));
    drop(server);
}

#[test]
fn limits_and_faults_make_findings() {
    let (server, url) = echo();
    let short = ["bench", "-c", "1", "-r", "50", "-d", "0.2"];
    let limit = run(&[&short[..], &["--limit", "p99=0ms", &url]].concat());
    assert_eq!(limit.code, Some(1), "{limit:?}");
    assert!(limit.out.contains("above the limit of 0 µs"), "{}", limit.out);
    let within = run(&[&short[..], &["--limit", "max=60s", "--in-flight", "3", &url]].concat());
    assert!(within.refused().contains("--in-flight"), "it has no rate: {within:?}");
    let in_flight = run(&["bench", "-c", "1", "-d", "0.2", "--limit", "max=60s", "--in-flight", "3", &url]);
    assert_eq!(in_flight.code, Some(0), "{in_flight:?}");
    drop(server);
    // A server that masks its frames.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    let masks = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = crate::common::head(&mut stream);
        let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        let accept = ::framewise::proto::handshake::accept_value(key);
        write!(
            stream,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        )
        .unwrap();
        stream.write_all(b"\x81\x81abcd\0").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let masked = run(&[&short[..], &[&url]].concat());
    masks.join().unwrap();
    assert_eq!(masked.code, Some(1), "{masked:?}");
    assert!(masked.out.contains("1 x mask-present: "), "{}", masked.out);
}

#[test]
fn what_cannot_run_is_one_sentence() {
    let nobody = format!("ws://{}", nobody());
    assert!(run(&["bench", &nobody]).refused().contains("refused"));
    assert!(
        run(&["bench", "--report", "html=/nowhere/x.html", &nobody]).refused().contains("/nowhere/x.html")
    );
    for (option, value, says) in [
        ("--rate", "0", "above 0"),
        ("--connections", "0", "0 is not in"),
        ("--size", "99999999999", "at most"),
        ("--limit", "p98=1ms", "p98"),
        ("--report", "pdf=x", "pdf"),
        ("--duration", "0", "nothing to send"),
        ("--warm-up", "20", "warm-up"),
    ] {
        let done = run(&["bench", option, value, &nobody]);
        assert!(done.refused().contains(says), "{option} {value}: {done:?}");
    }
    assert!(run(&["bench"]).refused().contains("URL"));
    assert!(run(&["bench", "http://127.0.0.1:1"]).refused().contains("ws://127.0.0.1:1"));
}

#[test]
fn ctrl_c_ends_the_run_with_its_report() {
    let (server, url) = echo();
    let json = file("partial.json");
    let report = format!("json={}", json.display());
    let child = framewise().args(["bench", "-d", "3600", "--report", &report, &url]).spawn().unwrap();
    let running = Running::of(child);
    // The handler of Ctrl-C is there before the reports are opened: see whether that has happened.
    while !json.exists() {
        std::thread::yield_now();
    }
    let done = running.end();
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.contains("(ended early)"), "{}", done.out);
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(report["complete"], false);
    drop(server);
}

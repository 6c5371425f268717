//! `framewise check` and `framewise wstest`

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};

use crate::common::{Running, connect, framewise, run, run_with};

fn serve() -> (Running, String) {
    let (running, address) = Running::listening(&["serve", "--quiet", "--listen", "127.0.0.1:0"]);
    (running, format!("ws://{address}"))
}

/// A folder of its own for each test.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_server_that_does_what_is_due_passes_in_each_report() {
    let (server, url) = serve();
    let folder = folder("check-reports");
    let file = |name: &str| folder.join(name).display().to_string();
    let reports = format!(
        "html={},json={},junit={},sarif={},badge={}",
        file("a.html"),
        file("a.json"),
        file("a.xml"),
        file("a.sarif"),
        file("a.svg")
    );
    let done = run(&["check", "--only", "control/", "--report", &reports, &url]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.contains("cases passed"), "{}", done.out);
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(file("a.json")).unwrap()).unwrap();
    let case =
        json["cases"].as_array().unwrap().iter().find(|case| case["name"] == "control/ping/empty").unwrap();
    assert_eq!(
        (&case["passed"], &case["behaviour"], &case["close"], &case["autobahn"][0], &case["level"]),
        (&true.into(), &"ok".into(), &"clean".into(), &"2.1".into(), &"must".into())
    );
    assert!(case["milliseconds"].is_u64());
    for name in ["a.html", "a.xml", "a.sarif", "a.svg"] {
        assert!(std::fs::metadata(file(name)).unwrap().len() > 100, "{name}");
    }
    server.end();
}

/// What `--json` prints is what the schema says, and nothing else.
#[test]
fn the_report_has_a_schema() {
    let mut schema = run(&["check", "--schema"]).json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    for at in ["", "/$defs/Entry"] {
        let object = schema.pointer_mut(at).and_then(serde_json::Value::as_object_mut).unwrap();
        object.insert("additionalProperties".into(), false.into());
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let done = run(&[
        "check",
        "--only",
        "frame/opcode/3-empty",
        "--only",
        "control/ping/empty",
        "--json",
        &careless(),
    ]);
    let report = done.json();
    let faults: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert_eq!(faults, [""; 0], "{report:#}");
    assert!(
        report["cases"].as_array().unwrap().iter().any(|case| case["transcript"].is_string()),
        "one failed"
    );
    let mut wrong = report;
    wrong["cases"][0]["passed"] = "yes".into();
    assert!(!validator.is_valid(&wrong));
}

/// A server that accepts every handshake and answers every Ping and Close, whatever else comes: it lacks most checks.
fn careless() -> String {
    careless_that_tells(channel().0)
}

/// The same, which tells of each connection.
fn careless_that_tells(connections: Sender<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            // Not every test listens.
            let _ = connections.send(());
            std::thread::spawn(move || {
                let (mut inbox, mut buffer) = (Vec::new(), [0; 4096]);
                let end = loop {
                    let Ok(count @ 1..) = stream.read(&mut buffer) else { return };
                    inbox.extend_from_slice(&buffer[..count]);
                    if let Some(at) = inbox.windows(4).position(|window| window == b"\r\n\r\n") {
                        break at + 4;
                    }
                };
                let head = String::from_utf8_lossy(&inbox[..end]).into_owned();
                let key = head
                    .lines()
                    .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
                    .unwrap_or_default();
                let accept = framewise_proto::handshake::accept_value(key);
                let response = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Accept: {accept}\r\n\r\n"
                );
                stream.write_all(response.as_bytes()).unwrap();
                inbox.drain(..end);
                loop {
                    // Short frames with a mask are enough of the protocol for it.
                    while inbox.len() >= 6 && inbox.len() >= 6 + usize::from(inbox[1] & 0x7f) {
                        let end = 6 + usize::from(inbox[1] & 0x7f);
                        let frame: Vec<u8> = inbox.drain(..end).collect();
                        let payload: Vec<u8> = frame[6..]
                            .iter()
                            .zip(frame[2..6].iter().cycle())
                            .map(|(byte, key)| byte ^ key)
                            .collect();
                        let opcode = match frame[0] & 0x0f {
                            9 => 0x8a,
                            8 => 0x88,
                            1 => 0x81,
                            2 => 0x82,
                            _ => continue,
                        };
                        let answer = [&[opcode, payload.len() as u8][..], &payload].concat();
                        if stream.write_all(&answer).is_err() || opcode == 0x88 {
                            return;
                        }
                    }
                    let Ok(count @ 1..) = stream.read(&mut buffer) else { return };
                    inbox.extend_from_slice(&buffer[..count]);
                }
            });
        }
    });
    url
}

#[test]
fn a_careless_server_fails_with_the_rule_and_the_command_to_try_again() {
    let url = careless();
    let done = run(&["check", "--only", "frame/opcode/3-empty", "--only", "control/ping/empty", &url]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.out.contains("frame/opcode/3-empty: failed, missing"), "{}", done.out);
    assert!(done.out.contains("framewise explain opcode-reserved-data"), "{}", done.out);
    assert!(done.out.contains("--only frame/opcode/3-empty ws://127.0.0.1:"), "{}", done.out);
    assert!(done.out.contains("1 of 2 cases passed"), "{}", done.out);
}

#[test]
fn known_failures_are_no_failures_and_what_passes_again_is_one() {
    let url = careless();
    let folder = folder("check-expect");
    let file = folder.join("expect.txt").display().to_string();
    let only = ["--only", "frame/opcode/3-empty", "--only", "control/ping/empty"];
    let check = |more: &[&str]| run(&[&["check"], &only[..], more, &[&url]].concat());
    assert_eq!(check(&["--write-expect", &file]).code, Some(1));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("frame/opcode/3-empty  # "), "{text}");
    assert_eq!(check(&["--expect", &file]).code, Some(0));
    std::fs::write(&file, text + "control/ping/empty # once\n").unwrap();
    let done = check(&["--expect", &file]);
    assert_eq!(done.code, Some(1));
    assert!(done.out.contains("control/ping/empty: expected to fail, and passed"), "{}", done.out);
}

#[test]
fn what_stands_in_the_way_is_said_before_the_run() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let nobody = run(&["check", &format!("ws://{closed}")]);
    assert!(nobody.refused().contains("refused"), "{nobody:?}");
    let (server, url) = serve();
    let folder = folder("check-in-the-way");
    let file = |name: &str| folder.join(name).display().to_string();
    let unwritable = run(&["check", "--report", "json=/nonexistent/a.json", &url]);
    assert!(unwritable.refused().contains("cannot write /nonexistent/a.json"), "{unwritable:?}");
    assert!(
        run(&["check", "--only", "no-such-case", &url])
            .refused()
            .contains("no case is named like no-such-case")
    );
    assert!(run(&["check", "--report", "pdf=a", &url]).refused().contains("`pdf` is not a kind of report"));
    let twice = file("a");
    let twice = format!("json={twice},html={twice}");
    assert!(
        run(&["check", "--report", &twice, &url]).refused().contains("each report needs a file of its own")
    );
    std::fs::write(file("expect"), "control/ping/empty # known\ncontrol/pong # a typing error\n").unwrap();
    let expect = run(&["check", "--expect", &file("expect"), &url]);
    assert!(expect.refused().contains("there is no case control/pong; "), "{expect:?}");
    server.end();
}

#[test]
fn a_page_is_no_websocket_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno\n");
        }
    });
    let done = run(&["check", &url]);
    assert!(done.refused().contains("with 404, not with 101"), "{done:?}");
}

/// A server that answers each connection with these bytes, and ends it if they are all that it does.
fn says(bytes: &'static [u8], ends: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(bytes);
            if !ends {
                open.push(stream);
            }
        }
    });
    url
}

#[test]
fn what_is_no_websocket_server_is_said_in_one_sentence() {
    for (url, sentence) in [
        (says(b"", true), "does not answer the handshake"),
        (says(b"", false), "does not answer the handshake"),
        (says(b"SSH-2.0-OpenSSH_9.2p1\r\n", true), "does not speak HTTP"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", true), "with 200, not with 101"),
    ] {
        let done = run(&["check", "--patience", "0.5", &url]);
        assert!(done.refused().contains(sentence), "{done:?}");
    }
    let (server, url) = serve();
    let done = run(&["check", &url.replace("ws://", "wss://")]);
    assert!(done.refused().contains("does not speak TLS"), "{done:?}");
    server.end();
    let (cert, key) = certificate(&folder("check-tls-port"));
    let args = ["check", "--listen", "127.0.0.1:0", "--cert", &cert, "--key", &key];
    let mut server = Running::of(framewise().args(args).spawn().unwrap());
    let address = address(&mut server);
    let done = run(&["check", &format!("ws://{address}")]);
    assert!(done.refused().ends_with(&format!("speaks TLS on this port: use wss://{address}")), "{done:?}");
    server.end();
}

#[test]
fn what_a_server_does_not_support_has_not_passed() {
    // It answers nothing but the handshake and control frames.
    let url = careless();
    let done = run(&["check", "--only", "deflate/json-16", &url]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.contains("none of 1 cases could be judged (1 not supported by it)"), "{}", done.out);
}

#[test]
fn cases_are_listed_by_level_and_number() {
    let all = run(&["check", "--list", "--json"]);
    assert!(all.json().as_array().unwrap().len() > 3000);
    let one = run(&["check", "--list", "--only", "2.1"]);
    assert!(one.out.starts_with("control/ping/empty [2.1] (must): "), "{}", one.out);
    assert!(one.out.ends_with("1 cases\n"));
    let numbers = |pattern: &str| -> Vec<String> {
        let list = run(&["check", "--list", "--json", "--only", pattern]).json();
        let cases = list.as_array().unwrap();
        cases.iter().map(|case| case["autobahn"].as_str().expect("it has a number").to_owned()).collect()
    };
    assert_eq!(numbers("autobahn:*").len(), 517);
    // A part of a number selects nothing.
    assert_eq!(numbers("autobahn:12.1.*").len(), 18);
    assert_eq!(numbers("autobahn:2.1"), ["2.1"]);
    assert!(run(&["check", "--list", "--only", "autobahn:12"]).refused().contains("no case is named"));
}

#[test]
fn clients_are_checked_by_the_protocol_of_autobahn() {
    let program = env!("CARGO_BIN_EXE_framewise");
    // A client that is no client at all: it asks for two cases, and echoes nothing.
    let client = format!(
        "for case in 1 2; do {program} connect \"{{url}}/runCase?case=$case&agent=mute\" </dev/null; done; true"
    );
    let done = run(&[
        "check",
        "--listen",
        "127.0.0.1:0",
        "--only",
        "frame/length/text-",
        "--patience",
        "1",
        "--json",
        "--run",
        &client,
    ]);
    assert_eq!(done.code, Some(1), "{done:?}");
    let json = done.json();
    assert_eq!(json["target"], "mute");
    assert_eq!(json["cases"].as_array().unwrap().len(), 2, "{json}");
    assert_eq!(json["complete"], false, "the client ended before the others");
    let nobody = run(&["check", "--listen", "127.0.0.1:0", "--json", "--run", "true"]);
    assert!(nobody.refused().contains("before a client asked for a case"), "{nobody:?}");
}

#[test]
fn a_client_is_told_what_became_of_its_cases() {
    let args = ["check", "--listen", "127.0.0.1:0", "--patience", "1"];
    let only = ["--only", "control/ping/empty", "--only", "frame/length/text-1"];
    let mut clients = Running::of(framewise().args(args).args(only).spawn().unwrap());
    let address = address(&mut clients);
    // It answers Pings, and sends no message back.
    for case in 1..=2 {
        run(&["connect", "--wait", "60", &format!("ws://{address}/runCase?case={case}&agent=mute")]);
    }
    let results = |agent: &str| run(&["connect", &format!("ws://{address}/getResults?agent={agent}")]).json();
    let mute = results("mute");
    assert_eq!((&mute["cases"], &mute["passed"]), (&2.into(), &1.into()), "{mute}");
    assert_eq!(mute["failed"].as_array().unwrap().len(), 1, "{mute}");
    let failed = &mute["failed"][0];
    assert_eq!((&failed["name"], &failed["behaviour"]), (&"frame/length/text-1".into(), &"failed".into()));
    assert!(failed["says"].as_str().unwrap().contains("did not come"), "{mute}");
    assert_eq!(results("other")["cases"], 0);
    clients.end();
}

#[test]
fn wstest_sends_what_a_command_asks_for() {
    let folder = folder("wstest-commands");
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let spec = format!(r#"{{"url": "ws://{address}", "outdir": "{}"}}"#, folder.join("reports").display());
    let file = folder.join("spec.json");
    std::fs::write(&file, spec).unwrap();
    let args = ["wstest", "-m", "fuzzingserver", "-s", file.to_str().unwrap(), "--webport", "0"];
    let mut server = Running::of(framewise().args(args).spawn().unwrap());
    server.out.until("Ok, will run 517 test cases");
    let url = format!("ws://{address}/anything");
    let command = |text: &str| run_with(framewise().args(["connect", &url]), text.as_bytes());
    let echoed = command("[\"echo\", {\"payload\": \"ab\", \"payload_len\": 5}]\n");
    assert_eq!((echoed.code, &*echoed.out), (Some(0), "ababa\n"), "{echoed:?}");
    let frames =
        r#"["sendframes", [{"opcode": 1, "payload": "one", "fin": false}, {"opcode": 0, "payload": "two"}]]"#;
    assert_eq!(command(frames).out, "onetwo\n");
    let bad = command(r#"["sendframe", {"opcode": 3, "payload": "x", "chopsize": 1}]"#);
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(bad.err.contains("opcode-reserved-data"), "{bad:?}");
    let masked = command(r#"["sendframe", {"opcode": 1, "payload": "x", "mask": "abcd"}]"#);
    assert!(masked.err.contains("mask-present"), "{masked:?}");
    let closed = command(r#"["close", {"code": 3000, "reason": "bye"}]"#);
    assert!(closed.err.contains("3000") && closed.err.contains("bye"), "{closed:?}");
    let unknown = command(r#"["dance", {}]"#);
    assert!(unknown.err.contains("1008"), "{unknown:?}");
    server.end();
}

#[test]
fn wstest_names_what_to_take_in_place_of_a_mode_that_is_not_here() {
    for (mode, instead) in [
        ("echoserver", "`framewise serve` is an echo server"),
        ("testeeclient", "`framewise connect` is a client"),
        ("massconnect", "`framewise bench` opens many connections"),
        ("fuzzing", "the modes are fuzzingserver and fuzzingclient"),
    ] {
        let done = run(&["wstest", "-m", mode]);
        assert_eq!(done.code, Some(2), "{done:?}");
        assert!(done.err.contains(instead), "{}", done.err);
    }
}

#[test]
fn wstest_writes_the_reports_of_autobahn() {
    let (server, url) = serve();
    let folder = folder("wstest-client");
    let spec = format!(
        r#"{{"outdir": "{}", "options": {{"failByDrop": false}}, "webport": 8080,
            "servers": [{{"agent": "Our Server/1", "url": "{url}", "options": {{"version": 18}}}}],
            "cases": ["1.1.*", "5.1"], "exclude-cases": ["1.1.2"], "exclude-agent-cases": {{"Our*": ["1.1.3"]}}}}"#,
        folder.join("reports").display()
    );
    let file = folder.join("spec.json");
    std::fs::write(&file, spec).unwrap();
    let done = run(&["wstest", "-m", "fuzzingclient", "-s", &file.display().to_string()]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.starts_with("Ok, will run 8 test cases against 1 servers\n"), "{}", done.out);
    let read = |name: &str| std::fs::read_to_string(folder.join("reports").join(name)).unwrap();
    let index: serde_json::Value = serde_json::from_str(&read("index.json")).unwrap();
    let case = &index["Our Server/1"]["5.1"];
    assert_eq!(
        (&case["behavior"], &case["behaviorClose"], &case["remoteCloseCode"]),
        (&"OK".into(), &"OK".into(), &1002.into())
    );
    assert!(index["Our Server/1"]["1.1.3"].is_null(), "it is left out for this agent");
    let report = case["reportfile"].as_str().unwrap();
    assert_eq!(report, "our_server_1_case_5_1.json");
    let case: serde_json::Value = serde_json::from_str(&read(report)).unwrap();
    assert_eq!((&case["id"], &case["isServer"]), (&"5.1".into(), &false.into()));
    assert!(!read("index.html").contains("class=\"case_failed\""));
    server.end();
}

#[cfg(unix)]
#[test]
fn a_link_named_wstest_has_its_command_line() {
    let folder = folder("wstest-link");
    let link = folder.join("wstest");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_framewise"), &link).unwrap();
    let start = |args: &[&str]| {
        let mut command = std::process::Command::new(&link);
        command.args(args).current_dir(&folder).stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::piped());
        run_with(&mut command, b"")
    };
    let nobody = start(&["-m", "fuzzingclient", "-w", "ws://127.0.0.1:1"]);
    assert_eq!(nobody.code, Some(2), "{nobody:?}");
    assert!(!folder.join("fuzzingclient.json").exists());
    // The specification is written where there was none. Whether a server is at the port that it names is not known here.
    let done = start(&["-m", "fuzzingclient"]);
    assert!(done.code.is_some(), "{done:?}");
    assert!(folder.join("fuzzingclient.json").exists());
}

#[test]
fn a_command_that_hangs_is_ended_with_all_that_it_started() {
    let file = folder("check-hangs").join("pid");
    let command = format!("sleep 1000 & echo $! > {}; wait", file.display());
    let done = run(&["check", "--listen", "127.0.0.1:0", "--patience", "0.1", "--run", &command]);
    // What is printed before the run does not count.
    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(done.err.contains("the command runs, and no client asked for a case in 1 s"), "{done:?}");
    let pid = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    // It is reaped by init, or waits for it: in neither case does it run.
    let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
    let missing = run(&["check", "--listen", "127.0.0.1:0", "--run", "/nonexistent/client"]);
    assert!(missing.err.contains("before a client asked for a case"), "{missing:?}");
}

/// Where it listens, from the first line that it prints.
fn address(running: &mut Running) -> SocketAddr {
    let line = running.out.next();
    let rest = line.split_once("://").unwrap_or_else(|| panic!("{line}")).1;
    rest.split_once(": ").unwrap_or_else(|| panic!("{line}")).0.parse().unwrap()
}

#[test]
fn what_is_interrupted_writes_a_report_that_says_so() {
    let folder = folder("check-interrupted");
    let file = |name: &str| folder.join(name).display().to_string();
    let (told, connections) = channel();
    let url = careless_that_tells(told);
    let reports = format!("json={},html={}", file("a.json"), file("a.html"));
    let server = Running::of(framewise().args(["check", "--report", &reports, &url]).spawn().unwrap());
    for _ in 0..50 {
        connections.recv().unwrap();
    }
    let done = server.end();
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.out.ends_with("The run was ended before its end: this is a part of it.\n"), "{}", done.out);
    let read = |name: &str| std::fs::read_to_string(file(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&read("a.json")).unwrap();
    assert_eq!(json["complete"], false);
    assert!(!json["cases"].as_array().unwrap().is_empty());
    assert!(read("a.html").contains("The run was ended before its end"));

    let args = ["check", "--listen", "127.0.0.1:0", "--only", "control/ping/", "--patience", "1"];
    let mut clients = Running::of(framewise().args(args).spawn().unwrap());
    let address = address(&mut clients);
    run(&["connect", &format!("ws://{address}/runCase?case=1&agent=one")]);
    // It is answered once the case has a verdict.
    run(&["connect", "--wait", "60", &format!("ws://{address}/getCaseStatus?case=1&agent=one")]);
    let done = clients.end();
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.out.contains("one: "), "{}", done.out);
    assert!(done.out.ends_with("this is a part of it.\n"), "{}", done.out);
}

#[test]
fn a_browser_gets_the_page_that_runs_its_cases() {
    let mut clients = Running::of(framewise().args(["check", "--listen", "127.0.0.1:0"]).spawn().unwrap());
    let address = address(&mut clients);
    let mut page = connect(address);
    page.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut text = String::new();
    page.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("new WebSocket("), "{text}");
    let done = clients.end();
    assert!(done.err.ends_with("no client asked for a case\n"), "{done:?}");
}

#[test]
fn a_server_is_reached_at_another_address_than_its_name_has() {
    let (server, url) = serve();
    let address = url.strip_prefix("ws://").unwrap();
    let check = |address: &str| {
        run(&["check", "--only", "control/ping/empty", "--resolve", address, "ws://server.invalid:9/"])
    };
    assert_eq!(check(address).code, Some(0), "{:?}", check(address));
    assert!(check("nowhere").refused().contains("use HOST:PORT"));
    server.end();
}

/// A certificate for 127.0.0.1 and its key, in files.
fn certificate(folder: &Path) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (cert.display().to_string(), key.display().to_string())
}

/// `framewise connect` that trusts this certificate: what it prints. The end of its input closes nothing before the case
/// has been played: the server closes.
fn trusting(cert: &str, url: &str) -> String {
    let args = ["connect", "--wait", "60", url];
    let done = run_with(framewise().env("SSL_CERT_FILE", cert).args(args), b"");
    done.out
}

#[test]
fn clients_are_checked_behind_tls() {
    let folder = folder("check-tls");
    let (cert, key) = certificate(&folder);
    let args =
        ["check", "--listen", "127.0.0.1:0", "--cert", &cert, "--key", &key, "--only", "control/ping/empty"];
    let mut clients = Running::of(framewise().args(args).spawn().unwrap());
    let address = address(&mut clients);
    assert_eq!(trusting(&cert, &format!("wss://{address}/getCaseCount")), "1\n");
    // Without TLS there is nothing to ask for.
    assert_ne!(run(&["connect", &format!("ws://{address}/getCaseCount")]).code, Some(0));
    clients.err.until("plain HTTP request to a TLS port");
    trusting(&cert, &format!("wss://{address}/runCase?case=1&agent=one"));
    trusting(&cert, &format!("wss://{address}/updateReports?agent=one"));
    let done = clients.done();
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.contains("one: 1 of 1 cases passed"), "{}", done.out);
    let args = ["check", "--listen", "127.0.0.1:0", "--cert", &key, "--key", &key];
    assert!(run(&args).refused().contains("it has no certificate in PEM"));
}

#[test]
fn wstest_listens_with_tls_and_serves_its_page() {
    let folder = folder("wstest-tls");
    let (cert, key) = certificate(&folder);
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (cases, page) = (free(), free());
    let spec = format!(
        r#"{{"url": "wss://{cases}", "cert": "{cert}", "key": "{key}", "outdir": "{}", "cases": ["2.1"]}}"#,
        folder.join("reports").display()
    );
    let file = folder.join("spec.json");
    std::fs::write(&file, &spec).unwrap();
    let port = page.port().to_string();
    let args = ["wstest", "-m", "fuzzingserver", "-s", file.to_str().unwrap(), "--webport", &port];
    let mut server = Running::of(framewise().args(args).spawn().unwrap());
    assert_eq!(server.out.next(), "Ok, will run 1 test cases for any clients connecting\n");
    let mut browser = connect(page);
    browser.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut text = String::new();
    browser.read_to_string(&mut text).unwrap();
    assert!(text.contains(&format!("const server = \"wss://{cases}\" ||")), "{text}");
    assert_eq!(trusting(&cert, &format!("wss://{cases}/getCaseCount")), "1\n");
    trusting(&cert, &format!("wss://{cases}/runCase?case=1&agent=one"));
    trusting(&cert, &format!("wss://{cases}/updateReports?agent=one&shutdownOnComplete=true"));
    let done = server.done();
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.contains("Running test case ID 2.1 for agent one"), "{}", done.out);
    // A wss:// URL without a certificate cannot be served.
    std::fs::write(&file, spec.replace(&format!(r#""cert": "{cert}","#), "")).unwrap();
    assert!(run(&args[..5]).refused().contains("needs TLS"));
}

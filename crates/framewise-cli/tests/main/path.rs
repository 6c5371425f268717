//! `framewise path`

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::common::{Running, nobody, path, run};

#[test]
fn without_an_intermediary_nothing_is_found() {
    let address = nobody().to_string();
    let via = format!("ws://{address}");
    let done = run(&[
        "path",
        "--via",
        &via,
        "--origin",
        &address,
        "--only",
        "ping/",
        "--only",
        "handshake/plain",
        "--json",
    ]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let json = done.json();
    assert_eq!(json["via"], via);
    assert_eq!(json["causes"], serde_json::json!([]));
    let probes = json["probes"].as_array().unwrap();
    assert!(probes.len() > 5, "{json}");
    for probe in probes {
        assert_eq!(probe["verdict"], "as-sent", "{probe}");
        assert!(probe["says"].is_string() && probe["causes"].is_array(), "{probe}");
    }
}

#[test]
fn what_cannot_be_tested_is_one_sentence() {
    let (free, gone) = (nobody().to_string(), nobody().to_string());
    let via = format!("ws://{gone}");
    let nobody_listens = run(&["path", "--via", &via, "--origin", &free]);
    assert!(nobody_listens.refused().contains(&gone), "{nobody_listens:?}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let in_use = run(&["path", "--via", &via, "--origin", &address]);
    assert!(in_use.refused().contains("in use"), "{in_use:?}");
    assert!(run(&["path", "--via", "ftp://x", "--origin", &free]).refused().contains("ftp"));
    assert!(run(&["path", "--list", "--only", "nonsense"]).refused().contains("nonsense"));
    assert!(run(&["path", "--origin", &free]).refused().contains("--via"));
    assert!(run(&["path", "--via", "socks5://127.0.0.1:1"]).refused().contains("--target"));
    assert!(run(&["path", "--via", &via, "--tap", "127.0.0.1:0"]).refused().contains("LISTEN=FORWARD"));
    assert!(run(&["path", "--via", &via, "--cacert", "no such file"]).refused().contains("no such file"));
}

/// The URL of something that answers each request like this.
fn answering(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let via = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        }
    });
    format!("ws://{via}")
}

/// A server that nobody started answers: the report is about that, in its own words.
#[test]
fn an_intermediary_that_refuses_is_a_finding() {
    let via = answering(b"HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nContent-Length: 7\r\n\r\nno host");
    let origin = nobody().to_string();
    let folder = std::env::temp_dir().join(format!("framewise-path-{}", std::process::id()));
    let transcripts = folder.to_str().unwrap();
    let done =
        run(&["path", "--via", &via, "--origin", &origin, "--skip", "idle", "--transcripts", transcripts]);
    assert_eq!(done.code, Some(1), "{done:?}");
    let written = std::fs::read_to_string(folder.join("handshake-plain.txt")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(written.starts_with("leg client-proxy\n"), "{written}");
    assert!(written.contains("502 Bad Gateway") && !written.contains("proxy-server"), "{written}");
    for part in ["refused", "502 Bad Gateway", "server-error-status", "(nginx)"] {
        assert!(done.out.contains(part), "{part} in {}", done.out);
    }
}

/// A file of each kind, a run that is compared with it, and one in which everything that fails is known to.
#[test]
fn reports_are_written_and_compared_and_known_failures_do_not_count() {
    let via = answering(b"HTTP/1.1 502 <b>\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n");
    let file = |name: &str| path(name).display().to_string();
    let (html, json, junit, known) = (file("a.html"), file("a.json"), file("a.xml"), file("known"));
    let origin = nobody().to_string();
    let base = ["path", "--via", &via, "--origin", &origin, "--only", "handshake/plain", "--only", "ping/"];
    let report = format!("html={html},json={json},junit={junit}");
    let done = run(&[&base[..], &["--report", &report, "--write-expect", &known]].concat());
    assert_eq!(done.code, Some(1), "{done:?}");
    let read = |file: &str| std::fs::read_to_string(file).unwrap();
    let (html, xml) = (read(&html), read(&junit));
    for (text, part) in [
        (&html, "<h2>handshake/plain</h2>"),
        (&html, "server-error-status"),
        (&xml, "<testsuites name=\"framewise path\" tests=\"9\" failures=\"1\">"),
        (&xml, "type=\"server-error-status\""),
        (&xml, "<skipped"),
    ] {
        assert!(text.contains(part) && !text.contains("502 <b>"), "{part} in {text}");
    }
    let parsed: serde_json::Value = serde_json::from_str(&read(&json)).unwrap();
    assert_eq!(parsed["causes"], serde_json::json!(["server-error-status"]));
    // The same again: nothing is new, and all that fails is known.
    let again = run(&[&base[..], &["--expect", &known, "--baseline", &json]].concat());
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.out.contains("1 of the probes are known to fail"), "{}", again.out);
    assert!(again.out.contains("0 probes have another verdict"), "{}", again.out);
    // What is known to fail and does not is said, and so is a kind of report that there is not.
    std::fs::write(&known, "handshake/plain # theirs\nping/ping-client # not run\n").unwrap();
    let (address, sarif) = (nobody().to_string(), format!("sarif={}", file("a.sarif")));
    let own = format!("ws://{address}");
    let stale =
        ["path", "--via", &own, "--origin", &address, "--only", "handshake/plain", "--expect", &known];
    let done = run(&stale);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.out.contains("handshake/plain: expected to fail, and passed"), "{}", done.out);
    assert!(
        run(&[&stale[..], &["--report", &sarif]].concat()).refused().contains("it writes html, json, junit")
    );
}

/// Two programs, and nothing between them but the connection that the client makes.
#[test]
fn a_server_and_a_client_in_two_programs_find_each_other_through_the_path() {
    let (server, address) = Running::listening(&["path", "--server", "127.0.0.1:0"]);
    let via = format!("ws://{address}");
    let base =
        ["path", "--via", &via, "--only", "ping/", "--only", "handshake/", "--only", "close/1000", "--json"];
    let done = run(&base);
    assert_eq!(done.code, Some(0), "{done:?}");
    for probe in done.json()["probes"].as_array().unwrap() {
        assert_eq!(probe["verdict"], "as-sent", "{probe}");
    }
    // A tap in between is passed, and named only where something differs.
    let between = nobody().to_string();
    let tap = format!("{between}={address}");
    let via = format!("ws://{between}");
    let tapped = run(&["path", "--via", &via, "--tap", &tap, "--only", "ping/", "--json"]);
    assert_eq!(tapped.code, Some(0), "{tapped:?}");
    assert_eq!(tapped.json()["probes"][0]["hops"], serde_json::json!([]));
    assert_eq!(server.end().code, Some(0));
    // Another server than ours.
    let other =
        answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    let done = run(&["path", "--via", &other, "--only", "handshake/plain"]);
    assert_eq!(done.code, Some(2), "{done:?}");
    assert!(done.err.contains("did not come back"), "{done:?}");
}

#[test]
fn what_a_reload_does_is_a_probe_of_its_own() {
    let address = nobody().to_string();
    let via = format!("ws://{address}");
    let done = run(&[
        "path", "--via", &via, "--origin", &address, "--only", "reload", "--reload", "exit 0", "--json",
    ]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(done.json()["probes"].as_array().unwrap().len(), 2);
}

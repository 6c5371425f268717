//! `framewise path`

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::common::{nobody, run};

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
}

/// A server that nobody started answers: the report is about that, in its own words.
#[test]
fn an_intermediary_that_refuses_is_a_finding() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let via = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream
                .write_all(b"HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\nContent-Length: 7\r\n\r\nno host");
        }
    });
    let origin = nobody().to_string();
    let folder = std::env::temp_dir().join(format!("framewise-path-{}", std::process::id()));
    let transcripts = folder.to_str().unwrap();
    let via = format!("ws://{via}");
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

//! `framewise doctor`

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use std::sync::Arc;

use framewise::rustls::pki_types::PrivateKeyDer;
use framewise::rustls::{ServerConfig, ServerConnection, crypto::ring};

use crate::common::{Done, Running, framewise, path, run, run_with};

fn serve(args: &[&str]) -> (Running, String) {
    let (running, address) =
        Running::listening(&[&["serve", "--quiet", "--listen", "127.0.0.1:0"], args].concat());
    (running, format!("ws://{address}/"))
}

/// A server that answers each request with this.
fn answering(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = Vec::new();
            let mut buffer = [0; 1024];
            while !request.ends_with(b"\r\n\r\n") {
                let Ok(count @ 1..) = stream.read(&mut buffer) else { break };
                request.extend_from_slice(&buffer[..count]);
            }
            let _ = stream.write_all(response.as_bytes());
        }
    });
    url
}

fn step<'j>(json: &'j serde_json::Value, name: &str) -> &'j serde_json::Value {
    let steps = json["steps"].as_array().unwrap();
    steps.iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("no step {name}: {json}"))
}

#[test]
fn of_a_server_that_is_well_each_step_is_ok() {
    let (server, url) = serve(&[]);
    let done = run(&["doctor", "--echo", "--strict", "--idle", "0.1", "--json", &url]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let json = done.json();
    assert_eq!(json["url"], url.as_str());
    for name in ["tcp", "handshake", "ping", "close", "deflate", "idle", "echo", "strict"] {
        assert_eq!(step(&json, name)["ok"], true, "{name}: {json}");
        assert!(step(&json, name)["milliseconds"].is_u64());
    }
    assert!(json["rule"].is_null() && json["cause"].is_null() && json["says"].is_null());
    assert!(json["next"].as_str().unwrap().starts_with("framewise check ws://"));
    let done = run(&["doctor", &url]);
    assert!(done.out.contains("Nothing wrong found."), "{}", done.out);
    server.end();
}

#[test]
fn what_answers_instead_is_told_by_its_own_words() {
    let rows = [
        (
            "HTTP/1.1 403 Forbidden\r\nServer: gate/1\r\nContent-Length: 41\r\n\r\n{\"message\": \"origin is not on the list\"}\r\n",
            ["gate/1", "403", "origin is not on the list"],
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\nServer: nginx/1.27\r\nContent-Length: 38\r\n\r\n<title>502 Bad Gateway</title>nginx...",
            ["nginx/1.27", "does not reach the server behind it", "502 Bad Gateway"],
        ),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
            ["404", "knows no such path", "It says: no"],
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", ["200", "as to a page", "hello"]),
        (
            "HTTP/1.1 301 Moved\r\nLocation: https://example.com/ws\r\nContent-Length: 0\r\n\r\n",
            ["301", "redirects", "follow"],
        ),
        (
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
            ["401", "asks for a login", "it"],
        ),
    ];
    for (response, parts) in rows {
        let done = run(&["doctor", "--json", &answering(response)]);
        assert_eq!(done.code, Some(1), "{done:?}");
        let json = done.json();
        let says = json["says"].as_str().unwrap();
        for part in parts {
            assert!(says.contains(part), "{part:?} is not in {says:?}");
        }
        assert_eq!(step(&json, "handshake")["ok"], false);
    }
}

#[test]
fn a_redirect_is_followed_by_the_next_command() {
    let url =
        answering("HTTP/1.1 302 Found\r\nLocation: https://example.com/ws\r\nContent-Length: 0\r\n\r\n");
    let json = run(&["doctor", "--json", &url]).json();
    assert_eq!(json["next"], "framewise doctor wss://example.com/ws");
}

#[test]
fn where_nobody_listens_and_where_nothing_answers_it_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("ws://{}/", listener.local_addr().unwrap());
    drop(listener);
    let json = run(&["doctor", "--json", &closed]).json();
    assert_eq!(step(&json, "tcp")["ok"], false);
    assert_eq!(json["cause"], "server-unreachable", "{json}");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", silent.local_addr().unwrap());
    let done = run(&["doctor", "--patience", "0.3", "--json", &url]);
    assert_eq!(step(&done.json(), "handshake")["ok"], false);
    assert_eq!(done.code, Some(1));
}

#[test]
fn what_is_not_the_protocol_is_a_finding() {
    let rows = [
        ("SSH-2.0-OpenSSH_9\r\n", "response-not-http"),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
            "response-accept-wrong",
        ),
    ];
    for (response, rule) in rows {
        let json = run(&["doctor", "--json", &answering(response)]).json();
        assert_eq!(json["rule"], rule, "{json}");
    }
}

#[test]
fn a_url_that_is_none_is_refused_in_one_sentence() {
    let refused: [Done; 2] = [run(&["doctor", "example.com"]), run(&["doctor", "http://example.com/"])];
    for done in refused {
        assert!(done.refused().contains("ws://"), "{done:?}");
    }
}

/// A server that greets in TLS with a certificate for this name, valid until this year, and the file with the certificate.
fn greeting(name: &str, until: i32) -> (String, std::path::PathBuf) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut certificate = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    // Else the name is the same in all, and one is taken for the issuer of another.
    certificate.distinguished_name.push(rcgen::DnType::CommonName, format!("{name} {until}"));
    certificate.not_before = rcgen::date_time_ymd(2015, 1, 1);
    certificate.not_after = rcgen::date_time_ymd(until, 1, 1);
    let certificate = certificate.self_signed(&key).unwrap();
    let file = path(&format!("doctor-{name}-{until}.pem"));
    std::fs::write(&file, certificate.pem()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://localhost:{}/", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            let _ = tls.complete_io(&mut stream);
        }
    });
    (url, file)
}

#[test]
fn what_is_wrong_with_a_certificate_is_said() {
    for (name, until, trusted, says) in [
        ("localhost", 2020, true, "expired on 2020-01-01"),
        ("other.example", 2090, true, "is for other.example, not for localhost"),
        ("localhost", 2091, false, "does not send its intermediate certificate"),
    ] {
        let (url, authority) = greeting(name, until);
        let (_, other) = greeting("unrelated.example", 2090);
        let mut command = framewise();
        command.env("SSL_CERT_FILE", if trusted { &authority } else { &other });
        let done = run_with(command.args(["doctor", "--json", &url]), b"");
        let json = done.json();
        assert_eq!(step(&json, "tcp")["says"], "1 of 1 address takes a connection", "{json}");
        let tls = step(&json, "tls");
        assert!(tls["ok"] == false && tls["says"].as_str().unwrap().contains(says), "{json}");
        assert_eq!((&json["cause"], done.code), (&"certificate-rejected".into(), Some(1)), "{json}");
    }
}

//! Whether another try makes sense, and when.

use std::time::{Duration, SystemTime};

use crate::common::{pair, read_head, server_and_raw};
use framewise::{Client, ConnectFault, Error, Misuse, Rejected, Rule, connect};
use tokio::io::{AsyncWriteExt as _, duplex};

/// What a client says of a server that answers so, and then ends the connection.
async fn answered(answer: &str) -> Error {
    let (near, mut far) = duplex(1 << 14);
    let client = Client::new();
    let (connected, ()) = tokio::join!(client.connect_over(near, "ws://h/"), async {
        read_head(&mut far).await;
        far.write_all(answer.as_bytes()).await.unwrap();
        drop(far);
    });
    connected.unwrap_err()
}

async fn rejected(status: u16, lines: &str) -> Box<Rejected> {
    let error = answered(&format!("HTTP/1.1 {status} \r\n{lines}\r\n")).await;
    let Error::Rejected(rejected) = error else { panic!("{error}") };
    rejected
}

#[tokio::test]
async fn a_status_that_says_later_is_transient_and_one_that_says_no_is_not() {
    for (status, lines, transient) in [
        (503, "", true),
        (502, "", true),
        (504, "", true),
        (500, "", true),
        (429, "", true),
        (408, "", true),
        (425, "", true),
        (403, "Retry-After: 60\r\n", true),
        (403, "", false),
        (401, "", false),
        (404, "", false),
        (426, "", false),
        (501, "", false),
        (505, "", false),
        (302, "Location: /there\r\nRetry-After: 60\r\n", false),
        (200, "Retry-After: 60\r\n", false),
    ] {
        let rejected = rejected(status, lines).await;
        assert_eq!(rejected.is_transient(), transient, "{status} {lines}");
        assert_eq!(Error::Rejected(rejected).is_transient(), transient, "{status} {lines}");
    }
}

#[tokio::test]
async fn the_server_says_when_in_seconds_or_with_a_date() {
    for (value, seconds) in [
        ("120", Some(120)),
        ("0", Some(0)),
        ("99999999999999999999999", Some(u64::from(u32::MAX))),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("soon", None),
        ("\u{e9}", None),
    ] {
        let rejected = rejected(503, &format!("Retry-After: {value}\r\n")).await;
        assert_eq!(rejected.retry_after(), seconds.map(Duration::from_secs), "{value}");
        assert_eq!(Error::Rejected(rejected).retry_after(), seconds.map(Duration::from_secs), "{value}");
    }
    assert_eq!(rejected(503, "").await.retry_after(), None);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let until = rejected(503, "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n").await.retry_after().unwrap();
    let at = now + until;
    assert!(
        (253_402_300_700..253_402_300_900).contains(&at.as_secs()),
        "the clock is this machine's: {at:?}"
    );
}

#[tokio::test]
async fn a_connection_that_is_lost_is_transient_and_one_that_fails_is_not() {
    let lost = answered("HTTP/1.1 101 Switching").await;
    assert_eq!(lost.violation().unwrap().rule, Rule::ResponseMissing);
    assert!(lost.is_transient() && lost.retry_after().is_none());
    let wrong = answered("SSH-2.0-OpenSSH_9.2\r\n").await;
    assert_eq!(wrong.violation().unwrap().rule, Rule::ResponseNotHttp);
    assert!(!wrong.is_transient());

    let (mut ws, raw) = server_and_raw().await;
    drop(raw);
    let error = ws.next().await.unwrap().unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(error.to_string().ends_with("Reported as 1006"), "nobody sends that code: {error}");
    let (mut ws, mut raw) = server_and_raw().await;
    raw.write_all(b"\x81\x02hi").await.unwrap();
    drop(raw);
    let error = ws.next().await.unwrap().unwrap_err();
    assert!(!error.is_transient() && error.to_string().ends_with("Answer: close 1002"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_down_is_transient_and_a_url_that_is_wrong_is_not() {
    let down = connect("ws://127.0.0.1:1/").await.unwrap_err();
    assert!(down.is_transient(), "{down}");
    let wrong = connect("http://127.0.0.1/").await.unwrap_err();
    assert!(!wrong.is_transient(), "{wrong}");
    for (fault, transient) in [
        (ConnectFault::Name, true),
        (ConnectFault::TimedOut, true),
        (ConnectFault::Tls, false),
        (ConnectFault::ServerSpeaksPlain, false),
    ] {
        assert_eq!(fault.is_transient(), transient, "{fault:?}");
    }
    assert!(!Error::from(Misuse::Closed).is_transient());
    assert!(!Error::RequestRejected(503).is_transient());
}

#[tokio::test]
async fn the_close_code_of_the_peer_says_so_too() {
    for (code, transient) in [(1001, true), (1013, true), (1000, false), (1008, false), (4000, false)] {
        let (mut client, mut server) = pair().await;
        let (closed, received) = tokio::join!(server.close(code, ""), client.next());
        closed.unwrap();
        assert!(received.is_none());
        assert_eq!(client.ended().unwrap().code.is_transient(), transient, "{code}");
    }
}

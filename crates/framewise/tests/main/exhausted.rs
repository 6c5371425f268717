//! A server whose system has no descriptor left for another connection.
#![cfg(unix)]

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::process::Command;

use crate::common::{REQUEST, RESPONSE, echo_server};
use framewise::{Message, connect};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// Says to the test that it is the one with few descriptors.
const LIMITED: &str = "FRAMEWISE_TEST_LIMITED";

#[test]
fn who_is_there_is_served_on_and_who_waits_is_served_later() {
    if std::env::var_os(LIMITED).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(exhausted());
    }
    let output = Command::new("sh")
        .args(["-c", r#"ulimit -n 64 && exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "exhausted::who_is_there_is_served_on_and_who_waits_is_served_later"])
        .env(LIMITED, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

async fn exhausted() {
    let address = echo_server().await;
    let mut first = connect(&format!("ws://{address}/")).await.unwrap();
    let mut second = std::net::TcpStream::connect(address).unwrap();
    second.write_all(REQUEST.as_bytes()).unwrap();
    second.set_nonblocking(true).unwrap();
    let second = TcpStream::from_std(second).unwrap();
    let files: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(!files.is_empty() && files.len() < 64);

    for _ in 0..10 {
        first.send("still there").await.unwrap();
        assert_eq!(first.next().await.unwrap().unwrap(), Message::text("still there"));
    }
    let unanswered = second.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(unanswered.kind(), ErrorKind::WouldBlock, "there was no descriptor to accept it with");

    drop(files);
    let mut answer = vec![0; RESPONSE.len()];
    let mut second = second;
    second.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, RESPONSE.as_bytes());
    first.close(1000, "").await.unwrap();
}

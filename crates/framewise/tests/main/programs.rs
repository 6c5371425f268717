//! The examples that are programs of their own do what they say.
#![cfg(unix)]

use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use framewise::{CloseCode, NetStream, Reply, Server, WebSocket};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

/// How long anything may take. Generous: it is for what hangs, not for what is slow.
const LIMIT: Duration = Duration::from_secs(60);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.expect("it happens within a minute")
}

/// An example that runs, and is killed with the test.
struct Example {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Example {
    fn start(name: &str, argument: &str) -> Self {
        let mut command = Command::new(built(name));
        command.arg(argument).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let err = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, out, err }
    }

    async fn said(&mut self) -> String {
        soon(self.out.next_line()).await.unwrap().expect("another line")
    }

    async fn noticed(&mut self) -> String {
        soon(self.err.next_line()).await.unwrap().expect("another line on standard error")
    }

    /// As Ctrl-C does.
    async fn interrupt(&self) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    }

    async fn ended(&mut self) -> ExitStatus {
        soon(self.child.wait()).await.unwrap()
    }
}

/// The program of an example, which lies beside this test's, and is built with all tests. A run of this file alone takes the
/// one that is there, and builds it if there is none.
fn built(name: &str) -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let path = here.ancestors().nth(2).unwrap().join("examples").join(name);
    if !path.exists() {
        let mut build = std::process::Command::new(std::env::var("CARGO").unwrap());
        build.args(["build", "--package", "framewise", "--all-features", "--example", name]);
        assert!(build.status().unwrap().success(), "{name} is built");
    }
    path
}

async fn chat() -> (Example, String) {
    let mut chat = Example::start("chat", "127.0.0.1:0");
    let line = chat.noticed().await;
    let url = line.strip_prefix("listening at ").expect("its address").to_owned();
    (chat, url)
}

async fn member(url: &str, name: &str) -> WebSocket<NetStream> {
    framewise::connect(&format!("{url}?name={name}")).await.unwrap()
}

async fn heard(member: &mut WebSocket<NetStream>) -> String {
    let message = soon(member.next()).await.expect("a message").unwrap();
    message.as_text().unwrap().to_owned()
}

async fn code(mut member: WebSocket<NetStream>) -> CloseCode {
    while let Some(message) = soon(member.next()).await {
        message.unwrap();
    }
    member.ended().unwrap().code
}

#[tokio::test]
async fn chat_tells_everybody_what_anybody_says_and_says_goodbye() {
    let (mut chat, url) = chat().await;
    let mut ada = member(&url, "ada").await;
    assert_eq!(heard(&mut ada).await, "* ada is here");
    let mut bob = member(&url, "bob").await;
    for member in [&mut ada, &mut bob] {
        assert_eq!(heard(member).await, "* bob is here");
    }
    ada.send("hello").await.unwrap();
    ada.flush().await.unwrap();
    for member in [&mut ada, &mut bob] {
        assert_eq!(heard(member).await, "ada: hello");
    }
    // A name has one owner, and is one.
    assert_eq!(code(member(&url, "ada").await).await, CloseCode::POLICY_VIOLATION);
    assert_eq!(code(member(&url, "").await).await, CloseCode::POLICY_VIOLATION);
    bob.close(1000, "").await.unwrap();
    assert_eq!(heard(&mut ada).await, "* bob left");
    // What is no text is refused.
    let mut eve = member(&url, "eve").await;
    assert_eq!(heard(&mut eve).await, "* eve is here");
    eve.send(b"bytes").await.unwrap();
    assert_eq!(code(eve).await, CloseCode::UNSUPPORTED_DATA);
    chat.interrupt().await;
    assert_eq!(code(ada).await, CloseCode::GOING_AWAY);
    assert!(chat.ended().await.success());
}

#[tokio::test]
async fn chat_does_not_wait_for_who_does_not_read() {
    let (mut chat, url) = chat().await;
    let mut ada = member(&url, "ada").await;
    assert_eq!(heard(&mut ada).await, "* ada is here");
    let slow = member(&url, "slow").await;
    assert_eq!(heard(&mut ada).await, "* slow is here");
    // It says a lot, and hears everything, as fast as it can: until the other one's socket and queue are full.
    let flood = async {
        let mut number = 0_u64;
        loop {
            // Not to be compressed.
            number += 1;
            let noise: String = (0..8_000_u64)
                .map(|at| {
                    char::from(
                        b'a' + (at.wrapping_mul(at ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59) as u8
                            % 26,
                    )
                })
                .collect();
            ada.send(noise).await.unwrap();
            if heard(&mut ada).await.starts_with("* slow left") {
                break;
            }
        }
    };
    let notice = chat.err.next_line();
    let (notice, ()) = soon(async { tokio::join!(notice, flood) }).await;
    assert_eq!(notice.unwrap().unwrap(), "slow is too slow");
    // It reads now, late: what was sent before, and nothing after, since it was cut.
    let mut slow = slow;
    while let Some(Ok(_)) = soon(slow.next()).await {}
    assert_ne!(slow.ended().unwrap().code, CloseCode::NORMAL_CLOSURE);
    ada.close(1000, "").await.unwrap();
    chat.interrupt().await;
    assert!(chat.ended().await.success());
}

async fn accept(listener: &TcpListener, server: &Server) -> WebSocket<TcpStream> {
    let (tcp, _) = soon(listener.accept()).await.unwrap();
    soon(server.accept(tcp)).await.unwrap()
}

#[tokio::test]
async fn reconnect_comes_back_after_what_may_be_over() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut example = Example::start("reconnect", &format!("ws://{address}/"));
    // Nobody listens.
    assert!(example.noticed().await.contains("connection refused"));
    let listener = TcpListener::bind(address).await.unwrap();
    let server = Server::new();
    // It may have tried more than once before.
    let mut ws = accept(&listener, &server).await;
    assert_eq!(example.said().await, "connected");
    ws.close(CloseCode::SERVICE_RESTART, "").await.unwrap();
    let mut notice = example.noticed().await;
    while notice.contains("connection refused") {
        notice = example.noticed().await;
    }
    assert!(notice.contains("closed with 1012"), "{notice}");
    // It is cut.
    drop(accept(&listener, &server).await);
    assert_eq!(example.said().await, "connected");
    assert!(example.noticed().await.contains("close-missing"));
    // The server is down, behind its gateway.
    let down = Server::new().reply(|_| Reply::reject(503, "later\n"));
    let (tcp, _) = soon(listener.accept()).await.unwrap();
    assert!(soon(down.accept(tcp)).await.is_err());
    assert!(example.noticed().await.contains("503"));
    let mut ws = accept(&listener, &server).await;
    ws.send("here you are").await.unwrap();
    ws.close(CloseCode::NORMAL_CLOSURE, "").await.unwrap();
    assert_eq!(example.said().await, "connected");
    assert_eq!(example.said().await, "here you are");
    assert!(example.ended().await.success(), "the server has said all");
}

#[tokio::test]
async fn reconnect_gives_up_after_what_would_be_the_same_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let mut example = Example::start("reconnect", &url);
    let mut ws = accept(&listener, &Server::new()).await;
    ws.close(CloseCode::POLICY_VIOLATION, "").await.unwrap();
    assert!(example.noticed().await.starts_with("gave up: the server closed with 1008"));
    assert_eq!(example.ended().await.code(), Some(1));

    let mut example = Example::start("reconnect", &url);
    let closed = Server::new().reply(|_| Reply::reject(401, "who are you?\n"));
    let (tcp, _) = soon(listener.accept()).await.unwrap();
    assert!(soon(closed.accept(tcp)).await.is_err());
    assert!(example.noticed().await.starts_with("gave up: "));
    assert_eq!(example.ended().await.code(), Some(1));

    let mut example = Example::start("reconnect", "wss:/nonsense");
    assert!(example.noticed().await.starts_with("gave up: "));
    assert_eq!(example.ended().await.code(), Some(1));
}

#[tokio::test]
async fn reconnect_says_goodbye_when_it_is_interrupted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut example = Example::start("reconnect", &format!("ws://{}/", listener.local_addr().unwrap()));
    let mut ws = accept(&listener, &Server::new()).await;
    ws.send("one").await.unwrap();
    ws.flush().await.unwrap();
    assert_eq!(example.said().await, "connected");
    assert_eq!(example.said().await, "one");
    example.interrupt().await;
    assert!(soon(ws.next()).await.is_none());
    assert_eq!(ws.ended().unwrap().code, CloseCode::GOING_AWAY);
    drop(ws);
    assert!(example.ended().await.success());
}

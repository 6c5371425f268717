//! A client that gives up on the way leaves nothing behind.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use crate::common::{read_head, switch};
use framewise::{Client, Proxy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A future that is polled so many times at the most; `None` when it had not ended by then.
struct Polls<F> {
    future: F,
    left: usize,
}

impl<F: Future + Unpin> Future for Polls<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        let done = Pin::new(&mut self.future).poll(cx).map(Some);
        if done.is_pending() && self.left == 0 { Poll::Ready(None) } else { done }
    }
}

/// Connects again and again, given up after one poll, two, and so on, until one is not given up. The server takes one
/// connection after the other, and the next one when the one before has ended: one that was left open would stop it.
async fn given_up_after_each_poll(client: &Client, url: &str) -> usize {
    for left in 1.. {
        let connecting = pin!(may_be_spawned(client.connect(url)));
        if let Some(connected) = (Polls { future: connecting, left }).await {
            connected.unwrap();
            return left;
        }
    }
    unreachable!("it is connected at some time")
}

/// On a runtime of several threads.
fn may_be_spawned<F: Future + Send>(future: F) -> F {
    future
}

/// Reads until the client has gone, in whatever way.
async fn until_end(stream: &mut TcpStream) {
    while !matches!(stream.read(&mut [0; 1024]).await, Ok(0) | Err(_)) {}
}

/// Writes an answer in pieces; a client that has gone does not matter.
async fn answer(stream: &mut TcpStream, answer: &str) {
    for piece in answer.as_bytes().chunks(40) {
        let _ = stream.write_all(piece).await;
        tokio::task::yield_now().await;
    }
}

/// Reads a head; `None` where the client has gone before its end.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

#[tokio::test]
async fn a_connection_that_is_given_up_at_any_moment_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            match head(&mut stream).await {
                None => continue,
                Some(request) if request.starts_with("GET /end") => {
                    answer(&mut stream, &switch(&request)).await;
                }
                Some(_) => answer(&mut stream, "HTTP/1.1 302 Found\r\nLocation: /end\r\n\r\n").await,
            }
            until_end(&mut stream).await;
        }
    });
    assert!(given_up_after_each_poll(&Client::new(), &format!("ws://{address}/end")).await > 1);
    let client = Client::new().follow_redirects(1);
    let url = format!("ws://localhost:{}/", address.port());
    assert!(given_up_after_each_poll(&client, &url).await > 1);
}

#[tokio::test]
async fn so_is_one_through_a_proxy() {
    let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", http.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = http.accept().await {
            if head(&mut stream).await.is_some() {
                answer(&mut stream, "HTTP/1.1 200 Connection established\r\n\r\n").await;
                if let Some(request) = head(&mut stream).await {
                    answer(&mut stream, &switch(&request)).await;
                }
            }
            until_end(&mut stream).await;
        }
    });
    let client = Client::new().proxy(Proxy::parse(&proxy).unwrap());
    assert!(given_up_after_each_poll(&client, "ws://server.invalid/").await > 1);

    let socks = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("socks5h://user:secret@{}", socks.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socks.accept().await {
            // The lengths of what a client sends, and the answer to each.
            for (length, reply) in [(4, &[5, 2][..]), (13, &[1, 0]), (21, &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])] {
                if stream.read_exact(&mut vec![0; length]).await.is_err() {
                    break;
                }
                let _ = stream.write_all(reply).await;
            }
            if let Some(request) = head(&mut stream).await {
                answer(&mut stream, &switch(&request)).await;
            }
            until_end(&mut stream).await;
        }
    });
    let client = Client::new().proxy(Proxy::parse(&proxy).unwrap());
    assert!(given_up_after_each_poll(&client, "ws://server.invalid/").await > 1);
}

#[tokio::test]
async fn a_name_with_several_addresses_is_reached_by_the_one_that_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_head(&mut stream).await;
        stream.write_all(switch(&request).as_bytes()).await.unwrap();
        stream
    };
    // Where the system names ::1 as well, nobody listens there.
    let client = Client::new();
    let url = format!("ws://localhost:{port}/");
    let (connected, _stream) = tokio::join!(client.connect(&url), serve);
    assert_eq!(connected.unwrap().get_ref().tcp().peer_addr().unwrap().port(), port);
}

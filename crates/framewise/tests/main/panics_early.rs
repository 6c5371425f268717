//! The application panics or fails before a request is answered: the client gets a 500, and nobody else notices. And handlers
//! that are not `async`, whose connection is dropped later than their stack.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use framewise::{CloseCode, Error, Listener, PendingRequest, Reply, ServeError, Server, WebSocket, connect};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::common::{REQUEST, echo};

type Errors = mpsc::UnboundedReceiver<ServeError>;

/// A listener, its address, and what it reports.
async fn listen(server: Server) -> (Listener, SocketAddr, Errors) {
    let listener = server.bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    (listener.on_error(move |_, error| tell.send(error).unwrap()), address, told)
}

/// Everything that answers a request for `target`, up to the end of the stream.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, target: &str) -> String {
    stream.write_all(REQUEST.replace("/chat", target).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// It is a 500 that says so and nothing more.
#[track_caller]
fn is_500(answer: &str) {
    let answer = answer.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 500 internal server error\r\n"), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nthe server failed before it answered\n"), "{answer}");
}

#[track_caller]
fn is_panic(error: &ServeError, says: &str) {
    assert!(matches!(error, ServeError::Panicked(message) if message == says), "{error:?}");
}

/// Another client still gets its echo.
async fn echoes<S: AsyncRead + AsyncWrite + Unpin>(other: &mut WebSocket<S>) {
    other.send("there").await.unwrap();
    assert_eq!(other.next().await.unwrap().unwrap().as_text(), Some("there"));
}

/// The next thing is a Close with 1011, and nothing else.
async fn gets_1011<S: AsyncRead + AsyncWrite + Unpin>(mut client: WebSocket<S>) {
    let message = client.next().await;
    assert!(message.is_none(), "{message:?}");
    assert_eq!(client.ended().unwrap().code, CloseCode::INTERNAL_ERROR);
}

async fn decide<S: AsyncRead + AsyncWrite + Unpin>(pending: PendingRequest<S>) -> Result<(), Error> {
    match pending.request().target.as_str() {
        "/panics" => panic!("a bug before the answer"),
        "/fails" => return Err(Error::other("no database")),
        "/drops" => return Ok(()),
        "/no" => drop(pending.answer(Reply::reject(404, "no\n")).await),
        "/late" => {
            let _ws = pending.answer(Reply::accept()).await?;
            panic!("a bug after the answer")
        }
        _ => echo(pending.answer(Reply::accept()).await?).await?,
    }
    Ok(())
}

#[tokio::test]
async fn a_request_that_is_dropped_unanswered_gets_a_500_and_nobody_else_does() {
    let (listener, address, mut told) = listen(Server::new()).await;
    tokio::spawn(listener.serve_requests(std::future::pending::<()>(), decide));
    let mut other = connect(format!("ws://{address}/chat")).await.unwrap();

    let stream = || async { TcpStream::connect(address).await.unwrap() };
    is_500(&answer(stream().await, "/panics").await);
    is_panic(&told.recv().await.unwrap(), "a bug before the answer");
    is_500(&answer(stream().await, "/fails").await);
    assert!(matches!(told.recv().await, Some(ServeError::Handler(Error::Other(_)))));
    is_500(&answer(stream().await, "/drops").await);
    echoes(&mut other).await;

    // What was answered gets no second answer.
    let answered = answer(stream().await, "/no").await;
    assert!(answered.starts_with("HTTP/1.1 404 ") && answered.ends_with("\r\n\r\nno\n"), "{answered}");
    gets_1011(connect(format!("ws://{address}/late")).await.unwrap()).await;
    is_panic(&told.recv().await.unwrap(), "a bug after the answer");
    echoes(&mut other).await;
    other.close(1000, "").await.unwrap();
    assert!(told.try_recv().is_err());
}

/// A server whose [`Server::reply`] panics for one target.
fn panics_in_reply() -> Server {
    Server::new().reply(|request| {
        assert!(request.target != "/panics", "a bug in the reply");
        Reply::accept()
    })
}

#[tokio::test]
async fn a_reply_that_panics_sends_a_500() {
    let (listener, address, mut told) = listen(panics_in_reply()).await;
    tokio::spawn(listener.serve(echo));
    let mut other = connect(format!("ws://{address}/")).await.unwrap();
    is_500(&answer(TcpStream::connect(address).await.unwrap(), "/panics").await);
    is_panic(&told.recv().await.unwrap(), "a bug in the reply");
    echoes(&mut other).await;

    // The panic is the caller's own, where it accepts the stream itself.
    let (near, far) = duplex(1 << 12);
    let accepting = tokio::spawn(async move { panics_in_reply().accept(far).await });
    is_500(&answer(near, "/panics").await);
    assert!(accepting.await.unwrap_err().is_panic());
}

#[tokio::test]
async fn a_500_is_written_as_far_as_the_stream_takes_it() {
    // A stream that takes ten bytes, and a client that is gone.
    let (mut near, far) = duplex(10);
    let request = async { near.write_all(REQUEST.as_bytes()).await.unwrap() };
    let server = Server::new();
    let (pending, ()) = tokio::join!(server.request(far), request);
    drop(pending.unwrap());
    let mut answer = String::new();
    near.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "HTTP/1.1 5");
    let (mut near, far) = duplex(1 << 12);
    near.write_all(REQUEST.as_bytes()).await.unwrap();
    let pending = Server::new().request(far).await.unwrap();
    drop(near);
    drop(pending);
}

/// A stream with a bug of its own: it panics when it is written.
struct Panics(DuplexStream);

impl AsyncRead for Panics {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Panics {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<std::io::Result<usize>> {
        panic!("the stream has a bug")
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_stream_that_panics_while_the_500_is_written_does_not_end_the_program() {
    let (mut near, far) = duplex(1 << 12);
    near.write_all(REQUEST.as_bytes()).await.unwrap();
    let pending = Server::new().request(Panics(far)).await.unwrap();
    let task = tokio::spawn(async move {
        let _pending = pending;
        panic!("a bug")
    });
    assert!(task.await.unwrap_err().is_panic());
}

/// A handler that is a future by hand: a panic in it unwinds no stack that holds the connection.
struct ByHand<S>(WebSocket<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Future for ByHand<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        assert!(!self.0.is_open(), "a bug by hand");
        Poll::Ready(())
    }
}

#[tokio::test]
async fn a_handler_by_hand_and_one_that_panics_before_its_future_send_1011() {
    let (listener, address, mut told) = listen(Server::new()).await;
    tokio::spawn(listener.serve(|ws| {
        assert!(ws.request().is_none_or(|request| request.target != "/call"), "a bug in the call");
        ByHand(ws)
    }));
    for (target, says) in [("/call", "a bug in the call"), ("/", "a bug by hand")] {
        gets_1011(connect(format!("ws://{address}{target}")).await.unwrap()).await;
        is_panic(&told.recv().await.unwrap(), says);
    }
    // In a task of the application's own.
    let (client, server) = framewise::pair();
    tokio::spawn(ByHand(server));
    gets_1011(client).await;
}

#[cfg(feature = "axum")]
mod http {
    use std::convert::Infallible;

    use axum::Router;
    use axum::routing::any;
    use framewise::Client;
    use framewise::axum::WebSocketUpgrade;
    use framewise::hyper::upgrade;
    use framewise::tower::WebSocketService;
    use hyper::service::service_fn;
    use hyper_util::service::TowerToHyperService;

    use super::*;
    use crate::common::http::serve;

    /// The connection of a server through hyper, tower and axum each, whose reply may panic, and whose handler does.
    fn doors() -> [DuplexStream; 3] {
        let service = service_fn(|mut request| async move {
            Ok::<_, Infallible>(match upgrade(&panics_in_reply(), &mut request) {
                Ok((response, upgrade)) => {
                    tokio::spawn(async move { ByHand(upgrade.await.unwrap()).await });
                    response
                }
                Err(rejection) => rejection.into_http(),
            })
        });
        let tower = WebSocketService::new(panics_in_reply(), |ws, _| ByHand(ws));
        let handler = |ws: WebSocketUpgrade| async move { ws.server(panics_in_reply()).on_upgrade(ByHand) };
        let router = Router::new().fallback(any(handler));
        [
            serve(service, true),
            serve(TowerToHyperService::new(tower), true),
            serve(TowerToHyperService::new(router), true),
        ]
    }

    #[tokio::test]
    async fn a_handler_by_hand_sends_1011_through_each_door() {
        for stream in doors() {
            gets_1011(Client::new().connect_over(stream, "ws://h/").await.unwrap()).await;
        }
    }

    #[tokio::test]
    async fn a_reply_that_panics_sends_a_500_through_each_door() {
        for stream in doors() {
            is_500(&answer(stream, "/panics").await);
        }
    }

    #[tokio::test]
    async fn a_callback_that_panics_before_its_future_sends_1011() {
        let called = |ws: framewise::hyper::WebSocket| {
            assert!(!ws.is_open(), "a bug in the call");
            ByHand(ws)
        };
        let tower = WebSocketService::new(Server::new(), move |ws, _| called(ws));
        let handler = move |ws: WebSocketUpgrade| async move { ws.on_upgrade(called) };
        let router = Router::new().fallback(any(handler));
        for stream in
            [serve(TowerToHyperService::new(tower), true), serve(TowerToHyperService::new(router), true)]
        {
            gets_1011(Client::new().connect_over(stream, "ws://h/").await.unwrap()).await;
        }
    }
}

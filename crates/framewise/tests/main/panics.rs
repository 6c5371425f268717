//! A handler that panics: its peer gets a Close with 1011, and nobody else notices.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use framewise::{CloseCode, Error, NetStream, Sender, ServeError, Server, WebSocket, connect};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::mpsc;

use crate::common::{echo, pair};

/// The next thing is a Close with 1011, and nothing else.
async fn gets_1011<S: AsyncRead + AsyncWrite + Unpin>(mut client: WebSocket<S>) {
    let message = client.next().await;
    assert!(message.is_none(), "{message:?}");
    assert_eq!(client.ended().unwrap().code, CloseCode::INTERNAL_ERROR);
}

type Kept = Arc<Mutex<Vec<Sender>>>;

/// "panic" panics with the whole connection, "split" with its receiver, while somebody else keeps a sender; other text is echoed.
async fn panic_or_echo(mut ws: WebSocket<NetStream>, kept: Kept) -> Result<(), Error> {
    while let Some(message) = ws.next().await {
        let message = message?;
        match message.as_text() {
            Some("panic") => panic!("a bug"),
            Some("split") => {
                let (sender, _receiver) = ws.split();
                kept.lock().unwrap().push(sender);
                panic!("a bug with a sender that is kept");
            }
            Some(_) | None => ws.send(message).await?,
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_handler_of_a_listener_that_panics_disturbs_nobody() {
    let listener = Server::new().bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (tell, mut told) = mpsc::unbounded_channel();
    let listener = listener.on_error(move |_, error| tell.send(error).unwrap());
    let kept = Kept::default();
    let keeps = Arc::clone(&kept);
    tokio::spawn(listener.serve(move |ws| panic_or_echo(ws, Arc::clone(&keeps))));

    let mut other = connect(&url).await.unwrap();
    for (text, says) in [("panic", "a bug"), ("split", "a bug with a sender that is kept")] {
        let mut client = connect(&url).await.unwrap();
        client.send(text).await.unwrap();
        gets_1011(client).await;
        let error = told.recv().await.unwrap();
        assert!(matches!(&error, ServeError::Panicked(message) if message == says), "{error:?}");
        assert_eq!(error.to_string(), format!("the handler panicked: {says}"));
        other.send("there").await.unwrap();
        assert_eq!(other.next().await.unwrap().unwrap().as_text(), Some("there"));
    }
    assert!(matches!(kept.lock().unwrap()[0].try_send("late"), Err(framewise::TrySendError::Failed(_))));
    other.close(1000, "").await.unwrap();
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn what_was_queued_before_a_panic_is_sent_before_the_close() {
    let (mut client, mut server) = pair().await;
    let task = tokio::spawn(async move {
        server.feed("queued").await.unwrap();
        assert!(!server.is_open(), "a bug");
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(client.next().await.unwrap().unwrap().as_text(), Some("queued"));
    gets_1011(client).await;
}

#[tokio::test]
async fn a_connection_that_is_closing_gets_no_second_close() {
    let (mut client, mut server) = pair().await;
    let task = tokio::spawn(async move {
        server.start_close(1000, "bye").unwrap();
        assert!(server.is_open(), "a bug");
    });
    assert!(task.await.unwrap_err().is_panic());
    assert!(client.next().await.is_none());
    let ended = client.ended().unwrap();
    assert_eq!((ended.code.0, ended.reason.as_str()), (1000, "bye"));
}

/// A stream with a bug of its own.
struct Panics(DuplexStream);

impl AsyncRead for Panics {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Panics {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        panic!("the stream has a bug")
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_stream_that_panics_while_the_close_is_written_does_not_end_the_program() {
    let (near, _far) = tokio::io::duplex(1024);
    let mut ws = framewise::Adopt::server(Panics(near)).start().unwrap();
    let task = tokio::spawn(async move { ws.send("hello").await });
    assert!(task.await.unwrap_err().is_panic());
    let (near, _far) = tokio::io::duplex(1024);
    let ws = framewise::Adopt::server(Panics(near)).start().unwrap();
    let (sender, receiver) = ws.split();
    let other = sender.clone();
    let task = tokio::spawn(async move {
        let _receiver = receiver;
        sender.send("hello").await
    });
    assert!(task.await.unwrap_err().is_panic());
    assert!(!other.is_open());
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn handlers_of_tower_and_axum_that_panic_send_1011_as_well() {
    use framewise::Client;
    use framewise::axum::WebSocketUpgrade;
    use framewise::tower::WebSocketService;
    use hyper_util::service::TowerToHyperService;

    use crate::common::http::serve;

    let panics = |mut ws: framewise::hyper::WebSocket| async move {
        assert!(ws.next().await.is_none(), "a bug");
    };
    let service = WebSocketService::new(Server::new(), move |ws, _| panics(ws));
    let handler = move |ws: WebSocketUpgrade| async move { ws.on_upgrade(panics) };
    let router = axum::Router::new().route("/", axum::routing::any(handler));
    for stream in
        [serve(TowerToHyperService::new(service), true), serve(TowerToHyperService::new(router), true)]
    {
        let mut client = Client::new().connect_over(stream, "ws://h/").await.unwrap();
        client.send("go").await.unwrap();
        gets_1011(client).await;
    }
}

#[tokio::test]
async fn a_connection_that_is_dropped_without_a_panic_is_cut() {
    let (mut client, server) = pair().await;
    let caught = std::panic::catch_unwind(|| panic!("elsewhere, and before"));
    assert!(caught.is_err());
    drop(server);
    assert!(matches!(client.next().await, Some(Err(Error::Violation(_)))));
    let (mut client, server) = pair().await;
    tokio::spawn(echo(server));
    client.close(1000, "").await.unwrap();
}

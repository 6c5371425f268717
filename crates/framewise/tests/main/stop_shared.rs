//! One `Stop` for servers of every kind: who is told, who is waited for, and for how long.
#![cfg(all(feature = "tower", feature = "axum"))]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::common::http::serve;
use crate::common::{REQUEST, accepted, read_head};
use axum::Router;
use axum::extract::State;
use axum::routing::any;
use framewise::axum::WebSocketUpgrade;
use framewise::tower::WebSocketService;
use framewise::{Client, Error, Limits, Message, Reply, Server, Stop, WebSocket, connect};
use futures_util::FutureExt as _;
use hyper::service::service_fn;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};

/// Longer than a test may run: what is waited for comes before.
const LONG: Duration = Duration::from_secs(3600);

/// Counts the handlers that have come to their end.
type Ends = Arc<AtomicUsize>;

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(ws: WebSocket<S>, ends: Ends) -> Result<(), Error> {
    crate::common::echo(ws).await?;
    // What an application does after the end: it is not cut off.
    for _ in 0..100 {
        yield_now().await;
    }
    ends.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

fn over_hyper(server: Server, ends: Ends) -> DuplexStream {
    let service = service_fn(move |mut request| {
        let response = match framewise::hyper::upgrade(&server, &mut request) {
            Ok((response, upgrade)) => {
                let ends = Arc::clone(&ends);
                tokio::spawn(async move { echo(upgrade.await?, ends).await });
                response
            }
            Err(rejection) => rejection.into_http(),
        };
        async { Ok::<_, Infallible>(response) }
    });
    serve(service, true)
}

fn over_tower(server: Server, ends: Ends) -> DuplexStream {
    let service = WebSocketService::new(server, move |ws, _| echo(ws, Arc::clone(&ends)));
    serve(TowerToHyperService::new(service), true)
}

fn over_axum(server: Server, ends: Ends) -> DuplexStream {
    let handler = async |ws: WebSocketUpgrade, State((server, ends)): State<(Server, Ends)>| {
        ws.server(server).on_upgrade(|ws| echo(ws, ends))
    };
    let app = Router::new().route("/chat", any(handler)).with_state((server, ends));
    serve(TowerToHyperService::new(app), true)
}

fn over_accept(server: Server, ends: Ends) -> DuplexStream {
    let (near, far) = duplex(1 << 16);
    tokio::spawn(async move { echo(server.accept(far).await?, ends).await });
    near
}

const KINDS: [fn(Server, Ends) -> DuplexStream; 4] = [over_hyper, over_tower, over_axum, over_accept];

async fn there<S: AsyncRead + AsyncWrite + Unpin>(ws: &mut WebSocket<S>) {
    ws.send("there").await.unwrap();
    assert_eq!(ws.next().await.unwrap().unwrap(), Message::text("there"));
}

async fn is_going_away<S: AsyncRead + AsyncWrite + Unpin>(ws: &mut WebSocket<S>) {
    assert!(ws.next().await.is_none());
    let ended = ws.ended().unwrap();
    assert_eq!((ended.code.0, ended.clean), (1001, true));
}

async fn connect_to(server: &Server) -> WebSocket<DuplexStream> {
    let stream = over_tower(server.clone(), Ends::default());
    Client::new().connect_over(stream, "ws://example.com/chat").await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn connections_of_every_kind_are_told_and_waited_for() {
    for (number, kind) in KINDS.into_iter().enumerate() {
        let stop = Stop::new();
        let server = Server::new().stop(&stop);
        let ends = Ends::default();
        let mut clients = Vec::new();
        for _ in 0..3 {
            let stream = kind(server.clone(), Arc::clone(&ends));
            let mut ws = Client::new().connect_over(stream, "ws://example.com/chat").await.unwrap();
            there(&mut ws).await;
            clients.push(ws);
        }
        // What is dropped has told them all.
        assert!(stop.stop(LONG).now_or_never().is_none());
        for ws in &mut clients[1..] {
            is_going_away(ws).await;
        }
        // The first client has not answered.
        let start = Instant::now();
        stop.stop(Duration::from_secs(1)).await;
        assert_eq!(start.elapsed().as_secs(), 1, "{number}");
        let ((), ()) = tokio::join!(stop.stop(LONG), is_going_away(&mut clients[0]));
        assert_eq!(start.elapsed().as_secs(), 1, "{number}");
        // hyper's, and those of a stream, are tasks of the application, which waits for them itself.
        let is_waited_for = number == 1 || number == 2;
        assert!(!is_waited_for || ends.load(Ordering::Relaxed) == 3, "{number}: {ends:?}");

        // Whoever comes now is sent away.
        let mut near = kind(server, ends);
        near.write_all(REQUEST.as_bytes()).await.unwrap();
        let head = read_head(&mut near).await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_shares_no_stop_goes_on() {
    let stop = Stop::new();
    let mut told = connect_to(&Server::new().stop(&stop)).await;
    let mut others = [connect_to(&Server::new().stop(&Stop::new())).await, connect_to(&Server::new()).await];
    tokio::join!(stop.stop(LONG), is_going_away(&mut told));
    for ws in &mut others {
        there(ws).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_longer_than_it_says() {
    let stop = Stop::new();
    stop.clone().stop(LONG).now_or_never().expect("there is nobody");
    let stop = Stop::new();
    let limits = Limits::DEFAULT.close(Duration::from_secs(20));
    let mut silent = over_tower(Server::new().limits(limits).stop(&stop), Ends::default());
    silent.write_all(REQUEST.as_bytes()).await.unwrap();
    read_head(&mut silent).await;
    let start = Instant::now();
    stop.stop(Duration::from_secs(1)).await;
    assert_eq!(start.elapsed().as_secs(), 1);
    let mut close = [0; 4];
    silent.read_exact(&mut close).await.unwrap();
    assert_eq!(&close, b"\x88\x02\x03\xe9");
    // The connection's own limits end it.
    stop.stop(LONG).await;
    assert_eq!(start.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_dropped_and_an_upgrade_that_fails_are_not_waited_for() {
    let stop = Stop::new();
    let server = Server::new().stop(&stop);
    let (ws, raw) = accepted(server.clone(), 1 << 10).await;
    let mut half = over_tower(server.clone(), Ends::default());
    half.write_all(&REQUEST.as_bytes()[..50]).await.unwrap();
    // hyper has no upgrade for it: the response is all there is.
    let service = WebSocketService::new(server.clone(), |ws, _| async { drop(ws) });
    let mut never = serve(TowerToHyperService::new(service), false);
    never.write_all(REQUEST.as_bytes()).await.unwrap();
    never.read_u8().await.unwrap();
    assert!(stop.stop(LONG).now_or_never().is_none());
    drop(ws);
    let start = Instant::now();
    stop.stop(LONG).await;
    assert_eq!(Instant::now(), start);
    drop((raw, half, never));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_its_answer_gets_503() {
    let stop = Stop::new();
    let server = Server::new().stop(&stop);
    let (mut near, far) = duplex(1 << 10);
    near.write_all(REQUEST.as_bytes()).await.unwrap();
    let pending = server.request(far).await.unwrap();
    assert!(stop.stop(LONG).now_or_never().is_none());
    let client = async {
        let mut answer = String::new();
        // Its side ends, so that the server does not wait for it.
        near.read_to_string(&mut answer).await.unwrap();
        drop(near);
        answer
    };
    let (answered, answer) = tokio::join!(pending.answer(Reply::accept()), client);
    assert!(matches!(answered, Err(Error::RequestRejected(503))));
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    stop.stop(LONG).now_or_never().expect("nobody is left");
}

#[tokio::test]
async fn a_listener_and_an_http_library_stop_together() {
    for by_listener in [true, false] {
        let stop = Stop::new();
        let server = Server::new().grace(LONG).stop(&stop);
        let listener = server.clone().bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let (ends, (tell, mut told)) = (Ends::default(), mpsc::channel::<()>(1));
        let handler = {
            let ends = Arc::clone(&ends);
            move |ws| echo(ws, Arc::clone(&ends))
        };
        let serving = tokio::spawn(listener.serve_until(async move { told.recv().await }, handler));
        let (mut direct, mut upgraded) = (connect(&url).await.unwrap(), connect_to(&server).await);
        there(&mut direct).await;
        if by_listener {
            tell.send(()).await.unwrap();
        } else {
            assert!(stop.stop(LONG).now_or_never().is_none());
        }
        is_going_away(&mut direct).await;
        is_going_away(&mut upgraded).await;
        timeout(Duration::from_secs(5), serving).await.expect("the listener stops").unwrap();
        assert_eq!(ends.load(Ordering::Relaxed), 1);
        assert!(connect(&url).await.is_err());
        stop.stop(LONG).await;
    }
}

#[tokio::test]
async fn a_listener_waits_for_connections_that_its_handlers_gave_away() {
    let listener = Server::new().grace(LONG).bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (give, mut given) = mpsc::unbounded_channel();
    let (tell, mut told) = mpsc::channel::<()>(1);
    let serving = tokio::spawn(listener.serve_until(async move { told.recv().await }, move |ws| {
        give.send(ws).unwrap();
        async {}
    }));
    let mut client = connect(&url).await.unwrap();
    let mut ws = given.recv().await.unwrap();
    tell.send(()).await.unwrap();
    let (end, ()) = tokio::join!(ws.next(), is_going_away(&mut client));
    assert!(end.is_none());
    serving.await.unwrap();
}

//! Handlers that are futures: what they wait for, and how they end.

use std::thread;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::{mpsc as channel, oneshot};
use tokio::time::sleep;

use super::*;
use crate::server::report::HandlerResult;

fn local<F, T>(handler: F) -> impl FnOnce(&Rc<RefCell<Core>>) -> AnyApp
where
    F: FnMut(LocalWebSocket) -> T + 'static,
    T: Future<Output: HandlerResult> + 'static,
{
    |core| Box::new(Local::new(core, handler))
}

fn text(text: &str) -> Vec<u8> {
    plain(Opcode::Text, true, text.as_bytes())
}

fn say(client: &mut TcpStream, said: &str) {
    client.write_all(&masked(Opcode::Text, true, said.as_bytes())).unwrap();
}

#[test]
fn a_timer_a_channel_and_the_connection_are_waited_for_together() {
    let (sends, sent) = channel::unbounded_channel::<&str>();
    let mut sent = Some(sent);
    let handler = move |mut ws: LocalWebSocket| {
        let mut sent = sent.take().unwrap();
        async move {
            loop {
                tokio::select! {
                    message = ws.next() => match message {
                        Some(message) => ws.send(message?).await?,
                        None => return Ok(()),
                    },
                    Some(sent) = sent.recv() => ws.send(sent).await?,
                    () = sleep(Duration::from_secs(60)) => ws.send_ref("a minute").await?,
                }
            }
        }
    };
    let mut harness = Harness::new(Server::new(), local(handler));
    let mut client = harness.client();
    harness.echo(&mut client, "there");
    let other = thread::spawn(move || {
        sends.send("from elsewhere").unwrap();
        sends
    });
    let sends = other.join().unwrap();
    assert_eq!(harness.read(&mut client, 16), text("from elsewhere"));
    harness.advance(Duration::from_secs(59));
    assert!(harness.is_silent(&mut client));
    harness.advance(Duration::from_secs(2));
    assert_eq!(harness.read(&mut client, 10), text("a minute"));
    harness.echo(&mut client, "still there");
    harness.close(&mut client);
    drop(sends);
    assert_eq!(harness.connections(), 0);
}

#[test]
fn a_future_with_wakers_of_its_own_is_woken_by_the_socket() {
    let handler = |mut ws: LocalWebSocket| async move {
        loop {
            let mut futures = FuturesUnordered::new();
            futures.push(ws.next());
            let Some(Some(message)) = futures.next().await else { return };
            drop(futures);
            ws.send(message.unwrap()).await.unwrap();
        }
    };
    let mut harness = Harness::new(Server::new(), local(handler));
    let mut client = harness.client();
    for said in ["one", "two"] {
        harness.echo(&mut client, said);
    }
    // A frame in two reads: it is active meanwhile.
    let frame = masked(Opcode::Text, true, b"three");
    client.write_all(&frame[..8]).unwrap();
    let _ = harness.step();
    client.write_all(&frame[8..]).unwrap();
    assert_eq!(harness.read(&mut client, 7), text("three"));
    harness.close(&mut client);
}

#[test]
fn a_task_elsewhere_may_have_the_connection() {
    let (passes, passed) = mpsc::channel();
    let handler = move |ws: LocalWebSocket| {
        passes.send(ws).unwrap();
        async {}
    };
    let mut harness = Harness::new(Server::new(), local(handler));
    let mut client = harness.client();
    let mut ws = passed.recv().unwrap();
    assert_eq!(ws.opened().map(|opened| opened.request.target.as_str()), Some("/chat"));
    for said in ["one", "two"] {
        say(&mut client, said);
        for _ in 0..4 {
            let _ = harness.step();
        }
        let mut echo = std::pin::pin!(async {
            let message = ws.next().await.unwrap().unwrap();
            ws.send(message).await.unwrap();
        });
        {
            let _guard = harness.runtime.enter();
            while echo.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                harness.driver.epoll.ask();
                let _ = harness.driver.poll(&mut Context::from_waker(Waker::noop()));
            }
        }
        assert_eq!(harness.read(&mut client, 5), text(said));
    }
    assert_eq!(harness.connections(), 1);
    drop(ws);
    assert!(harness.read_to_end(&mut client).is_empty());
    let _ = harness.step();
    assert_eq!(harness.connections(), 0);
}

#[test]
fn a_send_waits_for_a_client_that_does_not_read() {
    let (tells, told) = mpsc::channel();
    let handler = move |mut ws: LocalWebSocket| {
        let tells = tells.clone();
        async move {
            for number in 0..100_u8 {
                ws.send(vec![number; 100_000]).await?;
                tells.send(number).unwrap();
            }
            ws.close(1000, "").await
        }
    };
    let mut harness = Harness::new(Server::new(), local(handler));
    let mut client = harness.client();
    for _ in 0..10 {
        let _ = harness.step();
    }
    let sent = told.try_iter().count();
    assert!(sent < 100, "{sent}");
    let queued = harness.driver.core.borrow().queued(0);
    assert!((64 * 1024..64 * 1024 + 100_010).contains(&queued), "{queued}");
    for number in 0..100 {
        let expected = plain(Opcode::Binary, true, &vec![number; 100_000]);
        assert!(harness.read(&mut client, expected.len()) == expected);
    }
    assert_eq!(harness.read(&mut client, 4), b"\x88\x02\x03\xe8");
    client.write_all(&masked(Opcode::Close, true, &[3, 232])).unwrap();
    assert!(harness.read_to_end(&mut client).is_empty());
    assert!(harness.errors.try_recv().is_err());
}

#[test]
fn a_handler_that_panics_or_fails_ends_one_connection() {
    let handler = |mut ws: LocalWebSocket| async move {
        while let Some(message) = ws.next().await {
            let message = message?;
            match message.as_text() {
                Some("panic") => panic!("a bug"),
                Some("fail") => return Err(Error::other("no more")),
                Some(_) | None => ws.send(message).await?,
            }
        }
        Ok(())
    };
    let mut harness = Harness::new(Server::new(), local(handler));
    let (mut first, mut second, mut other) = (harness.client(), harness.client(), harness.client());
    for said in ["before", "panic"] {
        say(&mut first, said);
    }
    let close = plain(Opcode::Close, true, b"\x03\xf3");
    assert_eq!(harness.read_to_end(&mut first), [text("before"), close].concat());
    assert!(matches!(harness.errors.recv().unwrap(), ServeError::Panicked(message) if message == "a bug"));
    for said in ["before", "fail"] {
        say(&mut second, said);
    }
    // It is cut, as any connection that is dropped, after what was sent.
    assert_eq!(harness.read_to_end(&mut second), text("before"));
    assert!(matches!(harness.errors.recv().unwrap(), ServeError::Handler(Error::Other(_))));
    harness.echo(&mut other, "there");
    assert_eq!(harness.connections(), 1);
}

#[test]
fn a_handler_may_go_on_without_its_connection() {
    let (goes, on) = oneshot::channel::<()>();
    let (ends, ended) = mpsc::channel();
    let mut on = Some(on);
    let handler = move |mut ws: LocalWebSocket| {
        let (on, ends) = (on.take(), ends.clone());
        async move {
            ws.send("bye").await.unwrap();
            drop(ws);
            if let Some(on) = on {
                on.await.unwrap();
                ends.send(()).unwrap();
            }
        }
    };
    let mut harness = Harness::new(Server::new(), local(handler));
    for _ in 0..3 {
        let mut client = harness.client();
        assert_eq!(harness.read_to_end(&mut client), text("bye"));
    }
    // The first still has its place.
    assert!(ended.try_recv().is_err());
    assert_eq!(harness.connections(), 1);
    goes.send(()).unwrap();
    while ended.try_recv().is_err() {
        let _ = harness.step();
    }
    let _ = harness.step();
    assert_eq!(harness.connections(), 0);
}

#[test]
fn a_handle_reaches_a_connection_that_waits() {
    let mut harness = Harness::new(Server::new(), local(echo));
    let mut client = harness.client();
    let (id, handle) = {
        let core = harness.driver.core.borrow();
        (core.slots.id(0), super::super::Handle { queue: std::sync::Arc::clone(&core.queue) })
    };
    handle.send(id, "one");
    handle.close(id, 1000, "");
    assert_eq!(harness.read(&mut client, 9), [text("one"), b"\x88\x02\x03\xe8".to_vec()].concat());
    client.write_all(&masked(Opcode::Close, true, &[3, 232])).unwrap();
    assert!(harness.read_to_end(&mut client).is_empty());
    assert_eq!(harness.connections(), 0);
}

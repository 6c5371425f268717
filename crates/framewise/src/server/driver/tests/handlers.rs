//! What a handler is called with, and what it may do.

use std::thread;

use futures_util::FutureExt as _;

use super::super::{ConnectionId, End, Handle};
use super::*;
use crate::{EndedBy, Misuse, Rule};

#[derive(Default)]
struct Seen {
    ids: Vec<ConnectionId>,
    ends: Vec<End>,
    handle: Option<Handle>,
}

/// Does what the messages say.
struct Told(Rc<RefCell<Seen>>);

impl Handler for Told {
    type State = usize;

    fn open(&mut self, link: &mut Link<'_>, opened: Opened) -> usize {
        assert_eq!((opened.request.target.as_str(), opened.peer), ("/chat", link.peer_addr().unwrap()));
        link.send("welcome").unwrap();
        let mut seen = self.0.borrow_mut();
        seen.ids.push(link.id());
        seen.handle = Some(link.handle());
        0
    }

    fn message(&mut self, link: &mut Link<'_>, state: &mut usize, message: MessageRef<'_>) {
        *state += 1;
        match message.as_text() {
            Some("panic") => panic!("a bug"),
            Some("close") => {
                link.send("last").unwrap();
                link.close(1000, "bye").unwrap();
                assert!(matches!(link.send("late"), Err(Error::Misuse(Misuse::Closed))));
            }
            Some("bad close") => assert!(link.close(1005, "x").is_err()),
            Some("to all") => {
                for id in self.0.borrow().ids.clone() {
                    let _ = link.send_to(id, "for all");
                    let _ = link.send_to(id, &vec![b'x'; 5_000]);
                }
            }
            Some("block") => {
                tokio::time::advance(Duration::from_millis(150)).now_or_never();
            }
            Some("count") => link.send(&state.to_string()).unwrap(),
            Some(_) | None => link.send(message).unwrap_or_default(),
        }
    }

    fn close(&mut self, link: &mut Link<'_>, _: usize, end: End) {
        assert!(link.send("late").is_err());
        self.0.borrow_mut().ends.push(end);
    }
}

fn told() -> (Harness, Rc<RefCell<Seen>>) {
    let seen = Rc::<RefCell<Seen>>::default();
    let told = Told(Rc::clone(&seen));
    (Harness::new(Server::new(), |_| handled(told)), seen)
}

fn text(text: &str) -> Vec<u8> {
    plain(Opcode::Text, true, text.as_bytes())
}

fn greeted(harness: &mut Harness) -> TcpStream {
    let mut client = harness.client();
    assert_eq!(harness.read(&mut client, 9), text("welcome"));
    client
}

fn say(client: &mut TcpStream, said: &str) {
    client.write_all(&masked(Opcode::Text, true, said.as_bytes())).unwrap();
}

#[test]
fn a_handler_is_told_of_each_connection_and_of_its_end() {
    let (mut harness, seen) = told();
    let mut client = greeted(&mut harness);
    say(&mut client, "count");
    say(&mut client, "count");
    assert_eq!(harness.read(&mut client, 6), [text("1"), text("2")].concat());
    harness.close(&mut client);
    let mut broken = greeted(&mut harness);
    broken.write_all(&plain(Opcode::Text, true, b"no mask")).unwrap();
    end(&broken);
    harness.read_to_end(&mut broken);
    let ends = &seen.borrow().ends;
    let [first, second] = &ends[..] else { panic!("{ends:?}") };
    let ended = first.ended.as_ref().unwrap();
    assert_eq!((ended.by, ended.code.0, first.error.is_none()), (EndedBy::Peer, 1000, true));
    let violation = second.error.as_ref().and_then(Error::violation).unwrap();
    assert_eq!((violation.rule, second.ended.as_ref().unwrap().code.0), (Rule::MaskMissing, 1002));
    assert_eq!(seen.borrow().ids.len(), 2);
}

#[test]
fn a_handler_closes_a_connection_after_what_it_sent() {
    let (mut harness, seen) = told();
    let mut client = greeted(&mut harness);
    say(&mut client, "bad close");
    say(&mut client, "close");
    say(&mut client, "and more");
    let close = plain(Opcode::Close, true, b"\x03\xe8bye");
    assert_eq!(harness.read(&mut client, 6 + close.len()), [text("last"), close].concat());
    client.write_all(&masked(Opcode::Close, true, &[3, 232])).unwrap();
    assert!(harness.read_to_end(&mut client).is_empty());
    let ends = &seen.borrow().ends;
    assert_eq!(ends[0].ended.as_ref().map(|ended| (ended.by, ended.clean)), Some((EndedBy::Us, true)));
}

#[test]
fn a_handler_that_panics_ends_one_connection() {
    let (mut harness, seen) = told();
    let (mut client, mut other) = (greeted(&mut harness), greeted(&mut harness));
    say(&mut client, "before");
    say(&mut client, "panic");
    say(&mut client, "behind");
    let close = plain(Opcode::Close, true, b"\x03\xf3");
    assert_eq!(harness.read(&mut client, 8 + close.len()), [text("before"), close].concat());
    assert!(matches!(harness.errors.recv().unwrap(), ServeError::Panicked(message) if message == "a bug"));
    client.write_all(&masked(Opcode::Close, true, &[3, 243])).unwrap();
    assert!(harness.read_to_end(&mut client).is_empty());
    harness.echo(&mut other, "there");
    assert!(seen.borrow().ends.is_empty());
    assert_eq!(harness.connections(), 1);
}

#[test]
fn a_handler_that_blocks_is_reported() {
    let (mut harness, _) = told();
    let mut client = greeted(&mut harness);
    harness.echo(&mut client, "quick");
    assert!(harness.errors.try_recv().is_err());
    say(&mut client, "block");
    harness.echo(&mut client, "there");
    let error = harness.errors.recv().unwrap();
    assert!(matches!(error, ServeError::Blocked(time) if time == Duration::from_millis(150)), "{error}");
    assert!(harness.errors.try_recv().is_err());
}

#[test]
fn a_handler_sends_to_all() {
    let (mut harness, _) = told();
    let mut clients: Vec<_> = (0..5).map(|_| greeted(&mut harness)).collect();
    // One has something open, and one is gone.
    clients[1].write_all(b"\x01\x80abcd").unwrap();
    let _ = harness.step();
    let mut gone = clients.pop().unwrap();
    harness.close(&mut gone);
    say(&mut clients[0], "to all");
    say(&mut clients[0], "to all");
    let once = [text("for all"), plain(Opcode::Binary, true, &[b'x'; 5_000])].concat();
    for client in &mut clients {
        assert!(harness.read(client, 2 * once.len()) == once.repeat(2));
    }
}

#[test]
fn a_handle_reaches_connections_from_another_thread() {
    let (mut harness, seen) = told();
    let (mut first, mut second) = (greeted(&mut harness), greeted(&mut harness));
    let (ids, handle) = (seen.borrow().ids.clone(), seen.borrow().handle.clone().unwrap());
    let thread = thread::spawn(move || {
        handle.send(ids[0], "one");
        handle.send(ids[0], "two");
        handle.close(ids[1], 4000, "enough");
        handle.send(ids[1], "late");
    });
    thread.join().unwrap();
    assert_eq!(harness.read(&mut first, 10), [text("one"), text("two")].concat());
    let close = plain(Opcode::Close, true, b"\x0f\xa0enough");
    assert_eq!(harness.read(&mut second, close.len()), close);
    assert!(harness.is_silent(&mut first));
}

//! Deadlines, back-pressure, fairness, the end: with each interface.

use std::os::fd::AsFd as _;

use super::super::MESSAGES;
use super::*;
use crate::{Keepalive, Limits};

const SECOND: Duration = Duration::from_secs(1);

fn each(server: &Server, test: impl Fn(Harness)) {
    for app in ECHOES {
        test(Harness::new(server.clone(), app));
    }
}

#[test]
fn messages_of_all_sizes_come_back_in_order() {
    each(&Server::new(), |mut harness| {
        let mut client = harness.client();
        let sizes = [0, 1, 125, 126, 4096, 4097, 65_535, 65_536, 200_000, 3];
        let (mut sent, mut expected) = (Vec::new(), Vec::new());
        for size in sizes {
            for (opcode, byte) in [(Opcode::Text, b'x'), (Opcode::Binary, 0xff)] {
                let payload = vec![byte; size];
                sent.extend(masked(opcode, true, &payload));
                expected.extend(plain(opcode, true, &payload));
                sent.extend(masked(opcode, false, &payload));
                sent.extend(masked(Opcode::Ping, true, b"between"));
                sent.extend(masked(Opcode::Continuation, true, b"end"));
                expected.extend(plain(Opcode::Pong, true, b"between"));
                expected.extend(plain(opcode, true, &[&payload[..], b"end"].concat()));
            }
        }
        let mut at = 0;
        let mut got = Vec::new();
        while got.len() < expected.len() {
            at += client.write(&sent[at..]).unwrap_or(0);
            let _ = harness.step();
            let mut part = vec![0; 1 << 20];
            if let Ok(count) = client.read(&mut part) {
                got.extend_from_slice(&part[..count]);
            }
        }
        assert!(got == expected);
        harness.close(&mut client);
        assert_eq!(harness.connections(), 0);
    });
}

#[test]
fn a_connection_is_idle_again_when_nothing_of_it_is_open() {
    each(&Server::new(), |mut harness| {
        let mut client = harness.client();
        let is_idle = |harness: &Harness| harness.driver.core.borrow_mut().idle(0).is_some();
        assert!(is_idle(&harness));
        let hello = masked(Opcode::Text, true, b"hello");
        for (first, rest, echoed) in [(&hello[..7], &hello[7..], 7), (b"\x81\x80abcd\x89", b"\x80abcd", 4)] {
            client.write_all(first).unwrap();
            let _ = harness.step();
            assert!(!is_idle(&harness));
            client.write_all(rest).unwrap();
            harness.read(&mut client, echoed);
            assert!(is_idle(&harness));
        }
    });
}

#[test]
fn a_client_that_reads_nothing_is_not_read_from() {
    each(&Server::new().send_queue(10_000), |mut harness| {
        let (mut client, mut other) = (harness.client(), harness.client());
        let frame = masked(Opcode::Binary, true, &[7; 1_000]);
        let mut sent = 0;
        // It sends until nobody takes more.
        for _ in 0..MANY {
            let before = sent;
            sent += client.write(&frame[sent % frame.len()..]).unwrap_or(0);
            if sent == before {
                for _ in 0..10 {
                    let _ = harness.step();
                }
                sent += client.write(&frame[sent % frame.len()..]).unwrap_or(0);
                if sent == before {
                    break;
                }
            }
            let core = harness.driver.core.borrow();
            let queued: usize = (0..core.slots.places()).map(|index| core.queued(index)).sum();
            assert!(queued <= 10_000 + 1_004, "{queued}");
        }
        harness.echo(&mut other, "another is served meanwhile");
        let messages = sent / frame.len();
        let expected = plain(Opcode::Binary, true, &[7; 1_000]).repeat(messages);
        assert!(harness.read(&mut client, expected.len()) == expected);
        client.write_all(&frame[sent % frame.len()..]).unwrap();
        harness.read(&mut client, expected.len() / messages);
        harness.close(&mut client);
    });
}

#[test]
fn a_client_that_floods_delays_nobody_by_more_than_its_turn() {
    for flood in [
        masked(Opcode::Text, true, b"x"),
        masked(Opcode::Ping, false, b"x"),
        masked(Opcode::Text, true, &[b'x'; 9_000]),
    ] {
        each(&Server::new(), |mut harness| {
            let (mut flooder, mut quiet) = (harness.client(), harness.client());
            let many = flood.repeat((1 << 22) / flood.len());
            let _ = flooder.write(&many);
            quiet.write_all(&masked(Opcode::Text, true, b"hello")).unwrap();
            let _guard = harness.runtime.enter();
            harness.driver.epoll.ask();
            assert!(harness.driver.poll_events(&mut Context::from_waker(Waker::noop())).unwrap().is_ready());
            harness.driver.round();
            // One round, in which each has one turn.
            let mut got = [0; 7];
            quiet.read_exact(&mut got).unwrap();
            assert_eq!(got, plain(Opcode::Text, true, b"hello")[..]);
        });
    }
}

#[test]
fn a_turn_has_an_end() {
    each(&Server::new(), |mut harness| {
        let mut client = harness.client();
        let frames = masked(Opcode::Text, true, b"x").repeat(4 * MESSAGES);
        client.write_all(&frames).unwrap();
        harness.driver.epoll.ask();
        let _guard = harness.runtime.enter();
        assert!(harness.driver.poll_events(&mut Context::from_waker(Waker::noop())).unwrap().is_ready());
        for turn in 1..=4 {
            harness.driver.round();
            let mut got = vec![0; 20 * MESSAGES];
            let count = client.read(&mut got).unwrap();
            assert_eq!(count, 3 * MESSAGES, "in turn {turn}");
        }
        harness.driver.round();
        assert!(client.read(&mut [0; 9]).is_err());
    });
}

#[test]
fn a_request_that_does_not_come_is_answered_408() {
    each(&Server::new(), |mut harness| {
        let mut silent = harness.accepted();
        let mut half = harness.accepted();
        half.write_all(&REQUEST[..40]).unwrap();
        harness.advance(9 * SECOND);
        assert!(harness.is_silent(&mut silent) && harness.is_silent(&mut half));
        harness.advance(2 * SECOND);
        for client in [&mut silent, &mut half] {
            end(client);
            assert!(harness.read_to_end(client).starts_with(b"HTTP/1.1 408 "));
        }
        let _ = harness.step();
        assert_eq!((harness.connections(), harness.errors.try_iter().count()), (0, 2));
    });
}

#[test]
fn a_client_that_is_silent_for_too_long_is_closed_and_no_other() {
    each(&Server::new().limits(Limits::DEFAULT.idle(64 * SECOND)), |mut harness| {
        let (mut silent, mut other) = (harness.client(), harness.client());
        for _ in 0..4 {
            harness.advance(15 * SECOND);
            harness.echo(&mut other, "here");
        }
        assert!(harness.is_silent(&mut silent));
        harness.advance(3 * SECOND);
        harness.advance(3 * SECOND);
        // A client that is lost gets no Close.
        assert!(harness.read_to_end(&mut silent).is_empty());
        harness.echo(&mut other, "still here");
        assert_eq!(harness.connections(), 1);
        harness.advance(70 * SECOND);
        assert!(harness.read_to_end(&mut other).is_empty());
    });
}

#[test]
fn pings_are_sent_and_a_client_that_does_not_answer_is_closed() {
    each(&Server::new().keepalive(Keepalive::default()), |mut harness| {
        let mut client = harness.client();
        harness.advance(21 * SECOND);
        let ping = harness.read(&mut client, 2 + 11);
        assert_eq!((ping[0], &ping[2..]), (0x89, &b"keepalive 1"[..]));
        harness.advance(SECOND);
        harness.echo(&mut client, "there");
        harness.advance(19 * SECOND);
        harness.read(&mut client, 2 + 11);
        harness.advance(21 * SECOND);
        assert!(harness.read_to_end(&mut client).is_empty());
        assert_eq!(harness.connections(), 0);
    });
}

#[test]
fn a_server_that_stops_closes_each_connection_and_answers_503() {
    each(&Server::new(), |mut harness| {
        let (mut idle, mut half) = (harness.client(), harness.accepted());
        half.write_all(&REQUEST[..50]).unwrap();
        let mut active = harness.client();
        active.write_all(b"\x01\x80abcd").unwrap();
        let _ = harness.step();
        // The system accepts this one, the driver not yet.
        let mut queued = TcpStream::connect(harness.address).unwrap();
        queued.write_all(REQUEST).unwrap();
        queued.set_nonblocking(true).unwrap();
        {
            let _guard = harness.runtime.enter();
            harness.driver.stop();
        }
        assert!(harness.step().is_pending());
        for client in [&mut idle, &mut active] {
            assert_eq!(harness.read(client, 4), b"\x88\x02\x03\xe9");
            client.write_all(&masked(Opcode::Close, true, &[3, 233])).unwrap();
            assert!(harness.read_to_end(client).is_empty());
        }
        for client in [&mut half, &mut queued] {
            end(client);
            assert!(harness.read_to_end(client).starts_with(b"HTTP/1.1 503 "));
        }
        assert!(harness.step().is_ready());
        assert!(TcpStream::connect(harness.address).is_err());
    });
}

#[test]
fn a_client_that_does_not_answer_a_close_is_cut() {
    each(&Server::new(), |mut harness| {
        let mut client = harness.client();
        {
            let _guard = harness.runtime.enter();
            harness.driver.stop();
        }
        assert_eq!(harness.read(&mut client, 4), b"\x88\x02\x03\xe9");
        harness.advance(4 * SECOND);
        assert_eq!(harness.connections(), 1);
        harness.advance(2 * SECOND);
        assert!(harness.read_to_end(&mut client).is_empty());
        harness.advance(6 * SECOND);
        assert!(harness.step().is_ready());
    });
}

#[test]
fn the_close_frame_survives_bytes_that_nobody_read() {
    each(&Server::new(), |mut harness| {
        let mut client = harness.client();
        client.write_all(&masked(Opcode::Text, true, b"\xff")).unwrap();
        harness.write(&mut client, &vec![0x81; 1_000_000]);
        end(&client);
        assert_eq!(harness.read_to_end(&mut client).first(), Some(&0x88));
    });
}

#[test]
fn a_reset_ends_its_connection() {
    each(&Server::new(), |mut harness| {
        let (reset, mut other) = (harness.client(), harness.client());
        // To close with bytes unread is to reset.
        (&reset).write_all(&masked(Opcode::Text, true, b"unread")).unwrap();
        while harness.is_silent(&mut reset.try_clone().unwrap()) {}
        drop(reset);
        while harness.connections() == 2 {
            let _ = harness.step();
        }
        harness.echo(&mut other, "there");
    });
}

#[test]
fn the_memory_of_many_connections_is_given_back() {
    each(&Server::new(), |mut harness| {
        let mut first = harness.client();
        let mut clients: Vec<_> = (0..200).map(|_| harness.client()).collect();
        for client in &mut clients {
            harness.echo(client, "there");
        }
        for mut client in clients {
            harness.close(&mut client);
        }
        harness.echo(&mut first, "there");
        assert_eq!(harness.driver.core.borrow().slots.places(), 1);
        let nodelay = harness.driver.core.borrow().slots[0]
            .phase
            .fd()
            .map(|fd| rustix::net::sockopt::tcp_nodelay(fd.as_fd()).unwrap());
        assert_eq!(nodelay, Some(true));
    });
}

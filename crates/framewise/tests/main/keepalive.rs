//! Pings at an interval, in simulated time.

use std::time::Duration;

use crate::common::{accepted, client_and_raw, masked, pair_with, plain, read_head, switch};
use framewise::proto::Opcode;
use framewise::{Client, Config, EndedBy, Event, Keepalive, Message, Rule, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::time::{Instant, sleep, timeout};

const KEEPALIVE: Keepalive =
    Keepalive::DEFAULT.interval(Duration::from_secs(20)).pong(Duration::from_secs(10));

/// The server's Ping of this number.
fn ping(number: u32) -> Vec<u8> {
    plain(Opcode::Ping, true, format!("keepalive {number}").as_bytes())
}

#[tokio::test(start_paused = true)]
async fn a_server_pings_at_its_interval_and_knows_how_far_the_client_is() {
    let (mut server, mut raw) = accepted(Server::new().keepalive(KEEPALIVE), 1 << 16).await;
    assert_eq!(server.round_trip(), None);
    let start = Instant::now();
    let client = async {
        for number in 1..=3 {
            let mut got = vec![0; ping(number).len()];
            raw.read_exact(&mut got).await.unwrap();
            assert_eq!(got, ping(number));
            assert_eq!(start.elapsed().as_secs(), 20 * u64::from(number));
            sleep(Duration::from_millis(250)).await;
            let pong = masked(Opcode::Pong, true, format!("keepalive {number}").as_bytes());
            raw.write_all(&pong).await.unwrap();
        }
        raw.write_all(&masked(Opcode::Text, true, b"done")).await.unwrap();
    };
    let (message, ()) = tokio::join!(server.next(), client);
    assert_eq!(message.unwrap().unwrap(), Message::text("done"));
    let round_trip = server.round_trip().unwrap();
    assert!((250..255).contains(&round_trip.as_millis()), "{round_trip:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanished_is_given_up() {
    let (mut server, mut raw) = accepted(Server::new().keepalive(KEEPALIVE), 1 << 16).await;
    raw.write_all(&masked(Opcode::Text, true, b"and gone")).await.unwrap();
    let start = Instant::now();
    assert_eq!(server.next().await.unwrap().unwrap(), Message::text("and gone"));
    let error = server.next().await.unwrap().unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 30);
    let violation = error.violation().unwrap();
    assert_eq!((violation.rule, &violation.also[..]), (Rule::IdleTimeout, &[Rule::PingUnanswered][..]));
    assert!(error.to_string().contains("30.0 s)"), "{error}");
    assert!(server.next().await.is_none());
    assert_eq!(server.ended().unwrap().by, EndedBy::Nobody);
    drop(server);
    let mut got = Vec::new();
    raw.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, ping(1), "nobody is there to read a Close");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_sends_and_answers_no_ping_is_reported_and_kept() {
    let (mut client, mut raw) = client_and_raw(Config::default().keepalive(KEEPALIVE)).await;
    let serve = async {
        for _ in 0..9 {
            sleep(Duration::from_secs(7)).await;
            raw.write_all(&plain(Opcode::Text, true, b"tick")).await.unwrap();
        }
        raw
    };
    let listen = async {
        let (mut messages, mut notes) = (0, 0);
        while messages < 9 {
            match client.next_event().await.unwrap().unwrap() {
                Event::Message(_) => messages += 1,
                Event::Tolerated(note) => {
                    assert_eq!(note.rule, Rule::PingUnanswered);
                    notes += 1;
                }
                other @ (Event::Part(_) | Event::Ping(_) | Event::Pong(_) | Event::Close(_) | _) => {
                    panic!("{other:?}")
                }
            }
        }
        notes
    };
    let (notes, _raw) = tokio::join!(listen, serve);
    assert_eq!(notes, 2, "of the Pings at 20 and 40 seconds");
}

#[tokio::test(start_paused = true)]
async fn two_ends_that_have_nothing_to_say_stay_together() {
    let (mut client, mut server) = pair_with(Config::default().keepalive(KEEPALIVE), 1_000).await;
    let day = Duration::from_secs(86_400);
    let (near, far) = tokio::join!(timeout(day, client.next()), timeout(day, server.next()));
    assert!(near.is_err() && far.is_err(), "neither end gave up");
    assert!(client.round_trip().is_some() && server.round_trip().is_some());
    assert_eq!((client.read_buffer(), client.queued()), (0, 0));
    let (closed, end) = tokio::join!(client.close(1000, ""), server.next());
    closed.unwrap();
    assert!(end.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_applications_own_pings_measure_too() {
    let (mut client, mut raw) = client_and_raw(Config::default()).await;
    client.ping(b"first").await.unwrap();
    sleep(Duration::from_secs(1)).await;
    client.ping(b"second").await.unwrap();
    let serve = async {
        sleep(Duration::from_secs(2)).await;
        raw.write_all(&plain(Opcode::Pong, true, b"unasked")).await.unwrap();
        raw.write_all(&plain(Opcode::Pong, true, b"second")).await.unwrap();
    };
    let listen = async {
        assert_eq!(client.next_event().await.unwrap().unwrap(), Event::Pong("unasked".into()));
        assert_eq!(client.round_trip(), None);
        assert_eq!(client.next_event().await.unwrap().unwrap(), Event::Pong("second".into()));
    };
    tokio::join!(listen, serve);
    assert_eq!(client.round_trip().unwrap().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_told_to_pings_as_well() {
    for (client, pings) in [(Client::new().keepalive(KEEPALIVE), true), (Client::new(), false)] {
        let (near, mut far) = duplex(1 << 16);
        let (connected, ()) = tokio::join!(client.connect_over(near, "ws://example.com/"), async {
            let request = read_head(&mut far).await;
            far.write_all(switch(&request).as_bytes()).await.unwrap();
        });
        let mut client = connected.unwrap();
        let start = Instant::now();
        let mut first = [0; 2];
        tokio::select! {
            biased;
            end = client.next() => panic!("{end:?}"),
            read = timeout(Duration::from_secs(25), far.read_exact(&mut first)) => assert_eq!(read.is_ok(), pings),
        }
        if pings {
            assert_eq!((first[0], start.elapsed().as_secs()), (0x89, 20));
        }
    }
}

//! Pings at an interval, their Pongs, and the round trip that they measure, over a simulated clock.

use std::time::Duration;

use framewise_proto::rules::{Limits, Rule};
use framewise_proto::{
    CloseFrame, Config, Connection, Detail, Ended, EndedBy, Event, Keepalive, Transport, Violation,
};

const KEEPALIVE: Keepalive =
    Keepalive::DEFAULT.interval(Duration::from_secs(20)).pong(Duration::from_secs(5));

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A client, whose peer need not mask what it sends.
fn client(config: Config) -> Connection {
    Connection::client(config, Box::new(|| [0; 4]), 0, Duration::ZERO)
}

fn keeping_alive() -> Connection {
    client(Config::default().keepalive(KEEPALIVE))
}

fn written(engine: &mut Connection) -> Vec<u8> {
    let mut written = Vec::new();
    while let Some(transmit) = engine.poll_transmit() {
        written.extend(transmit.into_vec());
    }
    written
}

/// A client's Ping or Pong, with a masking key of zeros.
fn control(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

fn receive(engine: &mut Connection, now: Duration, bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let (consumed @ 1.., _) = engine.receive(now, &mut bytes[at..]) {
        at += consumed;
    }
    assert_eq!(at, bytes.len());
}

fn pong(engine: &mut Connection, now: Duration, payload: &[u8]) {
    receive(engine, now, &[&[0x8a, payload.len() as u8], payload].concat());
}

/// Lets time pass until `now`, and says what came of it.
fn pass(engine: &mut Connection, now: Duration) -> Vec<Event<'static>> {
    while let Some(due) = engine.poll_timeout().filter(|&due| due <= now) {
        engine.handle_timeout(due);
    }
    std::iter::from_fn(|| engine.poll_event()).collect()
}

#[test]
fn a_ping_goes_out_each_interval_and_its_pong_measures_the_way() {
    let mut engine = keeping_alive();
    assert_eq!(engine.poll_timeout(), Some(seconds(20.0)));
    engine.handle_timeout(seconds(19.999));
    assert_eq!(written(&mut engine), b"");
    for number in 1..=10_000_u32 {
        let sent = seconds(20.0) * number;
        // What comes in between does not put it off.
        receive(&mut engine, sent.saturating_sub(seconds(0.1)), b"\x82\x00");
        assert_eq!(pass(&mut engine, sent), []);
        let payload = format!("keepalive {number}");
        assert_eq!(written(&mut engine), control(0x89, payload.as_bytes()));
        assert_eq!(engine.poll_timeout(), Some(sent + KEEPALIVE.pong));
        pong(&mut engine, sent + seconds(0.25), payload.as_bytes());
        assert_eq!(engine.round_trip(), Some(seconds(0.25)));
        assert_eq!(engine.poll_timeout(), Some(sent + KEEPALIVE.interval));
    }
}

#[test]
fn a_heartbeat_that_goes_on_for_months_is_no_flood() {
    let mut engine = keeping_alive();
    for number in 1..=500_000_u32 {
        let sent = seconds(20.0) * number;
        assert_eq!(pass(&mut engine, sent), []);
        pong(&mut engine, sent, format!("keepalive {number}").as_bytes());
        receive(&mut engine, sent, b"\x89\x00");
        assert!(engine.is_open(), "after {number} Pongs and Pings");
        written(&mut engine);
    }
}

#[test]
fn a_peer_that_is_silent_after_a_ping_is_given_up() {
    let mut engine = keeping_alive();
    receive(&mut engine, seconds(15.0), b"\x82\x00");
    assert_eq!(pass(&mut engine, seconds(24.999)), []);
    written(&mut engine);
    let events = pass(&mut engine, seconds(25.0));
    let [Event::Violation(violation), Event::Ended(ended)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (violation.rule, violation.offset, violation.detail, &violation.also[..]),
        (Rule::IdleTimeout, Some(2), Detail::Waited(seconds(10.0)), &[Rule::PingUnanswered][..])
    );
    assert!(violation.to_string().contains("(after 10.0 s)"), "{violation}");
    assert_eq!((ended.by, ended.code.0), (EndedBy::Nobody, 1006));
    assert_eq!(engine.poll_transport(), Transport::Close);
    assert_eq!(written(&mut engine), b"", "nobody would read a Close");
    assert_eq!(engine.poll_timeout(), Some(seconds(30.0)));
}

#[test]
fn a_pong_that_is_missing_is_told_and_the_connection_goes_on() {
    let mut engine = keeping_alive();
    assert_eq!(pass(&mut engine, seconds(20.0)), []);
    // The first byte of a frame is a sign of life: its Pong may stand behind it.
    let (consumed, _) = engine.receive(seconds(21.0), &mut [0x82]);
    assert_eq!(consumed, 0);
    let events = pass(&mut engine, seconds(25.0));
    let [Event::Tolerated(note)] = &events[..] else { panic!("{events:?}") };
    let Violation { rule, detail, .. } = &**note;
    assert_eq!((*rule, *detail), (Rule::PingUnanswered, Detail::Waited(KEEPALIVE.pong)));
    assert!(engine.is_open());
    assert_eq!(engine.round_trip(), None);
    // The next one goes out as if nothing had been.
    written(&mut engine);
    assert_eq!(pass(&mut engine, seconds(40.0)), []);
    assert_eq!(written(&mut engine), control(0x89, b"keepalive 2"));
}

#[test]
fn an_answer_that_takes_longer_than_the_interval_holds_the_next_ping_back() {
    let keepalive = Keepalive::default().interval(seconds(1.0)).pong(seconds(10.0));
    let mut engine = client(Config::default().keepalive(keepalive));
    assert_eq!(pass(&mut engine, seconds(9.0)), []);
    assert_eq!(written(&mut engine), control(0x89, b"keepalive 1"));
    pong(&mut engine, seconds(9.0), b"keepalive 1");
    assert_eq!(engine.round_trip(), Some(seconds(8.0)));
    assert_eq!(pass(&mut engine, seconds(9.0)), []);
    assert_eq!(written(&mut engine), control(0x89, b"keepalive 2"));
}

#[test]
fn a_pong_answers_its_ping_and_those_before_it() {
    let mut engine = keeping_alive();
    engine.ping(seconds(1.0), b"one").expect("open");
    engine.ping(seconds(2.0), b"two").expect("open");
    engine.ping(seconds(3.0), b"three").expect("open");
    pong(&mut engine, seconds(4.0), b"nobody asked");
    assert_eq!(engine.round_trip(), None);
    pong(&mut engine, seconds(5.0), b"two");
    assert_eq!(engine.round_trip(), Some(seconds(3.0)));
    pong(&mut engine, seconds(6.0), b"one");
    assert_eq!(engine.round_trip(), Some(seconds(3.0)), "it was answered before");
    pong(&mut engine, seconds(7.0), b"three");
    assert_eq!(engine.round_trip(), Some(seconds(4.0)));
    // One of the application's that was sent later answers the engine's, too.
    assert_eq!(pass(&mut engine, seconds(20.0)), []);
    engine.ping(seconds(21.0), b"later").expect("open");
    pong(&mut engine, seconds(22.0), b"later");
    assert_eq!(pass(&mut engine, seconds(39.0)), []);
    assert_eq!(engine.poll_timeout(), Some(seconds(40.0)));
}

#[test]
fn of_pings_alike_it_cannot_be_told_which_is_answered() {
    let mut engine = client(Config::default());
    for at in [1.0, 2.0] {
        engine.ping(seconds(at), b"").expect("open");
    }
    pong(&mut engine, seconds(9.0), b"");
    assert_eq!(engine.round_trip(), None);
    engine.ping(seconds(10.0), b"").expect("open");
    pong(&mut engine, seconds(10.5), b"");
    assert_eq!(engine.round_trip(), Some(seconds(0.5)));
    // However many go unanswered, a few are remembered.
    for number in 0..1_000_u32 {
        engine.ping(seconds(11.0), &number.to_be_bytes()).expect("open");
    }
    pong(&mut engine, seconds(13.0), &0_u32.to_be_bytes());
    assert_eq!(engine.round_trip(), Some(seconds(0.5)));
    pong(&mut engine, seconds(13.0), &999_u32.to_be_bytes());
    assert_eq!(engine.round_trip(), Some(seconds(2.0)));
}

#[test]
fn who_closes_pings_no_more() {
    let mut engine = keeping_alive();
    assert_eq!(pass(&mut engine, seconds(20.0)), []);
    engine.close(seconds(21.0), None).expect("open");
    written(&mut engine);
    assert_eq!(engine.poll_timeout(), Some(seconds(26.0)));
    let events = pass(&mut engine, seconds(100.0));
    let [Event::Violation(violation), Event::Ended(_)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((violation.rule, violation.detail), (Rule::CloseTimeout, Detail::Waited(seconds(5.0))));
    assert_eq!(written(&mut engine), b"");
}

#[test]
fn without_a_keepalive_nothing_is_sent_and_nothing_waited_for() {
    let mut engine = client(Config::default());
    assert_eq!(engine.poll_timeout(), None);
    engine.handle_timeout(seconds(1e9));
    assert_eq!(written(&mut engine), b"");
    assert!(engine.is_open());
}

#[test]
fn times_without_end_are_no_times() {
    let limits = Limits::DEFAULT.idle(Duration::MAX).close(Duration::MAX);
    let keepalive = Some(Keepalive::default().interval(Duration::MAX).pong(Duration::MAX));
    let mut engine = client(Config::default().limits(limits).keepalive(keepalive));
    receive(&mut engine, seconds(5.0), b"\x82\x00");
    assert_eq!(pass(&mut engine, seconds(1e9)), []);
    engine.close(seconds(1e9), Some(&CloseFrame::new(1000, ""))).expect("open");
    assert_eq!(engine.poll_timeout(), Some(Duration::MAX));
    // A time of none is over at once, and does no harm.
    let keepalive = Some(Keepalive::default().interval(Duration::ZERO).pong(Duration::ZERO));
    let mut engine = client(Config::default().keepalive(keepalive));
    let events = pass(&mut engine, seconds(1.0));
    assert!(matches!(events.last(), Some(Event::Ended(Ended { by: EndedBy::Nobody, .. }))), "{events:?}");
}

#[test]
fn pings_of_a_peer_that_reads_nothing_cost_no_memory() {
    let mut engine = client(Config::default().send_queue(1_000));
    for number in 0..1_000_000_u32 {
        let now = Duration::from_millis(2) * number;
        let payload = number.to_be_bytes();
        receive(&mut engine, now, &[&[0x89, 4][..], &payload].concat());
        assert!(engine.queued() < 1_200);
    }
    let first = engine.poll_transmit().expect("the first hundred Pongs").into_vec();
    assert!(first.starts_with(&control(0x8a, &0_u32.to_be_bytes())));
    // RFC 6455 §5.5.3: the last one stands for those before it.
    assert_eq!(written(&mut engine), control(0x8a, &999_999_u32.to_be_bytes()));
    // A Close takes it along.
    for number in 0..200_u32 {
        receive(&mut engine, seconds(3_000.0), &[&[0x89, 4][..], &number.to_be_bytes()].concat());
    }
    engine.close(seconds(3_000.0), None).expect("open");
    let rest = written(&mut engine);
    assert!(rest.ends_with(&[control(0x8a, &199_u32.to_be_bytes()), control(0x88, b"")].concat()));
}

#[test]
fn a_pong_of_the_engines_ping_answers_those_before_it_and_none_behind_it() {
    let mut engine = keeping_alive();
    engine.ping(seconds(19.0), b"before").expect("open");
    engine.ping(seconds(20.0), b"with it").expect("open");
    assert_eq!(pass(&mut engine, seconds(20.0)), []);
    engine.ping(seconds(21.0), b"behind").expect("open");
    pong(&mut engine, seconds(22.0), b"keepalive 1");
    assert_eq!(engine.round_trip(), Some(seconds(2.0)));
    for answered in [&b"before"[..], b"with it"] {
        pong(&mut engine, seconds(23.5), answered);
        assert_eq!(engine.round_trip(), Some(seconds(2.0)));
    }
    pong(&mut engine, seconds(24.0), b"behind");
    assert_eq!(engine.round_trip(), Some(seconds(3.0)));
}

//! A message in one frame that is complete takes a short path; everything else takes a long one. They cannot disagree: what is
//! received does not depend on how the bytes are cut, and so not on the path.

use std::sync::Arc;
use std::time::Duration;

use framewise_proto::frame::LengthForm;
use framewise_proto::rules::{Limits, MessageKinds, Role, Rule};
use framewise_proto::{
    Config, Connection, Event, Header, IdleConfig, IdleConnection, Keepalive, MessageKind, Opcode,
    Strictness, Violation,
};

/// What was received; parts of a message are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Message(MessageKind, Vec<u8>),
    Control(Opcode, Vec<u8>),
    Tolerated(Box<Violation>),
    Ended(Box<Violation>),
}

/// Which methods take the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Receive,
    ReceiveWhole,
    /// A connection that is idle whenever it can be.
    Idle,
}

struct Receiving {
    engine: Connection,
    kept: Vec<u8>,
    /// The parts of a message so far.
    part: Vec<u8>,
    seen: Vec<Seen>,
    config: IdleConfig,
    /// How often the connection was idle.
    idle: usize,
}

impl Receiving {
    fn new(sender: Role, config: Config) -> Self {
        let config = Arc::new(config);
        let shared = Arc::clone(&config);
        let engine = match sender {
            Role::Client => Connection::server(shared, 0, Duration::ZERO),
            Role::Server => Connection::client(shared, Box::new(|| [1, 2, 3, 4]), 0, Duration::ZERO),
        };
        let config = IdleConfig::new(config);
        Self { engine, kept: Vec::new(), part: Vec::new(), seen: Vec::new(), config, idle: 0 }
    }

    fn take(&mut self, bytes: &[u8], by: By) {
        self.kept.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            let before = self.kept[at..].to_vec();
            if by == By::ReceiveWhole {
                if let Some((consumed, payload)) =
                    self.engine.receive_whole(Duration::ZERO, &mut self.kept[at..])
                {
                    self.seen.push(Seen::Message(payload.kind(), payload.to_vec()));
                    at += consumed;
                    continue;
                }
                if let Some(Event::Violation(violation)) = self.engine.poll_event() {
                    self.seen.push(Seen::Ended(violation));
                    self.kept.clear();
                    return;
                }
                assert_eq!(before, self.kept[at..], "bytes that are not consumed are not changed");
            }
            if by == By::Idle
                && let Some(mut idle) = self.engine.to_idle()
            {
                self.idle += 1;
                let received = idle.receive_whole(&self.config, &mut self.kept[at..]);
                let received = received.map(|taken| {
                    taken.map(|(consumed, payload)| (consumed, payload.kind(), payload.to_vec()))
                });
                self.engine = idle.connection(&self.config);
                assert_eq!(self.engine.to_idle(), Some(idle));
                match received {
                    Ok(Some((consumed, kind, payload))) => {
                        self.seen.push(Seen::Message(kind, payload));
                        at += consumed;
                        continue;
                    }
                    Ok(None) => {
                        assert_eq!(before, self.kept[at..], "bytes that are not consumed are not changed");
                    }
                    Err(violation) => {
                        self.engine.fail_for(Duration::ZERO, (*violation).clone());
                        self.seen.push(Seen::Ended(violation));
                        self.kept.clear();
                        return;
                    }
                }
            }
            let (consumed, event) = self.engine.receive(Duration::ZERO, &mut self.kept[at..]);
            at += consumed;
            match event {
                None => break,
                Some(Event::Data { payload, first, last }) => {
                    assert_eq!(first, self.part.is_empty());
                    self.part.extend_from_slice(&payload);
                    if last {
                        self.seen.push(Seen::Message(payload.kind(), std::mem::take(&mut self.part)));
                    }
                }
                Some(Event::Ping(payload)) => self.seen.push(Seen::Control(Opcode::Ping, payload.to_vec())),
                Some(Event::Pong(payload)) => self.seen.push(Seen::Control(Opcode::Pong, payload.to_vec())),
                Some(Event::Close(close)) => {
                    let code = close.map_or_else(Vec::new, |close| close.code.0.to_be_bytes().to_vec());
                    self.seen.push(Seen::Control(Opcode::Close, code));
                }
                Some(Event::Tolerated(violation)) => self.seen.push(Seen::Tolerated(violation)),
                Some(Event::Violation(violation)) => self.seen.push(Seen::Ended(violation)),
                Some(other) => panic!("{other:?}"),
            }
        }
        self.kept.drain(..at);
    }

    /// What was seen, and what is written.
    fn done(mut self) -> (Vec<Seen>, Vec<u8>) {
        let mut written = Vec::new();
        while let Some(transmit) = self.engine.poll_transmit() {
            written.extend(transmit.into_vec());
        }
        (self.seen, written)
    }
}

/// xorshift: the same bytes in every run.
struct Random(u64);

impl Random {
    fn of(&mut self, many: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % many
    }
}

/// A frame: mostly a legal message, sometimes anything else.
fn frame(sender: Role, random: &mut Random) -> Vec<u8> {
    let opcode = match random.of(24) {
        0 => Opcode::Ping,
        1 | 2 => Opcode::Continuation,
        3 if random.of(3) == 0 => Opcode::Close,
        3 => Opcode::Pong,
        4 if random.of(6) == 0 => Opcode::Reserved(3),
        4..12 => Opcode::Binary,
        _ => Opcode::Text,
    };
    let length = match random.of(8) {
        0 => 0,
        1 if !opcode.is_control() => 124 + random.of(5),
        2 if !opcode.is_control() => 255 + random.of(3),
        3 if !opcode.is_control() && random.of(10) == 0 => 65_534 + random.of(4),
        _ => random.of(24),
    };
    let key = [random.of(256) as u8, random.of(256) as u8, random.of(256) as u8, random.of(256) as u8];
    let masked = (sender == Role::Client) != (random.of(60) == 0);
    let mut header = Header::new(opcode, length, masked.then_some(key));
    header.fin = opcode.is_control() || random.of(8) != 0;
    header.rsv1 = random.of(100) == 0;
    header.rsv3 = random.of(100) == 0;
    if random.of(60) == 0 {
        header.form = if random.of(2) == 0 { LengthForm::SixtyFour } else { LengthForm::Sixteen };
    }
    let (bytes, size) = header.encode();
    let mut frame = bytes[..size].to_vec();
    let odd = random.of(20) == 0;
    for at in 0..length {
        let last = at + 1 == length;
        let byte = match random.of(if last { 3 } else { 30 }) {
            0 if odd && opcode != Opcode::Close => 0xc3,
            1 if odd && opcode != Opcode::Close => 0xa9,
            _ if opcode == Opcode::Close && at < 2 => [3, 232][at as usize],
            _ => b'a' + random.of(26) as u8,
        };
        frame.push(byte ^ if masked { key[(at % 4) as usize] } else { 0 });
    }
    frame
}

fn config(random: &mut Random) -> Config {
    let mut limits = Limits::DEFAULT;
    match random.of(6) {
        0 => limits = limits.frame(20),
        1 => limits = limits.message(126),
        2 => limits = limits.fragments(random.of(3) as u32),
        3 => limits = limits.frame(65_535).message(65_536),
        _ => {}
    }
    let mut config = Config::default().limits(limits);
    if random.of(6) == 0 {
        config = config.messages(MessageKinds::TextOnly);
    }
    if random.of(4) == 0 {
        let strictness = Strictness::default().long_lengths(true);
        config = config.strictness(strictness.masked_server_frames(true).unmasked_client_frames(true));
    }
    config
}

#[test]
fn the_short_path_and_the_long_one_receive_the_same() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut messages, mut broken, mut idle) = (0, 0, 0);
    for round in 0..400 {
        let sender = if round % 2 == 0 { Role::Client } else { Role::Server };
        let config = config(&mut random);
        let stream: Vec<u8> = (0..=random.of(12)).flat_map(|_| frame(sender, &mut random)).collect();
        let mut received = |pieces: &[&[u8]], by: By| {
            let mut receiving = Receiving::new(sender, config.clone());
            for piece in pieces {
                receiving.take(piece, by);
            }
            idle += receiving.idle;
            receiving.done()
        };
        // One byte at a time no payload is ever complete with its header.
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        let expected = received(&bytes, By::Receive);
        messages += expected.0.iter().filter(|seen| matches!(seen, Seen::Message(..))).count();
        broken += expected.0.iter().filter(|seen| matches!(seen, Seen::Ended(..))).count();
        for by in [By::Receive, By::ReceiveWhole, By::Idle] {
            let step = if stream.len() > 2000 { 997 } else { 1 };
            for cut in (0..=stream.len()).step_by(step) {
                let (first, rest) = stream.split_at(cut);
                assert_eq!(received(&[first, rest], by), expected, "round {round}, cut at {cut}, {by:?}");
            }
        }
    }
    assert!(messages > 500 && broken > 200 && idle > 10_000, "{messages}, {broken}, {idle}");
}

#[test]
fn an_idle_connection_is_small_and_what_is_open_is_not_idle() {
    assert_eq!(size_of::<IdleConnection>(), 48);
    let config = Arc::new(Config::default());
    let server = || Connection::server(Arc::clone(&config), 7, Duration::from_millis(5));
    assert!(server().to_idle().is_some());
    assert!(
        Connection::client(Config::default(), Box::new(|| [0; 4]), 0, Duration::ZERO).to_idle().is_none()
    );
    let keepalive = Config::default().keepalive(Keepalive::default());
    assert!(Connection::server(keepalive, 0, Duration::ZERO).to_idle().is_none());

    let received = |bytes: &[u8]| {
        let mut server = server();
        let _ = server.receive(Duration::ZERO, &mut bytes.to_vec());
        server
    };
    // A part of a frame, a part of a message, a Ping whose Pong is to be written, a Close, and a violation.
    let opened = [
        b"\x82\x84\x00\x00\x00\x00a".as_slice(),
        b"\x02\x81\x00\x00\x00\x00a",
        b"\x89\x80\x00\x00\x00\x00",
        b"\x88\x80\x00\x00\x00\x00",
        b"\x83\x80\x00\x00\x00\x00",
    ];
    for bytes in opened {
        assert!(received(bytes).to_idle().is_none(), "{bytes:02x?}");
    }
    // An end stays an end when it is written and polled.
    for bytes in &opened[3..] {
        let mut over = received(bytes);
        assert!(over.poll_transmit().is_some());
        while over.poll_event().is_some() {}
        assert!(over.to_idle().is_none(), "{bytes:02x?}");
    }
    let mut closing = server();
    closing.close(Duration::ZERO, None).expect("it is open");
    assert!(closing.poll_transmit().is_some() && closing.to_idle().is_none());
    // After what was open is done, it is idle again.
    let mut answered = received(b"\x89\x80\x00\x00\x00\x00");
    assert!(answered.poll_transmit().is_some() && answered.to_idle().is_some());
    let mut begun = server();
    begun.begin(MessageKind::Text).expect("it is open");
    assert!(begun.to_idle().is_none());
    begun.send_part(b"", true).expect("it was begun");
    assert!(begun.to_idle().is_none(), "it is to be written");
    assert!(begun.poll_transmit().is_some() && begun.to_idle().is_some());
    // A tolerated header, whose masking key has not arrived, is not reported twice.
    let lenient = Config::default().strictness(Strictness::default().long_lengths(true));
    let mut tolerating = Connection::server(lenient, 0, Duration::ZERO);
    let mut header = *b"\x82\xfe\x00\x05";
    assert!(matches!(tolerating.receive(Duration::ZERO, &mut header), (0, Some(Event::Tolerated(_)))));
    assert!(tolerating.to_idle().is_none());
}

/// Control frames are counted on, the times and the limits as well.
#[test]
fn an_idle_connection_forgets_nothing() {
    let limits = Limits::DEFAULT.control_rate(3).idle(Duration::from_secs(9));
    let config = IdleConfig::new(Arc::new(Config::default().limits(limits)));
    let mut idle = IdleConnection::new(100, Duration::from_secs(1));
    assert_eq!(idle.poll_timeout(&config), Some(Duration::from_secs(10)));
    for number in 0_u64..4 {
        // A Ping and a message, in one second.
        let now = Duration::from_millis(2000 + 10 * number);
        let mut connection = idle.connection(&config);
        let mut ping = *b"\x89\x80\x00\x00\x00\x00";
        let (_, event) = connection.receive(now, &mut ping);
        if number == 3 {
            let Some(Event::Violation(violation)) = event else { panic!("{event:?}") };
            assert_eq!((violation.rule, violation.offset), (Rule::ControlFlood, Some(100 + 3 * 13)));
            assert_eq!((violation.frame, violation.message), (7, 3));
            return;
        }
        assert!(matches!(event, Some(Event::Ping(_))));
        assert!(connection.poll_transmit().is_some());
        idle = connection.to_idle().expect("nothing is open");
        let mut message = *b"\x82\x81\x00\x00\x00\x00a";
        let taken = idle.receive_whole(&config, &mut message).expect("it is legal");
        assert_eq!(taken.map(|(consumed, _)| consumed), Some(7));
        idle.heard(now);
        assert_eq!(idle.poll_timeout(&config), Some(now + Duration::from_secs(9)));
        assert_eq!(idle.connection(&config).poll_timeout(), idle.poll_timeout(&config));
    }
}

/// With automatic Pings it makes a connection in time.
#[test]
fn an_idle_connection_sends_its_first_ping() {
    let config = IdleConfig::new(Arc::new(Config::default().keepalive(Keepalive::default())));
    let mut idle = IdleConnection::new(0, Duration::ZERO);
    assert_eq!(idle.poll_timeout(&config), Some(Keepalive::DEFAULT.interval));
    assert_eq!(
        idle.receive_whole(&config, &mut b"\x82\x81\x00\x00\x00\x00a".to_vec()).map(|taken| taken.is_some()),
        Ok(false)
    );
    let mut connection = idle.connection(&config);
    connection.handle_timeout(Keepalive::DEFAULT.interval);
    let ping = connection.poll_transmit().expect("the Ping").into_vec();
    assert_eq!(ping[0], 0x89);
}

#[test]
fn what_an_idle_connection_sends_is_what_a_connection_sends() {
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
        let text = "x".repeat(length);
        let (mut text_out, mut binary_out) = (b"before".to_vec(), Vec::new());
        IdleConnection::send_text(&text, &mut text_out);
        IdleConnection::send_binary(text.as_bytes(), &mut binary_out);
        let mut connection = Connection::server(Config::default(), 0, Duration::ZERO);
        connection.send_text(&text).expect("it is open");
        assert_eq!(text_out[6..], connection.poll_transmit().expect("a message").into_vec());
        connection.send_binary(text.as_bytes()).expect("it is open");
        assert_eq!(binary_out, connection.poll_transmit().expect("a message").into_vec());
    }
}

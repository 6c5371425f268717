//! Each limit by its name: it is on by default, it holds at its value, and one more is answered as its rule says.

use crate::common::{REQUEST, masked, server_with};
use framewise::proto::{Header, Opcode};
use framewise::{Answer, Client, CloseCode, Config, DeflateConfig, Error, Limits, MessageKind, Rule, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::time::Instant;

/// What a server with these limits makes of these bytes of a client, and the code of the Close that it answers with.
async fn answer(limits: Limits, bytes: &[u8]) -> (Option<Rule>, Option<u16>) {
    let (mut server, raw) = server_with(Config::default().limits(limits)).await;
    let serve = async {
        let mut rule = None;
        while let Some(message) = server.next().await {
            rule = message.err().and_then(|error| error.violation().map(|violation| violation.rule));
        }
        drop(server);
        rule
    };
    let talk = async {
        let (mut read, mut write) = tokio::io::split(raw);
        let send = async {
            let _ = write.write_all(bytes).await;
            // What comes after it shows that it was the end: without a violation the end is this Close.
            let _ = write.write_all(&masked(Opcode::Close, true, b"\x03\xe8")).await;
            let _ = write.shutdown().await;
        };
        let mut got = Vec::new();
        let ((), end) = tokio::join!(send, read.read_to_end(&mut got));
        end.expect("the server's bytes");
        got
    };
    let (rule, got) = tokio::join!(serve, talk);
    let (mut at, mut code) = (0, None);
    while let Some(header) = Header::decode(&got[at..]) {
        let payload = &got[at + header.size()..at + header.size() + header.length as usize];
        if header.opcode == Opcode::Close {
            code = Some(u16::from_be_bytes([payload[0], payload[1]]));
        }
        at += header.size() + payload.len();
    }
    (rule, code)
}

/// Frames that make a message of so many empty fragments.
fn fragments(count: usize) -> Vec<u8> {
    let mut bytes = masked(Opcode::Binary, count == 1, b"");
    bytes.extend(masked(Opcode::Continuation, false, b"").repeat(count.saturating_sub(2)));
    if count > 1 {
        bytes.extend(masked(Opcode::Continuation, true, b""));
    }
    bytes
}

/// The header of a message, of which no byte follows.
fn announced(length: u64) -> Vec<u8> {
    let (header, size) = Header::new(Opcode::Binary, length, Some([1, 2, 3, 4])).encode();
    header[..size].to_vec()
}

const OK: (Option<Rule>, Option<u16>) = (None, Some(1000));

async fn assert_holds(limits: Limits, allowed: &[u8], too_much: &[u8], rule: Rule) {
    assert_eq!(answer(limits, allowed).await, OK, "{rule}: what the limit allows");
    let Answer::Close(CloseCode(code)) = rule.answer() else { panic!("{rule} is answered with a Close") };
    assert_eq!(answer(limits, too_much).await, (Some(rule), Some(code)));
}

#[tokio::test(start_paused = true)]
async fn each_limit_of_a_message_holds_where_it_is_set() {
    let message = Limits::DEFAULT.message(16);
    let two = |last: &[u8]| {
        [masked(Opcode::Text, false, &[b'x'; 10]), masked(Opcode::Continuation, true, last)].concat()
    };
    assert_holds(message, &two(&[b'x'; 6]), &two(&[b'x'; 7]), Rule::MessageTooBig).await;
    let frame = Limits::DEFAULT.frame(16);
    let one = |length| masked(Opcode::Binary, true, &vec![0; length]);
    assert_holds(frame, &[one(16), one(16)].concat(), &one(17), Rule::FrameTooBig).await;
    let three = Limits::DEFAULT.fragments(3);
    assert_holds(three, &fragments(3), &fragments(4), Rule::FragmentsTooMany).await;
    let run = Limits::DEFAULT.control_run(3);
    let pongs = |count| masked(Opcode::Pong, true, b"").repeat(count);
    let broken_up = [pongs(3), one(1), pongs(3)].concat();
    assert_holds(run, &broken_up, &pongs(4), Rule::ControlFlood).await;
    let rate = Limits::DEFAULT.control_rate(3);
    assert_holds(rate, &pongs(3), &broken_up, Rule::ControlFlood).await;
}

#[tokio::test(start_paused = true)]
async fn each_limit_of_a_message_is_on_by_default() {
    let limits = Limits::DEFAULT;
    assert_eq!(answer(limits, &announced(limits.frame + 1)).await, (Some(Rule::FrameTooBig), Some(1009)));
    let two = [masked(Opcode::Binary, false, b"x"), {
        let mut rest = announced(limits.message);
        rest[0] = 0x80;
        rest
    }];
    assert_eq!(answer(limits, &two.concat()).await, (Some(Rule::MessageTooBig), Some(1009)));
    let most = limits.fragments as usize;
    assert_holds(limits, &fragments(most), &fragments(most + 1), Rule::FragmentsTooMany).await;
    let pings = |count: u32| masked(Opcode::Ping, true, b"").repeat(count as usize);
    let (rate, run) = (limits.control_rate, limits.control_run);
    assert_holds(limits, &pings(rate), &pings(rate + 1), Rule::ControlFlood).await;
    let any_rate = limits.control_rate(u32::MAX);
    assert_holds(any_rate, &pings(run), &pings(run + 1), Rule::ControlFlood).await;
}

#[tokio::test]
async fn what_a_message_may_inflate_to_is_limited_where_it_is_set_and_by_default() {
    for inflated in [16, 100_000, Limits::DEFAULT.inflated] {
        for over in [0, 1] {
            let deflate = Some(DeflateConfig::default().threshold(0));
            let server = Server::new().config(Config::default().deflate(deflate));
            // Zeros: as much as DEFLATE compresses at all.
            let server = server.limits(Limits::DEFAULT.inflated(inflated).inflate_ratio(u32::MAX));
            let client = Client::new().config(Config::default().deflate(deflate));
            let (near, far) = duplex(1 << 20);
            let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
            let (mut client, mut server) = (client.unwrap(), server.unwrap());
            let send = async {
                client.begin(MessageKind::Binary).unwrap();
                let mut left = inflated + over;
                while left > 0 {
                    let part = left.min(1 << 20);
                    left -= part;
                    client.send_part(&vec![0; part as usize], left == 0).await.unwrap();
                }
                client.start_close(1000, "").unwrap();
                let _ = client.next().await;
                client.ended().unwrap().code.0
            };
            let take = async {
                let message = server.next().await.unwrap();
                assert!(server.next().await.is_none());
                drop(server);
                message
            };
            let (_, message) = tokio::join!(send, take);
            match (over, message) {
                (0, Ok(message)) => assert_eq!(message.len() as u64, inflated),
                (1, Err(error)) => {
                    let violation = error.violation().unwrap();
                    assert_eq!(violation.rule, Rule::InflateTooBig);
                    assert_eq!(violation.answer(), Answer::Close(CloseCode(1009)));
                }
                (_, message) => panic!("{over} above {inflated}: {:?}", message.map(|message| message.len())),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_its_limits_by_default() {
    for (bytes, status, rule) in [
        (
            format!("{}X-Padding: {}", &REQUEST[..REQUEST.len() - 2], "x".repeat(16 * 1024)),
            431,
            Rule::RequestTooLarge,
        ),
        (REQUEST[..40].to_owned(), 408, Rule::RequestTimeout),
    ] {
        let (mut near, far) = duplex(1 << 20);
        near.write_all(bytes.as_bytes()).await.unwrap();
        let start = Instant::now();
        let talk = async {
            let mut got = [0; 12];
            near.read_exact(&mut got).await.unwrap();
            drop(near);
            String::from_utf8(got.to_vec()).unwrap()
        };
        let server = Server::new();
        let (accepted, got) = tokio::join!(server.accept(far), talk);
        let Err(Error::Violation(violation)) = accepted else { panic!("{rule}") };
        assert_eq!((violation.rule, got), (rule, format!("HTTP/1.1 {status}")));
        assert_eq!(start.elapsed().as_secs(), if status == 408 { 10 } else { 0 });
    }
}

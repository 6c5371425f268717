//! Messages taken in parts: any length in constant memory, and together with whole ones.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::common::{Counting, accepted, client_and_raw, masked, pair, plain, server_and_raw, server_with};
use framewise::proto::{Header, Opcode};
use framewise::{
    Client, Config, DeflateConfig, Error, Event, Limits, Message, MessageKind, Misuse, Part, Rule, Server,
    Strictness, WebSocket,
};
use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex};

const UNLIMITED: Limits = Limits::DEFAULT
    .message(u64::MAX)
    .frame(u64::MAX)
    .fragments(u32::MAX)
    .inflated(u64::MAX)
    .inflate_ratio(u32::MAX);

fn part(kind: MessageKind, bytes: &'static [u8], first: bool, last: bool) -> Part {
    Part::new(kind, bytes, first, last)
}

/// Takes a message to its end: its parts' kind, its length, and the most that was held for it.
async fn drain<S: AsyncRead + AsyncWrite + Unpin>(ws: &mut WebSocket<S>) -> (MessageKind, u64, usize) {
    let (mut length, mut most, mut first) = (0, 0, true);
    loop {
        let part = ws.next_part().await.expect("open").expect("no violation");
        assert_eq!(part.first, first);
        first = false;
        length += part.bytes.len() as u64;
        most = most.max(ws.read_buffer() + part.bytes.len());
        if part.last {
            return (part.kind, length, most);
        }
    }
}

/// A server that sends one frame of zeros, however long, and its 101 before it.
struct Sparse {
    head: Vec<u8>,
    zeros: u64,
    request: Vec<u8>,
}

impl AsyncRead for Sparse {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.head.is_empty() {
            buf.put_slice(&self.head);
            self.head.clear();
            return Poll::Ready(Ok(()));
        }
        let count = usize::try_from(self.zeros).unwrap_or(usize::MAX).min(buf.remaining());
        buf.initialize_unfilled_to(count).fill(0);
        buf.advance(count);
        self.zeros -= count as u64;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Sparse {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.request.extend_from_slice(buf);
        if self.request.ends_with(b"\r\n\r\n") {
            let request = String::from_utf8(std::mem::take(&mut self.request)).expect("a head");
            let (header, size) = Header::new(Opcode::Binary, self.zeros, None).encode();
            self.head = [crate::common::switch(&request).as_bytes(), &header[..size]].concat();
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_message_of_four_gibibytes_in_constant_memory() {
    let length = 4 << 30;
    let sparse = Sparse { head: Vec::new(), zeros: length, request: Vec::new() };
    let client = Client::new().limits(UNLIMITED);
    let mut client = client.connect_over(sparse, "ws://example.com/").await.unwrap();
    let (kind, got, most) = drain(&mut client).await;
    assert_eq!((kind, got), (MessageKind::Binary, length));
    assert!(most <= 512 * 1024, "{most} bytes were held");
}

#[tokio::test]
async fn a_compressed_message_above_the_usual_limit_in_constant_memory() {
    let config = Config::default().limits(UNLIMITED).deflate(DeflateConfig::default().threshold(0));
    let (near, far) = duplex(64 * 1024);
    let (client, server) = (Client::new().config(config.clone()), Server::new().config(config));
    let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    let zeros = vec![0; 1 << 20];
    let send = async {
        client.begin(MessageKind::Text).unwrap();
        for number in 1..=80 {
            client.send_part(&zeros, number == 80).await.unwrap();
        }
        client.flush().await.unwrap();
    };
    let ((), (kind, got, most)) = tokio::join!(send, drain(&mut server));
    assert_eq!((kind, got), (MessageKind::Text, 80 << 20));
    assert!(most <= 2 << 20, "{most} bytes were held");
}

#[tokio::test]
async fn each_cut_gives_the_same_bytes() {
    let payload: Vec<u8> = (0..70_000_u32).map(|at| (at * 31 + at / 251) as u8).collect();
    for cut in [1, 5, 1_000, 100_000] {
        let (near, far) = duplex(1 << 16);
        let mut far = Counting::new(far);
        far.cut = cut;
        // A busy machine may need long for so many reads.
        let client = Client::new().limits(Limits::DEFAULT.close(Duration::MAX));
        let server = Server::new();
        let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        let send = async {
            for size in [0, 1, 126, 5_000, 70_000] {
                client.send(&payload[..size]).await.unwrap();
                client.begin(MessageKind::Binary).unwrap();
                for piece in payload[..size].chunks(3_000) {
                    client.send_part(piece, false).await.unwrap();
                    client.ping(b"between").await.unwrap();
                }
                client.send_part(b"", true).await.unwrap();
            }
            client.close(1000, "").await.unwrap();
        };
        let take = async {
            for size in [0, 1, 126, 5_000, 70_000] {
                for _ in 0..2 {
                    let (mut got, mut first, mut last) = (Vec::new(), true, false);
                    while !last {
                        let part = server.next_part().await.unwrap().unwrap();
                        assert_eq!(part.first, first);
                        first = false;
                        got.extend_from_slice(&part.bytes);
                        last = part.last;
                    }
                    assert!(got == payload[..size], "{size} bytes, cut at {cut}");
                }
            }
            assert!(server.next_part().await.is_none());
            assert!(server.ended().unwrap().clean);
            drop(server);
        };
        tokio::join!(send, take);
    }
}

#[tokio::test]
async fn a_text_may_be_cut_inside_a_character_and_is_checked_as_it_comes() {
    let (mut server, mut raw) = server_and_raw().await;
    raw.write_all(&masked(Opcode::Text, false, b"caf\xc3")).await.unwrap();
    assert_eq!(server.next_part().await.unwrap().unwrap(), part(MessageKind::Text, b"caf\xc3", true, false));
    raw.write_all(&masked(Opcode::Continuation, false, b"\xa9")).await.unwrap();
    assert_eq!(server.next_part().await.unwrap().unwrap(), part(MessageKind::Text, b"\xa9", false, false));
    raw.write_all(&masked(Opcode::Continuation, true, b"\xe9!")).await.unwrap();
    drop(raw);
    let error = server.next_part().await.unwrap().unwrap_err();
    assert_eq!(error.violation().unwrap().rule, Rule::TextInvalidUtf8);
    assert!(server.next_part().await.is_none());
    assert!(server.next().await.is_none(), "what is not complete never will be");
}

#[tokio::test]
async fn the_limits_hold_for_parts_too() {
    let limits = Limits::DEFAULT.message(10);
    let (mut server, mut raw) = server_with(Config::default().limits(limits)).await;
    raw.write_all(&masked(Opcode::Binary, false, b"12345")).await.unwrap();
    raw.write_all(&masked(Opcode::Continuation, true, b"678901")).await.unwrap();
    drop(raw);
    assert_eq!(server.next_part().await.unwrap().unwrap().bytes, "12345");
    let error = server.next_part().await.unwrap().unwrap_err();
    assert_eq!(error.violation().unwrap().rule, Rule::MessageTooBig);
}

#[tokio::test]
async fn what_next_had_read_when_it_was_dropped_is_the_first_part() {
    // Noise, so that a compressor cannot keep it back.
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(300_000)
    .collect();
    for compressed in [false, true] {
        let deflate = compressed.then(|| DeflateConfig::default().threshold(0));
        let (mut client, mut server) =
            crate::common::pair_with(Config::default().deflate(deflate), 1 << 20).await;
        client.begin(MessageKind::Binary).unwrap();
        for piece in noise[..200_000].chunks(100_000) {
            client.send_part(piece, false).await.unwrap();
            client.flush().await.unwrap();
            assert!(server.next().now_or_never().is_none());
        }
        let first = server.next_part().now_or_never().unwrap().unwrap().unwrap();
        assert!(first.first && !first.last && first.kind == MessageKind::Binary);
        let mut got = first.bytes.to_vec();
        assert!(got.len() > 100_000 && got == noise[..got.len()], "compressed: {compressed}");
        client.send_part(&noise[200_000..], true).await.unwrap();
        client.flush().await.unwrap();
        let mut last = false;
        while !last {
            let part = server.next_part().await.unwrap().unwrap();
            assert!(!part.first);
            got.extend_from_slice(&part.bytes);
            last = part.last;
        }
        assert!(got == noise, "compressed: {compressed}");
        client.send("whole").await.unwrap();
        client.flush().await.unwrap();
        assert_eq!(server.next().await.unwrap().unwrap(), Message::text("whole"));
        assert_eq!(server.read_buffer(), 0);
    }
}

#[tokio::test]
async fn a_message_of_which_a_part_was_taken_is_no_whole_any_more() {
    let (mut server, mut raw) = server_and_raw().await;
    raw.write_all(&masked(Opcode::Text, false, b"one")).await.unwrap();
    assert_eq!(server.next_part().await.unwrap().unwrap(), part(MessageKind::Text, b"one", true, false));
    // However often it is asked, it says so, and nothing is lost.
    for _ in 0..3 {
        let error = server.next().await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::PartTaken)), "{error}");
    }
    raw.write_all(&masked(Opcode::Ping, true, b"!")).await.unwrap();
    raw.write_all(&masked(Opcode::Continuation, true, b"two")).await.unwrap();
    raw.write_all(&masked(Opcode::Text, true, b"three")).await.unwrap();
    raw.write_all(&masked(Opcode::Text, false, b"fo")).await.unwrap();
    raw.write_all(&masked(Opcode::Continuation, true, b"ur")).await.unwrap();
    let event = server.next_event().await.unwrap().unwrap();
    assert_eq!(event, Event::Ping("!".into()));
    let event = server.next_event().await.unwrap().unwrap();
    assert_eq!(event, Event::Part(part(MessageKind::Text, b"two", false, true)));
    assert_eq!(server.next_event().await.unwrap().unwrap(), Event::Message(Message::text("three")));
    assert_eq!(server.next().await.unwrap().unwrap(), Message::text("four"));
}

#[tokio::test]
async fn a_connection_that_takes_parts_leaves_no_trace_on_another() {
    // Both use the thread's buffers in turn.
    let (mut one, mut raw_one) = server_and_raw().await;
    let (mut other, mut raw_other) = client_and_raw(Config::default()).await;
    for _ in 0..3 {
        assert!(one.next_part().now_or_never().is_none());
        raw_other.write_all(&plain(Opcode::Text, false, b"in ")).await.unwrap();
        assert!(other.next().now_or_never().is_none());
        raw_one.write_all(&masked(Opcode::Text, false, b"pa")).await.unwrap();
        assert_eq!(one.next_part().await.unwrap().unwrap(), part(MessageKind::Text, b"pa", true, false));
        assert!(one.next_part().now_or_never().is_none());
        raw_other.write_all(&plain(Opcode::Continuation, true, b"one piece")).await.unwrap();
        assert_eq!(other.next().await.unwrap().unwrap(), Message::text("in one piece"));
        raw_one.write_all(&masked(Opcode::Continuation, true, b"rt")).await.unwrap();
        assert_eq!(one.next_part().await.unwrap().unwrap(), part(MessageKind::Text, b"rt", false, true));
    }
}

#[tokio::test]
async fn a_close_lets_the_rest_of_a_message_go() {
    let (mut client, mut server) = pair().await;
    client.begin(MessageKind::Binary).unwrap();
    client.send_part(b"one", false).await.unwrap();
    client.flush().await.unwrap();
    assert!(!server.next_part().await.unwrap().unwrap().last);
    let talk = async {
        client.send_part(&vec![7; 100_000], true).await.unwrap();
        assert!(client.next().await.is_none());
        drop(client);
    };
    let (closed, ()) = tokio::join!(server.close(1000, "enough"), talk);
    closed.unwrap();
    assert!(server.ended().unwrap().clean);
}

#[tokio::test]
async fn a_leniency_and_a_large_part_at_once() {
    // A part that is a slice of the buffer keeps its bytes while more is read behind it.
    let (mut server, mut raw): (_, DuplexStream) =
        accepted(Server::new().strictness(Strictness::default().unmasked_client_frames(true)), 1 << 20).await;
    let mut kept = Vec::new();
    for round in 0..50_u8 {
        raw.write_all(&plain(Opcode::Binary, false, &vec![round; 20_000])).await.unwrap();
        raw.write_all(&plain(Opcode::Continuation, true, b"")).await.unwrap();
        let mut last = false;
        while !last {
            let part = server.next_part().await.unwrap().unwrap();
            last = part.last;
            kept.push((round, part.bytes));
        }
    }
    assert_eq!(kept.iter().map(|(_, bytes)| bytes.len()).sum::<usize>(), 50 * 20_000);
    assert!(kept.iter().all(|(round, bytes)| bytes.iter().all(|byte| byte == round)));
}

#[tokio::test]
async fn a_receiver_takes_parts_likewise() {
    let (server, mut raw) = server_and_raw().await;
    let (sender, mut receiver) = server.split();
    raw.write_all(&masked(Opcode::Text, true, b"whole")).await.unwrap();
    raw.write_all(&masked(Opcode::Text, false, b"one")).await.unwrap();
    assert_eq!(receiver.next_part().await.unwrap().unwrap(), part(MessageKind::Text, b"whole", true, true));
    assert_eq!(receiver.next_part().await.unwrap().unwrap(), part(MessageKind::Text, b"one", true, false));
    let error = receiver.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::PartTaken)), "{error}");
    // What a sender that closes reads is kept as what it is.
    assert!(sender.close(1000, "").now_or_never().is_none());
    raw.write_all(&masked(Opcode::Continuation, true, b"two")).await.unwrap();
    raw.write_all(&masked(Opcode::Text, true, b"three")).await.unwrap();
    assert!(sender.close(1000, "").now_or_never().is_none());
    let error = receiver.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::PartTaken)), "{error}");
    assert_eq!(receiver.next_part().await.unwrap().unwrap(), part(MessageKind::Text, b"two", false, true));
    assert_eq!(receiver.next().await.unwrap().unwrap(), Message::text("three"));
}

//! Peers that break the rules: a clear error, its Close frame on the wire, and no memory for what is only announced.

use std::time::Duration;

use crate::common::{client_and_raw, masked, plain, server_and_raw, server_with};
use framewise::proto::{Header, Opcode};
use framewise::{Config, Event, Message, Rule, Strictness};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

/// What a server that echoes says to these bytes: the rule, and what it put on the wire until its end.
async fn answer(config: Config, bytes: &[u8]) -> (Option<Rule>, Vec<u8>) {
    let (mut server, raw) = server_with(config).await;
    let serve = async {
        let mut rule = None;
        while let Some(message) = server.next().await {
            match message {
                Ok(message) => server.send(message).await.expect("an echo"),
                Err(error) => rule = error.violation().map(|violation| violation.rule),
            }
        }
        assert_eq!(server.violation().map(|violation| violation.rule), rule);
        assert_eq!(server.read_buffer(), 0);
        drop(server);
        rule
    };
    let talk = async {
        let (mut read, mut write) = tokio::io::split(raw);
        let mut got = Vec::new();
        let (_, end) = tokio::join!(write.write_all(bytes), read.read_to_end(&mut got));
        end.expect("the server's bytes");
        got
    };
    tokio::join!(serve, talk)
}

fn close(code: u16, rule: Rule) -> Vec<u8> {
    plain(Opcode::Close, true, &[&code.to_be_bytes()[..], rule.id().as_bytes()].concat())
}

#[tokio::test]
async fn the_messages_before_a_violation_are_answered_before_the_close() {
    for (bad, code, rule) in [
        (plain(Opcode::Text, true, b"no mask"), 1002, Rule::MaskMissing),
        (masked(Opcode::Text, true, b"caf\xe9!"), 1007, Rule::TextInvalidUtf8),
        (masked(Opcode::Text, true, b"caf\xc3"), 1007, Rule::TextTruncatedUtf8),
        (masked(Opcode::Reserved(3), true, b""), 1002, Rule::OpcodeReservedData),
        (masked(Opcode::Continuation, true, b""), 1002, Rule::ContinuationOrphan),
        (masked(Opcode::Ping, true, &[0; 126]), 1002, Rule::ControlTooLong),
        (masked(Opcode::Close, true, b"\x03"), 1002, Rule::ClosePayloadOneByte),
        (masked(Opcode::Close, true, b"\x03\xed"), 1002, Rule::CloseCodeReserved),
    ] {
        let bytes = [masked(Opcode::Text, true, b"good"), bad, vec![0xff; 50_000]].concat();
        let (found, got) = answer(Config::default(), &bytes).await;
        assert_eq!(found, Some(rule));
        assert_eq!(got, [plain(Opcode::Text, true, b"good"), close(code, rule)].concat(), "{rule}");
    }
}

#[tokio::test]
async fn hostile_lengths_cost_nothing() {
    for length in [1 << 62, 1 << 63, u64::MAX, u64::MAX - 1, 64 * 1024 * 1024 + 1] {
        let (header, size) = Header::new(Opcode::Binary, length, Some([1, 2, 3, 4])).encode();
        let (found, got) = answer(Config::default(), &header[..size]).await;
        let (rule, code) =
            if length >> 63 == 1 { (Rule::LengthTopBit, 1002) } else { (Rule::FrameTooBig, 1009) };
        assert_eq!((found, got), (Some(rule), close(code, rule)), "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn memory_grows_with_what_arrives_not_with_what_is_announced() {
    let mut config = Config::default();
    (config.limits.frame, config.limits.message) = (u64::MAX, u64::MAX);
    let (mut server, mut raw) = server_with(config).await;
    let (header, size) = Header::new(Opcode::Binary, i64::MAX as u64, Some([0; 4])).encode();
    raw.write_all(&header[..size]).await.unwrap();
    let mut sent = 0;
    for part in [0, 1, 1_000, 100_000, 1_000_000, 3_000_000] {
        let write = async {
            raw.write_all(&vec![0; part]).await.unwrap();
            tokio::task::yield_now().await;
        };
        let wait = tokio::time::timeout(Duration::from_millis(20), server.next());
        let (waited, ()) = tokio::join!(wait, write);
        assert!(waited.is_err(), "the message goes on");
        sent += part;
        let held = server.read_buffer();
        assert!(held <= 64 * 1024 + 4 * sent, "{held} bytes held for {sent} that came");
    }
}

#[tokio::test]
async fn a_mebibyte_of_noise_ends_with_a_rule() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = Vec::new();
    for _ in 0..20 {
        noise.clear();
        while noise.len() < 1 << 20 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            noise.extend_from_slice(&(state >> 16).to_be_bytes()[2..]);
        }
        let (mut server, raw) = server_and_raw().await;
        let (mut read, mut write) = tokio::io::split(raw);
        let talk = async {
            let _ = write.write_all(&noise).await;
            let _ = write.shutdown().await;
        };
        let mut got = Vec::new();
        let drain = read.read_to_end(&mut got);
        let serve = async {
            let end = loop {
                match server.next().await {
                    Some(Ok(_)) => {}
                    end => break end,
                }
            };
            drop(server);
            end
        };
        let (end, (), _) = tokio::join!(serve, talk, drain);
        // Noise may begin with a good Close frame, once in some thousand times: not with this seed.
        assert!(end.unwrap().unwrap_err().violation().is_some());
    }
}

#[tokio::test]
async fn a_client_judges_its_server_likewise() {
    let (mut client, mut raw) = client_and_raw(Config::default()).await;
    raw.write_all(&masked(Opcode::Text, true, b"masked")).await.unwrap();
    let (error, got) = tokio::join!(client.next(), async {
        let mut got = Vec::new();
        raw.read_to_end(&mut got).await.unwrap();
        drop(raw);
        got
    });
    let error = error.unwrap().unwrap_err();
    let violation = error.violation().unwrap();
    assert_eq!((violation.rule, violation.frame), (Rule::MaskPresent, 1));
    assert_eq!(got[0], 0x88);
    let sentence = error.to_string();
    assert!(
        sentence.contains("mask-present") && sentence.contains("server") && sentence.contains("1002"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_leniency_by_name_tolerates_and_still_tells() {
    let strictness = Strictness::default().masked_server_frames(true);
    let (mut client, mut raw) = client_and_raw(Config::default().strictness(strictness)).await;
    raw.write_all(&masked(Opcode::Text, true, b"masked")).await.unwrap();
    let Event::Tolerated(violation) = client.next_event().await.unwrap().unwrap() else {
        panic!("a note first")
    };
    assert_eq!(violation.rule, Rule::MaskPresent);
    assert_eq!(client.next_event().await.unwrap().unwrap(), Event::Message(Message::text("masked")));
}

#[tokio::test(start_paused = true)]
async fn next_event_tells_a_violation_at_once_and_next_when_the_connection_is_closed() {
    let bad = plain(Opcode::Text, true, b"no mask");
    for at_once in [true, false] {
        let (mut server, mut raw) = server_and_raw().await;
        raw.write_all(&bad).await.unwrap();
        let start = Instant::now();
        let violated = if at_once {
            server.next_event().await.unwrap().is_err()
        } else {
            server.next().await.unwrap().is_err()
        };
        assert!(violated);
        // The peer does not end its side: five seconds is the limit.
        assert_eq!(start.elapsed().as_secs(), if at_once { 0 } else { 5 });
        let mut close = [0; 4];
        raw.read_exact(&mut close).await.unwrap();
        assert_eq!(close, [0x88, 14, 0x03, 0xea]);
        assert!(server.next().await.is_none());
    }
}

#[tokio::test]
async fn a_flood_of_pings_is_cut_off() {
    let bytes = masked(Opcode::Ping, true, b"").repeat(5_000);
    let (found, got) = answer(Config::default(), &bytes).await;
    assert_eq!(found, Some(Rule::ControlFlood));
    assert!(got.ends_with(&close(1008, Rule::ControlFlood)));
}

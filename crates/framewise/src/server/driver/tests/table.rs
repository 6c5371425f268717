//! The driver and a task per connection answer the same bytes with the same bytes: the examples of all rules, cut anywhere.

use framewise_proto::rules::{Role, Rule, Setup};
use framewise_transcript::Transcript;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use super::*;
use crate::{Config, DeflateConfig};

fn server(setup: &Setup) -> Server {
    let config = Config::default()
        .limits(setup.limits)
        .messages(setup.messages)
        .deflate(setup.deflate.then(DeflateConfig::default));
    Server::new().config(config)
}

/// What a task per connection answers, with the handshake.
async fn expected(setup: &Setup, first: &[u8], rest: &[u8]) -> Vec<u8> {
    let (mut near, far) = duplex(1 << 20);
    let serve = async {
        let Ok(mut ws) = server(setup).accept(far).await else { return };
        while let Some(Ok(message)) = ws.next().await {
            let _ = ws.send(message).await;
        }
    };
    let talk = async {
        let _ = near.write_all(first).await;
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        let _ = near.write_all(rest).await;
        let _ = near.shutdown().await;
        let mut got = Vec::new();
        near.read_to_end(&mut got).await.unwrap();
        got
    };
    tokio::join!(serve, talk).1
}

/// The bytes of the clients in all examples that a server sees, with what they are judged by.
fn streams() -> Vec<(Rule, Setup, Vec<u8>)> {
    let mut streams = Vec::new();
    for &rule in Rule::ALL {
        let examples = rule.examples();
        let bad = examples.bad.iter().map(|bad| (bad.transcript, bad.setup));
        for (transcript, setup) in bad.chain(examples.good.iter().map(|good| (good.transcript, good.setup))) {
            let Ok(transcript) = Transcript::parse(transcript) else { continue };
            let [leg] = &transcript.legs[..] else { continue };
            let bytes = transcript.stream(0, Role::Client);
            let stream = match leg.open.as_deref() {
                Some("") => [REQUEST, &bytes].concat(),
                // Frames that were compressed are part of those with a handshake.
                Some(_) => continue,
                None => bytes,
            };
            streams.push((rule, setup, stream));
        }
    }
    streams
}

#[test]
fn every_example_is_answered_as_by_a_task_of_its_own() {
    let streams = streams();
    assert!(streams.len() > 100, "{}", streams.len());
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    for (rule, setup, stream) in &streams {
        let mut harnesses = ECHOES.map(|app| Harness::new(server(setup), app));
        let step = (stream.len() / 4).max(1);
        let frames = REQUEST.len()..(REQUEST.len() + 8).min(stream.len());
        for cut in (0..stream.len()).step_by(step).chain(frames) {
            let (first, rest) = stream.split_at(cut);
            let expected = runtime.block_on(expected(setup, first, rest));
            for harness in &mut harnesses {
                let mut client = harness.accepted();
                harness.write(&mut client, first);
                let _ = harness.step();
                let _ = harness.step();
                // The server may have ended already.
                let _ = client.write_all(rest);
                end(&client);
                let got = harness.read_to_end(&mut client);
                assert!(got == expected, "{rule}, cut at {cut}: {got:?} instead of {expected:?}");
            }
        }
    }
}

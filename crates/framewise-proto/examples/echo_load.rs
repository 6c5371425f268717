//! A fixed load on the engine, for counting instructions: `echo_load KIND SIZE PATH MESSAGES` has a server's engine echo
//! that many messages, sixteen to a read, and prints how many bytes it wrote. The path is `any` (`Connection::receive`),
//! `whole` (`Connection::receive_whole` first) or `idle` (an `IdleConnection`). The test `instructions` counts it.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use framewise_proto::deflate::{Context, DeflateConfig, negotiate};
use framewise_proto::{Config, Connection, Event, IdleConfig, IdleConnection};

const BATCH: usize = 16;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [kind, size, path, messages] = &arguments[..] else {
        return Err("usage: echo_load ascii|text|binary|deflate SIZE any|whole|idle MESSAGES".into());
    };
    let whole = path == "whole";
    let (size, messages): (usize, usize) = (size.parse()?, messages.parse()?);
    let sample = if kind == "ascii" { "Hello, world! " } else { "Grüße, 世界. " };
    let text = text(sample, size);
    let binary = kind == "binary";

    let keys = Box::new(|| [0x37, 0xfa, 0x21, 0x3d]);
    // Each message is compressed for itself, so that all cost the same.
    let deflate = DeflateConfig::default()
        .context(Context::Kept)
        .no_context_takeover(true)
        .peer_no_context_takeover(true);
    let config = Config::default().deflate(deflate);
    let mut client = Connection::client(config.clone(), keys, 0, Duration::ZERO);
    let mut server = Connection::server(config, 0, Duration::ZERO);
    if kind == "deflate" {
        let (_, agreement) = negotiate(&[deflate.offer()], &deflate).ok_or("nothing was agreed")?;
        client = client.with_deflate(&agreement);
        server = server.with_deflate(&agreement);
    }

    for _ in 0..BATCH {
        if binary {
            client.send_binary(text.as_bytes())?;
        } else {
            client.send_text(&text)?;
        }
    }
    let batch = client.poll_transmit().unwrap_or_default().into_vec();
    let mut buffer = batch.clone();
    if path == "idle" {
        return idle(&batch, messages);
    }
    let (mut echoed, mut written) = (0, 0);
    while echoed < messages {
        buffer.copy_from_slice(&batch);
        let mut at = 0;
        loop {
            if whole {
                while let Some((consumed, payload)) = server.receive_whole(Duration::ZERO, &mut buffer[at..])
                {
                    at += consumed;
                    echoed += 1;
                    match payload.as_str() {
                        Some(text) => server.send_text(text)?,
                        None => server.send_binary(&payload)?,
                    }
                }
            }
            let (consumed, event) = server.receive(Duration::ZERO, &mut buffer[at..]);
            at += consumed;
            match event {
                Some(Event::Data { payload, .. }) => match payload.as_str() {
                    Some(text) => server.send_text(text)?,
                    None => server.send_binary(&payload)?,
                },
                Some(Event::Inflated { last: true, .. }) => {
                    let inflated = server.take_inflated();
                    server.send_text(inflated.as_str().ok_or("a part")?)?;
                    server.recycle_inflated(inflated.into_bytes());
                }
                Some(event) => return Err(format!("unexpected: {event:?}").into()),
                None => break,
            }
            echoed += 1;
        }
        if let Some(out) = server.poll_transmit() {
            written += out.len();
            server.recycle(out);
        }
    }
    println!("{written}");
    Ok(())
}

#[inline(never)]
fn idle(batch: &[u8], messages: usize) -> Result<(), Box<dyn std::error::Error>> {
    let config = IdleConfig::new(Arc::new(Config::default()));
    let mut server = IdleConnection::new(0, Duration::ZERO);
    let (mut buffer, mut out) = (batch.to_vec(), Vec::new());
    let (mut echoed, mut written) = (0, 0);
    while echoed < messages {
        buffer.copy_from_slice(batch);
        server.heard(Duration::ZERO);
        let mut at = 0;
        while let Some((consumed, payload)) = server.receive_whole(&config, &mut buffer[at..])? {
            at += consumed;
            echoed += 1;
            match payload.as_str() {
                Some(text) => IdleConnection::send_text(text, &mut out),
                None => IdleConnection::send_binary(&payload, &mut out),
            }
        }
        written += out.len();
        out.clear();
    }
    println!("{written}");
    Ok(())
}

/// So many bytes of text.
fn text(sample: &str, size: usize) -> String {
    let mut text = String::with_capacity(size);
    for next in sample.chars().cycle() {
        if text.len() == size {
            break;
        }
        // The last bytes are whatever fits.
        text.push(if text.len() + next.len_utf8() <= size { next } else { 'x' });
    }
    text
}

//! A fixed load on the engine, for counting instructions: `echo_load KIND SIZE MESSAGES` has a server's engine echo that
//! many messages, sixteen to a read, and prints how many bytes it wrote.

use std::env;
use std::time::Duration;

use framewise_proto::{Config, Connection, Event, MessageKind};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [kind, size, messages] = &arguments[..] else {
        return Err("usage: echo_load text|binary SIZE MESSAGES".into());
    };
    let kind = if kind == "text" { MessageKind::Text } else { MessageKind::Binary };
    let (size, messages): (usize, usize) = (size.parse()?, messages.parse()?);

    let mut client =
        Connection::client(Config::default(), Box::new(|| [0x37, 0xfa, 0x21, 0x3d]), 0, Duration::ZERO);
    let mut text = String::new();
    for next in "Grüße, 世界. ".chars().cycle() {
        // The last bytes are whatever fits.
        let fits = text.len() + next.len_utf8() <= size;
        text.push(if fits { next } else { 'x' });
        if text.len() >= size {
            break;
        }
    }
    for _ in 0..16 {
        client.send_checked(kind, &text.as_bytes()[..size])?;
    }
    let batch = client.poll_transmit().unwrap_or_default();

    let mut server = Connection::server(Config::default(), 0, Duration::ZERO);
    let mut buffer = batch.clone();
    let mut written = 0;
    for _ in 0..messages / 16 {
        buffer.copy_from_slice(&batch);
        let mut at = 0;
        loop {
            let (consumed, event) = server.receive(Duration::ZERO, &mut buffer[at..]);
            at += consumed;
            match event {
                Some(Event::Data { kind, payload, .. }) => server.send_checked(kind, payload)?,
                Some(event) => return Err(format!("unexpected: {event:?}").into()),
                None => break,
            }
        }
        if let Some(out) = server.poll_transmit() {
            written += out.len();
            server.recycle(out);
        }
    }
    println!("{written}");
    Ok(())
}

//! A fixed load, for counting instructions: `deref_load SIZE TIMES` receives one text of so many bytes, and has it that
//! many times as a `str`. It was checked when it was received: its size does not count. The test `instructions` counts it.

use std::env;
use std::hint::black_box;
use std::time::Duration;

use framewise_proto::{Config, Connection, Event, Utf8Bytes};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [size, times] = &arguments[..] else { return Err("usage: deref_load SIZE TIMES".into()) };
    let (size, times): (usize, usize) = (size.parse()?, times.parse()?);
    let mut server = Connection::server(Config::default(), 0, Duration::ZERO);
    server.send_text(&"é".repeat(size / 2))?;
    let mut bytes = server.poll_transmit().unwrap_or_default().into_vec();
    let mut client = Connection::client(Config::default(), Box::new(|| [0; 4]), 0, Duration::ZERO);
    let (_, Some(Event::Data { payload, first: true, last: true })) =
        client.receive(Duration::ZERO, &mut bytes)
    else {
        return Err("it is no message".into());
    };
    let mut length = 0;
    for _ in 0..times {
        length += black_box(&payload).as_str().ok_or("it is no text")?.len();
    }
    let shared = Utf8Bytes::from(payload.as_str().unwrap_or_default());
    for _ in 0..times {
        length += black_box(&shared).as_str().len();
    }
    println!("{length}");
    Ok(())
}

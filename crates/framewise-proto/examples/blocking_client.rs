//! A complete client over a blocking stream: `cargo run --example blocking_client -- HOST:PORT TEXT`
//!
//! It sends the text, prints the first answer, and closes.

mod blocking;

use std::error::Error;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

pub(crate) use blocking::Message;
use blocking::{Blocking, Read, read};
use framewise_proto::handshake::http1::{Progress, read_response};
use framewise_proto::handshake::{ClientOffer, response_ended, response_timed_out};
use framewise_proto::rules::CloseCode;
use framewise_proto::{CloseFrame, Config, Connection, Ended, MessageKind, Violation};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [host, text] = &arguments[..] else { return Err("usage: blocking_client HOST:PORT TEXT".into()) };
    let stream = TcpStream::connect(host)?;
    let message = Message { kind: MessageKind::Text, payload: text.clone().into_bytes() };
    let (answers, ended) = ask(stream, host, &Arc::new(Config::default()), &[message])?;
    for answer in answers {
        println!("{}", String::from_utf8_lossy(&answer.payload));
    }
    println!("{ended:?}");
    Ok(())
}

/// Sends messages, waits for as many answers, and closes.
pub(crate) fn ask(
    stream: TcpStream,
    host: &str,
    config: &Arc<Config>,
    messages: &[Message],
) -> Result<(Vec<Message>, Option<Ended>), Box<dyn Error>> {
    let mut ws = connect(stream, host, config)?;
    let mut answers = Vec::new();
    for message in messages {
        ws.send(message)?;
        let Some(answer) = ws.next()? else { return Ok((answers, ws.ended)) };
        answers.push(answer);
    }
    let close = CloseFrame::new(CloseCode::NORMAL_CLOSURE, "that was all");
    ws.engine.close(ws.now(), Some(&close))?;
    // Until the server has closed as well, it may send more.
    while let Some(answer) = ws.next()? {
        answers.push(answer);
    }
    Ok((answers, ws.ended))
}

/// Sends the request, and checks the answer.
fn connect(mut stream: TcpStream, host: &str, config: &Arc<Config>) -> Result<Blocking, Box<dyn Error>> {
    let start = Instant::now();
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(config.limits.handshake))?;
    let offer = ClientOffer::new(host, "/", random()?);
    stream.write_all(&offer.encode()?)?;
    let mut inbox = Vec::new();
    let size = response(&mut stream, &mut inbox, &offer, config, start)??;
    // RFC 6455 §5.3: masking keys must be unpredictable. One read of the system's randomness makes 1,024 of them.
    let (mut bytes, mut used) = ([0; 4096], 0);
    random_bytes(&mut bytes)?;
    let keys = Box::new(move || {
        if used == bytes.len() {
            // If it fails, old keys are used again, which is better than to stop.
            let _ = random_bytes(&mut bytes);
            used = 0;
        }
        used += 4;
        [bytes[used - 4], bytes[used - 3], bytes[used - 2], bytes[used - 1]]
    });
    let engine = Connection::client(Arc::clone(config), keys, size as u64, start.elapsed());
    inbox.drain(..size);
    Ok(Blocking::new(engine, stream, inbox, start))
}

/// The size of a 101 that breaks no rule, or the rule that the answer breaks.
fn response(
    stream: &mut TcpStream,
    inbox: &mut Vec<u8>,
    offer: &ClientOffer,
    config: &Config,
    start: Instant,
) -> io::Result<Result<usize, Violation>> {
    loop {
        let left = config.limits.handshake.saturating_sub(start.elapsed());
        match read(stream, inbox, Some(left))? {
            Read::Bytes => {}
            Read::End => return Ok(Err(response_ended(inbox))),
            Read::TimedOut => return Ok(Err(response_timed_out(inbox))),
        }
        if start.elapsed() >= config.limits.handshake {
            return Ok(Err(response_timed_out(inbox)));
        }
        match read_response(inbox, offer, config) {
            Progress::More => {}
            Progress::Done { size, .. } => return Ok(Ok(size)),
            Progress::Broken(violation) => return Ok(Err(violation)),
        }
    }
}

fn random() -> io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    random_bytes(&mut bytes)?;
    Ok(bytes)
}

/// The system's randomness. On other systems than Unix, use the crate getrandom.
fn random_bytes(bytes: &mut [u8]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(bytes)
}

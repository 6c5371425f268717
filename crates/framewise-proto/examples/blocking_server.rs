//! A complete server over blocking streams, one thread for each client: `cargo run --example blocking_server -- ADDRESS`

mod blocking;

use std::error::Error;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use blocking::{Blocking, Read, read};
use framewise_proto::handshake::http1::{Progress, read_request};
use framewise_proto::handshake::{
    Headers, Request, ServerPolicy, rejection, request_ended, request_timed_out,
};
use framewise_proto::{Config, Connection, Ended, Violation};

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".into());
    let config = Arc::new(Config::default());
    for stream in TcpListener::bind(address)?.incoming() {
        let (stream, config) = (stream?, Arc::clone(&config));
        thread::spawn(move || match serve(stream, config) {
            Ok(ended) => println!("{ended:?}"),
            Err(error) => eprintln!("{error}"),
        });
    }
    Ok(())
}

/// Serves a client: it gets back what it sends.
pub(crate) fn serve(stream: TcpStream, config: Arc<Config>) -> Result<Option<Ended>, Box<dyn Error>> {
    let mut ws = accept(stream, config)?;
    while let Some(message) = ws.next()? {
        // The engine refuses to send after a Close, of which the peer's may have arrived meanwhile.
        if ws.engine.is_open() {
            ws.send(&message)?;
        }
    }
    Ok(ws.ended)
}

/// Reads the request, and answers it: with a 101, or with the status of the rule that it breaks.
fn accept(mut stream: TcpStream, config: Arc<Config>) -> Result<Blocking, Box<dyn Error>> {
    let start = Instant::now();
    stream.set_nodelay(true)?;
    // A client that reads nothing holds up its own thread alone, and that not for ever.
    stream.set_write_timeout(Some(config.limits.handshake))?;
    let mut inbox = Vec::new();
    let (request, size) = match request(&mut stream, &mut inbox, &config, start)? {
        Ok(asked) => asked,
        Err(violation) => {
            if let Some(reply) = rejection(&violation) {
                stream.write_all(&reply.encode())?;
            }
            return Err(violation.into());
        }
    };
    // Here an application looks at the path, the Origin and the subprotocols; `handshake::reject` turns a client away.
    stream.write_all(&request.accept(None, &[], &Headers::new())?.encode())?;
    let engine = Connection::server(config, size as u64, start.elapsed());
    // A client may send frames before it has the answer.
    inbox.drain(..size);
    Ok(Blocking::new(engine, stream, inbox, start))
}

/// The request and the size of its head, or the rule that it breaks.
fn request(
    stream: &mut TcpStream,
    inbox: &mut Vec<u8>,
    config: &Config,
    start: Instant,
) -> std::io::Result<Result<(Request, usize), Violation>> {
    let policy = ServerPolicy { limits: config.limits, ..ServerPolicy::default() };
    loop {
        let left = config.limits.handshake.saturating_sub(start.elapsed());
        match read(stream, inbox, Some(left))? {
            Read::Bytes => {}
            Read::End => return Ok(Err(request_ended(inbox))),
            Read::TimedOut => return Ok(Err(request_timed_out(inbox))),
        }
        // A client that sends a byte now and then gets no more time for it.
        if start.elapsed() >= config.limits.handshake {
            return Ok(Err(request_timed_out(inbox)));
        }
        match read_request(inbox, &policy) {
            Progress::More => {}
            Progress::Done { value, size, .. } => return Ok(Ok((value, size))),
            Progress::Broken(violation) => return Ok(Err(violation)),
        }
    }
}

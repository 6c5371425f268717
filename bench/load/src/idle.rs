//! Idle connections: the cost of each handshake, and the memory of each connection.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use bench_common::cell::{Cell, Kind};
use bench_common::usage;

use crate::arguments::{Arguments, Deflate};
use crate::script::Script;
use crate::socket;

/// Opened before the measurement: the first connections allocate tables and pools.
const FIRST: usize = 256;
const SETTLE: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(10);

/// The files of the standard streams, epoll and the runtime.
const SPARE: usize = 64;

/// `files` is how many may be open, here and, by inheritance, in the server.
pub fn run(arguments: &Arguments, count: usize, files: u64) -> Result<String, String> {
    if (FIRST + count + SPARE) as u64 > files {
        return Err(format!(
            "{count} connections need more open files than the {files} that this user may have"
        ));
    }
    let offer = arguments.deflate.offer();
    let mut first = socket::open(arguments.address, 0, FIRST, offer)?.sockets;
    say_something(&mut first, arguments.deflate)?;

    let start = Held::measure(arguments.pid)?;
    let mut sockets = socket::open(arguments.address, FIRST, count, offer)?.sockets;
    let open = Held::measure(arguments.pid)?;
    let lost = sockets.iter().filter(|socket| is_lost(socket)).count();
    if lost > 0 {
        return Err(format!("{lost} of {count} connections were lost"));
    }
    say_something(&mut sockets, arguments.deflate)?;
    let used = Held::measure(arguments.pid)?;
    drop(sockets);
    sleep(SETTLE * 2);
    let closed = Held::measure(arguments.pid)?;

    let each = |bytes: u64| (bytes as f64 - start.bytes as f64) / count as f64;
    Ok(format!(
        "connections={count} handshake_ns={:.0} idle={:.0} used={:.0} closed={:.0}",
        (open.cpu - start.cpu).as_nanos() as f64 / count as f64,
        each(open.bytes),
        each(used.bytes),
        each(closed.bytes),
    ))
}

struct Held {
    cpu: Duration,
    bytes: u64,
}

impl Held {
    fn measure(pid: u32) -> Result<Self, String> {
        sleep(SETTLE);
        let cpu = usage::cpu(pid).map_err(|error| error.to_string())?;
        Ok(Self { cpu, bytes: usage::resident(pid).map_err(|error| error.to_string())? })
    }
}

/// One message of 1 KiB there and back on each.
fn say_something(sockets: &mut [TcpStream], deflate: Deflate) -> Result<(), String> {
    let cell = Cell { connections: 1, bytes: 1024, in_flight: 1, kind: Kind::Text };
    let script = Script::new(cell, deflate != Deflate::None);
    let frame = &script.bytes[..script.offsets[1]];
    let header = script.echo_header();
    let mut buffer = [0; 4096];
    for batch in sockets.chunks_mut(64) {
        for socket in &mut *batch {
            socket.write_all(frame).map_err(|error| format!("write: {error}"))?;
        }
        for socket in batch {
            socket.set_nonblocking(false).map_err(|error| error.to_string())?;
            socket.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
            let mut echo = crate::echo::Echo::default();
            while echo.count == 0 {
                let read = socket.read(&mut buffer).map_err(|error| format!("no echo: {error}"))?;
                if read == 0 {
                    return Err("the server closed an idle connection".into());
                }
                echo.feed(&buffer[..read], &script, &header)?;
            }
            socket.set_nonblocking(true).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

fn is_lost(mut socket: &TcpStream) -> bool {
    !matches!(socket.read(&mut [0; 1]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

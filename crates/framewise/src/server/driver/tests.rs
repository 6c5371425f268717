//! A driver that is polled by hand, over real sockets and in simulated time: what it does is counted in rounds.
#![allow(clippy::unwrap_used, reason = "in the helpers of tests, too")]

mod handlers;
mod limits;
mod locals;
mod table;
mod topics;

use std::cell::RefCell;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use framewise_proto::{Header, Opcode};
use tokio::runtime::{Builder, Runtime};

use super::core::Core;
use super::handler::{Handled, Handler, Link};
use super::local::{Local, LocalWebSocket};
use super::{App, Driver, Opened};
use crate::{Error, MessageRef, ServeError, Server};

const REQUEST: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/// Nothing of a test takes so many rounds.
const MANY: usize = 100_000;

type AnyApp = Box<dyn App>;

impl App for AnyApp {
    fn opened(&mut self, core: &RefCell<Core>, index: u32, opened: Opened) {
        (**self).opened(core, index, opened);
    }

    fn turn(&mut self, core: &RefCell<Core>, index: u32) {
        (**self).turn(core, index);
    }

    fn panicked(&mut self, core: &RefCell<Core>, index: u32) {
        (**self).panicked(core, index);
    }
}

/// What serves the connections in a test.
type NewApp = fn(&Rc<RefCell<Core>>) -> AnyApp;

/// Each interface, echoing: what does not depend on it is tested with each.
const ECHOES: [NewApp; 2] = [|_| handled(Echo), |core| Box::new(Local::new(core, echo))];

async fn echo(mut ws: LocalWebSocket) -> Result<(), Error> {
    while let Some(message) = ws.next().await {
        ws.send(message?).await?;
    }
    Ok(())
}

fn handled<H: Handler>(handler: H) -> AnyApp {
    Box::new(Handled::new(handler))
}

struct Echo;

impl Handler for Echo {
    type State = ();

    fn open(&mut self, _: &mut Link<'_>, _: Opened) {}

    fn message(&mut self, link: &mut Link<'_>, (): &mut (), message: MessageRef<'_>) {
        let _ = link.send(message);
    }
}

struct Harness {
    runtime: Runtime,
    driver: Driver<AnyApp>,
    address: SocketAddr,
    errors: mpsc::Receiver<ServeError>,
}

impl Harness {
    fn new(server: Server, app: impl FnOnce(&Rc<RefCell<Core>>) -> AnyApp) -> Self {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let (tell, errors) = mpsc::channel();
        let (driver, address) = runtime.block_on(async {
            let listener = server.bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let listener = listener.on_error(move |_, error| tell.send(error).unwrap());
            (Driver::new(listener, app).unwrap(), address)
        });
        Self { runtime, driver, address, errors }
    }

    /// Polls the driver once. It asks epoll even if tokio was not told that it has to.
    fn step(&mut self) -> Poll<()> {
        let _guard = self.runtime.enter();
        self.driver.epoll.ask();
        self.driver.poll(&mut Context::from_waker(Waker::noop())).map(Result::unwrap)
    }

    /// Lets time pass.
    fn advance(&mut self, time: Duration) {
        let _ = self.step();
        self.runtime.block_on(tokio::time::advance(time));
        let _ = self.step();
        let _ = self.step();
    }

    /// A client whose connection is accepted, and nothing more.
    fn accepted(&mut self) -> TcpStream {
        let client = TcpStream::connect(self.address).unwrap();
        client.set_nonblocking(true).unwrap();
        client.set_nodelay(true).unwrap();
        let before = self.driver.number;
        while self.driver.number == before {
            let _ = self.step();
        }
        client
    }

    /// A client after its handshake.
    fn client(&mut self) -> TcpStream {
        let mut client = self.accepted();
        client.write_all(REQUEST).unwrap();
        assert_eq!(self.read(&mut client, RESPONSE.len()), RESPONSE);
        client
    }

    /// So many bytes of what the server sends.
    fn read(&mut self, client: &mut TcpStream, count: usize) -> Vec<u8> {
        let mut got = vec![0; count];
        let mut at = 0;
        for _ in 0..MANY {
            match client.read(&mut got[at..]) {
                Ok(0) => panic!("the server has sent {at} bytes of {count}"),
                Ok(more) => at += more,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let _ = self.step();
                }
                Err(error) => panic!("{error}"),
            }
            if at == count {
                return got;
            }
        }
        panic!("{at} bytes of {count} have come")
    }

    /// What the server sends until it ends the connection.
    fn read_to_end(&mut self, client: &mut TcpStream) -> Vec<u8> {
        let (mut got, mut part) = (Vec::new(), vec![0; 64 * 1024]);
        for _ in 0..MANY {
            match client.read(&mut part) {
                Ok(0) => return got,
                Ok(more) => got.extend_from_slice(&part[..more]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let _ = self.step();
                }
                Err(error) => panic!("{error} after {got:?}"),
            }
        }
        panic!("the server does not end after {got:?}")
    }

    /// Writes all, as far as the server reads.
    fn write(&mut self, client: &mut TcpStream, mut bytes: &[u8]) {
        for _ in 0..MANY {
            match client.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            if bytes.is_empty() {
                return;
            }
            let _ = self.step();
        }
        panic!("{} bytes are not read", bytes.len());
    }

    /// Whether the server has sent nothing.
    fn is_silent(&mut self, client: &mut TcpStream) -> bool {
        let _ = self.step();
        client.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }

    /// Has a message echoed.
    fn echo(&mut self, client: &mut TcpStream, text: &str) {
        client.write_all(&masked(Opcode::Text, true, text.as_bytes())).unwrap();
        let expected = plain(Opcode::Text, true, text.as_bytes());
        assert_eq!(self.read(client, expected.len()), expected);
    }

    /// Closes as a client does.
    fn close(&mut self, client: &mut TcpStream) {
        client.write_all(&masked(Opcode::Close, true, &[3, 232])).unwrap();
        assert_eq!(self.read_to_end(client), plain(Opcode::Close, true, &[3, 232]));
    }

    fn connections(&self) -> usize {
        let core = self.driver.core.borrow();
        (0..core.slots.places()).filter(|&index| !core.slots[index].is_vacant()).count()
    }
}

fn masked(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let (header, size) = Header { fin, ..Header::new(opcode, payload.len() as u64, Some(key)) }.encode();
    let mut frame = header[..size].to_vec();
    frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn plain(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let (header, size) = Header { fin, ..Header::new(opcode, payload.len() as u64, None) }.encode();
    [&header[..size], payload].concat()
}

fn end(client: &TcpStream) {
    let _ = client.shutdown(Shutdown::Write);
}

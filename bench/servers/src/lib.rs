//! What all echo servers share: the command line, the runtime, the loop that accepts.

pub mod echo;

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

/// How a peer is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The loop of its README.
    Plain,
    /// What an application does that wants the most of it: everything that is there is answered with one write.
    Best,
}

#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    pub address: SocketAddr,
    pub mode: Mode,
    pub deflate: bool,
}

impl Arguments {
    /// `ADDR [--mode plain|best] [--deflate takeover|no-takeover]`
    pub fn parse() -> Result<Self, String> {
        let mut arguments = std::env::args().skip(1);
        let address = arguments.next().ok_or("ADDR is missing")?;
        let address: SocketAddr = address.parse().map_err(|error| format!("{address}: {error}"))?;
        if !address.ip().is_loopback() {
            return Err(format!("{address} is not on the loopback interface"));
        }
        let mut parsed = Self { address, mode: Mode::Plain, deflate: false };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // With or without takeover is what the client asks for; the libraries here do as they are told.
                "--deflate" if matches!(arguments.next().as_deref(), Some("takeover" | "no-takeover")) => {
                    parsed.deflate = true;
                }
                "--mode" => {
                    parsed.mode = match arguments.next().as_deref() {
                        Some("plain") => Mode::Plain,
                        Some("best") => Mode::Best,
                        _ => return Err("--mode plain|best".into()),
                    }
                }
                _ => {
                    return Err(format!(
                        "{argument}: ADDR [--mode plain|best] [--deflate takeover|no-takeover]"
                    ));
                }
            }
        }
        Ok(parsed)
    }

    /// For a peer that has no permessage-deflate.
    pub fn without_deflate(self) -> Result<Self, String> {
        if self.deflate { Err("this peer has no permessage-deflate".into()) } else { Ok(self) }
    }
}

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs `connection` for each connection on one thread; an error ends that connection and is not told: the load
/// generator sees it.
pub fn serve<F>(address: SocketAddr, connection: impl Fn(TcpStream) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    bench_common::limits::raise_open_files();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = listen(address)?;
        println!("listening {}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(connection(stream));
        }
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(4096)
}

//! Opening connections, many at a time.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};

/// Each loopback address has about 28,000 ports to connect from.
const PER_ADDRESS: usize = 25_000;
/// The time limit for a response.
const PATIENCE: Duration = Duration::from_secs(20);
/// The key of RFC 6455's example, whose answer is known.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub struct Opened {
    pub sockets: Vec<TcpStream>,
    /// What the server answered to the offer of an extension.
    pub extensions: Option<String>,
}

/// Opens `count` connections in batches of 64, as a busy server meets them; `first` is how many were opened before.
pub fn open(
    address: SocketAddrV4,
    first: usize,
    count: usize,
    offer: Option<&str>,
) -> Result<Opened, String> {
    let mut opened = Opened { sockets: Vec::with_capacity(count), extensions: None };
    let extension = offer.map(|offer| format!("Sec-WebSocket-Extensions: {offer}\r\n")).unwrap_or_default();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{extension}\r\n"
    );
    while opened.sockets.len() < count {
        let from = opened.sockets.len();
        for number in from..count.min(from + 64) {
            let mut socket = connect_from(address, first + number)
                .map_err(|error| format!("connection {} could not be opened: {error}", first + number))?;
            socket.write_all(request.as_bytes()).map_err(|error| format!("the request: {error}"))?;
            opened.sockets.push(socket);
        }
        for socket in &mut opened.sockets[from..] {
            opened.extensions = response(socket)?;
        }
    }
    for socket in &opened.sockets {
        socket.set_nonblocking(true).map_err(|error| error.to_string())?;
    }
    if offer.is_some() && opened.extensions.is_none() {
        return Err("the server declined permessage-deflate".into());
    }
    Ok(opened)
}

fn connect_from(address: SocketAddrV4, number: usize) -> std::io::Result<TcpStream> {
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    if number >= PER_ADDRESS {
        let last = 1 + (number / PER_ADDRESS) as u8;
        bind(&socket, &SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, last), 0))?;
    }
    connect(&socket, &address)?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    // Closing resets: thousands of connections a cell would leave no port that is not in TIME_WAIT.
    sockopt::set_socket_linger(&socket, Some(Duration::ZERO))?;
    let socket = TcpStream::from(socket);
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// Reads the response, which ends at the last byte received: the server sends nothing more until it gets a message.
fn response(socket: &mut TcpStream) -> Result<Option<String>, String> {
    let mut text = Vec::with_capacity(512);
    let mut buffer = [0; 1024];
    while !text.ends_with(b"\r\n\r\n") {
        match socket.read(&mut buffer) {
            Ok(0) => return Err("the server closed instead of answering the handshake".into()),
            Ok(count) => text.extend_from_slice(&buffer[..count]),
            Err(error) => return Err(format!("no answer to the handshake: {error}")),
        }
    }
    let text = String::from_utf8_lossy(&text);
    if !text.starts_with("HTTP/1.1 101") || !text.contains(ACCEPT) {
        return Err(format!("the handshake failed: {text:?}"));
    }
    let mut headers = text.lines().filter_map(|line| line.split_once(':'));
    let extensions = headers.find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-extensions"));
    Ok(extensions.map(|(_, value)| value.trim().to_owned()))
}

//! The server's handshake, for peers that leave it to the HTTP server of another crate.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Reads the request and answers it; `extensions` decides on the offer.
pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    extensions: impl FnOnce(&str) -> Option<String>,
) -> io::Result<()> {
    let mut request = Vec::with_capacity(1024);
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let request = std::str::from_utf8(&request).map_err(io::Error::other)?;
    stream.write_all(response(request, extensions)?.as_bytes()).await?;
    stream.flush().await
}

/// The response to a WebSocket request.
pub fn response(request: &str, extensions: impl FnOnce(&str) -> Option<String>) -> io::Result<String> {
    let key = header(request, "sec-websocket-key").ok_or_else(|| io::Error::other("no key"))?;
    let accept = STANDARD.encode(sha1_smol::Sha1::from(format!("{key}{GUID}")).digest().bytes());
    let agreed = header(request, "sec-websocket-extensions").and_then(extensions);
    let agreed = agreed.map(|value| format!("Sec-WebSocket-Extensions: {value}\r\n")).unwrap_or_default();
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{agreed}\r\n"
    ))
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = request.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// The client's handshake, with the key of RFC 6455's example: a benchmark needs no random key.
pub async fn request<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<()> {
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut response = Vec::with_capacity(1024);
    while !response.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut response).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    if response.starts_with(b"HTTP/1.1 101") { Ok(()) } else { Err(io::Error::other("the handshake failed")) }
}

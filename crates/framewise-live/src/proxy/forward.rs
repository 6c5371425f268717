//! What a client asks of a forward proxy: a tunnel (CONNECT, SOCKS 5), or a request with an absolute URL.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;

use crate::Upstream;
use crate::wire::{Duplex, Wire};

/// Bytes of a head; of a longer one, nothing is made.
const LONGEST: usize = 64 * 1024;

/// What a client asked for.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) upstream: Upstream,
    /// The request for the server; `None` in a tunnel, where it is still to come.
    pub(super) request: Option<Vec<u8>>,
}

/// Reads what a client asks for, and answers it. Errors: those of the connection, and what is wrong with the request, which
/// the client was told.
pub(super) async fn ask(stream: &mut Wire<TcpStream>) -> io::Result<Asked> {
    let mut head = Vec::new();
    let end = read_head(stream, &mut head).await?;
    if head.first() == Some(&5) {
        stream.unread(head.split_off(1));
        return socks(stream).await;
    }
    stream.unread(head.split_off(end));
    match http(&head) {
        Ok(asked) => {
            if asked.request.is_none() {
                // RFC 9110 §9.3.6: "Any 2xx (Successful) response indicates that the sender (and all inbound proxies) will
                // switch to tunnel mode immediately after the response header section".
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
                stream.flush().await?;
            }
            Ok(asked)
        }
        Err(why) => {
            let length = why.len() + 1;
            let answer = format!(
                "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{why}\n"
            );
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await?;
            Err(io::Error::new(io::ErrorKind::InvalidInput, why))
        }
    }
}

/// Reads a head to its end, and perhaps what follows; returns where it ends. It ends as well with the stream, and where it
/// is too long, or is none.
pub(super) async fn read_head(
    stream: &mut (impl AsyncRead + Unpin),
    head: &mut Vec<u8>,
) -> io::Result<usize> {
    let mut buffer = [0; 4096];
    loop {
        let end = head.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            return Ok(end + 4);
        }
        let is_none = head.first().is_some_and(|first| !first.is_ascii_uppercase());
        if is_none || head.len() > LONGEST {
            return Ok(head.len());
        }
        match stream.read(&mut buffer).await? {
            0 => return Ok(head.len()),
            count => head.extend_from_slice(&buffer[..count]),
        }
    }
}

fn http(head: &[u8]) -> Result<Asked, String> {
    let head = std::str::from_utf8(head).map_err(|_| "the request is not text")?;
    let (line, fields) = head.split_once("\r\n").ok_or("the request has no end")?;
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
        return Err("the first line is not a request line".to_owned());
    };
    let upstream = |url: &str| Upstream::parse(url).map_err(|error| error.to_string());
    if method == "CONNECT" {
        return Ok(Asked { upstream: upstream(&format!("ws://{target}"))?, request: None });
    }
    let Some((scheme, rest)) = target.split_once("://") else {
        return Err(
            "this is a forward proxy: send CONNECT or an absolute URL, or start framewise inspect with the server's URL"
                .to_owned(),
        );
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let slash = if path.starts_with('/') { "" } else { "/" };
    let is_websocket = is_websocket(head.as_bytes());
    let mut request = format!("{method} {slash}{path} {version}\r\n");
    for field in fields.split_inclusive("\r\n") {
        let name = field.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
        let for_proxy = matches!(name.as_str(), "proxy-connection" | "proxy-authorization");
        // The next request on this connection may be for another server: there is none.
        let keeps_open = !is_websocket && matches!(name.as_str(), "connection" | "keep-alive");
        if field == "\r\n" && !is_websocket {
            request.push_str("Connection: close\r\n");
        }
        if !for_proxy && !keeps_open {
            request.push_str(field);
        }
    }
    let upstream = upstream(&format!("{scheme}://{authority}"))?;
    Ok(Asked { upstream, request: Some(request.into_bytes()) })
}

/// RFC 1928, without authentication.
async fn socks(stream: &mut Wire<TcpStream>) -> io::Result<Asked> {
    let wrong = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why.to_owned());
    let mut methods = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut methods).await?;
    if !methods.contains(&0) {
        // §3: "If the selected METHOD is X'FF', none of the methods listed by the client are acceptable".
        stream.write_all(&[5, 0xff]).await?;
        stream.shutdown().await?;
        return Err(wrong("the client wants to authenticate, which this SOCKS proxy does not ask for"));
    }
    stream.write_all(&[5, 0]).await?;
    stream.flush().await?;
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    let [version, command, _, kind] = request;
    let host = match kind {
        1 => {
            let mut address = [0; 4];
            stream.read_exact(&mut address).await?;
            Ipv4Addr::from(address).to_string()
        }
        3 => {
            let mut name = vec![0; usize::from(stream.read_u8().await?)];
            stream.read_exact(&mut name).await?;
            String::from_utf8(name).map_err(|_| wrong("the name of the server is not text"))?
        }
        4 => {
            let mut address = [0; 16];
            stream.read_exact(&mut address).await?;
            format!("[{}]", Ipv6Addr::from(address))
        }
        _ => String::new(),
    };
    let port = if host.is_empty() { 0 } else { stream.read_u16().await? };
    let upstream = Upstream::parse(&format!("ws://{host}:{port}"));
    // §6: 7 is "Command not supported", 8 is "Address type not supported", 1 a general failure.
    let (reply, asked) = match (version, command, kind, upstream) {
        (5, 1, 1 | 3 | 4, Ok(upstream)) => (0, Ok(Asked { upstream, request: None })),
        (5, 1, 1 | 3 | 4, Err(error)) => (1, Err(wrong(&error.to_string()))),
        (5, 1, ..) => (8, Err(wrong("an unknown kind of address"))),
        _ => (7, Err(wrong("a SOCKS command other than CONNECT"))),
    };
    stream.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    stream.flush().await?;
    if asked.is_err() {
        stream.shutdown().await?;
    }
    asked
}

/// Whether a request is for a WebSocket connection, though perhaps not a correct one.
pub(super) fn is_websocket(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    head.lines().skip(1).any(|line| {
        line.starts_with("sec-websocket-")
            || line
                .split_once(':')
                .is_some_and(|(name, value)| name.trim() == "upgrade" && value.contains("websocket"))
    })
}

/// A stream whose first bytes were read before.
#[derive(Debug)]
pub(super) struct Prefixed<S> {
    start: Vec<u8>,
    at: usize,
    stream: S,
}

impl<S> Prefixed<S> {
    pub(super) const fn new(start: Vec<u8>, stream: S) -> Self {
        Self { start, at: 0, stream }
    }
}

impl AsyncRead for Prefixed<Box<dyn Duplex>> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let rest = &this.start[this.at..];
        if rest.is_empty() {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        }
        let now = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..now]);
        this.at += now;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prefixed<Box<dyn Duplex>> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl Duplex for Prefixed<Box<dyn Duplex>> {
    fn tcp(&self) -> &TcpStream {
        self.stream.tcp()
    }

    fn reset(&mut self) {
        self.stream.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_urls_become_requests() {
        let asked = |head: &str| {
            let Asked { upstream, request } =
                http(head.as_bytes()).unwrap_or_else(|error| panic!("{head}: {error}"));
            (upstream.to_string(), request.map(|request| String::from_utf8(request).expect("text")))
        };
        let upgrade = "Upgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n";
        assert_eq!(
            asked(&format!(
                "GET http://a.test:81/x?y HTTP/1.1\r\nHost: a.test\r\nProxy-Connection: keep-alive\r\n{upgrade}"
            )),
            ("http://a.test:81".to_owned(), Some(format!("GET /x?y HTTP/1.1\r\nHost: a.test\r\n{upgrade}")))
        );
        assert_eq!(
            asked("GET http://a.test?y HTTP/1.1\r\nConnection: keep-alive\r\nX: y\r\n\r\n"),
            (
                "http://a.test:80".to_owned(),
                Some("GET /?y HTTP/1.1\r\nX: y\r\nConnection: close\r\n\r\n".to_owned())
            )
        );
        assert_eq!(asked(&format!("GET wss://a.test HTTP/1.1\r\n{upgrade}")).0, "wss://a.test:443");
        assert_eq!(asked("CONNECT [::1]:443 HTTP/1.1\r\n\r\n"), ("ws://[::1]:443".to_owned(), None));
        for head in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET\r\n\r\n",
            "GET ftp://x/ HTTP/1.1\r\n\r\n",
            "CONNECT :0 HTTP/1.1\r\n\r\n",
        ] {
            assert!(http(head.as_bytes()).is_err(), "{head}");
        }
    }
}

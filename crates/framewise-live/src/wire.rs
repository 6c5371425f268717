use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use framewise::NetStream;
use framewise_rules::Role;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};

use crate::packets::Tracer;

/// One end of the proxy: TCP, or TLS over it.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {
    /// The TCP connection.
    fn tcp(&self) -> &TcpStream;

    /// Lets the connection end with a reset when it is dropped.
    fn reset(&mut self);
}

/// What a [`Wire`] can be around.
pub(crate) trait Tcp: AsyncRead + AsyncWrite + Send + Unpin {
    fn tcp(&self) -> &TcpStream;
}

impl Tcp for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Tcp for NetStream {
    fn tcp(&self) -> &TcpStream {
        Self::tcp(self)
    }
}

impl<S: Tcp> Duplex for Wire<S> {
    fn tcp(&self) -> &TcpStream {
        self.stream.tcp()
    }

    fn reset(&mut self) {
        self.settle();
        if let Some(tracer) = &mut self.tracer {
            tracer.reset(tracer.near());
        }
        // Closed without lingering, a socket sends RST.
        let _ = self.stream.tcp().set_zero_linger();
    }
}

impl Duplex for server::TlsStream<Wire<TcpStream>> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0.tcp()
    }

    fn reset(&mut self) {
        self.get_mut().0.reset();
    }
}

impl Duplex for client::TlsStream<Wire<NetStream>> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0.tcp()
    }

    fn reset(&mut self) {
        self.get_mut().0.reset();
    }
}

/// A stream whose bytes are recorded as packets, as they are on the wire.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    tracer: Option<Tracer>,
    /// What was read last: it is recorded after what follows from it, so that the secrets of TLS come before the bytes that
    /// need them.
    read: Option<(SystemTime, Vec<u8>)>,
    /// What was read too early, from this place on.
    unread: (Vec<u8>, usize),
}

impl<S> Wire<S> {
    pub(crate) const fn new(stream: S, tracer: Option<Tracer>) -> Self {
        Self { stream, tracer, read: None, unread: (Vec::new(), 0) }
    }

    /// Gives back what was read too early: it is read next.
    pub(crate) fn unread(&mut self, bytes: Vec<u8>) {
        let rest = self.unread.0.split_off(self.unread.1);
        self.unread = ([bytes, rest].concat(), 0);
    }

    /// The next byte, where it was given back.
    pub(crate) fn first_unread(&self) -> Option<u8> {
        self.unread.0.get(self.unread.1).copied()
    }

    fn settle(&mut self) {
        if let (Some(tracer), Some((time, bytes))) = (&mut self.tracer, self.read.take()) {
            tracer.bytes(time, tracer.far(), &bytes);
        }
    }

    fn written(&mut self, bytes: &[u8]) {
        self.settle();
        if let Some(tracer) = &mut self.tracer {
            tracer.bytes(SystemTime::now(), tracer.near(), bytes);
        }
    }

    fn ended(&mut self, by: fn(&Tracer) -> Role) {
        self.settle();
        if let Some(tracer) = &mut self.tracer {
            tracer.ended(by(tracer));
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let given_back = &this.unread.0[this.unread.1..];
        if !given_back.is_empty() {
            let now = given_back.len().min(buf.remaining());
            buf.put_slice(&given_back[..now]);
            this.unread.1 += now;
            return Poll::Ready(Ok(()));
        }
        if this.tracer.is_none() {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        }
        this.settle();
        let before = buf.filled().len();
        let empty = buf.remaining() == 0;
        let result = ready!(Pin::new(&mut this.stream).poll_read(cx, buf));
        let read = &buf.filled()[before..];
        match &result {
            Ok(()) if !read.is_empty() => this.read = Some((SystemTime::now(), read.to_vec())),
            Ok(()) if empty => {}
            Ok(()) => this.ended(Tracer::far),
            Err(error) => {
                if let Some(tracer) = &mut this.tracer
                    && error.kind() == io::ErrorKind::ConnectionReset
                {
                    tracer.reset(tracer.far());
                }
            }
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = ready!(Pin::new(&mut this.stream).poll_write(cx, buf))?;
        this.written(&buf[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = ready!(Pin::new(&mut this.stream).poll_shutdown(cx));
        this.ended(Tracer::near);
        Poll::Ready(result)
    }
}

impl<S> Drop for Wire<S> {
    fn drop(&mut self) {
        // What is dropped is closed.
        self.ended(Tracer::near);
    }
}

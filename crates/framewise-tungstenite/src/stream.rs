//! Blocking streams with or without TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// With or without TLS.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// `ws://`
    Plain,
    /// `wss://`
    Tls,
}

/// A stream that can send small packets at once.
pub trait NoDelay {
    /// Sets `TCP_NODELAY`.
    fn set_nodelay(&mut self, nodelay: bool) -> io::Result<()>;
}

impl NoDelay for TcpStream {
    fn set_nodelay(&mut self, nodelay: bool) -> io::Result<()> {
        Self::set_nodelay(self, nodelay)
    }
}

/// A blocking stream with or without TLS. That of asynchronous connections is
/// [`MaybeTlsStream`](crate::MaybeTlsStream) at the root.
#[derive(Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "its variants are public, as in tungstenite")]
pub enum MaybeTlsStream<S: Read + Write> {
    /// Without TLS.
    Plain(S),
    /// With rustls.
    #[cfg(feature = "__rustls-tls")]
    Rustls(framewise::rustls::StreamOwned<framewise::rustls::ClientConnection, S>),
}

impl<S: Read + Write> MaybeTlsStream<S> {
    /// The stream below.
    pub fn get_ref(&self) -> &S {
        match self {
            Self::Plain(stream) => stream,
            #[cfg(feature = "__rustls-tls")]
            Self::Rustls(stream) => stream.get_ref(),
        }
    }

    /// The stream below. Reading or writing it breaks the connection.
    pub fn get_mut(&mut self) -> &mut S {
        match self {
            Self::Plain(stream) => stream,
            #[cfg(feature = "__rustls-tls")]
            Self::Rustls(stream) => stream.get_mut(),
        }
    }
}

impl<S: Read + Write> Read for MaybeTlsStream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            #[cfg(feature = "__rustls-tls")]
            Self::Rustls(stream) => stream.read(buffer),
        }
    }
}

impl<S: Read + Write> Write for MaybeTlsStream<S> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(buffer),
            #[cfg(feature = "__rustls-tls")]
            Self::Rustls(stream) => stream.write(buffer),
        }
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write_vectored(slices),
            #[cfg(feature = "__rustls-tls")]
            Self::Rustls(stream) => stream.write_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            #[cfg(feature = "__rustls-tls")]
            Self::Rustls(stream) => stream.flush(),
        }
    }
}

impl<S: Read + Write + NoDelay> NoDelay for MaybeTlsStream<S> {
    fn set_nodelay(&mut self, nodelay: bool) -> io::Result<()> {
        self.get_mut().set_nodelay(nodelay)
    }
}

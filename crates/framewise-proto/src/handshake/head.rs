use core::fmt;

use super::secret::hidden_query;
use super::{Fields, Place};

/// A version of HTTP/1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HttpVersion {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// A request's head, borrowed from the parser.
#[derive(Clone)]
pub struct RequestHead<'h> {
    /// The method.
    pub method: &'h str,
    /// The target: path and query, or an absolute URL.
    pub target: &'h str,
    /// The version.
    pub version: HttpVersion,
    /// The header lines.
    pub fields: Fields<'h>,
    /// The head's place in the client's stream; `None` if an HTTP library parsed it.
    pub place: Option<Place>,
}

/// A response's head, borrowed from the parser.
#[derive(Clone, Debug)]
pub struct ResponseHead<'h> {
    /// The status.
    pub status: u16,
    /// The reason phrase; it may be empty.
    pub reason: &'h str,
    /// The header lines.
    pub fields: Fields<'h>,
    /// The head's place in the server's stream; `None` if an HTTP library parsed it.
    pub place: Option<Place>,
}

/// Without credentials: see [`is_secret`](super::is_secret).
impl fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("target", &hidden_query(self.target))
            .field("version", &self.version)
            .field("fields", &self.fields)
            .field("place", &self.place)
            .finish()
    }
}

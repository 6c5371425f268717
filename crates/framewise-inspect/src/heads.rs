//! The heads of a handshake that was seen.

use framewise_proto::handshake::{Headers, HttpVersion, Request, Response};
use framewise_rules::Rule;

use crate::frames::Moment;

/// A request that was seen.
#[derive(Clone, Debug)]
pub(crate) struct RequestSeen {
    pub(crate) request: Request,
    pub(crate) version: HttpVersion,
    /// Its head, as it stood on the wire.
    pub(crate) head: Vec<u8>,
    /// The rules that it breaks.
    pub(crate) breaks: Vec<Rule>,
    pub(crate) at: Moment,
}

/// A response that was seen.
#[derive(Clone, Debug)]
pub(crate) struct ResponseSeen {
    pub(crate) response: Response,
    pub(crate) reason: String,
    /// Its head, as it stood on the wire.
    pub(crate) head: Vec<u8>,
    /// The offset of the head: interim responses or early frames may precede it.
    pub(crate) start: u64,
    pub(crate) at: Moment,
}

impl RequestSeen {
    /// Whether it is a request of hixie-76, which has other frames.
    pub(crate) fn is_hixie(&self) -> bool {
        self.request.header("sec-websocket-key1").is_some()
            || self.request.header("sec-websocket-key2").is_some()
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.request.header(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The values of all headers of this name.
    pub(crate) fn headers<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        values(&self.request.headers, name)
    }
}

impl ResponseSeen {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.header(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The values of all headers of this name.
    pub(crate) fn headers<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        values(&self.response.headers, name)
    }

    /// The offset of the first byte after the head.
    pub(crate) const fn end(&self) -> u64 {
        self.start + self.head.len() as u64
    }
}

fn values<'r>(headers: &'r Headers, name: &'r str) -> impl Iterator<Item = &'r str> {
    headers.all(name).filter_map(|value| std::str::from_utf8(value).ok())
}

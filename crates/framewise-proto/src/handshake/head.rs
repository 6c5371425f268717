use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::str;

use super::Headers;

/// Header lines of one head, at the most.
const MAX_LINES: usize = 128;

/// A head of HTTP/1.1 taken apart, borrowed from the bytes that it was read from.
#[derive(Clone, Debug)]
pub struct Head<'b> {
    /// The request or status line.
    pub start: Start<'b>,
    /// The minor version: 1 for HTTP/1.1.
    pub minor: u8,
    /// The header lines, in order.
    pub lines: Vec<HeaderLine<'b>>,
    /// Bytes of the head, with its empty line.
    pub size: usize,
}

/// The first line of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'b> {
    /// Of a request.
    Request {
        /// Its method.
        method: &'b str,
        /// Its target.
        target: &'b str,
    },
    /// Of a response.
    Response {
        /// Its status.
        status: u16,
        /// Its reason phrase.
        reason: &'b str,
    },
}

/// A header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderLine<'b> {
    /// The name, as it was written.
    pub name: &'b str,
    /// The value, without the space around it.
    pub value: &'b [u8],
    /// Bytes from the start of the head to the line.
    pub offset: usize,
    /// Bytes from the name's first to the value's last.
    pub length: usize,
}

impl<'b> HeaderLine<'b> {
    /// The value, where it is text.
    pub fn text(&self) -> &'b str {
        str::from_utf8(self.value).unwrap_or("")
    }
}

/// Why bytes are no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFault {
    /// They do not begin with, or go on as, HTTP/1.x.
    NotHttp,
    /// More header lines than are taken.
    TooManyLines,
}

impl<'b> Head<'b> {
    /// Parses a request's head; `None` as long as it is not complete.
    pub fn request(bytes: &'b [u8]) -> Result<Option<Self>, HeadFault> {
        let mut lines = [MaybeUninit::uninit(); MAX_LINES];
        let mut request = httparse::Request::new(&mut []);
        let parsed = request.parse_with_uninit_headers(bytes, &mut lines).map_err(fault)?;
        let httparse::Status::Complete(size) = parsed else { return Ok(None) };
        let start = Start::Request {
            method: request.method.unwrap_or_default(),
            target: request.path.unwrap_or_default(),
        };
        Ok(Some(Self {
            start,
            minor: request.version.unwrap_or_default(),
            lines: header_lines(bytes, request.headers),
            size,
        }))
    }

    /// Parses a response's head; `None` as long as it is not complete.
    pub fn response(bytes: &'b [u8]) -> Result<Option<Self>, HeadFault> {
        let mut lines = [MaybeUninit::uninit(); MAX_LINES];
        let mut response = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default()
            .parse_response_with_uninit_headers(&mut response, bytes, &mut lines)
            .map_err(fault)?;
        let httparse::Status::Complete(size) = parsed else { return Ok(None) };
        let start = Start::Response {
            status: response.code.unwrap_or_default(),
            reason: response.reason.unwrap_or_default(),
        };
        Ok(Some(Self {
            start,
            minor: response.version.unwrap_or_default(),
            lines: header_lines(bytes, response.headers),
            size,
        }))
    }

    /// The header lines, in memory of their own.
    pub(super) fn headers(&self) -> Headers {
        let (names, values) =
            self.lines.iter().fold((0, 0), |(n, v), line| (n + line.name.len(), v + line.value.len()));
        let mut headers = Headers::with_capacity(self.lines.len(), names, values);
        for line in &self.lines {
            headers.push(line.name, line.value);
        }
        headers
    }

    /// The lines of this name, in order.
    pub fn named(&self, name: &str) -> impl Iterator<Item = HeaderLine<'b>> {
        self.lines.iter().copied().filter(move |line| line.name.eq_ignore_ascii_case(name))
    }

    /// The first line of this name.
    pub fn first(&self, name: &str) -> Option<HeaderLine<'b>> {
        self.named(name).next()
    }

    /// The elements of the lists in the lines of this name.
    pub fn elements(&self, name: &str) -> impl Iterator<Item = &'b str> {
        self.named(name)
            .flat_map(|line| line.text().split(','))
            .map(str::trim)
            .filter(|element| !element.is_empty())
    }

    /// Whether a list in the lines of this name has this element, in whatever case.
    pub fn has(&self, name: &str, element: &str) -> bool {
        self.elements(name).any(|other| other.eq_ignore_ascii_case(element))
    }
}

fn fault(error: httparse::Error) -> HeadFault {
    match error {
        httparse::Error::TooManyHeaders => HeadFault::TooManyLines,
        httparse::Error::HeaderName
        | httparse::Error::HeaderValue
        | httparse::Error::NewLine
        | httparse::Error::Status
        | httparse::Error::Token
        | httparse::Error::Version => HeadFault::NotHttp,
    }
}

fn header_lines<'b>(bytes: &'b [u8], headers: &[httparse::Header<'b>]) -> Vec<HeaderLine<'b>> {
    // The slices lie in `bytes`: the distance of their addresses is their offset.
    let base = bytes.as_ptr() as usize;
    headers
        .iter()
        .map(|header| {
            let offset = header.name.as_ptr() as usize - base;
            let end = if header.value.is_empty() {
                offset + header.name.len() + 1
            } else {
                header.value.as_ptr() as usize - base + header.value.len()
            };
            HeaderLine { name: header.name, value: header.value, offset, length: end - offset }
        })
        .collect()
}

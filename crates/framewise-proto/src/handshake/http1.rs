//! The handshake's bytes in HTTP/1.1, and their offsets (RFC 9112).

mod fold;
mod lines;
mod read;
mod write;

use core::mem::MaybeUninit;

pub use self::fold::unfold;
pub use self::read::{Progress, read_request, read_response, request_fault, response_fault};
use super::{Field, Fields, HttpVersion, Place, RequestHead, ResponseHead};

/// The largest number of header lines in a head. A head with more is too large.
pub const MAX_LINES: usize = 128;

/// How many bytes of a head to read at first. While there are fewer, [`worth_reading`] is true whenever more arrive.
pub const FIRST_READ: usize = 1024;

/// A head that was parsed from bytes.
#[derive(Clone, Debug)]
pub struct Parsed<H> {
    /// The head.
    pub head: H,
    /// Its size in bytes, including the empty line.
    pub size: usize,
}

/// Why bytes are not a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadFault {
    /// They are not HTTP/1.x.
    NotHttp,
    /// More header lines than [`MAX_LINES`].
    TooManyLines,
}

/// Parses a request's head; `None` as long as it is not complete.
pub fn parse_request(bytes: &[u8]) -> Result<Option<Parsed<RequestHead<'_>>>, HeadFault> {
    let mut lines = [MaybeUninit::uninit(); MAX_LINES];
    let mut request = httparse::Request::new(&mut []);
    let (size, fields) = match request.parse_with_uninit_headers(bytes, &mut lines) {
        Ok(httparse::Status::Partial) => return Ok(None),
        Ok(httparse::Status::Complete(size)) => (size, fields(bytes, request.headers)),
        Err(error) => {
            let Some(start) = start_line(bytes, error)? else { return Ok(None) };
            request = httparse::Request::new(&mut []);
            request.parse(&bytes[..start]).map_err(|_| HeadFault::NotHttp)?;
            let Some((fields, size)) = lines::read(bytes, start, 0)? else { return Ok(None) };
            (size, fields)
        }
    };
    let head = RequestHead {
        method: request.method.unwrap_or_default(),
        target: request.path.unwrap_or_default(),
        version: if request.version == Some(1) { HttpVersion::Http11 } else { HttpVersion::Http10 },
        fields,
        place: Some(Place { offset: 0, length: size as u64 }),
    };
    Ok(Some(Parsed { head, size }))
}

/// Parses the response's head that begins at byte `start` of what the server sent; `None` as long as it is not complete.
/// A folded line is malformed: [`unfold`] before.
/// Places count from the first byte.
pub fn parse_response(bytes: &[u8], start: usize) -> Result<Option<Parsed<ResponseHead<'_>>>, HeadFault> {
    let mut lines = [MaybeUninit::uninit(); MAX_LINES];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        &bytes[start..],
        &mut lines,
    );
    let (size, fields) = match parsed {
        Ok(httparse::Status::Partial) => return Ok(None),
        Ok(httparse::Status::Complete(size)) => (size, fields(bytes, response.headers)),
        Err(error) => {
            let own = &bytes[start..];
            let Some(first) = start_line(own, error)? else { return Ok(None) };
            response = httparse::Response::new(&mut []);
            response.parse(&own[..first]).map_err(|_| HeadFault::NotHttp)?;
            let Some((fields, size)) = lines::read(own, first, start)? else { return Ok(None) };
            (size, fields)
        }
    };
    let head = ResponseHead {
        status: response.code.unwrap_or_default(),
        reason: response.reason.unwrap_or_default(),
        fields,
        place: Some(Place { offset: start as u64, length: size as u64 }),
    };
    Ok(Some(Parsed { head, size }))
}

/// The size of the interim responses (such as 100 Continue and 103 Early Hints) that begin at byte `start` of the
/// server's stream. A 101 is not one of them.
pub fn interim(bytes: &[u8], start: usize) -> usize {
    let mut end = start;
    // RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses received prior to a final response,
    // even if the client does not expect one. A user agent MAY ignore unexpected 1xx responses."
    while let Ok(Some(Parsed { head, size })) = parse_response(bytes, end)
        && matches!(head.status, 100 | 102..=199)
        && head.fields.malformed().is_none()
    {
        end += size;
    }
    end - start
}

/// Bytes up to the first line's end, at most 80: the part to show of bytes that are not a head.
pub fn first_line(bytes: &[u8]) -> usize {
    let shown = &bytes[..bytes.len().min(80)];
    shown
        .iter()
        .position(|&byte| byte == b'\r' || byte == b'\n')
        .unwrap_or(shown.len())
        .max(1)
        .min(bytes.len())
}

/// Whether to parse a head again, now that there are more than `before` bytes of it.
///
/// A head is parsed from its start each time, and a head ends with a line. So new bytes without a line's end are parsed
/// only while the head is short, or when it exceeds the `limit`: the work for a peer that sends single bytes is not
/// quadratic.
pub fn worth_reading(bytes: &[u8], before: usize, limit: usize) -> bool {
    before < FIRST_READ || bytes.len() > limit || bytes[before..].contains(&b'\n')
}

/// The smallest size of a request's head in HTTP/1.1, in bytes: to check a head that an HTTP library parsed against the
/// limit.
pub fn size_of(head: &RequestHead<'_>) -> usize {
    let line = head.method.len() + head.target.len() + "  HTTP/1.1\r\n".len();
    let fields = head.fields.iter().map(|field| field.name.len() + field.value.len() + ": \r\n".len());
    line + fields.sum::<usize>() + "\r\n".len()
}

/// The size of the start line of a head that a parser does not accept, if its header lines are at fault; `None` as long as
/// the head is not complete.
fn start_line(bytes: &[u8], error: httparse::Error) -> Result<Option<usize>, HeadFault> {
    match error {
        httparse::Error::TooManyHeaders => Err(HeadFault::TooManyLines),
        httparse::Error::HeaderName | httparse::Error::HeaderValue | httparse::Error::NewLine => {
            Ok(lines::start_line(bytes))
        }
        httparse::Error::Status | httparse::Error::Token | httparse::Error::Version => {
            Err(HeadFault::NotHttp)
        }
    }
}

fn fields<'b>(bytes: &'b [u8], headers: &[httparse::Header<'b>]) -> Fields<'b> {
    // The slices are part of `bytes`: the difference of the addresses is the offset.
    let base = bytes.as_ptr() as usize;
    headers
        .iter()
        .map(|header| {
            let offset = header.name.as_ptr() as usize - base;
            field(offset, header.name, header.value)
        })
        .collect()
}

/// A field whose name is at byte `offset` of the stream; its value is in the same line.
fn field<'b>(offset: usize, name: &'b str, value: &'b [u8]) -> Field<'b> {
    let length = if value.is_empty() {
        name.len() + 1
    } else {
        value.as_ptr() as usize + value.len() - name.as_ptr() as usize
    };
    let place = Some(Place { offset: offset as u64, length: length as u64 });
    Field { name, value, place }
}

//! Causes: another protocol, or other bytes, in the stream.

mod http2;
mod tls;

pub(super) use http2::{
    alpn_mismatch, extended_connect_unsupported, http2_preface, rejected_connect, reset_stream,
};
pub(super) use tls::{plain_in_tls_port, tls};

use framewise_rules::{Cause, Role, Rule};

use super::evidence::{Evidence, is_text_byte, line, quote};
use super::length::interleaved_writers;
use super::sign::Sign;
use crate::finding::hex;
use crate::report::Fault;

const METHODS: &[&[u8]] =
    &[b"GET ", b"POST ", b"PUT ", b"HEAD ", b"OPTIONS ", b"DELETE ", b"PATCH ", b"CONNECT ", b"TRACE "];
/// The signature of PROXY protocol version 2.
const PROXY_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Whether the bytes where a frame should start are not a frame, or not an allowed one.
fn in_place_of_frame(e: &Evidence<'_>) -> bool {
    e.at_header() || (e.is(&[Rule::FrameAfterClose]) && !e.finding.also.is_empty())
}

/// `HTTP/1.` where a frame should start.
pub(super) fn http_response(e: &Evidence<'_>) -> Option<Sign> {
    if !(in_place_of_frame(e) && e.stream == Role::Server && e.start().starts_with(b"HTTP/")) {
        return None;
    }
    let status = line(e.start());
    let evidence = format!(
        "the status line {} is at byte {}, where a frame should start",
        quote(status),
        e.finding.offset
    );
    // A gateway's status, or frames before it: an intermediary gave up the server.
    let gateway =
        [b" 502".as_slice(), b" 503", b" 504"].iter().any(|code| status.windows(4).any(|part| part == *code));
    let (fault, evidence) = match other_server(e) {
        Some(other) => (Fault::Intermediary, format!("{evidence}; {other}")),
        None if gateway => (Fault::Intermediary, evidence),
        None => (Fault::Server, evidence),
    };
    Some(Sign { cause: Cause::HttpResponseInStream, fault: Some(fault), evidence })
}

/// Evidence that the head in the stream comes from another sender than the 101: another Server, or a proxy's header.
fn other_server(e: &Evidence<'_>) -> Option<String> {
    let start = e.start();
    let head = String::from_utf8_lossy(&start[..start.len().min(4096)]);
    let head = head.split("\r\n\r\n").next()?;
    let header = |name: &str| {
        head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    if let Some((own, first)) = header("server").zip(e.response()?.header("server"))
        && own != first
    {
        return Some(format!(
            "its Server header is {}, but {} in the 101",
            quote(own.as_bytes()),
            quote(first.as_bytes())
        ));
    }
    // RFC 9110 §7.6.3: a proxy names itself in Via.
    let via = header("via").filter(|_| e.response().is_some_and(|first| first.header("via").is_none()))?;
    Some(format!("it contains Via: {}, and the 101 does not", quote(via.as_bytes())))
}

fn is_request_line(bytes: &[u8]) -> bool {
    METHODS.iter().any(|method| bytes.starts_with(method) && bytes.len() > method.len())
        && bytes.get(..line(bytes).len()).is_some_and(|line| line.iter().all(|&byte| is_text_byte(byte)))
}

/// A request line where a frame should start.
pub(super) fn http_request(e: &Evidence<'_>) -> Option<Sign> {
    if e.stream != Role::Client {
        return None;
    }
    let offset = if in_place_of_frame(e) {
        e.finding.offset
    } else if e.is(&[Rule::RequestUpgrade, Rule::RequestConnection]) && e.frames().is_some() {
        // The request was not an upgrade, yet the answer is 101: the next bytes of the connection show what they are.
        e.base()?
    } else {
        return None;
    };
    let bytes = e.line_at(offset);
    if !is_request_line(bytes) {
        return None;
    }
    let evidence = format!("the request line {} is at byte {offset}, after the upgrade", quote(line(bytes)));
    // RFC 9110 §7.8: "A server MUST NOT switch to a protocol that was not indicated by the client in the corresponding
    // request's Upgrade header field". Who sent the request goes on with HTTP, as is right.
    if e.is(&[Rule::RequestUpgrade]) && e.request().is_some_and(|request| request.header("upgrade").is_none())
    {
        let evidence = format!("{evidence} that the request did not ask for");
        return e.peer_fault(Cause::HttpRequestInStream, evidence);
    }
    e.path_fault(Cause::HttpRequestInStream, evidence)
}

/// `PROXY ` or the signature of its version 2 before the request.
pub(super) fn proxy_protocol(e: &Evidence<'_>) -> Option<Sign> {
    if !e.is(&[Rule::RequestNotHttp]) {
        return None;
    }
    let start = e.start();
    let evidence = if start.starts_with(b"PROXY ") {
        format!("{} precedes the request", quote(line(start)))
    } else if start.starts_with(PROXY_2) {
        "the signature of PROXY protocol version 2 precedes the request".to_owned()
    } else {
        return None;
    };
    e.path_fault(Cause::ProxyProtocolHeader, evidence)
}

/// The size line of a chunk (RFC 9112 §7.1): the size, and the bytes of the line.
fn chunk(bytes: &[u8]) -> Option<(u64, usize)> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if digits == 0 || digits > 8 {
        return None;
    }
    let line_end = bytes.windows(2).take(64).position(|pair| pair == b"\r\n")?;
    if line_end != digits && !matches!(bytes[digits], b';' | b' ') {
        return None;
    }
    let size = u64::from_str_radix(std::str::from_utf8(&bytes[..digits]).ok()?, 16).ok()?;
    Some((size, line_end + 2))
}

/// Hexadecimal digits and CRLF around the frames.
pub(super) fn chunked(e: &Evidence<'_>) -> Option<Sign> {
    let offset = if e.is(&[Rule::ResponseBodyFraming]) { e.base()? } else { e.finding.offset };
    if !(e.at_header() || e.is(&[Rule::ResponseBodyFraming])) {
        return None;
    }
    // Skip the CRLF after a chunk: the finding may be at a chunk's end.
    let bytes = e.line_at(offset);
    let skipped = if bytes.starts_with(b"\r\n") && Some(offset) != e.base() { 2 } else { 0 };
    let (size, line) = chunk(&bytes[skipped..])?;
    let announced = e.response().and_then(|response| response.header("transfer-encoding"));
    let closed = e.read(offset + (skipped + line) as u64 + size, 2) == b"\r\n";
    let evidence = format!(
        "{} at byte {offset} is the size line of a chunk of {size} bytes{}{}",
        quote(&bytes[skipped..skipped + line]),
        if closed { ", and CRLF follows them" } else { "" },
        if announced.is_some() {
            "; the 101 announces Transfer-Encoding: chunked"
        } else {
            "; the 101 on this leg does not announce chunks"
        },
    );
    // If the sender did not announce chunks, an intermediary added them.
    let clean_elsewhere = e
        .other_legs()
        .any(|leg| leg.response.as_ref().is_some_and(|other| other.header("transfer-encoding").is_none()));
    if announced.is_some() && !clean_elsewhere {
        e.own_fault(Cause::ChunkedFramingInStream, evidence)
    } else {
        e.path_fault(Cause::ChunkedFramingInStream, evidence)
    }
}

/// The signature of a compressed stream.
pub(super) fn compressed_format(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x1f, 0x8b, 8, ..] | [0x1f, 0x8b] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        // RFC 1950 §2.2: method 8, and both bytes together a multiple of 31.
        [first @ (0x68 | 0x78), second, ..]
            if (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0 && second & 0x20 == 0 =>
        {
            Some("zlib")
        }
        _ => None,
    }
}

/// A compressed stream, or Content-Encoding, after the upgrade.
pub(super) fn http_compression(e: &Evidence<'_>) -> Option<Sign> {
    let announced = e.response().and_then(|response| response.header("content-encoding"));
    if e.is(&[Rule::ResponseContentEncoding]) {
        let evidence = format!("the 101 contains Content-Encoding: {}", announced?);
        return e.own_fault(Cause::HttpCompressionApplied, evidence);
    }
    if !(e.at_header() && e.stream == Role::Server) {
        return None;
    }
    let start = e.start();
    let format = compressed_format(start);
    let evidence = match (format, announced) {
        (Some(format), _) => {
            format!(
                "{} at byte {} is the header of {format}",
                hex(&start[..start.len().min(4)]),
                e.finding.offset
            )
        }
        // Brotli has no signature, so the header is the only evidence.
        (None, Some(encoding))
            if Some(e.finding.offset) == e.base() && !encoding.eq_ignore_ascii_case("identity") =>
        {
            format!("the 101 contains Content-Encoding: {encoding}, and the bytes after it are not a frame")
        }
        (None, _) => return None,
    };
    e.own_fault(Cause::HttpCompressionApplied, evidence)
}

/// Transfer-Encoding or Content-Length on the 101, followed by valid frames.
pub(super) fn body_headers(e: &Evidence<'_>) -> Option<Sign> {
    if !e.breaks(Rule::ResponseBodyFraming) {
        return None;
    }
    let response = e.response()?;
    let (name, value) = ["transfer-encoding", "content-length"]
        .into_iter()
        .find_map(|name| Some((name, response.header(name)?)))?;
    let plain = e.base().is_some_and(|base| chunk(e.line_at(base)).is_none());
    let evidence = format!(
        "the 101 contains {name}: {value}{}",
        if plain { ", but a 101 does not have a body, and the bytes after it are not chunked" } else { "" }
    );
    e.own_fault(Cause::BodyHeadersOn101, evidence)
}

/// 0D 0A or a NUL right after the head, or header lines after an empty line.
pub(super) fn extra_crlf(e: &Evidence<'_>) -> Option<Sign> {
    let behind = e.is(&[Rule::ResponseExtraBytes]) || (e.at_header() && Some(e.finding.offset) == e.base());
    // Frames of hixie-76 are not read: use the bytes after its answer.
    let hixie = e.is(&[Rule::RequestLegacyDraft]) && e.response().is_some();
    if hixie {
        let rest = e.read_peer(e.response()?.end());
        return (rest.get(16..18) == Some(b"\r\n")).then(|| {
            e.peer_fault(
                Cause::ExtraCrlfAfterHead,
                "0d 0a follows the sixteen bytes of the server's response",
            )
        })?;
    }
    let evidence = match e.start() {
        [b'\r', b'\n', ..] if behind => {
            format!("0d 0a is at byte {}, directly after the head", e.finding.offset)
        }
        [0, ..] if e.is(&[Rule::ResponseExtraBytes]) => format!(
            "00 is at byte {}, directly after the head: the terminator of a C string was sent with it",
            e.finding.offset
        ),
        rest if e.at_header() && Some(e.finding.offset) == e.base() && is_header_lines(rest) => format!(
            "the header line {} is at byte {}, after the empty line that ended the head",
            quote(line(rest)),
            e.finding.offset
        ),
        _ => return None,
    };
    e.own_fault(Cause::ExtraCrlfAfterHead, evidence)
}

/// Whether bytes are header lines (RFC 9112 §5) up to an empty one.
fn is_header_lines(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4096)]);
    text.split_once("\r\n\r\n").is_some_and(|(lines, _)| {
        lines.split("\r\n").all(|line| {
            line.split_once(':').is_some_and(|(name, _)| {
                !name.is_empty()
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            })
        })
    })
}

/// Other printable text where a frame should start: a log line, a greeting, JSON without a frame.
pub(super) fn text_written(e: &Evidence<'_>) -> Option<Sign> {
    let handshake = e.is(&[Rule::ResponseNotHttp]) && e.request().is_some();
    if !(e.at_header() || handshake) || e.is(&[Rule::MaskMissing, Rule::MaskPresent]) {
        return None;
    }
    let start = &e.start()[..e.start().len().min(24)];
    if start.len() < 4
        || !start.iter().all(|&byte| is_text_byte(byte))
        || !start.iter().any(u8::is_ascii_graphic)
    {
        return None;
    }
    // One byte repeated is the rest of a payload with a wrong length, not text.
    if start.iter().all(|byte| *byte == start[0]) {
        return None;
    }
    // Text that another detector explains; the last one's is the rest of an interrupted message.
    let known = [http_response, http_request, chunked, http2_preface, extra_crlf, interleaved_writers];
    if known.iter().any(|known| known(e).is_some()) {
        return None;
    }
    let evidence = format!(
        "the text {} is at byte {}, where a frame should start",
        quote(line(e.start())),
        e.finding.offset
    );
    e.own_fault(Cause::TextWrittenToSocket, evidence)
}

//! What a TCP connection carries, recognised by its first bytes.

use framewise_proto::frame::MAX_HEADER;
use framewise_proto::{Header, Opcode};

/// Bytes that are looked at before a connection is given up as something else.
const ENOUGH: usize = 16 * 1024;
/// Bytes of a response that are waited for.
const RESPONSE: usize = 8 * 1024;

/// What a connection is, so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// More bytes may tell.
    Wait,
    /// A WebSocket, with this one of its ends (0 or 1) as the client; without a handshake, it was open before.
    WebSocket { client: usize, handshake: bool },
    /// A request and its response that were no handshake: the next request may be one.
    Http,
    /// TLS.
    Tls,
    /// Something else.
    Other(Other),
}

/// What is neither a WebSocket nor encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Other {
    Http,
    Http2,
    Unknown,
}

/// What is known of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'b> {
    /// What each end sent so far, or since the last request that was no handshake.
    pub(crate) bytes: [&'b [u8]; 2],
    /// The lengths of the pieces that each end sent.
    pub(crate) pieces: [&'b [usize]; 2],
    /// The end that opened the connection, where that was captured.
    pub(crate) opener: Option<usize>,
    /// The end that the ports make the server: the other one has a port that systems choose.
    pub(crate) likely_server: Option<usize>,
    /// Nothing more will come.
    pub(crate) over: bool,
}

/// Says what it is.
pub(crate) fn sniff(known: &Known<'_>) -> Verdict {
    let is_request = |end: &usize| starts_like_request(known.bytes[*end]);
    let client = known.opener.or_else(|| [0, 1].iter().find(|end| is_request(end)).copied());
    if let Some(client) = client.filter(is_request) {
        return http(known, client);
    }
    // A response whose request was not captured.
    if let Some(server) = [0, 1].into_iter().find(|&end| known.bytes[end].starts_with(b"HTTP/1.")) {
        return match head(known.bytes[server]) {
            Some(head) if speaks_of_websocket(head) => {
                Verdict::WebSocket { client: 1 - server, handshake: true }
            }
            Some(_) => Verdict::Http,
            None if known.over || known.bytes[server].len() > RESPONSE => Verdict::Http,
            None => Verdict::Wait,
        };
    }
    if known.bytes.iter().any(|bytes| bytes.starts_with(b"PRI * HTTP/2")) {
        return Verdict::Other(Other::Http2);
    }
    if known.bytes.iter().any(|bytes| is_tls(bytes)) {
        return Verdict::Tls;
    }
    frames(known)
}

/// A TLS record: a handshake, an alert or data, of a version that exists.
pub(crate) fn is_tls(bytes: &[u8]) -> bool {
    matches!(*bytes, [0x14..=0x17, 3, 0..=4, ..])
}

const METHODS: [&[u8]; 9] =
    [b"GET ", b"POST ", b"PUT ", b"HEAD ", b"OPTIONS ", b"DELETE ", b"PATCH ", b"CONNECT ", b"TRACE "];

pub(crate) fn starts_like_request(bytes: &[u8]) -> bool {
    !bytes.is_empty() && METHODS.iter().any(|method| bytes.starts_with(method) || method.starts_with(bytes))
}

/// The head at the start of `bytes`, with its empty line.
pub(crate) fn head(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(&bytes[..end + 4])
}

/// Whether a head has something of a WebSocket's handshake: a proxy may have taken the rest away.
fn speaks_of_websocket(head: &[u8]) -> bool {
    let lower = head.to_ascii_lowercase();
    let has = |words: &[u8]| lower.windows(words.len()).any(|window| window == words);
    lower.starts_with(b"http/1.1 101")
        || lower.starts_with(b"http/1.1 426")
        || has(b"\r\nsec-websocket-")
        || (has(b"\r\nupgrade:") && has(b"websocket"))
}

fn http(known: &Known<'_>, client: usize) -> Verdict {
    let (request, response) = (known.bytes[client], known.bytes[1 - client]);
    let websocket = Verdict::WebSocket { client, handshake: true };
    let Some(request) = head(request) else {
        // A request that is cut off is one all the same.
        let enough = known.over || request.len() > ENOUGH;
        // What the capture lacks of the request, the response tells.
        if speaks_of_websocket(response) && response.starts_with(b"HTTP/1.1 101") {
            return websocket;
        }
        return match speaks_of_websocket(request) {
            true if enough || !response.is_empty() => websocket,
            false if enough => Verdict::Http,
            true | false => Verdict::Wait,
        };
    };
    if speaks_of_websocket(request) {
        return websocket;
    }
    match head(response) {
        Some(head) if speaks_of_websocket(head) => websocket,
        Some(_) => Verdict::Http,
        None if known.over || response.len() > RESPONSE => Verdict::Http,
        None => Verdict::Wait,
    }
}

/// Frames, in a connection whose beginning was not captured: segments hold complete frames for the most part.
fn frames(known: &Known<'_>) -> Verdict {
    let mut whole = 0;
    let mut masked = [0, 0];
    let mut plain = [0, 0];
    let mut pieces = 0;
    for end in [0, 1] {
        let mut rest = known.bytes[end];
        for &piece in known.pieces[end] {
            let (bytes, behind) = rest.split_at(piece.min(rest.len()));
            rest = behind;
            pieces += 1;
            match chain(bytes) {
                Some(true) => masked[end] += 1,
                Some(false) => plain[end] += 1,
                None => continue,
            }
            whole += 1;
        }
    }
    let by_masks = match (masked, plain) {
        ([0, 0], [_, 0]) => Some(1),
        ([0, 0], [0, _]) => Some(0),
        ([_, 0], [0, _]) => Some(0),
        ([0, _], [_, 0]) => Some(1),
        _ => None,
    };
    // Who masks may be what is wrong: who opened the connection, and the ports, say more.
    let client = known.opener.or(known.likely_server.map(|server| 1 - server)).or(by_masks);
    // By chance, one piece may look like a frame without a mask; not most of them.
    let enough = whole >= 3 || (masked != [0, 0] && (whole >= 2 || known.over));
    let length: usize = known.bytes.iter().map(|bytes| bytes.len()).sum();
    match client {
        Some(client) if enough && whole * 2 > pieces => Verdict::WebSocket { client, handshake: false },
        _ if known.over || pieces >= 16 || length > ENOUGH => Verdict::Other(Other::Unknown),
        _ => Verdict::Wait,
    }
}

/// Whether bytes are complete frames, one after another, all masked or all not: which of them, or neither.
pub(crate) fn chain(bytes: &[u8]) -> Option<bool> {
    let mut rest = bytes;
    let mut masked = None;
    while !rest.is_empty() {
        let header = Header::decode(&rest[..rest.len().min(MAX_HEADER)])?;
        let legal = !header.rsv2
            && !header.rsv3
            && !matches!(header.opcode, Opcode::Reserved(_))
            && (!header.opcode.is_control() || (header.fin && header.length <= 125 && !header.rsv1));
        let is_masked = header.mask.is_some();
        if !legal || masked.is_some_and(|masked| masked != is_masked) {
            return None;
        }
        masked = Some(is_masked);
        let size = usize::try_from(header.length).ok()?.checked_add(header.size())?;
        // The last one may go on in the next segment, if it is long.
        rest = match rest.get(size..) {
            Some(rest) => rest,
            None if header.length > 1000 => &[],
            None => return None,
        };
    }
    masked
}

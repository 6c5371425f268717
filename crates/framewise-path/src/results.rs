//! What our server wrote down, on its way back to the client: over another connection through the intermediary, as frames of
//! a WebSocket, or as the body of an answer where the intermediary does not let an upgrade pass.

use std::time::Duration;

use framewise_proto::Opcode;
use framewise_proto::handshake::accept_value;
use framewise_rules::Role;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::compare::dechunked;
use crate::end::Record;
use crate::probe::Probe;
use crate::server::{Shared, header};
use crate::tape::frames;
use crate::token::{Played, Token};
use crate::wire::Frame;

/// Payload of a frame: less than any intermediary cuts frames to.
const FRAME: usize = 100;
/// More than this is a long answer.
const LONG: usize = 64 * 1024;
const QUIET: Duration = Duration::from_millis(50);
/// How long a client may keep the connection with the results.
const READ: Duration = Duration::from_secs(30);

/// Why the results of a probe did not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Our server did not get this connection.
    NotArrived,
    /// The two programs are different versions.
    Version(String),
    /// What came is not from our server, or arrived damaged.
    Damaged(String),
}

#[derive(Debug, Serialize, Deserialize)]
struct Message {
    version: String,
    /// `None`: the connection did not arrive.
    record: Option<Record>,
    /// Of the bytes sent and got after the head: how many are those of the probe. The others follow.
    same: [usize; 2],
    /// The sizes of the heads, and of what follows after what is the same.
    sizes: [[usize; 2]; 2],
}

/// Our server's answer to a request for results.
pub(crate) async fn answer(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &[u8],
    shared: &Shared,
    token: &Token,
    played: Played,
) {
    let taken = shared.take(token, played).await;
    let bytes = encode(taken.as_ref().map(|taken| (&taken.record, &*taken.probe)));
    let head = String::from_utf8_lossy(request);
    let upgrade = header(&head, "upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    let key = header(&head, "sec-websocket-key").map_or_else(|| token.key(), str::to_owned);
    let mut first = Vec::new();
    let out = if upgrade {
        first = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
            accept_value(&key)
        )
        .into_bytes();
        let frames = bytes.chunks(FRAME).map(|part| Frame::new(Role::Server, Opcode::Binary, part).bytes());
        frames.collect::<Vec<_>>().concat()
    } else {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nCache-Control: no-store\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            bytes.len()
        );
        [head.as_bytes(), &bytes].concat()
    };
    let _ = timeout(READ, async {
        let mut more = [0; 256];
        if upgrade {
            stream.write_all(&first).await?;
            stream.flush().await?;
            // A frame of the client shows that it has the head: intermediaries lose what shares a segment with it.
            stream.read_exact(&mut more[..1]).await?;
        }
        stream.write_all(&out).await?;
        stream.flush().await?;
        if !upgrade {
            stream.shutdown().await?;
        }
        // The connection under test stays open until the client has seen all of it, and closes this one.
        while stream.read(&mut more).await? > 0 {}
        Ok::<(), std::io::Error>(())
    })
    .await;
}

/// A client's request for results.
pub(crate) fn request(
    (host, target): (&str, &str),
    headers: &[(String, String)],
    token: &Token,
    upgrade: bool,
) -> String {
    let name = crate::token::HEADER;
    let more: String = headers.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
    if upgrade {
        let key = token.key();
        format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n\
             Sec-WebSocket-Version: 13\r\n{name}: {token}\r\n{more}\r\n"
        )
    } else {
        format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{name}: {token}\r\n{more}Connection: close\r\n\r\n")
    }
}

/// Reads the answer to [`request`].
pub(crate) async fn read(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    probe: &Probe,
) -> Result<Record, Lost> {
    let mut asked = false;
    let mut bytes = Vec::with_capacity(64 * 1024);
    let mut tried = 0;
    loop {
        // A long answer is looked at when no more comes for a moment: the work stays linear.
        let ended = match timeout(QUIET, stream.read_buf(&mut bytes)).await {
            Ok(Ok(1..)) if bytes.len() > LONG => continue,
            Ok(Ok(1..)) => false,
            Ok(Ok(0) | Err(_)) => true,
            Err(_) if bytes.len() == tried => continue,
            Err(_) => false,
        };
        tried = bytes.len();
        if !asked && bytes.starts_with(b"HTTP/1.1 101") && bytes.windows(4).any(|four| four == b"\r\n\r\n") {
            asked = true;
            let go = stream.write_all(&Probe::go()).await;
            let _ = (go, stream.flush().await);
        }
        match payload(&bytes) {
            Ok(Some(payload)) => return decode(&payload, probe),
            Ok(None) if ended => return Err(Lost::Damaged("the answer is not complete".into())),
            Ok(None) => {}
            Err(says) => return Err(Lost::Damaged(says)),
        }
    }
}

/// The payload of an answer; `None` until all of it is there.
fn payload(bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let (head, body) = (String::from_utf8_lossy(&bytes[..head]), &bytes[head + 4..]);
    let first = head.split("\r\n").next().unwrap_or_default();
    let body = match first.split(' ').nth(1) {
        Some("101") => {
            // A frame begins with a byte that is no digit.
            let chunked = body.first().is_some_and(u8::is_ascii_hexdigit).then(|| dechunked(body));
            let Some(plain) = chunked.unwrap_or_else(|| Some(body.to_vec())) else { return Ok(None) };
            let (frames, _) = frames(&plain);
            frames
                .iter()
                .filter(|frame| !frame.header.opcode.is_control())
                .flat_map(|frame| frame.payload.iter().copied())
                .collect()
        }
        Some("200") => {
            let chunked = header(&head, "transfer-encoding").is_some_and(|value| value.contains("chunked"));
            if chunked { dechunked(body).unwrap_or_default() } else { body.to_vec() }
        }
        _ => return Err(format!("the request for the results was answered with “{first}”")),
    };
    Ok(checked(&body)?.map(|(payload, _)| payload))
}

/// The payload after its line with the size and the sum, and the size of both; `None` until all of it is there.
fn checked(body: &[u8]) -> Result<Option<(Vec<u8>, usize)>, String> {
    let Some(line) = body.iter().position(|&byte| byte == b'\n') else {
        return if body.len() > 64 { Err("the answer is not from our server".into()) } else { Ok(None) };
    };
    let text = String::from_utf8_lossy(&body[..line]);
    let sizes = text.strip_prefix("framewise-path ").and_then(|rest| {
        let (size, sum) = rest.split_once(' ')?;
        Some((size.parse::<usize>().ok()?, u64::from_str_radix(sum, 16).ok()?))
    });
    let Some((size, sum)) = sizes else { return Err("the answer is not from our server".into()) };
    let Some(payload) = body.get(line + 1..).and_then(|rest| rest.get(..size)) else { return Ok(None) };
    if checksum(payload) == sum {
        Ok(Some((payload.to_vec(), line + 1 + size)))
    } else {
        Err("the results arrived damaged".into())
    }
}

/// FNV-1a: it detects damage, and nobody forges it here.
fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// How many bytes two streams have in common at their start: by blocks, since they may be long.
fn common(one: &[u8], other: &[u8]) -> usize {
    const BLOCK: usize = 4096;
    let blocks = one.chunks(BLOCK).zip(other.chunks(BLOCK)).take_while(|(one, other)| one == other);
    let same: usize = blocks.map(|(block, _)| block.len()).sum();
    let rest = one[same..].iter().zip(&other[same..]).take(BLOCK);
    same + rest.take_while(|(one, other)| one == other).count()
}

/// What our server writes into a file about a connection: a line that names it, and the same as an answer.
pub(crate) fn entry(token: &Token, record: &Record, probe: &Probe) -> Vec<u8> {
    [format!("{token}\n").into_bytes(), encode(Some((record, probe)))].concat()
}

/// The first entry of a file: its token, its payload, and its size; `None` until all of it is there.
pub(crate) fn next_entry(bytes: &[u8]) -> Result<Option<(Token, Vec<u8>, usize)>, String> {
    let other = || "the file is not what framewise path --server --results writes".to_owned();
    let Some(line) = bytes.iter().position(|&byte| byte == b'\n') else {
        return if bytes.len() > 256 { Err(other()) } else { Ok(None) };
    };
    let token = Token::find(&String::from_utf8_lossy(&bytes[..line])).ok_or_else(other)?;
    let payload = checked(&bytes[line + 1..]).map_err(|_| other())?;
    Ok(payload.map(|(payload, size)| (token, payload, line + 1 + size)))
}

fn encode(taken: Option<(&Record, &Probe)>) -> Vec<u8> {
    let mut message =
        Message { version: env!("CARGO_PKG_VERSION").into(), record: None, same: [0; 2], sizes: [[0; 2]; 2] };
    let mut bytes = Vec::new();
    if let Some((record, probe)) = taken {
        for (index, (tape, from)) in
            [(&record.sent, Role::Server), (&record.got, Role::Client)].into_iter().enumerate()
        {
            let (head, rest) = tape.bytes.split_at(tape.head);
            let due = probe.stream(from);
            let same = common(rest, &due);
            message.same[index] = same;
            message.sizes[index] = [head.len(), rest.len() - same];
            bytes.extend_from_slice(head);
            bytes.extend_from_slice(&rest[same..]);
        }
        message.record = Some(record.without_bytes());
    }
    let mut payload = serde_json::to_vec(&message).unwrap_or_default();
    payload.push(b'\n');
    payload.extend(bytes);
    let line = format!("framewise-path {} {:016x}\n", payload.len(), checksum(&payload));
    [line.as_bytes(), &payload].concat()
}

pub(crate) fn decode(payload: &[u8], probe: &Probe) -> Result<Record, Lost> {
    let damaged = || Lost::Damaged("the results cannot be read".into());
    let line = payload.iter().position(|&byte| byte == b'\n').ok_or_else(damaged)?;
    let message: Message = serde_json::from_slice(&payload[..line]).map_err(|_| damaged())?;
    if message.version != env!("CARGO_PKG_VERSION") {
        return Err(Lost::Version(message.version));
    }
    let mut record = message.record.ok_or(Lost::NotArrived)?;
    let mut rest = &payload[line + 1..];
    for (index, from) in [Role::Server, Role::Client].into_iter().enumerate() {
        let [head, more] = message.sizes[index];
        let due = probe.stream(from);
        let mut bytes = Vec::new();
        for (size, part) in [(head, false), (message.same[index], true), (more, false)] {
            let part = if part {
                due.get(..size).ok_or_else(damaged)?
            } else {
                let (part, after) = rest.split_at_checked(size).ok_or_else(damaged)?;
                rest = after;
                part
            };
            bytes.extend_from_slice(part);
        }
        let tape = if index == 0 { &mut record.sent } else { &mut record.got };
        tape.bytes = bytes;
    }
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(probe: &Probe) -> Record {
        let mut record = Record::default();
        let at = Duration::from_millis(5);
        record.sent.push(b"HTTP/1.1 101 x\r\n\r\n", at);
        record.sent.push(&probe.stream(Role::Server), at);
        record.got.push(b"GET / HTTP/1.1\r\n\r\n", at);
        let mut damaged = probe.stream(Role::Client);
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        record.got.push(&damaged, at);
        record
    }

    fn answered(payload: &[u8], upgrade: bool) -> Vec<u8> {
        let frames =
            payload.chunks(FRAME).flat_map(|part| Frame::new(Role::Server, Opcode::Binary, part).bytes());
        if upgrade {
            [b"HTTP/1.1 101 x\r\n\r\n".to_vec(), frames.collect()].concat()
        } else {
            let chunk = format!("{:x}\r\n", payload.len());
            [
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                chunk.as_bytes(),
                payload,
                b"\r\n0\r\n\r\n",
            ]
            .concat()
        }
    }

    #[test]
    fn results_come_back_as_they_were_and_damage_is_noticed() {
        let probe = crate::probes::named("size/1m+1-client").expect("there is one");
        let record = record(&probe);
        let encoded = encode(Some((&record, &probe)));
        assert!(encoded.len() < 4096, "what is as it was sent is not sent again: {}", encoded.len());
        for upgrade in [true, false] {
            let mut bytes = answered(&encoded, upgrade);
            for cut in [1, bytes.len() / 2, bytes.len() - 40] {
                assert_eq!(payload(&bytes[..cut]), Ok(None), "{upgrade} {cut}");
            }
            let back = decode(&payload(&bytes).expect("it is").expect("complete"), &probe).expect("a record");
            assert_eq!((&back.sent.bytes, &back.got.bytes), (&record.sent.bytes, &record.got.bytes));
            assert_eq!((back.got.head, &back.got.times), (record.got.head, &record.got.times));
            let at = bytes.len() / 2;
            bytes[at] ^= 1;
            assert!(payload(&bytes).is_err(), "{upgrade}");
        }
        let none = answered(&encode(None), true);
        let none = payload(&none).expect("it is").expect("complete");
        assert_eq!(decode(&none, &probe).err(), Some(Lost::NotArrived));
        for other in ["HTTP/1.1 404 Not Found\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n<html>\n"] {
            assert!(payload(other.as_bytes()).is_err(), "{other}");
        }
    }
}

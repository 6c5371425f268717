//! A small relay with a switch for each known fault. It reads frames, so that it can damage them as real intermediaries do.
#![expect(clippy::wildcard_enum_match_arm, reason = "each place of the relay has a few faults")]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use framewise_path::{Path, Probe, Report, Unusable, probes};
use framewise_proto::{Header, Opcode};
use framewise_rules::Role;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// What the relay does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Copies the offer of extensions into the answer.
    ExtensionsCopied,
    ExtensionsStripped,
    UpgradeDropped,
    Http10,
    KeyMissing,
    KeyRewritten,
    HostChanged,
    OrderChanged,
    CaseChanged,
    Chunked,
    /// Splits frames with more payload.
    Split(usize),
    /// Ends the connection with 1009 at a larger frame.
    TooBig(usize),
    /// Leaves out larger frames.
    LargeDropped(usize),
    Remasked,
    PingPayloadDropped,
    PingDropped,
    CloseSwallowed,
    CloseCode,
    /// Loses a byte of each long payload.
    ByteLost,
    ByteChanged,
    EarlyLost,
    Delayed(Duration),
    /// Holds back all frames.
    Held,
    Idle(Duration),
    EndHeld,
    /// Ends the connection at the first fragment.
    CutAtFragment,
    /// Rejects all connections but the first ones.
    Busy(usize),
    /// Answers HTTP/2 with 400.
    OnlyHttp1,
    /// Answers Pings, and does not pass them on.
    PingAnswered,
    /// Answers Pings, and passes them on.
    PingAnsweredToo,
    /// Sends both sides a Close with 1009 at a larger frame, and ends the connection.
    TooBigWithClose(usize),
    /// Ends both streams when one of them ends.
    HalfCloseCut,
    /// Writes what has come together so often.
    Collected(Duration),
    InterimDropped,
    BodyDropped,
    /// Passes on the first of several headers of a name.
    FirstOfHeaders,
    /// Joins several headers of a name with a comma, as any proxy may.
    HeadersJoined,
    SetCookieJoined,
    /// Forwards the request to itself first.
    Looped,
    /// Is the second of two intermediaries.
    TwoInARow,
    /// Answers 431 to a larger head.
    HeadLimit(usize),
    /// Answers 502 where the server's head is larger.
    ResponseLimit(usize),
    /// Sends both sides a Ping so often, and ends the connection where the last one was not answered.
    Keepalive(Duration),
    /// Ends each connection after some time.
    MaxLife(Duration),
    /// Passes on so many bytes in a second.
    Slow(usize),
    /// Reads whatever comes, and keeps it until it can be written.
    Unbounded,
}

/// Runs these probes through a relay with a fault.
pub(crate) async fn through(fault: Fault, only: &[&str]) -> Report {
    let (origin, address) = listener().await;
    let via = relay(address, fault).await;
    run(via, origin, only).await
}

/// As [`through`], with our server in another program.
pub(crate) async fn through_to_a_server(fault: Fault, only: &[&str]) -> Result<Report, Unusable> {
    let (origin, address) = listener().await;
    let server = tokio::spawn(framewise_path::serve(origin));
    let via = relay(address, fault).await;
    let path = Path::new(&format!("ws://{via}/"), "").expect("a path");
    let report = path.run_remotely(&chosen(only), |_| {}).await;
    server.abort();
    report
}

/// As [`through_to_a_server`]; what the server saw comes back in a file.
pub(crate) async fn through_with_a_file(
    fault: Fault,
    only: &[&str],
    file: &std::path::Path,
) -> Result<Report, Unusable> {
    let (origin, address) = listener().await;
    let written = std::fs::OpenOptions::new().create(true).append(true).open(file).expect("a file");
    let server = tokio::spawn(framewise_path::serve_with_results(origin, written));
    let via = relay(address, fault).await;
    let path = Path::new(&format!("ws://{via}/"), "").expect("a path");
    let report = path.run_with_results(file, &chosen(only), |_| {}).await;
    server.abort();
    report
}

/// Through two relays with a tap in between.
pub(crate) async fn tapped(first: Fault, second: Fault, only: &[&str]) -> Report {
    let (origin, address) = listener().await;
    let second = relay(address, second).await;
    let (tap, between) = listener().await;
    let first = relay(between, first).await;
    let path = Path::new(&format!("ws://{first}/"), "127.0.0.1:0").expect("a path");
    let path = path.taps(vec![(tap, second.to_string())]).expect("a tap");
    path.run_on(origin, &chosen(only), |_| {}).await.expect("the relay listens")
}

/// A relay, until the runtime of the test ends.
async fn relay(origin: SocketAddr, fault: Fault) -> SocketAddr {
    let (relay, via) = listener().await;
    tokio::spawn(async move {
        let mut number = 0;
        while let Ok((client, _)) = relay.accept().await {
            number += 1;
            if matches!(fault, Fault::Busy(most) if number > most) {
                tokio::spawn(reject(client, "503 Service Unavailable"));
            } else {
                tokio::spawn(connection(client, origin, fault));
            }
        }
    });
    via
}

fn chosen(only: &[&str]) -> Vec<Probe> {
    let idle: Vec<_> = [300, 8000].map(Duration::from_millis).into();
    let all = probes::all(&idle).into_iter();
    all.filter(|probe| only.iter().any(|only| probe.name.contains(only))).collect()
}

pub(crate) async fn run(via: SocketAddr, origin: TcpListener, only: &[&str]) -> Report {
    let path = Path::new(&format!("ws://{via}/"), "127.0.0.1:0").expect("a path");
    path.run_on(origin, &chosen(only), |_| {}).await.expect("the relay listens")
}

pub(crate) async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("its address");
    (listener, address)
}

pub(crate) async fn connection(mut client: TcpStream, origin: SocketAddr, fault: Fault) -> io::Result<()> {
    let mut server = TcpStream::connect(origin).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    if fault == Fault::None {
        tokio::io::copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    if fault == Fault::Unbounded {
        return unbounded(client, server).await;
    }
    let (request, mut rest) = head(&mut client).await?;
    if fault == Fault::OnlyHttp1 && request.starts_with("PRI") {
        return answer(&mut client, "400 Bad Request").await;
    }
    if matches!(fault, Fault::HeadLimit(limit) if request.len() > limit) {
        return answer(&mut client, "431 Request Header Fields Too Large").await;
    }
    if fault == Fault::BodyDropped && request.contains("Content-Length") {
        rest.clear();
    }
    server.write_all(change_request(&request, fault).as_bytes()).await?;
    let early = fault == Fault::EarlyLost;
    let up = if early { Vec::new() } else { rest };
    let (mut response, rest) = head(&mut server).await?;
    if matches!(fault, Fault::ResponseLimit(limit) if response.len() > limit) {
        return answer(&mut client, "502 Bad Gateway").await;
    }
    if response.starts_with("HTTP/1.1 103") {
        if fault == Fault::InterimDropped {
            response.clear();
        }
        // The final answer is in the same segment.
        response.push_str(&String::from_utf8_lossy(&rest));
        client.write_all(response.as_bytes()).await?;
        tokio::io::copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    let offer = request.split("\r\n").find(|line| line.starts_with("Sec-WebSocket-Extensions"));
    client.write_all(change_response(&response, offer, fault).as_bytes()).await?;
    let down = if early { Vec::new() } else { rest };
    let (cr, cw) = client.into_split();
    let (sr, sw) = server.into_split();
    let ((to_client, for_client), (to_server, for_server)) = (unbounded_channel(), unbounded_channel());
    let mut up: JoinHandle<_> =
        tokio::spawn(pass(cr, sw, up, (Role::Client, fault), (for_server, to_client)));
    let mut down = tokio::spawn(pass(sr, cw, down, (Role::Server, fault), (for_client, to_server)));
    let life = if let Fault::MaxLife(life) = fault { life } else { Duration::from_secs(3600) };
    tokio::select! {
        () = sleep_until(Instant::now() + life) => { up.abort(); down.abort(); }
        done = &mut up => if matches!(done, Ok(Ok(true))) { let _ = down.await; } else { down.abort(); },
        done = &mut down => if matches!(done, Ok(Ok(true))) { let _ = up.await; } else { up.abort(); },
    }
    Ok(())
}

async fn reject(mut client: TcpStream, status: &str) -> io::Result<()> {
    head(&mut client).await?;
    answer(&mut client, status).await
}

async fn answer(client: &mut TcpStream, status: &str) -> io::Result<()> {
    client.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await
}

/// Reads from both sides without end, whether the other one takes it or not.
async fn unbounded(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let ((cr, cw), (sr, sw)) = (client.into_split(), server.into_split());
    let way = |mut read: OwnedReadHalf, mut write: OwnedWriteHalf| async move {
        let (keep, mut kept) = unbounded_channel::<Vec<u8>>();
        let writes = tokio::spawn(async move {
            while let Some(bytes) = kept.recv().await {
                write.write_all(&bytes).await?;
            }
            write.shutdown().await
        });
        let mut buffer = vec![0; 64 * 1024];
        while let count @ 1.. = read.read(&mut buffer).await? {
            let _ = keep.send(buffer[..count].to_vec());
        }
        drop(keep);
        writes.await?
    };
    tokio::try_join!(way(cr, sw), way(sr, cw)).map(drop)
}

pub(crate) async fn head(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::with_capacity(64 * 1024);
    loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(at + 4);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), rest));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

pub(crate) fn without(head: &str, name: &str) -> String {
    head.split_inclusive("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with(name)).collect()
}

fn change_request(head: &str, fault: Fault) -> String {
    match fault {
        Fault::UpgradeDropped => without(&without(head, "upgrade:"), "connection:"),
        Fault::ExtensionsStripped => without(head, "sec-websocket-extensions:"),
        Fault::Http10 => head.replacen("HTTP/1.1", "HTTP/1.0", 1),
        Fault::KeyMissing => without(head, "sec-websocket-key:"),
        Fault::KeyRewritten => {
            let key = head.split_inclusive("\r\n").find(|line| line.starts_with("Sec-WebSocket-Key:"));
            head.replacen(key.unwrap_or_default(), "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 1)
        }
        Fault::HostChanged => without(head, "host:").replacen("\r\n", "\r\nHost: backend\r\n", 1),
        Fault::OrderChanged => {
            let host = head
                .split_inclusive("\r\n")
                .find(|line| line.starts_with("Host:"))
                .unwrap_or_default()
                .to_owned();
            without(head, "host:").replacen("\r\n\r\n", &format!("\r\n{host}\r\n"), 1)
        }
        Fault::FirstOfHeaders => {
            let twice: Vec<_> =
                head.split_inclusive("\r\n").filter(|line| line.starts_with("X-Framewise-Twice")).collect();
            twice.get(1).map_or_else(|| head.to_owned(), |second| head.replacen(second, "", 1))
        }
        Fault::HeadersJoined => head.replacen("Twice: one\r\nX-Framewise-Twice: two", "Twice: one, two", 1),
        Fault::Looped => head.replacen("\r\n\r\n", "\r\nVia: 1.1 relay, 1.1 relay\r\n\r\n", 1),
        Fault::TwoInARow => head.replacen("\r\n\r\n", "\r\nVia: 1.1 first, 1.1 relay\r\n\r\n", 1),
        Fault::CaseChanged => head.replacen("Sec-WebSocket-Version", "sec-websocket-version", 1),
        _ => head.to_owned(),
    }
}

fn change_response(head: &str, offer: Option<&str>, fault: Fault) -> String {
    match (fault, offer) {
        (Fault::ExtensionsCopied, Some(offer)) => without(head, "sec-websocket-extensions:").replacen(
            "\r\n\r\n",
            &format!("\r\n{offer}\r\n\r\n"),
            1,
        ),
        (Fault::SetCookieJoined, _) => {
            head.replacen("a=1; Path=/\r\nSet-Cookie: b=2; Path=/", "a=1; Path=/, b=2; Path=/", 1)
        }
        (Fault::Chunked, _) => head.replacen("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n", 1),
        _ => head.to_owned(),
    }
}

/// Passes frames on. True: the stream ended; false: the relay ends the connection.
async fn pass(
    mut read: impl AsyncRead + Unpin,
    mut write: impl AsyncWrite + Unpin,
    mut bytes: Vec<u8>,
    (from, fault): (Role, Fault),
    (mut out, back): (UnboundedReceiver<Vec<u8>>, UnboundedSender<Vec<u8>>),
) -> io::Result<bool> {
    let mut idle = Instant::now();
    let every = if let Fault::Keepalive(every) = fault { every } else { Duration::from_secs(3600) };
    let (mut due, mut waits) = (Instant::now() + every, false);
    loop {
        if let Fault::Collected(time) = fault {
            sleep_until(Instant::now() + time).await;
        }
        while let Some((header, frame)) = next(&mut bytes) {
            if matches!(fault, Fault::Keepalive(_))
                && header.opcode == Opcode::Pong
                && unmasked(&header, &frame) == OWN
            {
                waits = false;
                continue;
            }
            let answers = matches!(fault, Fault::PingAnswered | Fault::PingAnsweredToo);
            if answers && header.opcode == Opcode::Ping {
                let mut pong = header;
                (pong.opcode, pong.mask) = (Opcode::Pong, (from == Role::Server).then_some([1, 2, 3, 4]));
                let pong = written(pong, &unmasked(&header, &frame));
                let _ = back.send(pong);
            }
            if let Fault::TooBigWithClose(size) = fault
                && header.length > size as u64
            {
                let close = |from| {
                    let mask = (from == Role::Client).then_some([1, 2, 3, 4]);
                    written(Header::new(Opcode::Close, 2, mask), &1009_u16.to_be_bytes())
                };
                write.write_all(&close(from)).await?;
                let _ = back.send(close(from.peer()));
                return Ok(false);
            }
            let Some(out) = damage(header, frame, from, fault) else { return Ok(false) };
            if let Fault::Delayed(time) = fault {
                sleep_until(Instant::now() + time).await;
            }
            if fault == Fault::Chunked && from == Role::Server {
                write.write_all(format!("{:x}\r\n", out.len()).as_bytes()).await?;
                write.write_all(&out).await?;
                write.write_all(b"\r\n").await?;
            } else {
                write.write_all(&out).await?;
            }
        }
        let limit = match fault {
            Fault::Idle(time) => time,
            _ => Duration::from_secs(60),
        };
        tokio::select! {
            Some(more) = out.recv() => {
                if more.is_empty() {
                    return Ok(false);
                }
                write.write_all(&more).await?;
            }
            count = read.read_buf(&mut bytes) => {
                let count = count?;
                if let Fault::Slow(rate) = fault {
                    sleep_until(Instant::now() + Duration::from_micros(count as u64 * 1_000_000 / rate as u64)).await;
                }
                if count == 0 {
                    if fault == Fault::HalfCloseCut {
                        // The other direction ends the connection: an empty piece tells it.
                        let _ = back.send(Vec::new());
                        std::future::pending::<()>().await;
                    }
                    if fault != Fault::EndHeld {
                        write.write_all(&bytes).await?;
                        write.shutdown().await?;
                        return Ok(true);
                    }
                    std::future::pending::<()>().await;
                }
                idle = Instant::now();
            }
            () = sleep_until(due) => {
                if waits {
                    return Ok(false);
                }
                let mask = (from == Role::Server).then_some([1, 2, 3, 4]);
                let _ = back.send(written(Header::new(Opcode::Ping, OWN.len() as u64, mask), OWN));
                (due, waits) = (Instant::now() + every, true);
            }
            () = sleep_until(idle + limit) => return Ok(false),
        }
    }
}

/// The payload of the relay's own Pings.
const OWN: &[u8] = b"the relay's own";

/// The next complete frame.
pub(crate) fn next(bytes: &mut Vec<u8>) -> Option<(Header, Vec<u8>)> {
    let header = Header::decode(bytes)?;
    let size = header.size() + usize::try_from(header.length).ok()?;
    if bytes.len() < size {
        return None;
    }
    let rest = bytes.split_off(size);
    Some((header, std::mem::replace(bytes, rest)))
}

pub(crate) fn unmasked(header: &Header, frame: &[u8]) -> Vec<u8> {
    let mut payload = frame[header.size()..].to_vec();
    if let Some(key) = header.mask {
        payload.iter_mut().zip(key.into_iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    }
    payload
}

pub(crate) fn written(mut header: Header, payload: &[u8]) -> Vec<u8> {
    header.length = payload.len() as u64;
    header.form = Header::new(header.opcode, header.length, None).form;
    let (bytes, size) = header.encode();
    let mut out = bytes[..size].to_vec();
    out.extend_from_slice(payload);
    if let Some(key) = header.mask {
        out[size..].iter_mut().zip(key.into_iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    }
    out
}

/// What is passed on of a frame; `None`: the relay ends the connection.
fn damage(header: Header, frame: Vec<u8>, from: Role, fault: Fault) -> Option<Vec<u8>> {
    let mut payload = unmasked(&header, &frame);
    let control = header.opcode.is_control();
    match fault {
        Fault::Split(size) if !control && payload.len() > size => {
            let mut out = Vec::new();
            let count = payload.chunks(size).count();
            for (index, part) in payload.chunks(size).enumerate() {
                let mut piece = header;
                piece.fin = header.fin && index + 1 == count;
                if index > 0 {
                    piece.opcode = Opcode::Continuation;
                }
                out.extend(written(piece, part));
            }
            return Some(out);
        }
        Fault::TooBig(size) if payload.len() > size => return None,
        Fault::LargeDropped(size) if payload.len() > size => return Some(Vec::new()),
        Fault::Remasked if from == Role::Client => {
            return Some(written(Header { mask: Some([9, 8, 7, 6]), ..header }, &payload));
        }
        Fault::PingPayloadDropped if header.opcode == Opcode::Ping => return Some(written(header, &[])),
        Fault::PingAnswered if header.opcode == Opcode::Ping => return Some(Vec::new()),
        Fault::PingDropped if header.opcode == Opcode::Ping => return Some(Vec::new()),
        Fault::CloseSwallowed if header.opcode == Opcode::Close => return Some(Vec::new()),
        Fault::CloseCode if header.opcode == Opcode::Close && payload.len() >= 2 => {
            payload[..2].copy_from_slice(&1006_u16.to_be_bytes());
            return Some(written(header, &payload));
        }
        Fault::ByteLost if payload.len() > 100 => {
            let mut frame = frame;
            frame.remove(header.size() + 50);
            return Some(frame);
        }
        Fault::ByteChanged if payload.len() > 100 => {
            payload[50] ^= 1;
            return Some(written(header, &payload));
        }
        Fault::Held => return Some(Vec::new()),
        Fault::CutAtFragment if !header.fin => return None,
        _ => {}
    }
    Some(frame)
}

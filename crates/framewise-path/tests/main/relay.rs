//! A small relay with a switch for each known fault. It reads frames, so that it can damage them as real intermediaries do.
#![expect(clippy::wildcard_enum_match_arm, reason = "each place of the relay has a few faults")]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use framewise_path::{Path, Report, probes};
use framewise_proto::{Header, Opcode};
use framewise_rules::Role;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
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
    /// Rejects requests with more than 2,000 bytes.
    HeadTooLarge,
    /// Rejects all connections but the first ones.
    Busy(usize),
}

/// Runs these probes through a relay with a fault.
pub(crate) async fn through(fault: Fault, only: &[&str]) -> Report {
    let (origin, address) = listener().await;
    let (relay, via) = listener().await;
    let task = tokio::spawn(async move {
        let mut number = 0;
        while let Ok((client, _)) = relay.accept().await {
            number += 1;
            if matches!(fault, Fault::Busy(most) if number > most) {
                tokio::spawn(reject(client, "503 Service Unavailable"));
            } else {
                tokio::spawn(connection(client, address, fault));
            }
        }
    });
    let report = run(via, origin, only).await;
    task.abort();
    report
}

pub(crate) async fn run(via: SocketAddr, origin: TcpListener, only: &[&str]) -> Report {
    let idle: Vec<_> = [300, 3000].map(Duration::from_millis).into();
    let chosen: Vec<_> = probes::all(&idle)
        .into_iter()
        .filter(|probe| only.iter().any(|only| probe.name.contains(only)))
        .collect();
    let path = Path::new(&format!("ws://{via}/"), "127.0.0.1:0").expect("a path");
    path.run_on(origin, &chosen, |_| {}).await.expect("the relay listens")
}

pub(crate) async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("its address");
    (listener, address)
}

async fn connection(mut client: TcpStream, origin: SocketAddr, fault: Fault) -> io::Result<()> {
    let mut server = TcpStream::connect(origin).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    if fault == Fault::None {
        tokio::io::copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    let (request, rest) = head(&mut client).await?;
    if fault == Fault::HeadTooLarge && request.len() > 2000 {
        return answer(&mut client, "431 Request Header Fields Too Large").await;
    }
    server.write_all(change_request(&request, fault).as_bytes()).await?;
    let early = fault == Fault::EarlyLost;
    let up = if early { Vec::new() } else { rest };
    let (response, rest) = head(&mut server).await?;
    let offer = request.split("\r\n").find(|line| line.starts_with("Sec-WebSocket-Extensions"));
    client.write_all(change_response(&response, offer, fault).as_bytes()).await?;
    let down = if early { Vec::new() } else { rest };
    let (cr, cw) = client.into_split();
    let (sr, sw) = server.into_split();
    let mut up: JoinHandle<_> = tokio::spawn(pass(cr, sw, up, Role::Client, fault));
    let mut down = tokio::spawn(pass(sr, cw, down, Role::Server, fault));
    tokio::select! {
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

async fn head(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
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

fn without(head: &str, name: &str) -> String {
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
        (Fault::Chunked, _) => head.replacen("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n", 1),
        _ => head.to_owned(),
    }
}

/// Passes frames on. True: the stream ended; false: the relay ends the connection.
async fn pass(
    mut read: impl AsyncRead + Unpin,
    mut write: impl AsyncWrite + Unpin,
    mut bytes: Vec<u8>,
    from: Role,
    fault: Fault,
) -> io::Result<bool> {
    let mut idle = Instant::now();
    loop {
        while let Some((header, frame)) = next(&mut bytes) {
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
            count = read.read_buf(&mut bytes) => {
                if count? == 0 {
                    if fault != Fault::EndHeld {
                        write.write_all(&bytes).await?;
                        write.shutdown().await?;
                        return Ok(true);
                    }
                    std::future::pending::<()>().await;
                }
                idle = Instant::now();
            }
            () = sleep_until(idle + limit) => return Ok(false),
        }
    }
}

/// The next complete frame.
fn next(bytes: &mut Vec<u8>) -> Option<(Header, Vec<u8>)> {
    let header = Header::decode(bytes)?;
    let size = header.size() + usize::try_from(header.length).ok()?;
    if bytes.len() < size {
        return None;
    }
    let rest = bytes.split_off(size);
    Some((header, std::mem::replace(bytes, rest)))
}

fn unmasked(header: &Header, frame: &[u8]) -> Vec<u8> {
    let mut payload = frame[header.size()..].to_vec();
    if let Some(key) = header.mask {
        payload.iter_mut().zip(key.into_iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    }
    payload
}

fn written(mut header: Header, payload: &[u8]) -> Vec<u8> {
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

//! Intermediaries that are an endpoint of both connections: they take messages, and write frames of their own.

use std::io;
use std::net::SocketAddr;

use framewise_inspect::Inflater;
use framewise_path::{Report, Severity, Verdict};
use framewise_proto::deflate::{DeflateAgreement, Direction};
use framewise_proto::extension::parse_extensions;
use framewise_proto::handshake::accept_value;
use framewise_proto::{Header, Opcode};
use framewise_rules::{Cause, Role};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::relay::{head, listener, next, run, unmasked, without, written};

/// What the intermediary does with messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// Inflates them, and compresses them anew where the other leg agreed that.
    Right,
    /// The same; it offers no extension to the server.
    OffersNothing,
    /// Changes a letter of each message.
    Alters,
    /// Refers further back than the agreed window reaches.
    ExceedsWindow,
    /// Refers to an earlier message where no context takeover is agreed.
    KeepsHistory,
    /// Removes the reason of a Close.
    DropsReason,
    /// Sends a Close with this code where a stream ends without one.
    EndsWithClose(u16),
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_counts_by_its_content_and_what_is_damaged_is_named() {
    // What every such intermediary does, and may do.
    const LEGAL: [Cause; 3] =
        [Cause::KeyRewritten, Cause::FramesRemaskedOnPath, Cause::FramesRefragmentedOnPath];
    let rows: [(Does, &[&str], &[Cause]); 9] = [
        (
            Does::Right,
            &["handshake/", "fragments/", "deflate/", "size/125-", "ping/", "close/", "early/"],
            &[],
        ),
        (Does::OffersNothing, &["handshake/", "deflate/"], &[Cause::ExtensionHeaderStripped]),
        (Does::Alters, &["deflate/", "size/125-"], &[Cause::BytesAlteredOnPath]),
        (Does::ExceedsWindow, &["deflate/window-", "deflate/message-"], &[Cause::DeflateWindowTooLarge]),
        (Does::KeepsHistory, &["deflate/no-takeover-", "deflate/takeover-"], &[Cause::DeflateContextLost]),
        (Does::DropsReason, &["close/1000-", "close/empty-", "ping/"], &[Cause::BytesAlteredOnPath]),
        (Does::EndsWithClose(1006), &["end/fin-", "close/1000-"], &[Cause::CloseCodeForwarded]),
        (Does::EndsWithClose(1000), &["end/fin-", "close/1000-"], &[]),
        (Does::EndsWithClose(1011), &["end/fin-", "close/1000-"], &[]),
    ];
    for (does, probes, due) in rows {
        let report = through(does, probes).await;
        let found: Vec<_> = report.causes.iter().filter(|cause| !LEGAL.contains(cause)).copied().collect();
        assert_eq!(found, due, "{does:?}: {:#?}", bad(&report));
        let worse = report
            .probes
            .iter()
            .filter(|outcome| outcome.severity.is_some_and(|severity| severity != Severity::Note));
        let harms = !matches!(does, Does::Right | Does::OffersNothing | Does::EndsWithClose(1000 | 1011));
        assert_eq!(worse.count() > 0, harms, "{does:?}: {:#?}", bad(&report));
        assert!(
            report.probes.iter().all(|outcome| outcome.verdict != Verdict::Closed),
            "{:#?}",
            bad(&report)
        );
    }
}

fn bad(report: &Report) -> Vec<String> {
    let bad = report.probes.iter().filter(|outcome| outcome.verdict != Verdict::AsSent);
    bad.map(|outcome| format!("{} {} {:?}: {}", outcome.name, outcome.verdict, outcome.causes, outcome.says))
        .collect()
}

async fn through(does: Does, probes: &[&str]) -> Report {
    let ((origin, address), (intermediary, via)) = (listener().await, listener().await);
    let task = tokio::spawn(async move {
        while let Ok((client, _)) = intermediary.accept().await {
            tokio::spawn(connection(client, address, does));
        }
    });
    let report = run(via, origin, probes).await;
    task.abort();
    report
}

async fn connection(mut client: TcpStream, origin: SocketAddr, does: Does) -> io::Result<()> {
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    let mut server = TcpStream::connect(origin).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (request, up) = head(&mut client).await?;
    let key = request.split("\r\n").find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let key = key.unwrap_or_default().to_owned();
    let mut asks = request.replacen(&key, KEY, 1);
    if does == Does::OffersNothing {
        asks = without(&asks, "sec-websocket-extensions:");
    }
    server.write_all(asks.as_bytes()).await?;
    let (response, down) = head(&mut server).await?;
    let mut answer = response.replacen(&accept_value(KEY), &accept_value(&key), 1);
    if does == Does::OffersNothing && request.contains("permessage-deflate\r\n") {
        answer = answer.replacen("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 1);
    }
    client.write_all(answer.as_bytes()).await?;
    let agreed = |head: &str| {
        let value = head.split("\r\n").find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "))?;
        DeflateAgreement::in_response(&parse_extensions(value)?)
    };
    let legs = [agreed(&answer), agreed(&response)];
    let way = |from: Role| {
        let [one, other] = if from == Role::Client { legs } else { [legs[1], legs[0]] };
        Way {
            from,
            does,
            inflater: one.map(|agreed| {
                let Direction { window_bits, takeover } = agreed.sent_by(from);
                Inflater::new(window_bits, takeover)
            }),
            compresses: other.is_some(),
            last: Vec::new(),
        }
    };
    let ((cr, cw), (sr, sw)) = (client.into_split(), server.into_split());
    let _ = tokio::join!(way(Role::Client).pass(cr, sw, up), way(Role::Server).pass(sr, cw, down));
    Ok(())
}

/// One direction.
struct Way {
    from: Role,
    does: Does,
    inflater: Option<Inflater>,
    /// The other leg agreed permessage-deflate.
    compresses: bool,
    /// The message before.
    last: Vec<u8>,
}

impl Way {
    async fn pass(
        mut self,
        mut read: OwnedReadHalf,
        mut write: OwnedWriteHalf,
        mut bytes: Vec<u8>,
    ) -> io::Result<()> {
        let mut open: Option<(Header, Vec<u8>)> = None;
        let mut closed = false;
        loop {
            while let Some((header, frame)) = next(&mut bytes) {
                let payload = unmasked(&header, &frame);
                if header.opcode.is_control() {
                    closed |= header.opcode == Opcode::Close;
                    write.write_all(&self.control(header, payload)).await?;
                    continue;
                }
                let (first, message) = open.get_or_insert((header, Vec::new()));
                message.extend_from_slice(&payload);
                if header.fin {
                    let (first, message) = (*first, std::mem::take(message));
                    open = None;
                    write.write_all(&self.message(first, message)).await?;
                }
            }
            if read.read_buf(&mut bytes).await? == 0 {
                if let (Does::EndsWithClose(code), false) = (self.does, closed) {
                    write.write_all(&self.frame(Opcode::Close, false, &code.to_be_bytes())).await?;
                }
                return write.shutdown().await;
            }
        }
    }

    fn control(&self, header: Header, mut payload: Vec<u8>) -> Vec<u8> {
        if self.does == Does::DropsReason && header.opcode == Opcode::Close {
            payload.truncate(2);
        }
        self.frame(header.opcode, false, &payload)
    }

    fn message(&mut self, header: Header, mut content: Vec<u8>) -> Vec<u8> {
        if let Some(inflater) = self.inflater.as_mut().filter(|_| header.rsv1) {
            let (inflated, fault) = inflater.message(&content, 1 << 20);
            assert_eq!(fault, None, "what the probes send is compressed as agreed");
            content = inflated;
        }
        if self.does == Does::Alters && !content.is_empty() {
            content[0] ^= 0x20;
        }
        if !self.compresses {
            return self.frame(header.opcode, false, &content);
        }
        let half = content.len() / 2;
        let compressed =
            if self.does == Does::ExceedsWindow && half == 3000 && content[..half] == content[half..] {
                [stored(&content[..half]), far_copy()].concat()
            } else if self.does == Does::KeepsHistory && content == b"Hello" && self.last == content {
                // RFC 7692 §7.2.3.2.
                vec![0xf2, 0x00, 0x11, 0x00, 0x00]
            } else if self.does == Does::KeepsHistory && content == b"Hello" {
                vec![0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]
            } else {
                [stored(&content), vec![0]].concat()
            };
        self.last = content;
        self.frame(header.opcode, true, &compressed)
    }

    fn frame(&self, opcode: Opcode, compressed: bool, payload: &[u8]) -> Vec<u8> {
        let mask = (self.from == Role::Client).then_some([9, 8, 7, 6]);
        let mut header = Header::new(opcode, payload.len() as u64, mask);
        header.rsv1 = compressed;
        written(header, payload)
    }
}

/// A stored block of DEFLATE.
fn stored(content: &[u8]) -> Vec<u8> {
    let size = u16::try_from(content.len()).expect("a short message");
    [&[0][..], &size.to_le_bytes(), &(!size).to_le_bytes(), content].concat()
}

/// 3,000 bytes from 3,000 bytes before, in a block of fixed codes (RFC 1951 §3.2.6), and the byte that ends a message.
fn far_copy() -> Vec<u8> {
    let mut bits = vec![false, true, false];
    // The codes of Huffman begin with their highest bit, all other numbers with their lowest.
    let code = |bits: &mut Vec<bool>, value: u32, size: u32| {
        bits.extend((0..size).rev().map(|at| value >> at & 1 == 1));
    };
    let number = |bits: &mut Vec<bool>, value: u32, size: u32| {
        bits.extend((0..size).map(|at| value >> at & 1 == 1));
    };
    let mut copy = |length: u32| {
        if length == 258 {
            code(&mut bits, 0b1100_0101, 8);
        } else {
            // 131 to 162: code 281.
            code(&mut bits, 0b1100_0001, 8);
            number(&mut bits, length - 131, 5);
        }
        // 2,049 to 3,072: code 22.
        code(&mut bits, 22, 5);
        number(&mut bits, 3000 - 2049, 10);
    };
    (0..11).for_each(|_| copy(258));
    copy(162);
    // The end of the block, and the beginning of an empty stored one.
    bits.extend([false; 7 + 3]);
    let byte = |bits: &[bool]| bits.iter().enumerate().fold(0, |byte, (at, &bit)| byte | u8::from(bit) << at);
    bits.chunks(8).map(byte).collect()
}

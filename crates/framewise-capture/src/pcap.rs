//! Packet captures: pcap and pcapng, of any size, as they come.

mod file;
mod flow;
mod flows;
mod legs;
pub(crate) mod link;
mod sniff;
mod stream;
mod take;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;

use file::{Block, Blocks, Fault};
pub(crate) use flows::Flows;
pub use flows::Pick;
pub(crate) use link::Segment;
use link::Skip;
pub(crate) use sniff::head;

use crate::note::{Note, Notes};
use crate::sink::Sink;
use crate::tls::{Keys, Locked, alert};
use crate::{Error, plural};

/// Reads a capture to its end. What is there of one that is cut off is read, and a note says where it ends.
pub(crate) fn read(
    input: impl Read,
    pick: &Pick,
    mut keys: Keys,
    sink: &mut dyn Sink,
) -> Result<Notes, Error> {
    let mut blocks = Blocks::new(input).map_err(|fault| cut(&fault, None))?.ok_or(Error::Binary)?;
    if blocks.may_have_secrets() {
        keys.may_be_embedded();
    }
    let mut flows = Flows::with_keys(pick.clone(), keys);
    let mut skipped: BTreeMap<Skip, u64> = BTreeMap::new();
    let mut packets = 0_u64;
    let fault = loop {
        match blocks.next() {
            Ok(None) => break None,
            Ok(Some(Block::Packet(packet))) => {
                packets += 1;
                match link::segment(packet.time, packet.link, packet.bytes) {
                    Ok(segment) => flows.segment(&segment, sink),
                    Err(skip) => *skipped.entry(skip).or_default() += 1,
                }
            }
            Ok(Some(Block::Secrets(secrets))) => flows.keys().add(secrets),
            Ok(Some(Block::Other)) => {}
            Err(fault) => break Some((fault, Some(blocks.at()))),
        }
    };
    flows.finish(sink);
    let mut notes = Notes::default();
    let connections = flows.legs().count();
    notes.push(Note::Read(format!(
        "{}, {}, {}",
        plural(packets, "packet"),
        plural(flows.count(), "TCP connection"),
        plural(connections, "WebSocket connection"),
    )));
    if let Some((fault, at)) = fault {
        notes.push(Note::Limit(cut(&fault, at).to_string()));
    }
    ignored(&flows, &mut notes);
    encrypted(&mut flows, &mut notes);
    skips(&skipped, &mut notes);
    Ok(notes)
}

fn cut(fault: &Fault, at: Option<u64>) -> Error {
    let Some(at) = at else {
        return Error::Capture(match fault {
            Fault::Io(error) => error.clone(),
            Fault::Truncated | Fault::Length(_) => "the capture ends inside its header".to_owned(),
        });
    };
    Error::Capture(match fault {
        Fault::Truncated => format!("the capture ends inside a block, at byte {at}"),
        Fault::Length(length) => {
            format!("at byte {at}, a block claims {length} bytes; what follows is not read")
        }
        Fault::Io(error) => format!("reading stopped at byte {at}: {error}"),
    })
}

fn ignored(flows: &Flows, notes: &mut Notes) {
    let ignored = flows.ignored();
    if ignored.joined > 0 {
        notes.push(Note::Limit(format!(
            "{} began before the capture: the handshake is missing, so extensions are unknown",
            plural(ignored.joined, "connection")
        )));
    }
    if ignored.gaps > 0 {
        notes.push(Note::Limit(format!(
            "{} of WebSocket connections were not captured, in {}; nothing is concluded from what they may hold",
            plural(ignored.missing, "byte"),
            plural(ignored.gaps, "gap")
        )));
    }
    if flows.legs().cut > 0 {
        notes.push(Note::Limit(format!(
            "{} reported before their end, because too many were open at once",
            plural(flows.legs().cut, "connection")
        )));
    }
    for (other, &count) in &ignored.others {
        let what = match other {
            sniff::Other::Http => "plain HTTP",
            sniff::Other::Http2 => "HTTP/2",
            sniff::Other::Unknown => "other protocols",
        };
        notes.push(Note::Skipped(format!("{} of {what}", plural(count, "TCP connection"))));
    }
}

fn encrypted(flows: &mut Flows, notes: &mut Notes) {
    let sessions = flows.keys().sessions() as u64;
    let ignored = flows.ignored();
    if ignored.decrypted > 0 {
        notes.push(Note::Read(format!("{} decrypted", plural(ignored.decrypted, "TLS connection"))));
    }
    for alert in &ignored.alerts {
        notes.push(Note::Limit(alert.clone()));
    }
    for (locked, (count, named)) in &ignored.locked {
        let many = plural(*count, "connection");
        let mut text = match locked {
            Locked::NoKeys => format!("{many} encrypted (TLS)"),
            Locked::OtherKeys => format!(
                "{many} encrypted (TLS) with keys that are not in the key log, which has those of {}: record keys and \
                 packets at the same time",
                plural(sessions, "other session")
            ),
            Locked::WrongKeys => {
                format!("{many} encrypted (TLS) that the keys in the key log do not decrypt")
            }
            Locked::NoHandshake => {
                format!(
                    "{many} encrypted (TLS) whose TLS handshake was not captured: start the capture first"
                )
            }
            Locked::Version => {
                format!("{many} encrypted with TLS 1.1 or older, which is not supported")
            }
            Locked::Suite(suite) => {
                format!("{many} encrypted (TLS) with the cipher suite 0x{suite:04x}, which is not supported")
            }
            Locked::Alert(description) => {
                format!("{many} whose TLS handshake failed with the alert {}", alert(*description))
            }
        };
        let _ = write!(text, ": {}", named.join(", "));
        if *count > named.len() as u64 {
            text.push_str(", …");
        }
        notes.push(match locked {
            Locked::NoKeys => Note::Encrypted(text),
            Locked::OtherKeys
            | Locked::WrongKeys
            | Locked::NoHandshake
            | Locked::Version
            | Locked::Suite(_)
            | Locked::Alert(_) => Note::Limit(text),
        });
    }
}

fn skips(skipped: &BTreeMap<Skip, u64>, notes: &mut Notes) {
    for (skip, &count) in skipped {
        let packets = plural(count, "packet");
        notes.push(Note::Skipped(match skip {
            Skip::NotIp => format!("{packets} without IP"),
            Skip::NotTcp => format!("{packets} without TCP"),
            Skip::Quic => {
                format!("{packets} of UDP port 443 (QUIC; HTTP/3 carries WebSockets only encrypted)")
            }
            Skip::Fragment => format!("{packets} that are fragments of IP"),
            Skip::Cut => format!("{packets} whose headers the snap length cut; capture with `tcpdump -s 0`"),
            Skip::Link(link) => format!("{packets} of link type {link}, which is not supported"),
        }));
    }
}

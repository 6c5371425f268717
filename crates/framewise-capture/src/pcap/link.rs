//! From a packet to a TCP segment: the headers of links, of IP and of TCP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// A TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment<'b> {
    /// Since the Unix epoch.
    pub(crate) time: Duration,
    pub(crate) source: SocketAddr,
    pub(crate) target: SocketAddr,
    /// The number of its first byte.
    pub(crate) number: u32,
    /// The byte that its sender expects next.
    pub(crate) acknowledged: Option<u32>,
    pub(crate) syn: bool,
    pub(crate) fin: bool,
    pub(crate) reset: bool,
    /// What was captured of its payload.
    pub(crate) payload: &'b [u8],
    /// The length of its payload on the wire.
    pub(crate) length: u32,
}

/// Why a packet is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Skip {
    /// ARP, and whatever else is not IP.
    NotIp,
    /// UDP, ICMP.
    NotTcp,
    /// UDP to or from port 443.
    Quic,
    /// A part of an IP packet.
    Fragment,
    /// The snap length cut its headers.
    Cut,
    /// A link type that is not read.
    Link(u16),
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// VLAN tags that may be stacked.
const TAGS: usize = 4;

/// Takes the headers off.
pub(crate) fn segment(time: Duration, link: u16, bytes: &[u8]) -> Result<Segment<'_>, Skip> {
    match link {
        // BSD loopback: the address family in the order of the machine that captured.
        0 | 108 => {
            let family: [u8; 4] = bytes.get(..4).and_then(|four| four.try_into().ok()).ok_or(Skip::Cut)?;
            let family = u32::from_le_bytes(family).min(u32::from_be_bytes(family));
            match family {
                2 => ip(time, &bytes[4..], 4),
                10 | 24 | 28 | 30 => ip(time, &bytes[4..], 6),
                _ => Err(Skip::NotIp),
            }
        }
        1 => ether(time, u16_at(bytes, 12).ok_or(Skip::Cut)?, bytes.get(14..).ok_or(Skip::Cut)?),
        12 | 14 | 101 | 228 | 229 => {
            let version = bytes.first().ok_or(Skip::Cut)? >> 4;
            ip(time, bytes, version)
        }
        113 => ether(time, u16_at(bytes, 14).ok_or(Skip::Cut)?, bytes.get(16..).ok_or(Skip::Cut)?),
        276 => ether(time, u16_at(bytes, 0).ok_or(Skip::Cut)?, bytes.get(20..).ok_or(Skip::Cut)?),
        other => Err(Skip::Link(other)),
    }
}

fn ether(time: Duration, mut kind: u16, mut rest: &[u8]) -> Result<Segment<'_>, Skip> {
    for _ in 0..TAGS {
        match kind {
            IPV4 => return ip(time, rest, 4),
            IPV6 => return ip(time, rest, 6),
            // VLAN tags.
            0x8100 | 0x88a8 | 0x9100 => {
                kind = u16_at(rest, 2).ok_or(Skip::Cut)?;
                rest = &rest[4..];
            }
            // PPPoE: six bytes, then PPP's own number of the protocol.
            0x8864 => {
                kind = match u16_at(rest, 6).ok_or(Skip::Cut)? {
                    0x0021 => IPV4,
                    0x0057 => IPV6,
                    _ => return Err(Skip::NotIp),
                };
                rest = &rest[8..];
            }
            _ => return Err(Skip::NotIp),
        }
    }
    Err(Skip::NotIp)
}

fn ip(time: Duration, bytes: &[u8], version: u8) -> Result<Segment<'_>, Skip> {
    match version {
        4 => ipv4(time, bytes),
        6 => ipv6(time, bytes),
        _ => Err(Skip::NotIp),
    }
}

const TCP: u8 = 6;
const UDP: u8 = 17;

fn ipv4(time: Duration, bytes: &[u8]) -> Result<Segment<'_>, Skip> {
    if bytes.len() < 20 {
        return Err(Skip::Cut);
    }
    if bytes[0] >> 4 != 4 {
        return Err(Skip::NotIp);
    }
    let header = usize::from(bytes[0] & 0x0f) * 4;
    let total = usize::from(u16_at(bytes, 2).ok_or(Skip::Cut)?);
    // A part, or the first of several.
    if u16_at(bytes, 6).ok_or(Skip::Cut)? & 0x3fff != 0 {
        return Err(Skip::Fragment);
    }
    let rest = bytes.get(header..).filter(|_| header >= 20).ok_or(Skip::Cut)?;
    // The card cuts what is longer than its field can say: then what was captured is all there is.
    let length = if total == 0 { rest.len() } else { total.checked_sub(header).ok_or(Skip::Cut)? };
    let address = |at: usize| -> IpAddr {
        Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]).into()
    };
    transport(time, bytes[9], address(12), address(16), rest, length)
}

fn ipv6(time: Duration, bytes: &[u8]) -> Result<Segment<'_>, Skip> {
    if bytes.len() < 40 {
        return Err(Skip::Cut);
    }
    if bytes[0] >> 4 != 6 {
        return Err(Skip::NotIp);
    }
    let address = |at: usize| -> IpAddr {
        let octets: [u8; 16] = bytes[at..at + 16].try_into().unwrap_or_default();
        Ipv6Addr::from(octets).into()
    };
    let (source, target) = (address(8), address(24));
    let mut next = bytes[6];
    let mut rest = &bytes[40..];
    let length = usize::from(u16_at(bytes, 4).ok_or(Skip::Cut)?);
    let mut length = if length == 0 { rest.len() } else { length };
    for _ in 0..8 {
        let size = match next {
            // Hop-by-hop options, routing, destination options; and the authentication header, which counts by fours.
            0 | 43 | 60 => (usize::from(*rest.get(1).ok_or(Skip::Cut)?) + 1) * 8,
            51 => (usize::from(*rest.get(1).ok_or(Skip::Cut)?) + 2) * 4,
            44 if u16_at(rest, 2).ok_or(Skip::Cut)? & 0xfff9 == 0 => 8,
            44 => return Err(Skip::Fragment),
            _ => return transport(time, next, source, target, rest, length),
        };
        next = *rest.first().ok_or(Skip::Cut)?;
        rest = rest.get(size..).ok_or(Skip::Cut)?;
        length = length.checked_sub(size).ok_or(Skip::Cut)?;
    }
    Err(Skip::NotTcp)
}

fn transport(
    time: Duration,
    protocol: u8,
    source: IpAddr,
    target: IpAddr,
    bytes: &[u8],
    length: usize,
) -> Result<Segment<'_>, Skip> {
    let (from, to) = match protocol {
        TCP | UDP => (u16_at(bytes, 0).ok_or(Skip::Cut)?, u16_at(bytes, 2).ok_or(Skip::Cut)?),
        _ => return Err(Skip::NotTcp),
    };
    if protocol == UDP {
        return Err(if from == 443 || to == 443 { Skip::Quic } else { Skip::NotTcp });
    }
    let flags = *bytes.get(13).ok_or(Skip::Cut)?;
    let header = usize::from(bytes[12] >> 4) * 4;
    let length = length.checked_sub(header).filter(|_| header >= 20).ok_or(Skip::Cut)?;
    // What the snap length cut is missing; what fills the link's shortest frame is not the segment's.
    let payload = bytes.get(header..).unwrap_or_default();
    let payload = &payload[..payload.len().min(length)];
    Ok(Segment {
        time,
        source: SocketAddr::new(source, from),
        target: SocketAddr::new(target, to),
        number: u32_at(bytes, 4).ok_or(Skip::Cut)?,
        acknowledged: (flags & 0x10 != 0).then_some(u32_at(bytes, 8).ok_or(Skip::Cut)?),
        syn: flags & 0x02 != 0,
        fin: flags & 0x01 != 0,
        reset: flags & 0x04 != 0,
        payload,
        length: length as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP_HI: [u8; 22] =
        [0x1f, 0x90, 0xc0, 0x00, 0, 0, 0, 7, 0, 0, 0, 9, 0x50, 0x18, 0, 0, 0, 0, 0, 0, b'h', b'i'];

    fn v4() -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 42, 0, 0, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 2];
        packet.extend_from_slice(&TCP_HI);
        packet
    }

    fn v6(options: bool) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, 22, 6, 64];
        packet.extend_from_slice(&Ipv6Addr::LOCALHOST.octets());
        packet.extend_from_slice(&Ipv6Addr::LOCALHOST.octets());
        if options {
            packet[5] += 8;
            packet[6] = 0;
            packet.extend_from_slice(&[6, 0, 1, 4, 0, 0, 0, 0]);
        }
        packet.extend_from_slice(&TCP_HI);
        packet
    }

    fn assert_hi(link: u16, packet: &[u8]) {
        let segment = segment(Duration::ZERO, link, packet).unwrap_or_else(|skip| panic!("{link}: {skip:?}"));
        assert_eq!((segment.payload, segment.length), (&b"hi"[..], 2), "{link}");
        assert_eq!((segment.source.port(), segment.target.port()), (8080, 49152));
        assert_eq!((segment.number, segment.acknowledged), (7, Some(9)));
    }

    #[test]
    fn every_link_is_read() {
        for (packet, kind) in [(v4(), [8, 0]), (v6(false), [0x86, 0xdd]), (v6(true), [0x86, 0xdd])] {
            let framed = |header: &[u8]| [header, &packet].concat();
            assert_hi(101, &packet);
            assert_hi(1, &framed(&[[0; 12].as_slice(), &kind].concat()));
            assert_hi(1, &framed(&[[0; 12].as_slice(), &[0x81, 0, 0, 7], &kind].concat()));
            assert_hi(1, &framed(&[[0; 12].as_slice(), &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 9], &kind].concat()));
            assert_hi(113, &framed(&[[0; 14].as_slice(), &kind].concat()));
            assert_hi(276, &framed(&[kind.as_slice(), &[0; 18]].concat()));
            let family = if kind == [8, 0] { 2 } else { 30 };
            assert_hi(0, &framed(&[family, 0, 0, 0]));
            assert_hi(0, &framed(&[0, 0, 0, family]));
            assert_hi(108, &framed(&[0, 0, 0, family]));
            // The padding of a short frame is not payload.
            assert_hi(101, &[&packet[..], &[0; 6]].concat());
        }
    }

    #[test]
    fn what_the_snap_length_cut_is_counted() {
        let packet = v4();
        let cut = segment(Duration::ZERO, 101, &packet[..41]).expect("its headers are there");
        assert_eq!((cut.payload, cut.length), (&b"h"[..], 2));
        for short in 0..34 {
            assert_eq!(segment(Duration::ZERO, 101, &packet[..short]), Err(Skip::Cut), "{short}");
        }
        // The length of the TCP header is there, if not all of it.
        let cut = segment(Duration::ZERO, 101, &packet[..34]).expect("its numbers are there");
        assert_eq!((cut.payload, cut.length), (&b""[..], 2));
    }

    #[test]
    fn what_is_no_tcp_is_named() {
        let skip = |link, packet: &[u8]| segment(Duration::ZERO, link, packet).expect_err("skipped");
        let mut udp = v4();
        udp[9] = 17;
        assert_eq!(skip(101, &udp), Skip::NotTcp);
        udp[20..22].copy_from_slice(&443_u16.to_be_bytes());
        assert_eq!(skip(101, &udp), Skip::Quic);
        let mut part = v4();
        part[6] = 0x20;
        assert_eq!(skip(101, &part), Skip::Fragment);
        assert_eq!(skip(1, &[&[0; 12][..], &[8, 6], &[0; 28]].concat()), Skip::NotIp);
        assert_eq!(skip(127, &v4()), Skip::Link(127));
    }
}

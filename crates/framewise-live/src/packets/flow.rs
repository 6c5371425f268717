use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use framewise_rules::Role;

/// Bytes in one packet: with its headers it has to stay below 64 KiB.
const MOST: usize = 32 * 1024;
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

/// A TCP connection as packets: what a capture would have had, without losses and repeats.
#[derive(Debug)]
pub(super) struct Flow {
    client: SocketAddr,
    server: SocketAddr,
    /// The next sequence number of each side.
    next: [u32; 2],
    ended: [bool; 2],
    reset: bool,
}

/// A TCP segment.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    from: SocketAddr,
    to: SocketAddr,
    sequence: u32,
    acknowledged: u32,
    flags: u8,
    payload: Vec<u8>,
}

impl Flow {
    pub(super) fn new(client: SocketAddr, server: SocketAddr) -> Self {
        let (client, server) = same_family(client, server);
        Self { client, server, next: [0; 2], ended: [false; 2], reset: false }
    }

    pub(super) fn opened(&mut self) -> Vec<Segment> {
        vec![
            self.segment(Role::Client, SYN, &[]),
            self.segment(Role::Server, SYN | ACK, &[]),
            self.segment(Role::Client, ACK, &[]),
        ]
    }

    pub(super) fn bytes(&mut self, from: Role, bytes: &[u8]) -> Vec<Segment> {
        if self.ended[from as usize] || self.reset {
            return Vec::new();
        }
        bytes.chunks(MOST).map(|chunk| self.segment(from, PSH | ACK, chunk)).collect()
    }

    pub(super) fn ended(&mut self, from: Role) -> Option<Segment> {
        if self.reset || std::mem::replace(&mut self.ended[from as usize], true) {
            return None;
        }
        Some(self.segment(from, FIN | ACK, &[]))
    }

    pub(super) fn reset(&mut self, from: Role) -> Option<Segment> {
        if std::mem::replace(&mut self.reset, true) {
            return None;
        }
        Some(self.segment(from, RST | ACK, &[]))
    }

    fn segment(&mut self, role: Role, flags: u8, payload: &[u8]) -> Segment {
        let (from, to) = match role {
            Role::Client => (self.client, self.server),
            Role::Server => (self.server, self.client),
        };
        let sequence = self.next[role as usize];
        let acknowledged = if flags & ACK == 0 { 0 } else { self.next[role.peer() as usize] };
        // RFC 9293 §3.4: SYN and FIN count as one each.
        let counted = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        self.next[role as usize] = sequence.wrapping_add(counted);
        Segment { from, to, sequence, acknowledged, flags, payload: payload.to_vec() }
    }
}

/// Two addresses of one family: an IPv4 address on an IPv6 socket is one of IPv4.
fn same_family(one: SocketAddr, other: SocketAddr) -> (SocketAddr, SocketAddr) {
    let ip = |address: SocketAddr| address.ip().to_canonical();
    let (first, second) = match (ip(one), ip(other)) {
        (IpAddr::V4(first), IpAddr::V6(second)) => (first.to_ipv6_mapped().into(), second.into()),
        (IpAddr::V6(first), IpAddr::V4(second)) => (first.into(), second.to_ipv6_mapped().into()),
        both => both,
    };
    (SocketAddr::new(first, one.port()), SocketAddr::new(second, other.port()))
}

impl Segment {
    /// The IP packet with it.
    pub(super) fn packet(&self) -> Vec<u8> {
        let mut tcp = Vec::with_capacity(20 + self.payload.len());
        tcp.extend(self.from.port().to_be_bytes());
        tcp.extend(self.to.port().to_be_bytes());
        tcp.extend(self.sequence.to_be_bytes());
        tcp.extend(self.acknowledged.to_be_bytes());
        // Five words of header; a window as large as it can be.
        tcp.extend([0x50, self.flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend(&self.payload);
        let (mut packet, addresses) = match (self.from.ip(), self.to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                (v4(from, to, tcp.len()), [from.octets(), to.octets()].concat())
            }
            (from, to) => {
                let wide = |ip: IpAddr| match ip {
                    IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                    IpAddr::V6(ip) => ip,
                };
                let (from, to) = (wide(from), wide(to));
                (v6(from, to, tcp.len()), [from.octets(), to.octets()].concat())
            }
        };
        // RFC 9293 §3.1: the pseudo-header has the addresses, the protocol and the length.
        let sum = checksum(&[&addresses, &[0, 6], &(tcp.len() as u32).to_be_bytes(), &tcp]);
        tcp[16..18].copy_from_slice(&sum.to_be_bytes());
        packet.extend(tcp);
        packet
    }
}

fn v4(from: Ipv4Addr, to: Ipv4Addr, length: usize) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend(((length + 20) as u16).to_be_bytes());
    // Not fragmented; 64 hops; TCP.
    header.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
    header.extend(from.octets());
    header.extend(to.octets());
    let sum = checksum(&[&header]);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header
}

fn v6(from: Ipv6Addr, to: Ipv6Addr, length: usize) -> Vec<u8> {
    let mut header = vec![0x60, 0, 0, 0];
    header.extend((length as u16).to_be_bytes());
    header.extend([6, 64]);
    header.extend(from.octets());
    header.extend(to.octets());
    header
}

/// RFC 1071: the complement of the sum of 16-bit words. Each part but the last has an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 = words
        .map(|word| u32::from(word[0]) << 8 | word.get(1).map_or(0, |&low| u32::from(low)))
        .fold(0, |sum, word| {
            let sum = sum + word;
            (sum & 0xffff) + (sum >> 16)
        });
    sum = (sum & 0xffff) + (sum >> 16);
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    /// A receiver sums all of it, the checksum included, and gets nothing.
    #[test]
    fn checksums_are_right() {
        for (client, server) in
            [("192.0.2.1:4000", "192.0.2.2:80"), ("[2001:db8::1]:4000", "[2001:db8::2]:80")]
        {
            let mut flow = Flow::new(address(client), address(server));
            let segments = [flow.opened(), flow.bytes(Role::Client, b"hello")].concat();
            for segment in segments {
                let packet = segment.packet();
                let (header, addresses) = if packet[0] == 0x45 { (20, 12..20) } else { (40, 8..40) };
                if header == 20 {
                    assert_eq!(checksum(&[&packet[..20]]), 0);
                }
                let tcp = &packet[header..];
                let sum = checksum(&[&packet[addresses], &[0, 6], &(tcp.len() as u32).to_be_bytes(), tcp]);
                assert_eq!(sum, 0);
            }
        }
    }

    #[test]
    fn numbers_follow_each_other_and_nothing_follows_an_end() {
        let mut flow = Flow::new(address("[::ffff:192.0.2.1]:1"), address("192.0.2.2:2"));
        assert_eq!(flow.opened().len(), 3);
        let large = flow.bytes(Role::Server, &vec![0; MOST + 1]);
        assert_eq!(large.len(), 2);
        assert_eq!((large[1].sequence, large[1].acknowledged), (1 + MOST as u32, 1));
        assert_eq!(large[0].packet()[0], 0x45, "an IPv4 address on an IPv6 socket is one of IPv4");
        let end = flow.ended(Role::Server).expect("the first");
        assert_eq!(end.sequence, 2 + MOST as u32);
        assert!(flow.ended(Role::Server).is_none());
        assert!(flow.bytes(Role::Server, b"late").is_empty());
        assert_eq!(flow.bytes(Role::Client, b"x")[0].acknowledged, 3 + MOST as u32);
        assert!(flow.reset(Role::Client).is_some() && flow.reset(Role::Server).is_none());
        assert!(flow.bytes(Role::Client, b"late").is_empty() && flow.ended(Role::Client).is_none());
    }
}

//! The two file formats of packet captures: pcap and pcapng. A packet at a time, so that a capture may be of any size, or
//! still grow.

use std::io::Read;
use std::time::Duration;

/// The longest block that is read: far more than a packet, and than the secrets of a session.
const LONGEST: u32 = 16 << 20;

/// A packet, as the file has it.
#[derive(Debug)]
pub(crate) struct Packet<'b> {
    /// Since the Unix epoch.
    pub(crate) time: Duration,
    /// What its first header is: a LINKTYPE_ value.
    pub(crate) link: u16,
    /// What was captured of it.
    pub(crate) bytes: &'b [u8],
}

/// A piece of the file.
#[derive(Debug)]
pub(crate) enum Block<'b> {
    Packet(Packet<'b>),
    /// TLS secrets, in the format of a key log.
    Secrets(&'b [u8]),
    /// Anything else.
    Other,
}

/// Why the file ends before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It ends inside a block.
    Truncated,
    /// A length that no block has.
    Length(u32),
    /// It cannot be read.
    Io(String),
}

/// What numbers in a file look like, and what its times are.
#[derive(Clone, Copy, Debug)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let pair = bytes.get(at..at + 2).and_then(|pair| pair.try_into().ok()).unwrap_or_default();
        match self {
            Self::Little => u16::from_le_bytes(pair),
            Self::Big => u16::from_be_bytes(pair),
        }
    }

    fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).unwrap_or_default();
        match self {
            Self::Little => u32::from_le_bytes(four),
            Self::Big => u32::from_be_bytes(four),
        }
    }
}

/// An interface of a pcapng section.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: u16,
    snap: u32,
    /// Units of its times in a second.
    units: u64,
    /// Seconds that are added to its times.
    offset: i64,
}

#[derive(Debug)]
enum Kind {
    Pcap { link: u16, nanos: bool },
    Pcapng { interfaces: Vec<Interface> },
}

/// Reads the blocks of a capture.
pub(crate) struct Blocks<R> {
    input: R,
    order: Order,
    kind: Kind,
    block: Vec<u8>,
    /// Bytes of the file that were read.
    at: u64,
}

/// Interfaces that a section may have: an index of one is 32 bits wide.
const INTERFACES: usize = 4096;

impl<R: Read> Blocks<R> {
    /// Reads the header of the file; `None` where it is no capture.
    pub(crate) fn new(input: R) -> Result<Option<Self>, Fault> {
        let mut blocks = Self {
            input,
            order: Order::Little,
            kind: Kind::Pcapng { interfaces: Vec::new() },
            block: Vec::new(),
            at: 0,
        };
        if !blocks.fill(4)? {
            return Ok(None);
        }
        let nanos = match *blocks.block {
            [0x0a, 0x0d, 0x0d, 0x0a] => return blocks.section().map(|()| Some(blocks)),
            [0xd4, 0xc3, 0xb2, 0xa1] => false,
            [0x4d, 0x3c, 0xb2, 0xa1] => true,
            [0xa1, 0xb2, 0xc3, 0xd4] => {
                blocks.order = Order::Big;
                false
            }
            [0xa1, 0xb2, 0x3c, 0x4d] => {
                blocks.order = Order::Big;
                true
            }
            _ => return Ok(None),
        };
        if !blocks.fill(20)? {
            return Err(Fault::Truncated);
        }
        // Above the link type are the length of a check sum and how it is known.
        let link = blocks.order.u32(&blocks.block, 16) as u16;
        blocks.kind = Kind::Pcap { link, nanos };
        Ok(Some(blocks))
    }

    /// Whether the format has secrets.
    pub(crate) const fn may_have_secrets(&self) -> bool {
        matches!(self.kind, Kind::Pcapng { .. })
    }

    /// Bytes of the file up to here.
    pub(crate) const fn at(&self) -> u64 {
        self.at
    }

    /// The next block; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Block<'_>>, Fault> {
        match self.kind {
            Kind::Pcap { link, nanos } => self.record(link, nanos),
            Kind::Pcapng { .. } => self.block(),
        }
    }

    /// Fills the buffer with this many bytes; whether there were any.
    fn fill(&mut self, bytes: usize) -> Result<bool, Fault> {
        self.block.resize(bytes, 0);
        let mut there = 0;
        while there < bytes {
            match self.input.read(&mut self.block[there..]) {
                Ok(0) if there == 0 => return Ok(false),
                Ok(0) => return Err(Fault::Truncated),
                Ok(more) => {
                    there += more;
                    self.at += more as u64;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::Io(error.to_string())),
            }
        }
        Ok(true)
    }

    /// The rest of a block, whose beginning was there.
    fn rest(&mut self, bytes: u32) -> Result<(), Fault> {
        if bytes > LONGEST {
            return Err(Fault::Length(bytes));
        }
        if !self.fill(bytes as usize)? && bytes > 0 {
            return Err(Fault::Truncated);
        }
        Ok(())
    }

    fn record(&mut self, link: u16, nanos: bool) -> Result<Option<Block<'_>>, Fault> {
        if !self.fill(16)? {
            return Ok(None);
        }
        let (seconds, part) = (self.order.u32(&self.block, 0), self.order.u32(&self.block, 4));
        let length = self.order.u32(&self.block, 8);
        self.rest(length)?;
        let nanos = if nanos { u64::from(part) } else { u64::from(part) * 1000 };
        let time = Duration::from_secs(seconds.into()) + Duration::from_nanos(nanos);
        Ok(Some(Block::Packet(Packet { time, link, bytes: &self.block })))
    }

    /// A section header, whose type was read: it says which order its numbers have.
    fn section(&mut self) -> Result<(), Fault> {
        if !self.fill(8)? {
            return Err(Fault::Truncated);
        }
        self.order = match self.block[4..8] {
            [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
            _ => Order::Little,
        };
        let length = self.order.u32(&self.block, 0);
        self.kind = Kind::Pcapng { interfaces: Vec::new() };
        self.rest(length.checked_sub(12).ok_or(Fault::Length(length))?)
    }

    fn block(&mut self) -> Result<Option<Block<'_>>, Fault> {
        if !self.fill(4)? {
            return Ok(None);
        }
        if *self.block == [0x0a, 0x0d, 0x0d, 0x0a] {
            return self.section().map(|()| Some(Block::Other));
        }
        let order = self.order;
        let kind = order.u32(&self.block, 0);
        if !self.fill(4)? {
            return Err(Fault::Truncated);
        }
        let length = order.u32(&self.block, 0);
        self.rest(length.checked_sub(8).filter(|rest| *rest >= 4).ok_or(Fault::Length(length))?)?;
        // The length is repeated at the end.
        let end = self.block.len() - 4;
        let Kind::Pcapng { interfaces } = &mut self.kind else { return Ok(Some(Block::Other)) };
        let body = &self.block[..end];
        Ok(Some(match kind {
            1 => {
                if interfaces.len() < INTERFACES {
                    interfaces.push(interface(order, body));
                }
                Block::Other
            }
            // An enhanced packet, and what came before it: the interface is 16 bits wide there.
            6 | 2 => {
                let of = if kind == 6 { order.u32(body, 0) } else { order.u16(body, 0).into() };
                let Some(of) = interfaces.get(of as usize) else { return Ok(Some(Block::Other)) };
                let units = u64::from(order.u32(body, 4)) << 32 | u64::from(order.u32(body, 8));
                packet(of, units, body.get(20..).unwrap_or_default(), order.u32(body, 12))
            }
            3 => {
                let Some(of) = interfaces.first() else { return Ok(Some(Block::Other)) };
                let length = order.u32(body, 0).min(if of.snap == 0 { u32::MAX } else { of.snap });
                packet(of, 0, body.get(4..).unwrap_or_default(), length)
            }
            0x0a if order.u32(body, 0) == 0x544c_534b => {
                let length = order.u32(body, 4) as usize;
                let secrets = body.get(8..).unwrap_or_default();
                Block::Secrets(&secrets[..length.min(secrets.len())])
            }
            _ => Block::Other,
        }))
    }
}

fn packet<'b>(of: &Interface, units: u64, bytes: &'b [u8], length: u32) -> Block<'b> {
    let nanos = u128::from(units % of.units) * 1_000_000_000 / u128::from(of.units);
    let seconds = (units / of.units).saturating_add_signed(of.offset);
    let time = Duration::new(seconds, nanos as u32);
    Block::Packet(Packet { time, link: of.link, bytes: &bytes[..(length as usize).min(bytes.len())] })
}

fn interface(order: Order, body: &[u8]) -> Interface {
    let mut interface =
        Interface { link: order.u16(body, 0), snap: order.u32(body, 4), units: 1_000_000, offset: 0 };
    let mut options = body.get(8..).unwrap_or_default();
    while options.len() >= 4 {
        let (code, length) = (order.u16(options, 0), usize::from(order.u16(options, 2)));
        let Some(value) = options.get(4..4 + length) else { break };
        match (code, value) {
            (0, _) => break,
            // if_tsresol: a power of two where the top bit is set, of ten elsewhere.
            (9, &[resolution]) => {
                let power = u32::from(resolution & 0x7f);
                let units =
                    if resolution & 0x80 != 0 { 1_u64.checked_shl(power) } else { 10_u64.checked_pow(power) };
                interface.units = units.filter(|&units| units > 0).unwrap_or(1_000_000);
            }
            (14, value) if length == 8 => {
                let high = matches!(order, Order::Big);
                let (first, second) = (order.u32(value, 0), order.u32(value, 4));
                let (upper, lower) = if high { (first, second) } else { (second, first) };
                interface.offset = (u64::from(upper) << 32 | u64::from(lower)).cast_signed();
            }
            _ => {}
        }
        options = options.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
    }
    interface
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives a byte at a time, as a pipe may.
    struct Trickle<'b>(&'b [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let Some((&first, rest)) = self.0.split_first() else { return Ok(0) };
            buffer[0] = first;
            self.0 = rest;
            Ok(1)
        }
    }

    type Packets = Vec<(Duration, u16, Vec<u8>)>;

    fn all(bytes: &[u8]) -> (Packets, Option<Fault>) {
        let mut blocks = Blocks::new(Trickle(bytes)).expect("a header").expect("a capture");
        let mut packets = Vec::new();
        loop {
            match blocks.next() {
                Ok(Some(Block::Packet(packet))) => {
                    packets.push((packet.time, packet.link, packet.bytes.to_vec()));
                }
                Ok(Some(_)) => {}
                Ok(None) => return (packets, None),
                Err(fault) => return (packets, Some(fault)),
            }
        }
    }

    fn pcap(order: Order, magic: u32) -> Vec<u8> {
        let write = |value: u32| match order {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        };
        let header = [magic, 0x0004_0002, 0, 0, 65_535, 101];
        let record = [12, 5, 3, 3];
        let mut bytes: Vec<u8> = header.into_iter().chain(record).flat_map(write).collect();
        bytes.extend_from_slice(b"abc");
        bytes
    }

    #[test]
    fn both_orders_and_both_units_are_read() {
        for order in [Order::Little, Order::Big] {
            let micro = all(&pcap(order, 0xa1b2_c3d4));
            assert_eq!(micro, (vec![(Duration::new(12, 5000), 101, b"abc".to_vec())], None), "{order:?}");
            let nano = all(&pcap(order, 0xa1b2_3c4d));
            assert_eq!(nano.0[0].0, Duration::new(12, 5), "{order:?}");
        }
    }

    #[test]
    fn a_capture_that_is_cut_gives_what_is_there() {
        let whole = [pcap(Order::Little, 0xa1b2_c3d4), vec![1, 0, 0, 0]].concat();
        let (packets, fault) = all(&whole);
        assert_eq!((packets.len(), fault), (1, Some(Fault::Truncated)));
        let mut hostile = pcap(Order::Little, 0xa1b2_c3d4);
        hostile[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(all(&hostile), (Vec::new(), Some(Fault::Length(u32::MAX))));
    }

    #[test]
    fn what_is_no_capture_is_none() {
        for bytes in [&b""[..], b"open\n> 81", b"\xa1\xb2\xc3\xd5 and more"] {
            assert!(Blocks::new(bytes).expect("it can be read").is_none());
        }
    }
}

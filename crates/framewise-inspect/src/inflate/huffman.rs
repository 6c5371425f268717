//! The codes of RFC 1951 §3.2, and the bits that they are read from.

use super::{Fault, Stop};

/// Codes of up to this many bits are found in one look.
const FAST: u32 = 9;
const MAX: usize = 15;

/// A canonical Huffman code.
#[derive(Clone, Debug)]
pub(super) struct Huffman {
    /// By the next bits: the symbol and the length of its code; length 0: longer than [`FAST`], or none.
    fast: Vec<(u16, u8)>,
    /// Codes of each length.
    count: [u16; MAX + 1],
    /// Symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Huffman {
    /// The code in which symbol `i` has `lengths[i]` bits.
    fn new(lengths: &[u8]) -> Result<Self, Stop> {
        let mut count = [0_u16; MAX + 1];
        for &length in lengths {
            count[usize::from(length)] += 1;
        }
        count[0] = 0;
        let mut left = 1_i32;
        for &codes in &count[1..] {
            left = left * 2 - i32::from(codes);
            if left < 0 {
                return Err(Stop::Fault(Fault::Invalid("more codes than there are bits for")));
            }
        }
        let mut offsets = [0_u16; MAX + 2];
        for length in 1..=MAX {
            offsets[length + 1] = offsets[length] + count[length];
        }
        let mut symbols = vec![0_u16; lengths.len()];
        let mut next = offsets;
        for (symbol, &length) in lengths.iter().enumerate().filter(|&(_, &length)| length > 0) {
            symbols[usize::from(next[usize::from(length)])] = symbol as u16;
            next[usize::from(length)] += 1;
        }
        let mut fast = vec![(0, 0); 1 << FAST];
        let mut code = 0_u32;
        let mut index = 0;
        for length in 1..=FAST {
            for _ in 0..count[length as usize] {
                let reversed = code.reverse_bits() >> (32 - length);
                for entry in (reversed as usize..1 << FAST).step_by(1 << length) {
                    fast[entry] = (symbols[index], length as u8);
                }
                code += 1;
                index += 1;
            }
            code <<= 1;
        }
        Ok(Self { fast, count, symbols })
    }

    pub(super) fn fixed_lengths() -> Self {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        Self::known(&lengths)
    }

    pub(super) fn fixed_distances() -> Self {
        Self::known(&[5; 30])
    }

    fn known(lengths: &[u8]) -> Self {
        Self::new(lengths).unwrap_or_else(|_| Self {
            fast: vec![(0, 0); 1 << FAST],
            count: [0; MAX + 1],
            symbols: Vec::new(),
        })
    }

    pub(super) fn decode(&self, reading: &mut Reading<'_>) -> Result<u16, Stop> {
        let (bits, there) = reading.peek();
        let (symbol, length) = self.fast[(bits & ((1 << FAST) - 1)) as usize];
        if length > 0 && u32::from(length) <= there {
            reading.skip(u32::from(length));
            return Ok(symbol);
        }
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for length in 1..=MAX as u32 {
            if length > there {
                return Err(Stop::More);
            }
            code |= bits >> (length - 1) & 1;
            let count = u32::from(self.count[length as usize]);
            if code < first + count {
                reading.skip(length);
                return Ok(self.symbols[(index + code - first) as usize]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Stop::Fault(Fault::Invalid("a code that stands for nothing")))
    }
}

/// The two codes of a block of type 2 (RFC 1951 §3.2.7).
pub(super) fn dynamic(reading: &mut Reading<'_>) -> Result<(Huffman, Huffman), Stop> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let literals = reading.bits(5)? as usize + 257;
    let distances = reading.bits(5)? as usize + 1;
    let codes = reading.bits(4)? as usize + 4;
    if literals > 286 || distances > 30 {
        return Err(Stop::Fault(Fault::Invalid("a block that announces too many codes")));
    }
    let mut lengths = [0_u8; 19];
    for &at in &ORDER[..codes] {
        lengths[at] = reading.bits(3)? as u8;
    }
    let code = Huffman::new(&lengths)?;
    let mut all = Vec::with_capacity(literals + distances);
    while all.len() < literals + distances {
        let (value, times) = match code.decode(reading)? {
            16 => {
                let Some(&last) = all.last() else {
                    return Err(Stop::Fault(Fault::Invalid("a repeated length with nothing before it")));
                };
                (last, 3 + reading.bits(2)?)
            }
            17 => (0, 3 + reading.bits(3)?),
            18 => (0, 11 + reading.bits(7)?),
            length => (length as u8, 1),
        };
        all.extend(std::iter::repeat_n(value, times as usize));
    }
    if all.len() > literals + distances {
        return Err(Stop::Fault(Fault::Invalid("more lengths than codes")));
    }
    if all[256] == 0 {
        return Err(Stop::Fault(Fault::Invalid("a block that cannot end")));
    }
    Ok((Huffman::new(&all[..literals])?, Huffman::new(&all[literals..])?))
}

/// The length that a symbol of 257 and above stands for, with its extra bits.
pub(super) fn length(symbol: u16, reading: &mut Reading<'_>) -> Result<u32, Stop> {
    const BASE: [u16; 29] = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163,
        195, 227, 258,
    ];
    const EXTRA: [u8; 29] =
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
    lookup(&BASE, &EXTRA, symbol - 257, reading)
}

/// The distance that a symbol stands for, with its extra bits.
pub(super) fn distance(symbol: u16, reading: &mut Reading<'_>) -> Result<u32, Stop> {
    const BASE: [u16; 30] = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
        3073, 4097, 6145, 8193, 12289, 16385, 24577,
    ];
    const EXTRA: [u8; 30] =
        [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
    lookup(&BASE, &EXTRA, symbol, reading)
}

fn lookup(base: &[u16], extra: &[u8], symbol: u16, reading: &mut Reading<'_>) -> Result<u32, Stop> {
    match (base.get(usize::from(symbol)), extra.get(usize::from(symbol))) {
        (Some(&base), Some(&extra)) => Ok(u32::from(base) + reading.bits(u32::from(extra))?),
        _ => Err(Stop::Fault(Fault::Invalid("a symbol that stands for nothing"))),
    }
}

/// Bits, the lowest of each byte first.
#[derive(Debug)]
pub(super) struct Reading<'b> {
    bytes: &'b [u8],
    /// In bits.
    at: usize,
}

impl<'b> Reading<'b> {
    /// `used`: bits of the first byte that were read before.
    pub(super) const fn new(bytes: &'b [u8], used: usize) -> Self {
        Self { bytes, at: used }
    }

    /// What is left, and the bits of its first byte that were read.
    pub(super) fn rest(&self) -> (Vec<u8>, usize) {
        (self.bytes[self.at / 8..].to_vec(), self.at % 8)
    }

    pub(super) const fn mark(&self) -> usize {
        self.at
    }

    pub(super) const fn back_to(&mut self, mark: usize) {
        self.at = mark;
    }

    /// Up to 32 of the next bits, and how many there are.
    fn peek(&self) -> (u32, u32) {
        let rest = &self.bytes[self.at / 8..];
        let mut word = [0; 8];
        let there = rest.len().min(8);
        word[..there].copy_from_slice(&rest[..there]);
        let bits = u64::from_le_bytes(word) >> (self.at % 8);
        (bits as u32, ((there * 8).saturating_sub(self.at % 8)).min(32) as u32)
    }

    fn skip(&mut self, bits: u32) {
        self.at += bits as usize;
    }

    pub(super) fn bits(&mut self, wanted: u32) -> Result<u32, Stop> {
        let (bits, there) = self.peek();
        if there < wanted {
            return Err(Stop::More);
        }
        self.skip(wanted);
        Ok(bits & ((1_u32 << wanted) - 1))
    }

    pub(super) const fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.at >= self.bytes.len() * 8
    }

    /// The length of a stored block, which stands twice (RFC 1951 §3.2.4).
    pub(super) fn stored_length(&mut self) -> Result<u32, Stop> {
        self.align();
        let length = self.bits(16)?;
        if self.bits(16)? != !length & 0xffff {
            return Err(Stop::Fault(Fault::Invalid("a stored block whose two lengths disagree")));
        }
        Ok(length)
    }

    /// As many whole bytes as there are, up to `wanted`.
    pub(super) fn bytes(&mut self, wanted: usize) -> &'b [u8] {
        let from = self.at / 8;
        let to = (from + wanted).min(self.bytes.len());
        self.at = to * 8;
        &self.bytes[from..to]
    }
}

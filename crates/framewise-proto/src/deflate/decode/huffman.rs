//! The Huffman codes of RFC 1951 §3.2, and a reader of bits.

use super::Stop;

/// Codes of up to this many bits are decoded with one table look-up.
const FAST: u32 = 9;
const MAX: usize = 15;
/// Symbols of the larger alphabet.
const SYMBOLS: usize = 288;
/// The symbol that ends a block.
const END: u16 = 256;

/// A canonical Huffman code.
#[derive(Clone, Debug)]
struct Huffman {
    /// Indexed by the next bits: the symbol, with the length of its code in the lowest four bits. 0: the code is longer
    /// than [`FAST`], or there is none.
    fast: [u16; 1 << FAST],
    /// The number of codes of each length.
    count: [u16; MAX + 1],
    /// Symbols in the order of their codes.
    symbols: [u16; SYMBOLS],
}

/// How much of the code space must be used.
#[derive(Clone, Copy, Debug)]
enum Fill {
    /// All of it.
    Every,
    /// All of it, or one code of a single bit.
    EveryOrOne,
    /// Any part: the distances of a fixed block use 30 of 32 codes.
    Any,
}

impl Huffman {
    const NONE: Self = Self { fast: [0; 1 << FAST], count: [0; MAX + 1], symbols: [0; SYMBOLS] };

    /// Sets the code in which symbol `i` has `lengths[i]` bits.
    fn set(&mut self, lengths: &[u8], fill: Fill) -> Result<(), Stop> {
        *self = Self::NONE;
        for &length in lengths {
            self.count[usize::from(length)] += 1;
        }
        self.count[0] = 0;
        let mut left = 1_i32;
        for &codes in &self.count[1..] {
            left = left * 2 - i32::from(codes);
            if left < 0 {
                return Err(Stop::CodesTooLong);
            }
        }
        // RFC 1951 §3.2.7: "If only one distance code is used, it is encoded using one bit"; zlib allows the same for
        // the literals. An empty code is a fault only when a symbol is needed.
        let single = self.count[1] == 1 && self.count[2..].iter().all(|&codes| codes == 0);
        let none = self.count.iter().all(|&codes| codes == 0);
        let filled = match fill {
            Fill::Every => left == 0 || none,
            Fill::EveryOrOne => left == 0 || none || single,
            Fill::Any => true,
        };
        if !filled {
            return Err(Stop::CodesTooFew);
        }
        let mut next = [0_u16; MAX + 2];
        for length in 1..=MAX {
            next[length + 1] = next[length] + self.count[length];
        }
        for (symbol, &length) in lengths.iter().enumerate().filter(|&(_, &length)| length > 0) {
            let at = &mut next[usize::from(length)];
            self.symbols[usize::from(*at)] = symbol as u16;
            *at += 1;
        }
        let mut code = 0_u32;
        let mut index = 0;
        for length in 1..=FAST {
            for _ in 0..self.count[length as usize] {
                let reversed = code.reverse_bits() >> (32 - length);
                for entry in (reversed as usize..1 << FAST).step_by(1 << length) {
                    self.fast[entry] = self.symbols[index] << 4 | length as u16;
                }
                code += 1;
                index += 1;
            }
            code <<= 1;
        }
        Ok(())
    }

    #[inline]
    fn decode(&self, bits: &mut Bits) -> Result<u16, Stop> {
        let entry = self.fast[(bits.next & ((1 << FAST) - 1)) as usize];
        let length = u32::from(entry & 0x0f);
        if length > 0 && length <= bits.there {
            bits.skip(length);
            return Ok(entry >> 4);
        }
        self.decode_long(bits)
    }

    #[cold]
    fn decode_long(&self, bits: &mut Bits) -> Result<u16, Stop> {
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        // Read at least one bit, so that an empty code is a fault.
        let longest = self.count.iter().rposition(|&codes| codes > 0).unwrap_or(0).max(1);
        for length in 1..=longest as u32 {
            if length > bits.there {
                return Err(Stop::More);
            }
            code |= (bits.next >> (length - 1)) as u32 & 1;
            let count = u32::from(self.count[length as usize]);
            if code < first + count {
                bits.skip(length);
                return Ok(self.symbols[(index + code - first) as usize]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Stop::NoSuchCode)
    }
}

/// The two codes of a block.
#[derive(Clone, Debug)]
pub(super) struct Codes {
    literals: Huffman,
    distances: Huffman,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Symbol {
    Literal(u8),
    Copy { length: u32, distance: u32 },
    End,
}

impl Default for Codes {
    fn default() -> Self {
        Self { literals: Huffman::NONE, distances: Huffman::NONE }
    }
}

impl Codes {
    /// Sets the codes of a block of type 1 (RFC 1951 §3.2.6).
    pub(super) fn fix(&mut self) -> Result<(), Stop> {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        self.literals.set(&lengths, Fill::Every)?;
        self.distances.set(&[5; 30], Fill::Any)
    }

    /// Reads the codes of a block of type 2 (RFC 1951 §3.2.7).
    pub(super) fn read(&mut self, reading: &mut Reading<'_>) -> Result<(), Stop> {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let literals = reading.bits(5)? as usize + 257;
        let distances = reading.bits(5)? as usize + 1;
        let codes = reading.bits(4)? as usize + 4;
        if literals > 286 || distances > 30 {
            return Err(Stop::CodesTooMany);
        }
        let mut lengths = [0_u8; 19];
        for &at in &ORDER[..codes] {
            lengths[at] = reading.bits(3)? as u8;
        }
        let mut all = [0_u8; 286 + 30];
        let wanted = literals + distances;
        if lengths == [0; 19] {
            // If the code lengths have no code, zlib reads each bit as a length of zero until it has them all. This
            // does the same, so that both find the same fault at the same place.
            for _ in 0..wanted {
                reading.bits(1)?;
            }
            return Err(Stop::NoEnd);
        }
        self.literals.set(&lengths, Fill::Every)?;
        let mut at = 0;
        while at < wanted {
            let mut bits = reading.peek();
            let (value, times) = match self.literals.decode(&mut bits)? {
                16 if at == 0 => return Err(Stop::NothingToRepeat),
                16 => (all[at - 1], 3 + bits.take(2)?),
                17 => (0, 3 + bits.take(3)?),
                18 => (0, 11 + bits.take(7)?),
                length => (length as u8, 1),
            };
            reading.skip(&bits);
            let end = at + times as usize;
            if end > wanted {
                return Err(Stop::LengthsTooMany);
            }
            all[at..end].fill(value);
            at = end;
        }
        if all[usize::from(END)] == 0 {
            return Err(Stop::NoEnd);
        }
        self.literals.set(&all[..literals], Fill::EveryOrOne)?;
        self.distances.set(&all[literals..wanted], Fill::EveryOrOne)
    }

    /// Reads the next symbol with its extra bits.
    #[inline]
    pub(super) fn symbol(&self, reading: &mut Reading<'_>) -> Result<Symbol, Stop> {
        // A length and a distance have at most 48 bits.
        let mut bits = reading.peek();
        let symbol = match self.literals.decode(&mut bits)? {
            END => Symbol::End,
            length @ END.. => {
                let length = extended(&LENGTHS, length - END - 1, &mut bits)?;
                let distance = self.distances.decode(&mut bits)?;
                Symbol::Copy { length, distance: extended(&DISTANCES, distance, &mut bits)? }
            }
            byte => Symbol::Literal(byte as u8),
        };
        reading.skip(&bits);
        Ok(symbol)
    }
}

/// The smallest value of a symbol, and its number of extra bits (RFC 1951 §3.2.5).
type Extended = (u16, u8);

const LENGTHS: [Extended; 29] = {
    let mut table = [(258, 0); 29];
    let (mut at, mut base) = (0, 3);
    while at < 28 {
        let extra = if at < 8 { 0 } else { at as u8 / 4 - 1 };
        table[at] = (base, extra);
        base += 1 << extra;
        at += 1;
    }
    table
};

const DISTANCES: [Extended; 30] = {
    let mut table = [(0, 0); 30];
    let (mut at, mut base) = (0, 1);
    while at < 30 {
        let extra = if at < 4 { 0 } else { at as u8 / 2 - 1 };
        table[at] = (base, extra);
        base += 1 << extra;
        at += 1;
    }
    table
};

#[inline]
fn extended(table: &[Extended], symbol: u16, bits: &mut Bits) -> Result<u32, Stop> {
    match table.get(usize::from(symbol)) {
        Some(&(base, extra)) => Ok(u32::from(base) + bits.take(u32::from(extra))?),
        None => Err(Stop::NoSuchSymbol),
    }
}

/// The next bits of the input, the first one lowest.
struct Bits {
    next: u64,
    /// How many of the bits are input: at least 57, unless the input ends before.
    there: u32,
    taken: u32,
}

impl Bits {
    fn skip(&mut self, count: u32) {
        self.next >>= count;
        self.there -= count;
        self.taken += count;
    }

    fn take(&mut self, count: u32) -> Result<u32, Stop> {
        if self.there < count {
            return Err(Stop::More);
        }
        let value = self.next & ((1 << count) - 1);
        self.skip(count);
        Ok(value as u32)
    }
}

/// Reads bits, the lowest of each byte first.
pub(super) struct Reading<'b> {
    bytes: &'b [u8],
    /// The position in bits.
    at: usize,
}

impl<'b> Reading<'b> {
    /// `used`: bits of the first byte that were read before.
    pub(super) const fn new(bytes: &'b [u8], used: usize) -> Self {
        Self { bytes, at: used }
    }

    /// The bytes left, and how many bits of the first one were read.
    pub(super) fn rest(&self) -> (&'b [u8], usize) {
        (&self.bytes[self.at / 8..], self.at % 8)
    }

    pub(super) const fn mark(&self) -> usize {
        self.at
    }

    pub(super) const fn back_to(&mut self, mark: usize) {
        self.at = mark;
    }

    #[inline]
    fn peek(&self) -> Bits {
        let rest = &self.bytes[self.at / 8..];
        let used = (self.at % 8) as u32;
        let (word, bytes) = match rest.first_chunk::<8>() {
            Some(word) => (u64::from_le_bytes(*word), 8),
            None => (rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)), rest.len() as u32),
        };
        Bits { next: word >> used, there: (bytes * 8).saturating_sub(used), taken: 0 }
    }

    fn skip(&mut self, bits: &Bits) {
        self.at += bits.taken as usize;
    }

    pub(super) fn bits(&mut self, count: u32) -> Result<u32, Stop> {
        let mut bits = self.peek();
        let value = bits.take(count)?;
        self.skip(&bits);
        Ok(value)
    }

    pub(super) const fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.at >= self.bytes.len() * 8
    }

    /// Reads the length of a stored block, which is stored twice (RFC 1951 §3.2.4).
    pub(super) fn stored_length(&mut self) -> Result<u32, Stop> {
        self.align();
        let length = self.bits(16)?;
        if self.bits(16)? != !length & 0xffff {
            return Err(Stop::StoredLength);
        }
        Ok(length)
    }

    /// Reads up to `wanted` bytes, as many as there are.
    pub(super) fn bytes(&mut self, wanted: usize) -> &'b [u8] {
        let from = self.at / 8;
        let to = (from + wanted).min(self.bytes.len());
        self.at = to * 8;
        &self.bytes[from..to]
    }
}

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// Follows a deflate stream (RFC 1951) without inflating it, and tells a back-reference beyond a window.
///
/// zlib keeps no further history than the window that it was given, but inside one call it takes what it has just
/// written for history, too: it misses such a reference, and another inflater then fails on it.
///
/// What is no deflate stream at all is left to the inflater to tell: the check stops there.
#[derive(Debug)]
pub struct DistanceCheck {
    window: u32,
    farthest: u32,
    bits: u64,
    count: u32,
    state: State,
    /// Code lengths that the block's head has given so far, and how many it announces.
    lengths: Vec<u8>,
    literals: usize,
    distances: usize,
    length_codes: usize,
    tables: Option<Box<Tables>>,
}

/// A back-reference beyond the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowExceeded {
    /// Bytes back.
    pub distance: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    BlockHead,
    StoredHead,
    Stored(u32),
    TableHead,
    LengthCodes(usize),
    Lengths,
    Symbols,
    /// It is no deflate stream.
    Invalid,
}

#[derive(Debug)]
struct Tables {
    literals: Huffman,
    distances: Huffman,
}

/// A canonical code: how many codes there are of each length, and their symbols in order.
#[derive(Debug)]
struct Huffman {
    counts: [u16; 16],
    symbols: Vec<u16>,
}

impl Huffman {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0_u16; 16];
        for &length in lengths {
            counts[usize::from(length)] += 1;
        }
        counts[0] = 0;
        let mut offsets = [0_u16; 16];
        for length in 1..16 {
            offsets[length] = offsets[length - 1] + counts[length - 1];
        }
        let mut symbols = vec![0; lengths.iter().filter(|&&length| length != 0).count()];
        for (symbol, &length) in lengths.iter().enumerate() {
            if length != 0 {
                let offset = &mut offsets[usize::from(length)];
                symbols[usize::from(*offset)] = symbol as u16;
                *offset += 1;
            }
        }
        Self { counts, symbols }
    }
}

/// What a step could not do.
enum Stop {
    /// The bits at hand are not enough.
    More,
    Invalid,
    Exceeded(WindowExceeded),
}

/// The order of the code lengths for the code length alphabet (RFC 1951 §3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// Extra bits of the length codes 257 to 285 (RFC 1951 §3.2.5).
const LENGTH_EXTRA: [u32; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

impl DistanceCheck {
    /// A check against a window of 2^`window_bits` bytes.
    pub fn new(window_bits: u8) -> Self {
        Self {
            window: 1 << window_bits,
            farthest: 0,
            bits: 0,
            count: 0,
            state: State::BlockHead,
            lengths: Vec::new(),
            literals: 0,
            distances: 0,
            length_codes: 0,
            tables: None,
        }
    }

    /// The farthest back-reference so far, in bytes.
    pub const fn farthest(&self) -> u32 {
        self.farthest
    }

    /// Follows the next bytes of the stream: RFC 7692 §7.1.2.
    pub fn follow(&mut self, mut bytes: &[u8]) -> Result<(), WindowExceeded> {
        loop {
            if let State::Stored(left) = self.state {
                // The bits at hand are whole bytes here, and are taken first.
                let buffered = left.min(self.count / 8);
                self.drop_bits(buffered * 8);
                let skipped = ((left - buffered) as usize).min(bytes.len());
                bytes = &bytes[skipped..];
                let left = left - buffered - skipped as u32;
                if left > 0 {
                    self.state = State::Stored(left);
                    return Ok(());
                }
                self.state = State::BlockHead;
            }
            while self.count <= 56
                && let Some((&byte, rest)) = bytes.split_first()
            {
                self.bits |= u64::from(byte) << self.count;
                self.count += 8;
                bytes = rest;
            }
            let (kept_bits, kept_count) = (self.bits, self.count);
            match self.step() {
                Ok(()) => {}
                Err(Stop::More) => {
                    // A step takes 48 bits at the most: it is the input that is short.
                    (self.bits, self.count) = (kept_bits, kept_count);
                    return Ok(());
                }
                Err(Stop::Invalid) => {
                    self.state = State::Invalid;
                    return Ok(());
                }
                Err(Stop::Exceeded(exceeded)) => {
                    self.state = State::Invalid;
                    return Err(exceeded);
                }
            }
        }
    }

    /// One indivisible step.
    fn step(&mut self) -> Result<(), Stop> {
        match self.state {
            State::BlockHead => self.block_head(),
            State::StoredHead => {
                // RFC 1951 §3.2.4: "Any bits of input up to the next byte boundary are ignored."
                let skip = self.count % 8;
                self.take(skip)?;
                let length = self.take(16)?;
                let complement = self.take(16)?;
                if length ^ complement != 0xffff {
                    return Err(Stop::Invalid);
                }
                self.state = State::Stored(length);
                Ok(())
            }
            State::TableHead => {
                self.literals = self.take(5)? as usize + 257;
                self.distances = self.take(5)? as usize + 1;
                self.length_codes = self.take(4)? as usize + 4;
                self.lengths = vec![0; 19];
                self.state = State::LengthCodes(0);
                Ok(())
            }
            State::LengthCodes(at) if at == self.length_codes => {
                let code = Huffman::new(&self.lengths);
                self.lengths.clear();
                self.tables = Some(Box::new(Tables { literals: code, distances: Huffman::new(&[]) }));
                self.state = State::Lengths;
                Ok(())
            }
            State::LengthCodes(at) => {
                self.lengths[ORDER[at]] = self.take(3)? as u8;
                self.state = State::LengthCodes(at + 1);
                Ok(())
            }
            State::Lengths => self.code_lengths(),
            State::Symbols => self.symbol(),
            State::Stored(_) => Ok(()),
            State::Invalid => Err(Stop::Invalid),
        }
    }

    /// RFC 7692 §7.2.1 lets a message have blocks with BFINAL: another follows all the same.
    fn block_head(&mut self) -> Result<(), Stop> {
        self.take(1)?;
        self.state = match self.take(2)? {
            0 => State::StoredHead,
            1 => {
                let mut lengths = [8_u8; 288];
                lengths[144..256].fill(9);
                lengths[256..280].fill(7);
                let distances = Huffman::new(&[5; 30]);
                self.tables = Some(Box::new(Tables { literals: Huffman::new(&lengths), distances }));
                State::Symbols
            }
            2 => State::TableHead,
            _ => return Err(Stop::Invalid),
        };
        Ok(())
    }

    fn code_lengths(&mut self) -> Result<(), Stop> {
        let wanted = self.literals + self.distances;
        if self.lengths.len() >= wanted {
            let (literals, distances) = self.lengths[..wanted].split_at(self.literals);
            let tables = Tables { literals: Huffman::new(literals), distances: Huffman::new(distances) };
            self.tables = Some(Box::new(tables));
            self.state = State::Symbols;
            return Ok(());
        }
        let (value, times) = match self.decode(|tables| &tables.literals)? {
            symbol @ 0..=15 => (symbol as u8, 1),
            16 => (*self.lengths.last().ok_or(Stop::Invalid)?, 3 + self.take(2)?),
            17 => (0, 3 + self.take(3)?),
            _ => (0, 11 + self.take(7)?),
        };
        self.lengths.extend(core::iter::repeat_n(value, times as usize));
        if self.lengths.len() > wanted { Err(Stop::Invalid) } else { Ok(()) }
    }

    fn symbol(&mut self) -> Result<(), Stop> {
        let symbol = self.decode(|tables| &tables.literals)?;
        match symbol {
            0..=255 => return Ok(()),
            256 => {
                self.state = State::BlockHead;
                return Ok(());
            }
            _ => {}
        }
        let extra = *LENGTH_EXTRA.get(usize::from(symbol) - 257).ok_or(Stop::Invalid)?;
        self.take(extra)?;
        let code = u32::from(self.decode(|tables| &tables.distances)?);
        // RFC 1951 §3.2.5: two codes for each number of extra bits, from the third pair on.
        let distance = match code {
            0..=3 => code + 1,
            4..=29 => {
                let extra = (code - 2) / 2;
                1 + ((2 + (code & 1)) << extra) + self.take(extra)?
            }
            _ => return Err(Stop::Invalid),
        };
        self.farthest = self.farthest.max(distance);
        if distance > self.window { Err(Stop::Exceeded(WindowExceeded { distance })) } else { Ok(()) }
    }

    /// Reads one symbol, bit by bit: RFC 1951 §3.2.2, codes of one length are consecutive.
    fn decode(&mut self, table: impl Fn(&Tables) -> &Huffman) -> Result<u16, Stop> {
        let tables = self.tables.take().ok_or(Stop::Invalid)?;
        let result = Self::decode_with(&mut self.bits, &mut self.count, table(&tables));
        self.tables = Some(tables);
        result
    }

    fn decode_with(bits: &mut u64, count: &mut u32, huffman: &Huffman) -> Result<u16, Stop> {
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for length in 1..16 {
            if *count < length {
                return Err(Stop::More);
            }
            code |= (*bits >> (length - 1)) as u32 & 1;
            let of_length = u32::from(huffman.counts[length as usize]);
            if code.wrapping_sub(first) < of_length {
                *bits >>= length;
                *count -= length;
                return huffman.symbols.get((index + code - first) as usize).copied().ok_or(Stop::Invalid);
            }
            index += of_length;
            first = (first + of_length) << 1;
            code <<= 1;
        }
        Err(Stop::Invalid)
    }

    fn take(&mut self, count: u32) -> Result<u32, Stop> {
        if self.count < count {
            return Err(Stop::More);
        }
        let value = self.bits & ((1 << count) - 1);
        self.drop_bits(count);
        Ok(value as u32)
    }

    const fn drop_bits(&mut self, count: u32) {
        self.bits = if count >= 64 { 0 } else { self.bits >> count };
        self.count -= count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zlib_rs::{Deflate, DeflateFlush, Status};

    /// Text in which the farthest repetition lies a known distance back.
    fn compressed(data: &[u8], level: i32, bits: u8) -> Vec<u8> {
        let mut deflate = Deflate::new(level, false, bits);
        let mut out = vec![0; data.len() * 2 + 100];
        let status = deflate.compress(data, &mut out, DeflateFlush::SyncFlush).expect("it has room");
        assert_eq!(status, Status::Ok);
        out.truncate(deflate.total_out() as usize);
        out
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 0x2545_f491_u32;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8 & 0x3f
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn a_reference_is_told_exactly_at_every_cut() {
        let mut data = noise(3000);
        data.extend_from_within(..200);
        for level in [1, 6, 9] {
            let stream = compressed(&data, level, 15);
            for cut in (1..stream.len()).step_by(13) {
                let mut check = DistanceCheck::new(12);
                check.follow(&stream[..cut]).expect("3000 is below 4096");
                check.follow(&stream[cut..]).expect("3000 is below 4096");
                assert_eq!(check.farthest(), 3000, "level {level}, cut {cut}");
            }
            let mut check = DistanceCheck::new(11);
            let exceeded = stream.chunks(1).find_map(|byte| check.follow(byte).err());
            assert!(exceeded.is_some_and(|exceeded| exceeded.distance > 2048), "level {level}");
        }
    }

    #[test]
    fn a_compressor_stays_in_its_window_also_at_8_bits() {
        let mut data = noise(300);
        for at in 0..200 {
            data.extend_from_within(at..at + 100);
        }
        for level in 1..=9 {
            // zlib has no window of 256 bytes; its window of 512 looks 250 bytes back at the most.
            for (asked, bits) in [(9, 8), (9, 9), (10, 10), (12, 12)] {
                let mut check = DistanceCheck::new(bits);
                check.follow(&compressed(&data, level, asked)).expect("it is the compressor's window");
                assert!(check.farthest() > 0);
            }
        }
    }

    #[test]
    fn stored_blocks_are_passed_over_and_noise_never_panics() {
        let mut check = DistanceCheck::new(8);
        let mut stream = b"\x00\x05\x00\xfa\xffHello".to_vec();
        stream.extend_from_slice(b"\x01\x00\x00\xff\xff");
        stream.extend(compressed(b"abcabcabcabcabcabc", 6, 15));
        for byte in stream.chunks(1) {
            check.follow(byte).expect("all is near");
        }
        assert_eq!(check.farthest(), 3);
        for seed in 0..200 {
            let bytes: Vec<u8> =
                noise(400 + seed).iter().skip(seed).map(|byte| byte.wrapping_mul(97)).collect();
            let _ = DistanceCheck::new(15).follow(&bytes);
        }
    }
}

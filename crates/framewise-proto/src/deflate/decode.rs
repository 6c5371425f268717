//! Reads a deflate stream (RFC 1951) symbol by symbol.
//!
//! A library reports whether a stream inflates, but not how far its back-references reach: within one call it treats
//! what it has just written as history, whatever window was agreed.

mod huffman;

use alloc::boxed::Box;
use alloc::vec::Vec;

use huffman::{Codes, Reading};

/// Receives the symbols of a stream.
pub trait Symbols {
    /// Why it stops the reader.
    type Fault;

    /// Literal bytes.
    fn literals(&mut self, bytes: &[u8]);

    /// A back-reference: `length` bytes, copied from `distance` bytes before.
    ///
    /// Errors: the reader stops, as it does at an invalid stream.
    fn copy(&mut self, length: u32, distance: u32) -> Result<(), Self::Fault>;
}

/// Why reading a stream stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable<F> {
    /// The stream is invalid, for this reason.
    Invalid(&'static str),
    /// [`Symbols::copy`] returned a fault.
    Fault(F),
}

/// Where a reader is, after all the bytes that it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Between two blocks, or in a block's header.
    Head,
    /// In a block.
    Block,
    /// After a block with BFINAL.
    Final,
    /// After a fault: nothing more is read.
    Broken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Stored { left: u32 },
    Symbols,
    Final,
    Broken,
}

/// Reads a deflate stream in pieces, cut at any byte.
///
/// RFC 7692 §7.2.3.4 allows blocks with BFINAL within a message; the next block begins at the next byte.
#[derive(Clone, Debug)]
pub struct Decoder {
    state: State,
    /// The current block has BFINAL.
    last: bool,
    /// Input that is not yet a complete symbol or block header.
    unread: Vec<u8>,
    /// Bits of the first byte that were read.
    used: usize,
    codes: Box<Codes>,
}

/// Why a step failed. Small, because it is part of each symbol's result.
#[derive(Clone, Copy, Debug)]
enum Stop {
    /// More input is needed.
    More,
    BlockType,
    StoredLength,
    CodesTooMany,
    CodesTooLong,
    CodesTooFew,
    LengthsTooMany,
    NothingToRepeat,
    NoEnd,
    NoSuchCode,
    NoSuchSymbol,
}

impl Stop {
    /// What is wrong with the stream; `None` if it only needs more input.
    const fn why<F>(self) -> Option<Unreadable<F>> {
        Some(Unreadable::Invalid(match self {
            Self::More => return None,
            Self::BlockType => "a block of the reserved type 3",
            Self::StoredLength => "a stored block whose two lengths disagree",
            Self::CodesTooMany => "a block that announces too many codes",
            Self::CodesTooLong => "more codes than there are bits for",
            Self::CodesTooFew => "a code that does not use all its bits",
            Self::LengthsTooMany => "more lengths than codes",
            Self::NothingToRepeat => "a repeated length with nothing before it",
            Self::NoEnd => "a block that cannot end",
            Self::NoSuchCode => "a code without a meaning",
            Self::NoSuchSymbol => "a symbol without a meaning",
        }))
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self { state: State::Head, last: false, unread: Vec::new(), used: 0, codes: Box::default() }
    }
}

impl Decoder {
    /// Where the reader is.
    pub const fn place(&self) -> Place {
        match self.state {
            State::Head => Place::Head,
            State::Stored { .. } | State::Symbols => Place::Block,
            State::Final => Place::Final,
            State::Broken => Place::Broken,
        }
    }

    /// The bytes that are not completely read: the start of a block's header or of a symbol. Also returns how many bits
    /// of the first byte were read.
    pub fn unread(&self) -> (&[u8], usize) {
        (&self.unread, self.used)
    }

    /// Begins a new stream.
    pub fn restart(&mut self) {
        self.state = State::Head;
        self.unread.clear();
        self.used = 0;
    }

    /// Stops reading the stream.
    pub fn stop(&mut self) {
        self.state = State::Broken;
        self.unread.clear();
        self.used = 0;
    }

    /// Reads the stream's next bytes.
    ///
    /// Errors: once. After that it is at [`Place::Broken`] and ignores further bytes.
    pub fn read<S: Symbols>(&mut self, bytes: &[u8], symbols: &mut S) -> Result<(), Unreadable<S::Fault>> {
        if self.state == State::Broken || bytes.is_empty() {
            return Ok(());
        }
        if self.state == State::Final {
            self.state = State::Head;
        }
        let mut joined = core::mem::take(&mut self.unread);
        let bytes = if joined.is_empty() {
            bytes
        } else {
            joined.extend_from_slice(bytes);
            &joined
        };
        let mut reading = Reading::new(bytes, self.used);
        let broken = loop {
            let step = match self.state {
                State::Head => self.head(&mut reading).map_err(Stop::why),
                State::Stored { left } => self.stored(left, &mut reading, symbols).map_err(Stop::why),
                State::Symbols => self.symbols(&mut reading, symbols),
                State::Final | State::Broken => break None,
            };
            if let Err(stop) = step {
                break stop;
            }
        };
        if let Some(broken) = broken {
            self.stop();
            return Err(broken);
        }
        let (rest, used) = reading.rest();
        self.used = used;
        if !rest.is_empty() {
            self.unread = rest.to_vec();
        }
        Ok(())
    }

    fn head(&mut self, reading: &mut Reading<'_>) -> Result<(), Stop> {
        let mark = reading.mark();
        let head = self.read_head(reading);
        if head.is_err() {
            reading.back_to(mark);
        }
        head
    }

    fn read_head(&mut self, reading: &mut Reading<'_>) -> Result<(), Stop> {
        let last = reading.bits(1)? == 1;
        self.state = match reading.bits(2)? {
            0 => State::Stored { left: reading.stored_length()? },
            1 => {
                self.codes.fix()?;
                State::Symbols
            }
            2 => {
                self.codes.read(reading)?;
                State::Symbols
            }
            _ => return Err(Stop::BlockType),
        };
        self.last = last;
        Ok(())
    }

    fn stored(
        &mut self,
        left: u32,
        reading: &mut Reading<'_>,
        symbols: &mut impl Symbols,
    ) -> Result<(), Stop> {
        if left == 0 {
            self.end_of_block(reading);
            return Ok(());
        }
        let bytes = reading.bytes(left as usize);
        if bytes.is_empty() {
            return Err(Stop::More);
        }
        symbols.literals(bytes);
        self.state = State::Stored { left: left - bytes.len() as u32 };
        Ok(())
    }

    /// Reads symbols up to the block's end. `None`: more input is needed.
    fn symbols<S: Symbols>(
        &mut self,
        reading: &mut Reading<'_>,
        symbols: &mut S,
    ) -> Result<(), Option<Unreadable<S::Fault>>> {
        loop {
            match self.codes.symbol(reading).map_err(Stop::why)? {
                huffman::Symbol::Literal(byte) => symbols.literals(&[byte]),
                huffman::Symbol::Copy { length, distance } => {
                    symbols.copy(length, distance).map_err(|fault| Some(Unreadable::Fault(fault)))?;
                }
                huffman::Symbol::End => {
                    self.end_of_block(reading);
                    return Ok(());
                }
            }
        }
    }

    fn end_of_block(&mut self, reading: &mut Reading<'_>) {
        self.state = State::Head;
        if core::mem::take(&mut self.last) {
            reading.align();
            if reading.is_empty() {
                self.state = State::Final;
            }
        }
    }
}

#[cfg(all(test, feature = "deflate"))]
mod block_tests;

#[cfg(all(test, feature = "deflate"))]
mod tests {
    use alloc::vec;

    use zlib_rs::{Deflate, DeflateFlush};

    use super::*;

    /// Collects the output of the symbols; a distance beyond its start is a fault.
    #[derive(Default)]
    pub(super) struct Inflated(pub(super) Vec<u8>);

    impl Symbols for Inflated {
        type Fault = u32;

        fn literals(&mut self, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }

        fn copy(&mut self, length: u32, distance: u32) -> Result<(), u32> {
            let from = self.0.len().checked_sub(distance as usize).ok_or(distance)?;
            for at in from..from + length as usize {
                self.0.push(self.0[at]);
            }
            Ok(())
        }
    }

    pub(super) fn read(stream: &[u8], cut: usize) -> (Vec<u8>, Result<(), Unreadable<u32>>, Place) {
        let (mut decoder, mut inflated) = (Decoder::default(), Inflated::default());
        let result = stream.chunks(cut).try_for_each(|piece| decoder.read(piece, &mut inflated));
        (inflated.0, result, decoder.place())
    }

    /// Text, noise, and runs: stored, fixed and dynamic blocks, near and far distances, short and long codes.
    fn data() -> Vec<u8> {
        let mut data = b"The quick brown fox jumps over the lazy dog. ".repeat(40);
        let mut state = 1_u32;
        for at in 0..40_000_u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // A few bytes are frequent, many are rare: codes of all lengths.
            let byte = (state >> 24).leading_zeros() as u8;
            data.push(if at % 7 == 0 { (state >> 16) as u8 } else { byte });
        }
        data.extend(vec![7; 70_000]);
        data.extend_from_within(..5000);
        data
    }

    #[test]
    fn what_zlib_compresses_is_read_cut_anywhere() {
        let data = data();
        for level in 0..=9 {
            let mut deflate = Deflate::new(level, false, 15);
            let mut stream = vec![0; data.len() + 1000];
            deflate.compress(&data, &mut stream, DeflateFlush::SyncFlush).expect("it has room");
            stream.truncate(deflate.total_out() as usize);
            for cut in [1, 7, 1000, usize::MAX] {
                let (inflated, result, place) = read(&stream, cut);
                assert_eq!((result, place), (Ok(()), Place::Head), "level {level}, cut {cut}");
                assert!(inflated == data, "level {level}, cut {cut}");
            }
            assert_eq!(read(&stream[..stream.len() / 2], 100).2, Place::Block, "level {level}");
        }
    }

    /// The byte at which zlib fails, given the stream byte by byte.
    pub(super) fn zlib_fails_at(stream: &[u8]) -> Option<usize> {
        let mut inflate = zlib_rs::Inflate::new(false, 15);
        let mut out = [0; 1000];
        let fails =
            |byte: &[u8]| inflate.decompress(byte, &mut out, zlib_rs::InflateFlush::SyncFlush).is_err();
        stream.chunks(1).position(fails)
    }

    #[test]
    fn a_code_that_is_missing_is_told_at_the_same_byte_as_by_zlib() {
        for (what, start) in [
            ("no codes for the lengths", &b"\x0d\x03\x00\x00\x00"[..]),
            ("distance 30 of a fixed block", b"\x4a\x4c\x4c\x04\x3d\x50"),
            ("no distances", b"\x0d\xc0\x05\x01\x00\x00\x00\x80\x20\x6b\xfd\xab"),
        ] {
            for rest in [0, 0x55, 0xff] {
                let mut stream = start.to_vec();
                stream.resize(60, rest);
                let (mut decoder, mut inflated) = (Decoder::default(), Inflated::default());
                let at = stream.chunks(1).position(|byte| decoder.read(byte, &mut inflated).is_err());
                assert!(at.is_some(), "{what}, {rest:02x}");
                assert_eq!(at, zlib_fails_at(&stream), "{what}, {rest:02x}");
            }
        }
    }

    #[test]
    fn what_follows_a_final_block_begins_at_the_next_byte() {
        let stream = b"\xf3\x48\xcd\xc9\xc9\x07\x00";
        for cut in [1, 7] {
            assert_eq!(read(stream, cut), (b"Hello".to_vec(), Ok(()), Place::Final));
            let twice = [stream, &stream[..], b"\x00\x00\x00\xff\xff"].concat();
            for cut in [cut, usize::MAX] {
                assert_eq!(read(&twice, cut), (b"HelloHello".to_vec(), Ok(()), Place::Head));
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_and_noise_never_panics() {
        for (stream, why) in [
            (&b"\x07"[..], "a block of the reserved type 3"),
            (b"\x00\x05\x00\x05\x00", "a stored block whose two lengths disagree"),
            (b"\xfd\xff\xff", "a block that announces too many codes"),
            (b"\x04\x00\x92\x04", "more codes than there are bits for"),
            // zlib: "invalid code lengths set".
            (b"\xd5\x30\x33\xb4\x7c\x5f\x18\x05\x44\x03", "a code that does not use all its bits"),
            (b"\x04\xc0\x81\x00\x00\x00\x00\x00\x10\xfe\xab\x01\x00\x00", "a block that cannot end"),
        ] {
            for cut in [1, usize::MAX] {
                let (_, result, place) = read(stream, cut);
                assert_eq!((result, place), (Err(Unreadable::Invalid(why)), Place::Broken), "{stream:02x?}");
            }
        }
        assert_eq!(read(b"\xf2\x00\x11\x00\x00", 1).1, Err(Unreadable::Fault(5)), "nothing is there yet");
        let noise = data().split_off(2000);
        for from in 0..2000 {
            let _ = read(&noise[from..from + 300], 1 + from % 9);
        }
    }
}

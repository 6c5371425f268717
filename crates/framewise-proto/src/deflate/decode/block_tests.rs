//! Blocks that are built bit by bit: which codes they may have, and where they end.

use alloc::vec;
use alloc::vec::Vec;

use super::tests::{read, zlib_fails_at};
use super::{Decoder, Place, Unreadable};

/// The bits of a stream.
#[derive(Clone, Default)]
struct Bits(Vec<bool>);

impl Bits {
    /// A number, from its lowest bit on.
    fn number(mut self, value: u32, count: u32) -> Self {
        self.0.extend((0..count).map(|bit| value >> bit & 1 == 1));
        self
    }

    /// A code, from its highest bit on.
    fn code(mut self, code: &str) -> Self {
        self.0.extend(code.bytes().map(|bit| bit == b'1'));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        self.0
            .chunks(8)
            .map(|bits| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit)))
            .collect()
    }

    /// The last block's head, of type 2, with this many codes of each kind; the code of each length is the length, in 4 bits.
    fn head(literals: u32, distances: u32) -> Self {
        let bits = Self::default().number(0b101, 3).number(literals - 257, 5).number(distances - 1, 5);
        let bits = bits.number(15, 4).number(0, 9);
        (0..16).fold(bits, |bits, _| bits.number(4, 3))
    }

    /// That head, and the lengths of these literals (0 to 256 or more) and distances.
    fn block(literals: &[(usize, u8)], distances: &[u8]) -> Self {
        let last = literals.iter().map(|&(symbol, _)| symbol).max().unwrap_or(256);
        let mut lengths = vec![0; last + 1];
        for &(symbol, length) in literals {
            lengths[symbol] = length;
        }
        let head = Self::head(lengths.len() as u32, distances.len() as u32);
        lengths.iter().chain(distances).fold(head, |bits, &length| bits.code(&alloc::format!("{length:04b}")))
    }
}

/// The fault of a stream: the same for every cut, at the byte where zlib fails too.
fn fails(stream: &[u8]) -> &'static str {
    let mut stream = stream.to_vec();
    stream.resize(stream.len() + 200, 0);
    let mut decoder = Decoder::default();
    let at =
        stream.chunks(1).position(|byte| decoder.read(byte, &mut super::tests::Inflated::default()).is_err());
    assert_eq!(at, zlib_fails_at(&stream));
    match [1, usize::MAX].map(|cut| read(&stream, cut).1) {
        [Err(Unreadable::Invalid(why)), Err(Unreadable::Invalid(again))] if why == again => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_code_has_all_its_bits_or_one_symbol_of_one_bit() {
    // "a" is 0, the end 10, a length of 3 is 11.
    let literals = [(97, 1), (256, 2), (257, 2)];
    for (what, stream, inflated) in [
        ("no distance", Bits::block(&[(97, 1), (256, 1)], &[0]).code("001"), &b"aa"[..]),
        ("one distance", Bits::block(&literals, &[1]).code("0110").code("10"), b"aaaa"),
        ("two distances", Bits::block(&literals, &[1, 1]).code("00111").code("10"), b"aaaaa"),
        ("one literal", Bits::block(&[(256, 1)], &[0]).code("0"), b""),
    ] {
        assert_eq!(zlib_fails_at(&stream.bytes()), None, "{what}");
        for cut in [1, usize::MAX] {
            let expected = (inflated.to_vec(), Ok(()), Place::Final);
            assert_eq!(read(&stream.bytes(), cut), expected, "{what}");
        }
    }
    for (what, stream) in [
        ("distances of one and two bits", Bits::block(&literals, &[1, 2])),
        ("one distance of two bits", Bits::block(&literals, &[2])),
        ("literals of one and two bits", Bits::block(&[(97, 1), (256, 2)], &[1])),
        ("one literal of two bits", Bits::block(&[(256, 2)], &[1])),
    ] {
        assert_eq!(fails(&stream.bytes()), "a code that does not use all its bits", "{what}");
    }
    // The other bit of a code that has one symbol.
    let stream = Bits::block(&literals, &[1]).code("0111");
    assert_eq!(fails(&stream.bytes()), "a code without a meaning");
}

#[test]
fn a_head_announces_at_most_286_literals_and_30_distances() {
    for (literals, distances, too_many) in [(286, 30, false), (287, 1, true), (257, 31, true)] {
        let stream = Bits::head(literals, distances).code("1111");
        let expected =
            if too_many { "a block that announces too many codes" } else { "a block that cannot end" };
        assert_eq!(fails(&stream.bytes()), expected, "{literals} and {distances}");
    }
}

#[test]
fn the_first_length_repeats_nothing() {
    // The code of 16 stands where that of 15 stood.
    let head = Bits::default().number(0b101, 3).number(0, 10).number(15, 4).number(4, 3).number(0, 6);
    let head = (0..16).fold(head, |bits, at| bits.number(if at == 15 { 0 } else { 4 }, 3));
    // In the order of RFC 1951 §3.2.7 the code of 15 comes last.
    assert_eq!(fails(&head.clone().code("1111").bytes()), "a repeated length with nothing before it");
}

#[test]
fn a_long_code_may_end_with_the_last_byte() {
    // Codes of 1 to 10 bits: that of the end is the second of 10.
    let mut literals: Vec<(usize, u8)> = (0..10).map(|at| (at, at as u8 + 1)).collect();
    literals.push((256, 10));
    let mut bits = Bits::block(&literals, &[0]);
    let mut expected = Vec::new();
    while !(bits.0.len() + 10).is_multiple_of(8) {
        bits = bits.code("0");
        expected.push(0);
    }
    let stream = bits.code("1111111111").bytes();
    for cut in [1, usize::MAX] {
        assert_eq!(read(&stream, cut), (expected.clone(), Ok(()), Place::Final));
    }
}

#[test]
fn what_is_not_read_to_its_end_can_be_asked_and_is_forgotten() {
    let inflated = &mut super::tests::Inflated::default();
    let mut decoder = Decoder::default();
    decoder.read(b"\xf3", inflated).expect("a block's head");
    assert_eq!((decoder.unread(), decoder.place()), ((&b"\xf3"[..], 3), Place::Block));
    decoder.restart();
    assert_eq!((decoder.unread(), decoder.place()), ((&b""[..], 0), Place::Head));
    decoder.read(b"\xf3\x48\xcd\xc9\xc9\x07\x00", inflated).expect("a stream");
    assert_eq!((&inflated.0[..], decoder.place()), (&b"Hello"[..], Place::Final));
    decoder.read(b"", inflated).expect("nothing comes");
    assert_eq!(decoder.place(), Place::Final);
    assert!(decoder.read(b"\x07", inflated).is_err());
    decoder.read(b"more", inflated).expect("it takes no notice");
    assert_eq!((decoder.unread(), decoder.place()), ((&b""[..], 0), Place::Broken));
}

//! The two algorithms, generic over [`Vector`].
//!
//! A payload starts 2 to 14 bytes after an aligned address and ends anywhere. Even so, no byte is handled alone: the last
//! register ends where the payload ends, and in a payload of eight registers or more the first register starts where the
//! payload starts and those between are aligned. The first and last overlap their neighbours, so they are loaded before
//! anything is stored: no byte is unmasked twice. Short payloads are not aligned; there alignment costs more than it saves.

use core::slice;

use crate::key::Key;
use crate::pairs;
use crate::scalar;
use crate::vector::Vector;

/// The length, in registers, from which the registers between the first and the last are aligned
const ALIGNED: usize = 8;

/// The offset of the second register, in bytes; zero if nothing has to be aligned.
#[inline(always)]
fn skip<V: Vector>(start: *const u8, len: usize) -> usize {
    if len < ALIGNED * V::LEN { 0 } else { start.addr().wrapping_neg() % V::LEN }
}

/// Unmasks `payload`, which has at least `V::LEN` bytes.
///
/// # Safety
///
/// The processor has the instructions of `V`.
#[inline(always)]
pub(crate) unsafe fn unmask<V: Vector>(payload: &mut [u8], key: Key) {
    let len = payload.len();
    assert!(len >= V::LEN);
    let start = payload.as_mut_ptr();
    let last_at = len - V::LEN;
    let mut at = skip::<V>(start, len);
    // SAFETY: the caller vouches for the instructions. The first register and the last are inside `payload`, which holds at
    // least one. Those of the loops end at `at + 4 * V::LEN` and `at + V::LEN`, which is `len` at most.
    unsafe {
        let is_skipping = at > 0;
        let last = V::load(start.add(last_at)).xor(V::splat_word(key.at(last_at).word()));
        let first = if is_skipping { V::load(start).xor(V::splat_word(key.word())) } else { last };
        let key = V::splat_word(key.at(at).word());
        // One variable and one comparison: the loop is short enough for that to show.
        let end = len.saturating_sub(4 * V::LEN - 1);
        while at < end {
            let from = start.add(at);
            let a = V::load(from).xor(key);
            let b = V::load(from.add(V::LEN)).xor(key);
            let c = V::load(from.add(2 * V::LEN)).xor(key);
            let d = V::load(from.add(3 * V::LEN)).xor(key);
            a.store(from);
            b.store(from.add(V::LEN));
            c.store(from.add(2 * V::LEN));
            d.store(from.add(3 * V::LEN));
            at += 4 * V::LEN;
        }
        while len - at > V::LEN {
            let from = start.add(at);
            V::load(from).xor(key).store(from);
            at += V::LEN;
        }
        last.store(start.add(last_at));
        if is_skipping {
            first.store(start);
        }
    }
}

/// Unmasks a payload of one to eight registers. With `ASCII`, only if it is ASCII in the clear: otherwise nothing is
/// written and the result is false.
///
/// # Safety
///
/// The processor has the instructions of `V`.
#[inline(always)]
pub(crate) unsafe fn short<V: Vector, const ASCII: bool>(payload: &mut [u8], key: Key) -> bool {
    // SAFETY: the caller vouches for the instructions; each branch checks the length.
    unsafe {
        if payload.len() > 4 * V::LEN {
            ends::<V, 4, ASCII>(payload, key)
        } else if payload.len() > 2 * V::LEN {
            ends::<V, 2, ASCII>(payload, key)
        } else {
            ends::<V, 1, ASCII>(payload, key)
        }
    }
}

/// The same for a payload of `N` to `2 * N` registers: the first `N` and the last `N`.
///
/// # Safety
///
/// As above.
#[inline(always)]
unsafe fn ends<V: Vector, const N: usize, const ASCII: bool>(payload: &mut [u8], key: Key) -> bool {
    let len = payload.len();
    assert!(len >= N * V::LEN && len <= 2 * N * V::LEN);
    let first_at = payload.as_mut_ptr();
    // SAFETY: the caller vouches for the instructions; `N` registers fit into the payload at either end.
    unsafe {
        let last_at = first_at.add(len - N * V::LEN);
        let first_key = V::splat_word(key.word());
        let last_key = V::splat_word(key.at(len).word());
        let mut first = [first_key; N];
        let mut bits = V::splat_word(0);
        for (i, register) in first.iter_mut().enumerate() {
            *register = V::load(first_at.add(i * V::LEN)).xor(first_key);
            bits = bits.or(*register);
        }
        if ASCII && !bits.is_ascii() {
            return false;
        }
        let mut last = [last_key; N];
        for (i, register) in last.iter_mut().enumerate() {
            *register = V::load(last_at.add(i * V::LEN)).xor(last_key);
            bits = bits.or(*register);
        }
        if ASCII && !bits.is_ascii() {
            return false;
        }
        for (i, register) in first.into_iter().enumerate() {
            register.store(first_at.add(i * V::LEN));
        }
        for (i, register) in last.into_iter().enumerate() {
            register.store(last_at.add(i * V::LEN));
        }
    }
    true
}

/// Validates a text that starts at a character boundary and has at least `V::LEN` bytes. With `MASKED` it also unmasks the
/// text, all of it even after a fault; otherwise it ignores `key` and writes nothing.
///
/// Returns `None` if the text is valid and ends at a character boundary. Otherwise returns how many bytes are valid, except
/// for a character that may be incomplete there: the offset of the first registers with a fault, or the length of the text.
/// The very last byte before that offset may be one that never appears in UTF-8; the caller checks the incomplete character
/// anyway ([`Utf8::settle`](crate::Utf8)).
///
/// # Safety
///
/// The processor has the instructions of `V`; `len` bytes can be read at `start` and, if `MASKED`, written.
#[inline(always)]
pub(crate) unsafe fn text<V: Vector, const MASKED: bool>(
    start: *mut u8,
    len: usize,
    key: Key,
) -> Option<usize> {
    assert!(len >= V::LEN);
    let key = if MASKED { key } else { Key::NONE };
    let last_at = len - V::LEN;
    let mut at = skip::<V>(start, len);
    // SAFETY: the caller vouches for the instructions and for the memory. The first register and the last are inside it, for
    // it is long enough for one. Those of the loops end at `at + 4 * V::LEN` and `at + V::LEN`, below `len`.
    unsafe {
        let pairs = Pairs::<V>::new();
        let mut previous = V::splat_word(0);
        let is_skipping = at > 0;
        let last = V::load(start.add(last_at)).xor(V::splat_word(key.at(last_at).word()));
        let first = if is_skipping { V::load(start).xor(V::splat_word(key.word())) } else { last };
        // Read this before anything is written over it; reading what was just written in another width is slow, too.
        let before_last = word_before(start, last_at, key);
        if is_skipping {
            if !first.is_ascii() && !pairs.faults(first, previous).is_zero() {
                if MASKED {
                    rest(start, len, 0, key);
                }
                return Some(0);
            }
            previous = V::splat_word(word_before(start, at, key));
        }
        let register_key = V::splat_word(key.at(at).word());
        while len - at > 4 * V::LEN {
            let from = start.add(at);
            let a = V::load(from).xor(register_key);
            let b = V::load(from.add(V::LEN)).xor(register_key);
            let c = V::load(from.add(2 * V::LEN)).xor(register_key);
            let d = V::load(from.add(3 * V::LEN)).xor(register_key);
            if MASKED {
                a.store(from);
                b.store(from.add(V::LEN));
                c.store(from.add(2 * V::LEN));
                d.store(from.add(3 * V::LEN));
            }
            // ASCII after ASCII is valid. ASCII after anything else may cut off an incomplete character.
            if !previous.or(a).or(b.or(c)).or(d).is_ascii() {
                let ab = pairs.faults(a, previous).or(pairs.faults(b, a));
                let cd = pairs.faults(c, b).or(pairs.faults(d, c));
                if !ab.or(cd).is_zero() {
                    if MASKED {
                        rest(start, len, at + 4 * V::LEN, key);
                        if is_skipping {
                            first.store(start);
                        }
                    }
                    return Some(at);
                }
            }
            previous = d;
            at += 4 * V::LEN;
        }
        // The rest is usually all ASCII or mostly not: test it at once, and load it again only if it is not ASCII.
        let left_at = at;
        let mut left = previous.or(last);
        while len - at > V::LEN {
            let from = start.add(at);
            let a = V::load(from).xor(register_key);
            if MASKED {
                a.store(from);
            }
            left = left.or(a);
            at += V::LEN;
        }
        if MASKED {
            last.store(start.add(last_at));
            if is_skipping {
                first.store(start);
            }
        }
        if left.is_ascii() {
            return None;
        }
        at = left_at;
        while len - at > V::LEN {
            let clear = V::load(start.add(at));
            if !pairs.faults(clear, previous).is_zero() {
                return Some(at);
            }
            previous = clear;
            at += V::LEN;
        }
        if !pairs.faults(last, V::splat_word(before_last)).is_zero() {
            return Some(at);
        }
        is_open(last.last_word()).then_some(len)
    }
}

/// Whether a valid text that ends with these four bytes (the last in the highest byte) ends inside a character: the last
/// byte leads two bytes or more, or the one before it leads three or more, or the one before that leads four. The upper
/// bits of a lead byte are two, three or four ones.
const fn is_open(end: u32) -> bool {
    let two = end & end << 1;
    let three = two & end << 2;
    let four = three & end << 3;
    two & 0x8000_0000 | three & 0x0080_0000 | four & 0x0000_8000 != 0
}

/// The four bytes before `at`, in the clear; zero for those before the text.
///
/// # Safety
///
/// `at` bytes, and at least four, can be read at `start`.
#[inline(always)]
unsafe fn word_before(start: *const u8, at: usize, key: Key) -> u32 {
    // SAFETY: the caller vouches for the memory, and both reads are inside it: `at - 4` to `at`, and 0 to 4.
    unsafe {
        if at >= 4 {
            u32::from_le(start.add(at - 4).cast::<u32>().read_unaligned()) ^ key.at(at).word()
        } else {
            let first = u32::from_le(start.cast::<u32>().read_unaligned()) ^ key.word();
            // Shifted by 32 bits if `at` is zero, which the narrower type does not allow.
            (u64::from(first) << (32 - 8 * at)) as u32
        }
    }
}

/// After a fault: unmasks the rest.
///
/// # Safety
///
/// `len` bytes can be written at `start`, and `done` is `len` at most.
#[cold]
#[inline(never)]
unsafe fn rest(start: *mut u8, len: usize, done: usize, key: Key) {
    // SAFETY: the caller vouches for the memory; nothing else refers to it.
    scalar::unmask(unsafe { slice::from_raw_parts_mut(start.add(done), len - done) }, key.at(done));
}

/// The tables of [`pairs`] in registers
struct Pairs<V> {
    first_high: V,
    first_low: V,
    second_high: V,
    low_nibbles: V,
    third: V,
    fourth: V,
    continuations: V,
}

impl<V: Vector> Pairs<V> {
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    unsafe fn new() -> Self {
        // SAFETY: the caller vouches for the instructions.
        unsafe {
            Self {
                first_high: V::table(&pairs::FIRST_HIGH),
                first_low: V::table(&pairs::FIRST_LOW),
                second_high: V::table(&pairs::SECOND_HIGH),
                low_nibbles: V::splat(0x0f),
                third: V::splat(0xe0 - pairs::CONTINUATIONS),
                fourth: V::splat(0xf0 - pairs::CONTINUATIONS),
                continuations: V::splat(pairs::CONTINUATIONS),
            }
        }
    }

    /// Marks each fault in `bytes`, which follow `previous`, with a byte that is not zero.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    #[inline(always)]
    unsafe fn faults(&self, bytes: V, previous: V) -> V {
        // SAFETY: the caller vouches for the instructions.
        unsafe {
            let first = bytes.before::<1>(previous);
            let pair = first
                .high_nibbles()
                .lookup(self.first_high)
                .and(first.and(self.low_nibbles).lookup(self.first_low))
                .and(bytes.high_nibbles().lookup(self.second_high));
            // A continuation byte follows a continuation byte only as the third byte after E0 and above, or as the
            // fourth after F0 and above. There the difference has its highest bit set.
            let third = bytes.before::<2>(previous).saturating_sub(self.third);
            let fourth = bytes.before::<3>(previous).saturating_sub(self.fourth);
            third.or(fourth).and(self.continuations).xor(pair)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_byte_without_its_last_byte_is_open() {
        let end = |bytes| is_open(u32::from_le_bytes(bytes));
        assert!(end(*b"abc\xc3") && end(*b"\xbf\xbf\xbf\xdf") && end(*b"abc\xff"));
        assert!(end(*b"ab\xe2\x82") && end(*b"ab\xf0\x9f") && !end(*b"ab\xdf\xbf"));
        assert!(end(*b"a\xf0\x9f\x98") && !end(*b"a\xef\xbf\xbf"));
        assert!(!end(*b"abcd") && !end(*b"\xf0\x9f\x98\x80") && !end(*b"\xbf\xbf\xbf\xbf"));
    }

    #[test]
    fn the_word_before_is_in_the_clear_and_zero_before_the_text() {
        let key = Key::new([1, 2, 3, 4], 0);
        let mut text = *b"abcdefgh";
        scalar::unmask(&mut text, key);
        let before = |at| {
            // SAFETY: eight bytes can be read.
            unsafe { word_before(text.as_ptr(), at, key) }.to_le_bytes()
        };
        assert_eq!(before(0), [0, 0, 0, 0]);
        assert_eq!(before(1), [0, 0, 0, b'a']);
        assert_eq!(before(3), [0, b'a', b'b', b'c']);
        assert_eq!(before(4), *b"abcd");
        assert_eq!(before(7), *b"defg");
    }
}

use core::fmt;

/// The longest header: two bytes, a 64-bit length, a masking key.
pub const MAX_HEADER: usize = 14;

/// A frame's opcode (RFC 6455 §5.2, §11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// 0: the next part of the open message.
    Continuation,
    /// 1: a text message, or its first part.
    Text,
    /// 2: a binary message, or its first part.
    Binary,
    /// 8
    Close,
    /// 9
    Ping,
    /// A
    Pong,
    /// 3 to 7, B to F: reserved, without a meaning.
    Reserved(u8),
}

impl Opcode {
    /// The opcode with these four bits.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 0x0f {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            other => Self::Reserved(other),
        }
    }

    /// The opcode's four bits.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
            Self::Reserved(bits) => bits & 0x0f,
        }
    }

    /// RFC 6455 §5.5: "Control frames are identified by opcodes where the most significant bit of the opcode is 1."
    pub const fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Continuation => f.write_str("continuation"),
            Self::Text => f.write_str("text"),
            Self::Binary => f.write_str("binary"),
            Self::Close => f.write_str("close"),
            Self::Ping => f.write_str("ping"),
            Self::Pong => f.write_str("pong"),
            Self::Reserved(bits) => write!(f, "reserved opcode {bits:X}"),
        }
    }
}

/// The form in which a header gives the payload's length (RFC 6455 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LengthForm {
    /// In the second byte itself: up to 125.
    Seven,
    /// 126, then two bytes.
    Sixteen,
    /// 127, then eight bytes.
    SixtyFour,
}

/// A frame's header as it is on the wire, valid or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The last frame of its message.
    pub fin: bool,
    /// The first reserved bit; permessage-deflate gives it a meaning.
    pub rsv1: bool,
    /// The second reserved bit.
    pub rsv2: bool,
    /// The third reserved bit.
    pub rsv3: bool,
    /// The frame's opcode.
    pub opcode: Opcode,
    /// The masking key, if the MASK bit is set.
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload, up to 2^64-1: a length with the top bit set breaks a rule, but can be encoded.
    pub length: u64,
    /// How the length is written.
    pub form: LengthForm,
}

impl Header {
    /// A header in the shortest form, as RFC 6455 §5.2 demands.
    pub const fn new(opcode: Opcode, length: u64, mask: Option<[u8; 4]>) -> Self {
        let form = match length {
            0..=125 => LengthForm::Seven,
            126..=0xffff => LengthForm::Sixteen,
            _ => LengthForm::SixtyFour,
        };
        Self { fin: true, rsv1: false, rsv2: false, rsv3: false, opcode, mask, length, form }
    }

    /// Decodes the header at the start of `bytes`; `None` as long as it is not complete.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        Self::decode_without_mask(bytes)?.with_mask_of(bytes)
    }

    /// Fills in the masking key, if the header has one, from the same bytes.
    #[inline]
    pub(crate) fn with_mask_of(mut self, bytes: &[u8]) -> Option<Self> {
        if self.mask.is_some() {
            self.mask = Some(*bytes.get(self.size() - 4..)?.first_chunk::<4>()?);
        }
        Some(self)
    }

    /// Decodes what comes before the masking key, and leaves the key zero: the rules do not look at it.
    #[inline]
    pub fn decode_without_mask(bytes: &[u8]) -> Option<Self> {
        let (start, rest) = bytes.split_first_chunk::<2>()?;
        let header = Self::of_start(*start);
        let length = match header.form {
            LengthForm::Seven => header.length,
            LengthForm::Sixteen => u64::from(u16::from_be_bytes(*rest.first_chunk::<2>()?)),
            LengthForm::SixtyFour => u64::from_be_bytes(*rest.first_chunk::<8>()?),
        };
        Some(Self { length, ..header })
    }

    /// What the first two bytes show: an extended length and the masking key are zero.
    pub(crate) const fn of_start([first, second]: [u8; 2]) -> Self {
        let (length, form) = match second & 0x7f {
            126 => (0, LengthForm::Sixteen),
            127 => (0, LengthForm::SixtyFour),
            short => (short as u64, LengthForm::Seven),
        };
        Self {
            fin: first & 0x80 != 0,
            rsv1: first & 0x40 != 0,
            rsv2: first & 0x20 != 0,
            rsv3: first & 0x10 != 0,
            opcode: Opcode::from_bits(first),
            mask: if second & 0x80 != 0 { Some([0; 4]) } else { None },
            length,
            form,
        }
    }

    /// Bytes of the header itself, 2 to 14.
    #[inline]
    pub const fn size(&self) -> usize {
        let length = match self.form {
            LengthForm::Seven => 0,
            LengthForm::Sixteen => 2,
            LengthForm::SixtyFour => 8,
        };
        2 + length + if self.mask.is_some() { 4 } else { 0 }
    }

    /// Encodes the header as it is, also an invalid one. Returns a buffer and how many of its bytes are used.
    #[inline]
    pub fn encode(&self) -> ([u8; MAX_HEADER], usize) {
        let first = u8::from(self.fin) << 7
            | u8::from(self.rsv1) << 6
            | u8::from(self.rsv2) << 5
            | u8::from(self.rsv3) << 4
            | self.opcode.bits();
        let (seven, length, mut size) = match self.form {
            LengthForm::Seven => (self.length as u8 & 0x7f, 0, 2),
            LengthForm::Sixteen => (0x7e, u64::from((self.length as u16).to_be()), 4),
            LengthForm::SixtyFour => (0x7f, self.length.to_be(), 10),
        };
        let second = u8::from(self.mask.is_some()) << 7 | seven;
        // Built in a register, lowest byte first.
        let mut bits = u128::from(first) | u128::from(second) << 8 | u128::from(length) << 16;
        if let Some(key) = self.mask {
            bits |= u128::from(u32::from_le_bytes(key)) << (8 * size);
            size += 4;
        }
        let mut bytes = [0; MAX_HEADER];
        bytes.copy_from_slice(&bits.to_le_bytes()[..MAX_HEADER]);
        (bytes, size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_at_each_length_that_changes_the_form() {
        for length in [0, 1, 125, 126, 127, 0xffff, 0x1_0000, u64::MAX >> 1, u64::MAX] {
            for mask in [None, Some([1, 2, 3, 4])] {
                let header = Header { rsv2: true, fin: false, ..Header::new(Opcode::Text, length, mask) };
                let (bytes, size) = header.encode();
                assert_eq!(size, header.size());
                assert_eq!(Header::decode(&bytes[..size]), Some(header));
                for cut in 0..size {
                    assert_eq!(Header::decode(&bytes[..cut]), None, "{length} cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn all_pairs_of_first_bytes_survive_a_round_trip() {
        for first in 0..=255 {
            for second in 0..=255 {
                let bytes = [first, second, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
                let header = Header::decode(&bytes).expect("14 bytes are enough for any header");
                let (again, size) = header.encode();
                assert_eq!(again[..size], bytes[..size]);
            }
        }
    }
}

use framewise_rules::Role;

use super::{Header, MessageKind};

/// The header of an uncompressed message of up to 65,535 bytes in one frame, valid for its sender. Nearly every header
/// is one, and a few instructions recognise it; [`super::Header`] and [`super::Sequence`] handle the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainHeader {
    /// Text or binary.
    pub kind: MessageKind,
    /// The masking key of a client's frame.
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload, up to 65,535.
    pub length: u16,
    /// Bytes of the header itself, 2 to 8.
    pub size: usize,
}

impl PlainHeader {
    /// Decodes the header at the start of `bytes`; `None` for any other, and for one that is not complete.
    #[inline]
    pub fn decode(bytes: &[u8], sender: Role) -> Option<Self> {
        if let Some(start) = bytes.first_chunk() {
            return Self::of_word(u64::from_le_bytes(*start), sender);
        }
        let mut start = [0; 8];
        start[..bytes.len()].copy_from_slice(bytes);
        Self::of_word(u64::from_le_bytes(start), sender).filter(|header| header.size <= bytes.len())
    }

    /// Decodes the header that a word begins with; its lowest byte is the first one.
    #[inline]
    fn of_word(word: u64, sender: Role) -> Option<Self> {
        // FIN is set, and no reserved bit.
        let kind = match word as u8 {
            0x81 => MessageKind::Text,
            0x82 => MessageKind::Binary,
            _ => return None,
        };
        let masked = matches!(sender, Role::Client);
        // A wrong MASK bit yields a value above 127, which matches no arm.
        let (length, size, key) = match (word >> 8) as u8 ^ (u8::from(masked) << 7) {
            short @ 0..=125 => (u16::from(short), 2, (word >> 16) as u32),
            126 => {
                let length = ((word >> 16) as u16).swap_bytes();
                if length < 126 {
                    return None;
                }
                (length, 4, (word >> 32) as u32)
            }
            _ => return None,
        };
        Some(if masked {
            Self { kind, mask: Some(key.to_le_bytes()), length, size: size + 4 }
        } else {
            Self { kind, mask: None, length, size }
        })
    }

    /// The header of a server's message of up to 65,535 bytes, in a word whose lowest byte is the first one, and its size;
    /// `None` for a longer message.
    #[inline]
    pub(crate) fn word(kind: MessageKind, length: usize) -> Option<(u64, usize)> {
        let first = match kind {
            MessageKind::Text => 0x81,
            MessageKind::Binary => 0x82,
        };
        match length {
            0..=125 => Some((first | (length as u64) << 8, 2)),
            126..=0xffff => Some((first | 126 << 8 | u64::from((length as u16).swap_bytes()) << 16, 4)),
            _ => None,
        }
    }

    /// The same header as any other one.
    pub const fn header(&self) -> Header {
        Header::new(self.kind.opcode(), self.length as u64, self.mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strictness;
    use crate::frame::{Expect, Sequence};
    use framewise_rules::{Limits, MessageKinds};

    #[test]
    fn the_word_of_a_message_is_its_header() {
        for kind in [MessageKind::Text, MessageKind::Binary] {
            for length in 0..=0xffff_usize {
                let (word, size) = PlainHeader::word(kind, length).expect("it is short enough");
                let header = Header::new(kind.opcode(), length as u64, None);
                assert_eq!(Header::decode(&word.to_le_bytes()[..size]), Some(header));
                assert_eq!(size, header.size());
            }
            assert_eq!(PlainHeader::word(kind, 0x1_0000), None);
        }
    }

    #[test]
    fn a_plain_header_is_a_header_without_a_fault() {
        let mut plain = 0;
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                for length in [[0, 0], [0, 125], [0, 126], [0xff, 0xff]] {
                    let bytes = [first, second, length[0], length[1], 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
                    let header = Header::decode(&bytes).expect("it is long enough");
                    for sender in [Role::Client, Role::Server] {
                        let Some(found) = PlainHeader::decode(&bytes, sender) else { continue };
                        plain += 1;
                        let limits = Limits::DEFAULT.frame(0x1_0000).message(0x1_0000);
                        let expect = Expect {
                            sender,
                            deflate: false,
                            limits: &limits,
                            messages: MessageKinds::All,
                            strictness: Strictness::default(),
                            now: None,
                        };
                        assert_eq!(Sequence::default().faults(&header, &expect), []);
                        assert_eq!(header, found.header());
                        assert_eq!(
                            (header.mask, header.length, header.size()),
                            (found.mask, u64::from(found.length), found.size)
                        );
                        for cut in 0..found.size {
                            assert_eq!(PlainHeader::decode(&bytes[..cut], sender), None);
                        }
                    }
                }
            }
        }
        // Of each role and kind: the short lengths, whatever follows, and two of the longer ones.
        assert_eq!(plain, 2 * 2 * (126 * 4 + 2));
    }
}

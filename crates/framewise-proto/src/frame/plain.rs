use framewise_rules::Role;

use super::MessageKind;

/// The header of an uncompressed message of up to 65,535 bytes in one frame, valid for its sender. Nearly every header
/// is one, and a few instructions recognise it; [`super::Header`] and [`super::Sequence`] handle the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlainHeader {
    pub(crate) kind: MessageKind,
    pub(crate) mask: Option<[u8; 4]>,
    /// Bytes of payload, up to 65,535.
    pub(crate) length: u16,
    /// Bytes of the header itself.
    pub(crate) size: usize,
}

impl PlainHeader {
    /// Decodes the header at the start of `bytes`; `None` for any other, and for one that is not complete.
    #[inline]
    pub(crate) fn decode(bytes: &[u8], sender: Role) -> Option<Self> {
        let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
        // FIN is set, and no reserved bit.
        let kind = match first {
            0x81 => MessageKind::Text,
            0x82 => MessageKind::Binary,
            _ => return None,
        };
        let masked = matches!(sender, Role::Client);
        // A wrong MASK bit yields a value above 127, which matches no arm.
        let (length, size) = match second ^ (u8::from(masked) << 7) {
            short @ 0..=125 => (u16::from(short), 2),
            126 => {
                let length = u16::from_be_bytes(*rest.first_chunk::<2>()?);
                if length < 126 {
                    return None;
                }
                (length, 4)
            }
            _ => return None,
        };
        if !masked {
            return Some(Self { kind, mask: None, length, size });
        }
        let mask = Some(*bytes.get(size..)?.first_chunk::<4>()?);
        Some(Self { kind, mask, length, size: size + 4 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Strictness;
    use crate::frame::{Expect, Header, Sequence};
    use framewise_rules::{Limits, MessageKinds};

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
                        assert_eq!(header.opcode, found.kind.opcode());
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

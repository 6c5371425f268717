//! Frames as bytes: right ones and wrong ones.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};

use framewise_proto::Header;
use framewise_rules::Role;
use framewise_simd::unmask;

use crate::case::{Frame, Masking};

/// Unpredictable numbers, from the seed of the standard library's hash maps: for masking keys and for the key of
/// the handshake.
#[derive(Debug)]
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }

    /// `SplitMix64`: its period is 2^64, and two numbers in a row have nothing in common that an observer would note.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn key(&mut self) -> [u8; 4] {
        (self.next() as u32).to_ne_bytes()
    }

    pub(crate) fn nonce(&mut self) -> [u8; 16] {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.next().to_ne_bytes());
        nonce[8..].copy_from_slice(&self.next().to_ne_bytes());
        nonce
    }
}

/// The state of a frame that was sent in part: its masking key, from the next byte on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unfinished(Option<[u8; 4]>);

impl Unfinished {
    /// Appends more of its payload.
    pub(crate) fn push(&mut self, out: &mut Vec<u8>, payload: &[u8]) {
        let start = out.len();
        out.extend_from_slice(payload);
        if let Some(key) = &mut self.0 {
            unmask(&mut out[start..], *key, 0);
            key.rotate_left(payload.len() % 4);
        }
    }
}

/// Appends a frame that an endpoint of this role sends. More of its payload may follow, where it claims more.
pub(crate) fn push_frame(
    out: &mut Vec<u8>,
    frame: &Frame,
    sender: Role,
    numbers: &mut Numbers,
) -> Unfinished {
    let masked = match frame.mask {
        Masking::ByRole => sender == Role::Client,
        Masking::Wrong => sender == Role::Server,
    };
    let key = masked.then(|| numbers.key());
    let mut header = Header::new(frame.opcode, frame.payload.len() as u64, key);
    header.fin = frame.fin;
    header.rsv1 = frame.rsv & 4 != 0;
    header.rsv2 = frame.rsv & 2 != 0;
    header.rsv3 = frame.rsv & 1 != 0;
    if let Some(claims) = frame.claims {
        header.form = Header::new(frame.opcode, claims, key).form;
        header.length = claims;
    }
    if let Some(form) = frame.form {
        header.form = form;
    }
    let (bytes, size) = header.encode();
    out.extend_from_slice(&bytes[..size]);
    let mut unfinished = Unfinished(key);
    unfinished.push(out, &frame.payload.bytes());
    unfinished
}

#[cfg(test)]
mod tests {
    use framewise_proto::Opcode;
    use framewise_proto::frame::LengthForm;

    use super::*;

    fn sent(frame: &Frame, sender: Role) -> Vec<u8> {
        let mut out = Vec::new();
        push_frame(&mut out, frame, sender, &mut Numbers::new());
        out
    }

    #[test]
    fn frames_are_masked_as_the_role_demands_or_the_other_way_round() {
        let frame = Frame::new(Opcode::Text, "hi");
        assert_eq!(sent(&frame, Role::Server), [0x81, 2, b'h', b'i']);
        let masked = sent(&frame, Role::Client);
        assert_eq!(masked[..2], [0x81, 0x82]);
        assert_eq!([masked[6] ^ masked[2], masked[7] ^ masked[3]], *b"hi");
        let wrong = Frame { mask: Masking::Wrong, ..frame };
        assert_eq!(sent(&wrong, Role::Client), [0x81, 2, b'h', b'i']);
        assert_eq!(sent(&wrong, Role::Server)[1], 0x82);
    }

    #[test]
    fn the_rest_of_a_payload_goes_on_with_the_key() {
        let (mut out, frame) = (Vec::new(), Frame { claims: Some(5), ..Frame::new(Opcode::Text, "Hel") });
        push_frame(&mut out, &frame, Role::Client, &mut Numbers::new()).push(&mut out, b"lo");
        let clear: Vec<u8> =
            out[6..].iter().zip(out[2..6].iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        assert_eq!(clear, b"Hello");
    }

    #[test]
    fn a_header_may_claim_another_length_in_another_form() {
        let frame = Frame { claims: Some(1 << 63), ..Frame::new(Opcode::Binary, "") };
        assert_eq!(sent(&frame, Role::Server), [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]);
        let frame = Frame { form: Some(LengthForm::Sixteen), ..Frame::new(Opcode::Binary, "a").rsv(3) };
        assert_eq!(sent(&frame, Role::Server), [0xb2, 126, 0, 1, b'a']);
    }
}

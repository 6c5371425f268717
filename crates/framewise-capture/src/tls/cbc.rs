//! Records of the CBC suites of TLS 1.2 (RFC 5246 §6.2.3.2), which old servers still choose.

use aes::{Aes128, Aes256};
use cbc::Decryptor;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use ring::hmac;

const BLOCK: usize = 16;

/// What is done first to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// RFC 5246 §6.2.3.2: the authentication code is encrypted.
    MacFirst,
    /// RFC 7366 §3: it covers what is encrypted, and follows it.
    EncryptFirst,
}

/// The keys of one direction.
#[derive(Debug)]
pub(super) struct Cbc {
    key: Box<[u8]>,
    mac: hmac::Key,
    order: Order,
}

impl Cbc {
    /// With a key of 16 or 32 bytes.
    pub(super) fn new(key: &[u8], mac: hmac::Key, order: Order) -> Self {
        Self { key: key.into(), mac, order }
    }

    /// The least that a record has beyond its plaintext: header, IV, authentication code, one byte of padding.
    pub(super) fn overhead(&self) -> u64 {
        (5 + BLOCK + self.mac_length() + 1) as u64
    }

    fn mac_length(&self) -> usize {
        self.mac.algorithm().digest_algorithm().output_len()
    }

    /// Decrypts a record's body into `plain`; `None` where it does not decrypt.
    pub(super) fn open(
        &self,
        sequence: u64,
        header: [u8; 5],
        body: &[u8],
        plain: &mut Vec<u8>,
    ) -> Option<()> {
        let sealed = match self.order {
            Order::MacFirst => body,
            Order::EncryptFirst => {
                let (sealed, mac) = body.split_at_checked(body.len().checked_sub(self.mac_length())?)?;
                self.verify(sequence, header, sealed, mac)?;
                sealed
            }
        };
        let (iv, text) = sealed.split_at_checked(BLOCK)?;
        plain.clear();
        plain.extend_from_slice(text);
        self.decrypt(iv, plain)?;
        // Each byte of the padding is its length without the last one.
        let padding = *plain.last()?;
        let end = plain.len().checked_sub(usize::from(padding) + 1)?;
        if plain[end..].iter().any(|&byte| byte != padding) {
            return None;
        }
        plain.truncate(end);
        if self.order == Order::MacFirst {
            let end = end.checked_sub(self.mac_length())?;
            let (content, mac) = plain.split_at(end);
            self.verify(sequence, header, content, mac)?;
            plain.truncate(end);
        }
        Some(())
    }

    fn decrypt(&self, iv: &[u8], text: &mut [u8]) -> Option<()> {
        match self.key.len() {
            16 => Decryptor::<Aes128>::new_from_slices(&self.key, iv)
                .ok()?
                .decrypt_padded::<NoPadding>(text)
                .ok()?,
            _ => Decryptor::<Aes256>::new_from_slices(&self.key, iv)
                .ok()?
                .decrypt_padded::<NoPadding>(text)
                .ok()?,
        };
        Some(())
    }

    /// RFC 5246 §6.2.3.1: the code covers the sequence number, the header with the length of what it covers, and that.
    fn verify(&self, sequence: u64, header: [u8; 5], covered: &[u8], mac: &[u8]) -> Option<()> {
        let length = u16::try_from(covered.len()).ok()?.to_be_bytes();
        let mut context = hmac::Context::with_key(&self.mac);
        context.update(&sequence.to_be_bytes());
        context.update(&header[..3]);
        context.update(&length);
        context.update(covered);
        (context.sign().as_ref() == mac).then_some(())
    }
}

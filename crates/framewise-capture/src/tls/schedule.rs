//! From the secrets of a key log to the keys of records.

use ring::{aead, hkdf, hmac};

use super::cbc::{Cbc, Order};
use super::hello::ServerHello;
use super::keys::{Label, Secrets};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Tls12,
    Tls13,
}

/// A cipher suite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suite {
    cipher: Cipher,
    hash: Hash,
}

#[derive(Clone, Copy, Debug)]
enum Cipher {
    Aead(&'static aead::Algorithm),
    /// AES with a key of this many bytes.
    Cbc(usize, hmac::Algorithm),
}

#[derive(Clone, Copy, Debug)]
enum Hash {
    Sha256,
    Sha384,
}

/// The suite of this number: those of TLS 1.2 and 1.3 that rustls and OpenSSL have as they are set up.
pub(super) fn suite(number: u16) -> Option<Suite> {
    let sha1 = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
    let (cipher, hash) = match number {
        // TLS_AES_128_GCM_SHA256; with RSA, DHE_RSA, ECDHE_ECDSA and ECDHE_RSA in TLS 1.2.
        0x1301 | 0x009c | 0x009e | 0xc02b | 0xc02f => (Cipher::Aead(&aead::AES_128_GCM), Hash::Sha256),
        // TLS_AES_256_GCM_SHA384 and the same.
        0x1302 | 0x009d | 0x009f | 0xc02c | 0xc030 => (Cipher::Aead(&aead::AES_256_GCM), Hash::Sha384),
        // TLS_CHACHA20_POLY1305_SHA256; with ECDHE_RSA, ECDHE_ECDSA and DHE_RSA.
        0x1303 | 0xcca8..=0xccaa => (Cipher::Aead(&aead::CHACHA20_POLY1305), Hash::Sha256),
        // AES_128_CBC_SHA with RSA, DHE_RSA, ECDHE_ECDSA and ECDHE_RSA; the same with AES_256.
        0x002f | 0x0033 | 0xc009 | 0xc013 => (Cipher::Cbc(16, sha1), Hash::Sha256),
        0x0035 | 0x0039 | 0xc00a | 0xc014 => (Cipher::Cbc(32, sha1), Hash::Sha256),
        // AES_128_CBC_SHA256 with the same; AES_256_CBC_SHA256 with RSA and DHE_RSA.
        0x003c | 0x0067 | 0xc023 | 0xc027 => (Cipher::Cbc(16, hmac::HMAC_SHA256), Hash::Sha256),
        0x003d | 0x006b => (Cipher::Cbc(32, hmac::HMAC_SHA256), Hash::Sha256),
        // AES_256_CBC_SHA384 with ECDHE_ECDSA and ECDHE_RSA.
        0xc024 | 0xc028 => (Cipher::Cbc(32, hmac::HMAC_SHA384), Hash::Sha384),
        _ => return None,
    };
    Some(Suite { cipher, hash })
}

/// What a session agreed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) version: Version,
    pub(super) suite: Suite,
    pub(super) client_random: [u8; 32],
    pub(super) server: ServerHello,
}

/// What a record costs beside its plaintext and its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nonce {
    /// RFC 8446 §5.3 and RFC 7905 §2: the sequence number and the IV, combined.
    Combined,
    /// RFC 5288 §3: four bytes of the IV, and eight at the start of the record.
    Explicit,
}

/// The key of one direction.
#[derive(Debug)]
pub(super) enum Key {
    Aead(Box<Aead>),
    Cbc(Cbc),
}

impl Key {
    /// The least that a record has beyond its plaintext, in bytes.
    pub(super) fn overhead(&self) -> u64 {
        match self {
            Self::Aead(key) => key.overhead(),
            Self::Cbc(key) => key.overhead(),
        }
    }

    /// The plaintext in this many bytes of complete records; 0 where their padding hides it.
    pub(super) fn plain(&self, bytes: u64, records: u64) -> u64 {
        match self {
            Self::Aead(key) => bytes.saturating_sub(records.saturating_mul(key.overhead())),
            Self::Cbc(_) => 0,
        }
    }

    /// Decrypts a record's body into `plain`: its type, or `None` where it does not decrypt.
    pub(super) fn open(
        &self,
        sequence: u64,
        header: [u8; 5],
        body: &[u8],
        plain: &mut Vec<u8>,
    ) -> Option<u8> {
        match self {
            Self::Aead(key) => key.open(sequence, header, body, plain),
            Self::Cbc(key) => key.open(sequence, header, body, plain).map(|()| header[0]),
        }
    }

    /// RFC 8446 §7.2: the key after a `KeyUpdate`.
    pub(super) fn update(&self) -> Option<Self> {
        match self {
            Self::Aead(key) => key.update(),
            Self::Cbc(_) => None,
        }
    }
}

/// The key of one direction, of a suite with authenticated encryption.
#[derive(Debug)]
pub(super) struct Aead {
    key: aead::LessSafeKey,
    iv: [u8; 12],
    version: Version,
    nonce: Nonce,
    /// TLS 1.3: what the next key is made of.
    secret: Option<(Suite, Box<[u8]>)>,
}

impl Aead {
    /// Bytes of a record beyond its plaintext: header, nonce, tag, and the type that TLS 1.3 hides.
    const fn overhead(&self) -> u64 {
        match (self.version, self.nonce) {
            (Version::Tls13, _) => 5 + 16 + 1,
            (Version::Tls12, Nonce::Explicit) => 5 + 8 + 16,
            (Version::Tls12, Nonce::Combined) => 5 + 16,
        }
    }

    fn open(&self, sequence: u64, header: [u8; 5], body: &[u8], plain: &mut Vec<u8>) -> Option<u8> {
        let mut nonce = self.iv;
        let text = match self.nonce {
            Nonce::Explicit => {
                nonce[4..].copy_from_slice(body.get(..8)?);
                &body[8..]
            }
            Nonce::Combined => {
                for (byte, of) in nonce[4..].iter_mut().zip(sequence.to_be_bytes()) {
                    *byte ^= of;
                }
                body
            }
        };
        plain.clear();
        plain.extend_from_slice(text);
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let [kind, major, minor, ..] = header;
        let opened = match self.version {
            Version::Tls13 => self.key.open_in_place(nonce, aead::Aad::from(header), plain),
            Version::Tls12 => {
                let length = u16::try_from(text.len().checked_sub(16)?).ok()?.to_be_bytes();
                let mut aad = [0; 13];
                aad[..8].copy_from_slice(&sequence.to_be_bytes());
                aad[8..].copy_from_slice(&[kind, major, minor, length[0], length[1]]);
                self.key.open_in_place(nonce, aead::Aad::from(aad), plain)
            }
        };
        let length = opened.ok()?.len();
        plain.truncate(length);
        match self.version {
            Version::Tls12 => Some(kind),
            Version::Tls13 => {
                // RFC 8446 §5.2: the type is the last byte that is not zero.
                let end = plain.iter().rposition(|&byte| byte != 0)?;
                let kind = plain[end];
                plain.truncate(end);
                Some(kind)
            }
        }
    }

    fn update(&self) -> Option<Key> {
        let (suite, secret) = self.secret.as_ref()?;
        let mut next = vec![0; secret.len()];
        expand(suite.hash, secret, "traffic upd", &mut next)?;
        of_secret(*suite, &next)
    }
}

impl Schedule {
    /// The key of one side's records: in its handshake, or after that.
    pub(super) fn key(&self, client: bool, handshake: bool, secrets: &Secrets) -> Option<Key> {
        let secret =
            |wanted: Label| secrets.iter().find(|(label, _)| *label == wanted).map(|(_, secret)| &**secret);
        match (self.version, client, handshake) {
            (Version::Tls12, _, true) => None,
            (Version::Tls12, client, false) => self.of_master(client, secret(Label::Master)?),
            (Version::Tls13, true, true) => of_secret(self.suite, secret(Label::ClientHandshake)?),
            (Version::Tls13, false, true) => of_secret(self.suite, secret(Label::ServerHandshake)?),
            (Version::Tls13, true, false) => of_secret(self.suite, secret(Label::ClientTraffic)?),
            (Version::Tls13, false, false) => of_secret(self.suite, secret(Label::ServerTraffic)?),
        }
    }

    /// RFC 5246 §6.3: both sides' keys, then both sides' IVs.
    fn of_master(&self, client: bool, master: &[u8]) -> Option<Key> {
        let side = usize::from(!client);
        let algorithm = match self.suite.cipher {
            Cipher::Aead(algorithm) => algorithm,
            Cipher::Cbc(key, mac) => {
                let length = mac.digest_algorithm().output_len();
                let block = self.key_block(master, 2 * (length + key));
                let order = if self.server.encrypts_first { Order::EncryptFirst } else { Order::MacFirst };
                let mac = hmac::Key::new(mac, &block[side * length..][..length]);
                return Some(Key::Cbc(Cbc::new(&block[2 * length + side * key..][..key], mac, order)));
            }
        };
        let explicit = *algorithm != aead::CHACHA20_POLY1305;
        let (key, iv) = (algorithm.key_len(), if explicit { 4 } else { 12 });
        let block = self.key_block(master, 2 * (key + iv));
        let bytes = &block[side * key..][..key];
        let mut whole = [0; 12];
        whole[..iv].copy_from_slice(&block[2 * key + side * iv..][..iv]);
        Some(Key::Aead(Box::new(Aead {
            key: aead::LessSafeKey::new(aead::UnboundKey::new(algorithm, bytes).ok()?),
            iv: whole,
            version: Version::Tls12,
            nonce: if explicit { Nonce::Explicit } else { Nonce::Combined },
            secret: None,
        })))
    }

    /// RFC 5246 §6.3
    fn key_block(&self, master: &[u8], length: usize) -> Vec<u8> {
        let mut block = vec![0; length];
        let seed = [b"key expansion", &self.server.random[..], &self.client_random].concat();
        prf(self.suite.hash, master, &seed, &mut block);
        block
    }
}

/// RFC 8446 §7.3
fn of_secret(suite: Suite, secret: &[u8]) -> Option<Key> {
    let Cipher::Aead(algorithm) = suite.cipher else { return None };
    let (mut key, mut iv) = (vec![0; algorithm.key_len()], [0; 12]);
    expand(suite.hash, secret, "key", &mut key)?;
    expand(suite.hash, secret, "iv", &mut iv)?;
    Some(Key::Aead(Box::new(Aead {
        key: aead::LessSafeKey::new(aead::UnboundKey::new(algorithm, &key).ok()?),
        iv,
        version: Version::Tls13,
        nonce: Nonce::Combined,
        secret: Some((suite, secret.into())),
    })))
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// RFC 8446 §7.1: HKDF-Expand-Label with an empty context.
fn expand(hash: Hash, secret: &[u8], label: &str, into: &mut [u8]) -> Option<()> {
    let algorithm = match hash {
        Hash::Sha256 => hkdf::HKDF_SHA256,
        Hash::Sha384 => hkdf::HKDF_SHA384,
    };
    let length = u16::try_from(into.len()).ok()?.to_be_bytes();
    let name = ["tls13 ", label].concat();
    let size = [u8::try_from(name.len()).ok()?];
    let info = [&length[..], &size, name.as_bytes(), &[0]];
    let secret = hkdf::Prk::new_less_safe(algorithm, secret);
    secret.expand(&info, Length(into.len())).ok()?.fill(into).ok()
}

/// RFC 5246 §5: `P_hash`.
fn prf(hash: Hash, secret: &[u8], seed: &[u8], into: &mut [u8]) {
    let algorithm = match hash {
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha384 => hmac::HMAC_SHA384,
    };
    let key = hmac::Key::new(algorithm, secret);
    let mut a = hmac::sign(&key, seed);
    let mut at = 0;
    while at < into.len() {
        let block = hmac::sign(&key, &[a.as_ref(), seed].concat());
        let length = block.as_ref().len().min(into.len() - at);
        into[at..at + length].copy_from_slice(&block.as_ref()[..length]);
        at += length;
        a = hmac::sign(&key, a.as_ref());
    }
}

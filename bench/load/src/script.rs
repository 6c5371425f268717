//! The frames that every connection sends, masked in advance, in a loop.

use bench_common::cell::{Cell, Kind};
use bench_common::payload;
use flate2::{Compress, Compression, FlushCompress};

/// The number of different messages with deflate: a window full of copies of one message would compress too well.
const VARIETY: usize = 64;

pub struct Script {
    /// All frames, twice: any run of them as long as the script is one slice.
    pub bytes: Vec<u8>,
    /// Where each frame of `bytes` starts, and the end.
    pub offsets: Vec<usize>,
    /// The messages in their order; only one where all are the same.
    pub payloads: Vec<Vec<u8>>,
    pub opcode: u8,
}

impl Script {
    pub fn new(cell: Cell, deflate: bool) -> Self {
        let variety = if cell.kind == Kind::Json { VARIETY } else { 1 };
        let payloads: Vec<Vec<u8>> =
            (0..variety).map(|number| payload::message(cell.kind, cell.bytes, number)).collect();
        // The second half is the first again, byte for byte, so that a reader of it may go back by half.
        let frames = cell.in_flight.next_multiple_of(variety);
        let mut script = Self { bytes: Vec::new(), offsets: vec![0], payloads, opcode: cell.kind.opcode() };
        for number in 0..frames * 2 {
            let payload = &script.payloads[number % script.payloads.len()];
            let (payload, flags) = if deflate { (compress(payload), 0xc0) } else { (payload.clone(), 0x80) };
            let key = ((number % frames) as u32 + 1).wrapping_mul(0x9e37_79b9).to_le_bytes();
            frame(flags | script.opcode, &payload, key, &mut script.bytes);
            script.offsets.push(script.bytes.len());
        }
        script
    }

    /// The number of frames before the script repeats.
    pub fn frames(&self) -> usize {
        (self.offsets.len() - 1) / 2
    }

    /// The header that an uncompressed echo starts with.
    pub fn echo_header(&self) -> Vec<u8> {
        let mut header = Vec::new();
        put_header(0x80 | self.opcode, 0, self.payloads[0].len(), &mut header);
        header
    }
}

fn frame(first: u8, payload: &[u8], key: [u8; 4], out: &mut Vec<u8>) {
    put_header(first, 0x80, payload.len(), out);
    out.extend_from_slice(&key);
    out.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ key[index % 4]));
}

fn put_header(first: u8, masked: u8, length: usize, out: &mut Vec<u8>) {
    out.push(first);
    match length {
        0..=125 => out.push(masked | length as u8),
        126..=0xffff => {
            out.push(masked | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// Compresses as in RFC 7692 §7.2.1: a flushed stream without its last four bytes. It does not refer to earlier messages,
/// which is valid with and without context takeover.
fn compress(payload: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::new(6), false);
    let mut out = Vec::with_capacity(payload.len() + 64);
    compress.compress_vec(payload, &mut out, FlushCompress::Sync).expect("level 6 of a fresh stream");
    assert!(out.ends_with(&[0, 0, 0xff, 0xff]), "there was room for all of it");
    out.truncate(out.len() - 4);
    out
}

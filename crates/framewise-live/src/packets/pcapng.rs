//! Blocks of a pcapng file (draft-ietf-opsawg-pcapng), in the byte order of this program: little-endian.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::flow::Segment;

/// `LINKTYPE_RAW`: an IP packet without anything around it.
const RAW: u16 = 101;
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
const SECRETS: u32 = 10;
/// "TLSK": a key log as NSS writes it.
const TLS_KEY_LOG: u32 = 0x544c_534b;
const COMMENT: u16 = 1;
const PROGRAM: u16 = 4;

/// The blocks at the start of a file.
pub(super) fn start(about: &str) -> Vec<u8> {
    let mut section = Vec::new();
    section.extend(0x1a2b_3c4d_u32.to_le_bytes());
    section.extend([1, 0, 0, 0]);
    // The length of the section is not known.
    section.extend(u64::MAX.to_le_bytes());
    option(&mut section, COMMENT, about.as_bytes());
    option(&mut section, PROGRAM, b"framewise");
    section.extend([0; 4]);
    let mut interface = Vec::new();
    interface.extend(RAW.to_le_bytes());
    interface.extend([0; 2]);
    // No limit on the length of a packet.
    interface.extend(0_u32.to_le_bytes());
    [block(SECTION, &section), block(INTERFACE, &interface)].concat()
}

/// Lines of a key log.
pub(super) fn secrets(lines: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(lines.len() + 8);
    body.extend(TLS_KEY_LOG.to_le_bytes());
    body.extend(length(lines.len()));
    body.extend(lines.as_bytes());
    block(SECRETS, &body)
}

/// A packet.
pub(super) fn packet(time: SystemTime, segment: &Segment) -> Vec<u8> {
    let packet = segment.packet();
    let micros = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_micros() as u64;
    let mut body = Vec::with_capacity(packet.len() + 20);
    body.extend(0_u32.to_le_bytes());
    body.extend(((micros >> 32) as u32).to_le_bytes());
    body.extend((micros as u32).to_le_bytes());
    body.extend(length(packet.len()));
    body.extend(length(packet.len()));
    body.extend(packet);
    block(PACKET, &body)
}

/// The bytes of the blocks that are complete, of which the last one may be cut.
pub(super) fn whole(bytes: &[u8]) -> usize {
    let mut whole = 0;
    while let Some(total) = bytes[whole..].get(4..8) {
        // Every block here was made by `block`, so that its length is never 0.
        let next = whole + u32::from_le_bytes([total[0], total[1], total[2], total[3]]) as usize;
        if next > bytes.len() {
            break;
        }
        whole = next;
    }
    whole
}

fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(1000)];
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    body.extend(value);
    pad(body);
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let total = length(body.len().next_multiple_of(4) + 12);
    let mut block = Vec::with_capacity(body.len() + 16);
    block.extend(kind.to_le_bytes());
    block.extend(total);
    block.extend(body);
    pad(&mut block);
    block.extend(total);
    block
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_blocks_that_were_cut_the_whole_ones_stay() {
        let (first, second) = (block(SECRETS, b"abc"), block(PACKET, b"defghijk"));
        let both = [first.clone(), second].concat();
        for size in 0..=both.len() {
            let due = if size == both.len() {
                size
            } else if size < first.len() {
                0
            } else {
                first.len()
            };
            assert_eq!(whole(&both[..size]), due, "{size}");
        }
    }
}

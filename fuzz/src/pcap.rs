//! Packet captures: any bytes give connections or an error, and an error or a note names a place within the file; cut in two,
//! a capture is read as far as it goes.

use framewise_capture::{Diagnoses, Format, Options, Sink, Transcripts, read};

/// The properties.
pub fn check(data: &[u8]) {
    let options = Options { format: Some(Format::Capture), ..Options::default() };
    holds(&|sink| read(data, &options, sink).is_ok());
}

/// What holds for whatever reads packets: legs that exist, numbers that count up, a report for each connection.
pub(crate) fn holds(read: &dyn Fn(&mut dyn Sink) -> bool) {
    let mut transcripts = Transcripts::default();
    if !read(&mut transcripts) {
        return;
    }
    let mut numbers = Vec::new();
    for (about, transcript) in transcripts.into_connections() {
        assert!(!about.legs.is_empty(), "{about:?}");
        assert!(transcript.events.iter().all(|event| event.leg < about.legs.len()), "{about:?}");
        numbers.push(about.number);
        crate::transcript::round_trip(transcript, "a capture");
    }
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
    let mut count = 0;
    read(&mut Diagnoses::new(|_| count += 1));
    assert_eq!(count, numbers.len(), "each connection has its report");
}

/// Captures of the examples' streams: raw IP, a segment each.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (role, _, stream) in crate::seeds::streams().into_iter().step_by(16) {
        let mut file = Vec::new();
        for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 101] {
            file.extend_from_slice(&u32::to_le_bytes(word));
        }
        let client = role == framewise_rules::Role::Client;
        let (from, to) = if client { (40_000, 80) } else { (80, 40_000) };
        let mut number = 1_u32;
        for piece in stream.chunks(64) {
            let length = 40 + piece.len() as u32;
            for word in [1, 0, length, length] {
                file.extend_from_slice(&u32::to_le_bytes(word));
            }
            let total = (length as u16).to_be_bytes();
            file.extend_from_slice(&[
                0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1,
            ]);
            file.extend_from_slice(&u16::to_be_bytes(from));
            file.extend_from_slice(&u16::to_be_bytes(to));
            file.extend_from_slice(&number.to_be_bytes());
            file.extend_from_slice(&[0, 0, 0, 1, 0x50, 0x18, 0, 0, 0, 0, 0, 0]);
            file.extend_from_slice(piece);
            number += piece.len() as u32;
        }
        seeds.push(file);
    }
    seeds
}

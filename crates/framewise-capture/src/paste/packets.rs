//! Packets that a text holds.

use std::time::Duration;

use super::Found;
use crate::note::{Note, Notes};
use crate::pcap::{Flows, Pick, Segment, link};
use crate::plural;
use crate::sink::Transcripts;

/// The link type of bytes that are a packet of TCP, by what their headers are.
pub(crate) fn as_packet(bytes: &[u8]) -> Option<u16> {
    [101, 1, 113, 276, 0].into_iter().find(|&link| {
        packet(Duration::ZERO, link, bytes).is_some_and(|segment| {
            // By chance, a payload may look like an address.
            segment.length as usize == segment.payload.len() || segment.payload.is_empty()
        })
    })
}

/// The segment of a packet.
pub(crate) fn packet(time: Duration, link: u16, bytes: &[u8]) -> Option<Segment<'_>> {
    let segment = link::segment(time, link, bytes).ok()?;
    (segment.source.port() != 0 && segment.target.port() != 0).then_some(segment)
}

/// The connection that a packet belongs to.
pub(crate) fn of_packet(link: u16, bytes: &[u8], notes: &mut Notes) -> Vec<Found> {
    from_segments(packet(Duration::ZERO, link, bytes).into_iter(), notes)
}

/// The connections that packets make.
pub(super) fn connections(packets: &[(Duration, u16, Vec<u8>)], notes: &mut Notes) -> Vec<Found> {
    let segments = packets.iter().filter_map(|(time, link, bytes)| packet(*time, *link, bytes));
    from_segments(segments, notes)
}

/// The connections that segments make. A few of them may be all there is: then they are taken for what they carry.
pub(crate) fn from_segments<'b>(
    segments: impl Iterator<Item = Segment<'b>>,
    notes: &mut Notes,
) -> Vec<Found> {
    let mut flows = Flows::new(Pick::default());
    let mut sink = Transcripts::default();
    let mut kept = Vec::new();
    for segment in segments {
        if kept.len() < 64 {
            kept.push(segment);
        }
        flows.segment(&segment, &mut sink);
    }
    flows.finish(&mut sink);
    let found = sink.into_connections();
    if found.is_empty() && kept.iter().any(|segment| !segment.payload.is_empty()) {
        // Too little to tell what it is: the one connection that was pasted is meant.
        let mut flows = Flows::new(Pick { client: None, stream: Some(0) });
        let mut sink = Transcripts::default();
        for segment in &kept {
            flows.segment(segment, &mut sink);
        }
        flows.finish(&mut sink);
        let found = sink.into_connections();
        if !found.is_empty() {
            notes.push(Note::Guess("the packets are of a WebSocket; they are too few to tell".to_owned()));
        }
        return found;
    }
    if flows.ignored().others.values().sum::<u64>() > 0 {
        notes.push(Note::Skipped(plural(flows.ignored().others.values().sum(), "other TCP connection")));
    }
    found
}

//! `tshark -T json`, `-T jsonraw` and `-T json -x`: packets.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::Value;

use super::text;
use crate::builder::seconds;
use crate::note::{Note, Notes};
use crate::paste::{Found, as_packet, from_segments, packet, pairs};
use crate::pcap::Segment;
use crate::plural;

/// A packet's fields, with its payload.
struct Fields {
    segment: Segment<'static>,
    payload: Vec<u8>,
}

/// The connections that the packets make: of their bytes where these are there, of tshark's fields elsewhere.
pub(super) fn read(values: &[Value], notes: &mut Notes) -> Vec<Found> {
    let layers: Vec<&Value> = values.iter().filter_map(|value| value.pointer("/_source/layers")).collect();
    let raw: Vec<(Duration, Vec<u8>)> = layers.iter().filter_map(|layers| raw(layers)).collect();
    let fields: Vec<Fields> = layers.iter().filter_map(|layers| fields(layers)).collect();
    notes.push(Note::Read(format!("{} of tshark", plural(layers.len() as u64, "packet"))));
    if fields.len() < raw.len() {
        let segments = raw.iter().filter_map(|(time, bytes)| packet(*time, as_packet(bytes)?, bytes));
        return from_segments(segments, notes);
    }
    from_segments(fields.iter().map(|fields| Segment { payload: &fields.payload, ..fields.segment }), notes)
}

fn raw(layers: &Value) -> Option<(Duration, Vec<u8>)> {
    let hex = layers.get("frame_raw")?.get(0)?.as_str()?;
    Some((time(layers), pairs(hex, usize::MAX).0))
}

fn time(layers: &Value) -> Duration {
    let epoch = layers.get("frame").and_then(|frame| text(frame, "frame.time_epoch"));
    epoch.and_then(|epoch| epoch.parse::<f64>().ok()).and_then(seconds).unwrap_or_default()
}

fn fields(layers: &Value) -> Option<Fields> {
    let tcp = layers.get("tcp")?;
    let number = |name: &str| text(tcp, name).and_then(|value| value.parse::<u32>().ok());
    let port = |name: &str| text(tcp, name).and_then(|value| value.parse::<u16>().ok());
    let address = |which: &str| -> Option<IpAddr> {
        let (ip, name) = match layers.get("ip") {
            Some(ip) => (ip, format!("ip.{which}")),
            None => (layers.get("ipv6")?, format!("ipv6.{which}")),
        };
        text(ip, &name)?.parse().ok()
    };
    let flags = text(tcp, "tcp.flags")?.trim_start_matches("0x");
    let flags = u16::from_str_radix(flags, 16).ok()?;
    let payload: Vec<u8> = text(tcp, "tcp.payload")
        .unwrap_or_default()
        .split(':')
        .filter_map(|pair| u8::from_str_radix(pair, 16).ok())
        .collect();
    let segment = Segment {
        time: time(layers),
        source: SocketAddr::new(address("src")?, port("tcp.srcport")?),
        target: SocketAddr::new(address("dst")?, port("tcp.dstport")?),
        number: number("tcp.seq_raw").or_else(|| number("tcp.seq"))?,
        acknowledged: (flags & 0x10 != 0).then_some(number("tcp.ack_raw").or_else(|| number("tcp.ack"))?),
        syn: flags & 0x02 != 0,
        fin: flags & 0x01 != 0,
        reset: flags & 0x04 != 0,
        payload: &[],
        length: number("tcp.len")?,
    };
    Some(Fields { segment, payload })
}

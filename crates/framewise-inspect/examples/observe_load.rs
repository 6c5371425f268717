//! A fixed load on the observer, for counting instructions: `observe_load KIND SIZE SHOWN FRAMES` observes that many masked
//! frames of a client, in reads of up to 16 KiB as a proxy makes them. Frames are `shown` (polled) or `hidden`, or messages are
//! `compared` with those of another leg. The test `instructions` counts it.
//! It prints the nanoseconds of a frame and the megabytes of a second as well: they depend on the machine.

use std::env;
use std::time::{Duration, Instant};

use framewise_inspect::{Endpoints, Observer};
use framewise_proto::{Header, Opcode};
use framewise_rules::Role;

/// Bytes of a read.
const READ: usize = 16 * 1024;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [kind, size, shown, frames] = &arguments[..] else {
        return Err("usage: observe_load ascii|text|binary SIZE shown|hidden|compared FRAMES".into());
    };
    let (size, frames): (usize, u64) = (size.parse()?, frames.parse()?);
    let (sample, opcode) = match kind.as_str() {
        "ascii" => ("Hello, world! ", Opcode::Text),
        "text" => ("Grüße, 世界. ", Opcode::Text),
        "binary" => ("Grüße, 世界. ", Opcode::Binary),
        other => return Err(format!("unknown kind {other}").into()),
    };

    // Keys without a pattern, so that there is nothing to report: as many frames as fill some reads.
    let mut stream = Vec::new();
    let mut key = 0x9e37_79b9_u32;
    let mut in_stream = 0;
    while stream.len() < 4 * READ || in_stream < 4 {
        key = key.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
        let mask = key.to_be_bytes();
        let (header, length) = Header::new(opcode, size as u64, Some(mask)).encode();
        stream.extend_from_slice(&header[..length]);
        let start = stream.len();
        stream.extend_from_slice(text(sample, size).as_bytes());
        framewise_simd::unmask(&mut stream[start..], mask, 0);
        in_stream += 1;
    }

    let observer = Observer::new(Endpoints::UNKNOWN);
    let mut observer = match shown.as_str() {
        "shown" => observer,
        "hidden" => observer.without_frames(),
        "compared" => observer.without_frames().with_several_legs(),
        other => return Err(format!("frames cannot be {other}").into()),
    };
    let leg = observer.leg("client-server");
    observer.open(leg, "");
    let (mut observed, mut seen, mut bytes) = (0, 0_u64, 0);
    let start = Instant::now();
    while observed < frames {
        for read in stream.chunks(READ) {
            observer.bytes(leg, Role::Client, Some(Duration::ZERO), read);
            while observer.poll_observed().is_some() {
                seen += 1;
            }
        }
        observed += in_stream;
        bytes += stream.len();
    }
    let took = start.elapsed().as_nanos();
    if shown == "shown" && seen != observed {
        return Err(format!("{seen} frames were seen of {observed}").into());
    }
    println!(
        "{observed} frames, {} ns each, {} MB/s",
        took / u128::from(observed),
        bytes as u128 * 1000 / took
    );
    Ok(())
}

/// So many bytes of text.
fn text(sample: &str, size: usize) -> String {
    let mut text = String::with_capacity(size);
    for next in sample.chars().cycle() {
        if text.len() == size {
            break;
        }
        // The last bytes are whatever fits.
        text.push(if text.len() + next.len_utf8() <= size { next } else { 'x' });
    }
    text
}

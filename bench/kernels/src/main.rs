//! Measures the kernels of `framewise-simd` and prints Markdown tables. `cargo run --release -p bench-kernels`
//!
//! With `backends`, also each backend of this machine; with a number, that many rounds.
//!
//! The contenders of a row take turns, and each figure is the median over the rounds: a busy machine affects all of them.
//! GB/s are computed from the CPU time of the thread, which other processes affect less than the wall clock; both totals are
//! printed at the end.

mod measure;
mod texts;

use std::env;
use std::hint::black_box;

use framewise_simd::{Utf8, backends, unmask};
use measure::{Contender, Row, Totals, measure};
use texts::{Slots, TEXTS};

const SIZES: [usize; 6] = [16, 64, 128, 1 << 10, 16 << 10, 1 << 20];

fn main() {
    let mut rounds = 101;
    let mut each = false;
    for argument in env::args().skip(1) {
        if argument == "backends" {
            each = true;
        } else if let Ok(number) = argument.parse() {
            rounds = number;
        } else {
            eprintln!("usage: bench-kernels [backends] [rounds]");
            return;
        }
    }
    println!(
        "Backends: {:?}; {rounds} rounds; payloads 6 bytes past a 64-byte boundary.\n",
        backends().collect::<Vec<_>>()
    );
    let mut totals = Totals::default();
    totals.add(masking(rounds, each));
    totals.add(text(rounds, each));
    println!("{totals}");
}

/// Unmasking, compared with its upper bound and with the obvious implementation.
fn masking(rounds: usize, each: bool) -> Vec<Row> {
    let key = key();
    let mut rows = Vec::new();
    for size in SIZES {
        let mut contenders = vec![
            Contender::new("unmask", move |payload, _| unmask(payload, key, 0)),
            Contender::new("memcpy", |payload, copy| copy.copy_from_slice(payload)),
            Contender::new("8-byte loop", move |payload, _| eight_bytes(payload, key)),
        ];
        if each {
            contenders.extend(backends().map(|backend| {
                Contender::new(&format!("{backend:?}"), move |payload, _| backend.unmask(payload, key, 0))
            }));
        }
        let slots = Slots::new(TEXTS[0].1, size);
        rows.push(measure("", size, slots, rounds, &contenders));
    }
    println!("## Unmask, GB/s\n");
    measure::print(&rows);
    rows
}

/// Unmasking and validating in one pass, compared with two passes; both use our unmasking.
fn text(rounds: usize, each: bool) -> Vec<Row> {
    let key = key();
    let mut rows = Vec::new();
    for (name, text) in TEXTS {
        for size in SIZES {
            let mut contenders = vec![
                Contender::new("one pass", move |payload, _| {
                    let mut text = Utf8::new();
                    let answer = text.unmask_and_validate(payload, key, 0);
                    assert!(answer.is_ok() && text.is_boundary());
                }),
                Contender::new("unmask, simdutf8", move |payload, _| {
                    unmask(payload, key, 0);
                    assert!(simdutf8::basic::from_utf8(payload).is_ok());
                }),
                Contender::new("unmask, std", move |payload, _| {
                    unmask(payload, key, 0);
                    assert!(std::str::from_utf8(payload).is_ok());
                }),
            ];
            if each {
                contenders.extend(backends().map(|backend| {
                    Contender::new(&format!("{backend:?}"), move |payload, _| {
                        let answer = backend.unmask_and_validate(&mut Utf8::new(), payload, key, 0);
                        assert!(answer.is_ok());
                    })
                }));
            }
            rows.push(measure(name, size, Slots::new(text, size), rounds, &contenders));
        }
    }
    println!("\n## Unmask and validate, GB/s\n");
    measure::print(&rows);
    rows
}

/// A key of zeros: the payload stays valid text however often it is unmasked. The kernels do not treat it specially.
fn key() -> [u8; 4] {
    black_box([0; 4])
}

/// The obvious implementation
fn eight_bytes(payload: &mut [u8], [a, b, c, d]: [u8; 4]) {
    let key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut words = payload.chunks_exact_mut(8);
    for word in &mut words {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(word);
        word.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ key).to_ne_bytes());
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(key.to_ne_bytes()) {
        *byte ^= key;
    }
}

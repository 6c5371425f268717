//! Compares the validation of each backend of this machine with `std`: the same verdict, exact offset and fault, and the same
//! incomplete character at the end; with and without masking.

mod common;

use common::{FAULTS, KEY, Random, TEXTS, expected, masked, repeated};
use framewise_simd::{Backend, Utf8, Utf8Error, backends};

/// Both ways to validate a text in one piece.
#[track_caller]
fn check(backend: Backend, bytes: &[u8], phase: usize, expected: Result<usize, Utf8Error>) {
    let mut text = Utf8::new();
    let answer = backend.validate(&mut text, bytes);
    assert_eq!(answer.map(|()| text.open()), expected, "{backend:?}, {bytes:02x?}");
    assert_eq!(text.is_boundary(), text.open() == 0);

    let mut payload = masked(bytes, KEY, phase);
    let mut text = Utf8::new();
    let answer = backend.unmask_and_validate(&mut text, &mut payload, KEY, phase);
    assert_eq!(answer.map(|()| text.open()), expected, "{backend:?}, masked, phase {phase}, {bytes:02x?}");
    assert_eq!(payload, bytes, "{backend:?}, phase {phase}: not unmasked");
}

#[test]
fn each_length() {
    for text in TEXTS {
        for len in 0..=300 {
            let bytes = repeated(text, len);
            let expected = expected(&bytes);
            assert!(expected.is_ok());
            for backend in backends() {
                check(backend, &bytes, len, expected);
            }
        }
    }
}

#[test]
fn each_alignment() {
    for text in TEXTS {
        for len in [1, 15, 16, 17, 31, 33, 63, 64, 65, 66, 67, 127, 131, 200] {
            let bytes = repeated(text, len);
            let expected = expected(&bytes);
            for offset in 0..64 {
                let mut buffer = [0x80; 64 + 200 + 64];
                let place = offset..offset + len;
                for backend in backends() {
                    buffer[place.clone()].copy_from_slice(&bytes);
                    let mut text = Utf8::new();
                    let answer = backend.validate(&mut text, &buffer[place.clone()]);
                    assert_eq!(answer.map(|()| text.open()), expected, "{backend:?}, {len} at {offset}");

                    buffer[place.clone()].copy_from_slice(&masked(&bytes, KEY, offset));
                    let mut text = Utf8::new();
                    let answer =
                        backend.unmask_and_validate(&mut text, &mut buffer[place.clone()], KEY, offset);
                    assert_eq!(answer.map(|()| text.open()), expected, "{backend:?}, {len} at {offset}");
                    assert_eq!(buffer[place.clone()], bytes);
                }
                buffer[place].fill(0x80);
                assert_eq!(buffer, [0x80; 328], "length {len} at {offset}: beyond the payload");
            }
        }
    }
}

#[test]
fn each_pair_of_bytes_over_each_border() {
    for first in 0..=255 {
        for second in 0..=255 {
            let pair = expected(&[first, second, b'a']);
            for border in [16, 32, 64, 128] {
                let mut bytes = [b'a'; 150];
                bytes[border - 1..=border].copy_from_slice(&[first, second]);
                let expected = match pair {
                    Ok(_) => Ok(0),
                    Err(error) => Err(Utf8Error { offset: error.offset + border - 1, ..error }),
                };
                for backend in backends() {
                    let mut text = Utf8::new();
                    let answer = backend.validate(&mut text, &bytes[..border + 20]);
                    assert_eq!(
                        answer.map(|()| text.open()),
                        expected,
                        "{backend:?}, {border}: {first:02x} {second:02x}"
                    );
                }
            }
        }
    }
}

#[test]
fn each_pair_of_bytes_at_the_end() {
    for first in 0..=255 {
        for second in 0..=255 {
            let pair = expected(&[first, second]);
            for len in [17, 32, 64, 67] {
                let mut bytes = [b'a'; 67];
                bytes[len - 2..len].copy_from_slice(&[first, second]);
                let expected = match pair {
                    Ok(open) => Ok(open),
                    Err(error) => Err(Utf8Error { offset: error.offset + len - 2, ..error }),
                };
                for backend in backends() {
                    let mut text = Utf8::new();
                    let answer = backend.validate(&mut text, &bytes[..len]);
                    assert_eq!(
                        answer.map(|()| text.open()),
                        expected,
                        "{backend:?}, {len}: {first:02x} {second:02x}"
                    );
                }
            }
        }
    }
}

#[test]
fn each_fault_at_each_position() {
    for fault in FAULTS {
        for text in [TEXTS[0], TEXTS[3]] {
            for at in 0..140 {
                // After complete characters, and before others.
                let mut bytes: Vec<u8> = repeated(text, at);
                let open = expected(&bytes).unwrap();
                let end = bytes.len();
                bytes[end - open..].fill(b'-');
                bytes.extend_from_slice(fault);
                let error = expected(&bytes).unwrap_err();
                assert_eq!(error.offset, bytes.len() - 1);
                for backend in backends() {
                    // Validation fails fast: the bytes after the fault are not needed.
                    check(backend, &bytes, at, Err(error));
                }
                for more in [1, 40, 150] {
                    let mut longer = bytes.clone();
                    longer.extend_from_slice(&repeated(TEXTS[1], more));
                    for backend in backends() {
                        check(backend, &longer, at, Err(error));
                    }
                }
            }
        }
    }
}

#[test]
fn each_fault_in_whole_registers() {
    for fault in FAULTS {
        for len in [32, 64, 128, 192] {
            for at in 0..=len - fault.len() {
                let mut bytes = vec![b'a'; len];
                bytes[at..at + fault.len()].copy_from_slice(fault);
                let error = expected(&bytes).unwrap_err();
                assert_eq!(error.offset, at + fault.len() - 1);
                for backend in backends() {
                    check(backend, &bytes, 0, Err(error));
                }
            }
        }
    }
}

#[test]
fn random_bytes_and_random_damage() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..6_000 {
        let len = random.below(400);
        let mut bytes = Vec::with_capacity(len + 80);
        while bytes.len() < len {
            match random.below(20) {
                0 => bytes.extend_from_slice(FAULTS[random.below(FAULTS.len())]),
                1 => bytes.push(random.number() as u8),
                _ => {
                    let characters: Vec<char> = TEXTS[random.below(TEXTS.len())].chars().collect();
                    let from = random.below(characters.len());
                    bytes.extend(characters[from..].iter().take(12).collect::<String>().bytes());
                }
            }
        }
        bytes.truncate(len);
        let expected = expected(&bytes);
        for backend in backends() {
            check(backend, &bytes, len, expected);
        }
    }
}

#[test]
fn a_fault_deep_in_a_long_text() {
    let mut bytes = repeated(TEXTS[2], 300_000);
    bytes.truncate(str::from_utf8(&bytes).map_or_else(|error| error.valid_up_to(), str::len));
    for at in [70_000, 131_071, 250_001] {
        let mut damaged = bytes.clone();
        damaged[at] = 0xff;
        let expected = expected(&damaged);
        assert!(expected.is_err());
        for backend in backends() {
            check(backend, &damaged, 1, expected);
        }
    }
}

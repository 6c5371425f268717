//! A text in pieces: the result does not depend on where it is cut.

mod common;

use common::{FAULTS, KEY, Random, TEXTS, expected, masked, repeated};
use framewise_simd::{Backend, Utf8, Utf8Error, backends};

/// Validates the pieces of one payload, masked if `MASKED`. The offset is that in the complete payload.
fn in_pieces<const MASKED: bool>(backend: Backend, bytes: &[u8], cuts: &[usize]) -> Result<usize, Utf8Error> {
    let mut payload = if MASKED { masked(bytes, KEY, 0) } else { bytes.to_vec() };
    let mut text = Utf8::new();
    let mut start = 0;
    for &end in cuts.iter().chain([&bytes.len()]) {
        let piece = &mut payload[start..end];
        let answer = if MASKED {
            backend.unmask_and_validate(&mut text, piece, KEY, start)
        } else {
            backend.validate(&mut text, piece)
        };
        assert_eq!(
            payload[start..end],
            bytes[start..end],
            "{backend:?}: in the clear, whatever is wrong with it"
        );
        if let Err(error) = answer {
            assert_eq!(text, Utf8::new(), "after an error it starts anew");
            return Err(Utf8Error { offset: start + error.offset, ..error });
        }
        start = end;
    }
    assert_eq!(text.is_boundary(), text.open() == 0);
    Ok(text.open())
}

#[track_caller]
fn check(backend: Backend, bytes: &[u8], cuts: &[usize], expected: Result<usize, Utf8Error>) {
    assert_eq!(in_pieces::<false>(backend, bytes, cuts), expected, "{backend:?}, {cuts:?}, {bytes:02x?}");
    assert_eq!(
        in_pieces::<true>(backend, bytes, cuts),
        expected,
        "{backend:?}, masked, {cuts:?}, {bytes:02x?}"
    );
}

#[test]
fn each_cut_in_two_and_in_three() {
    for text in TEXTS {
        let bytes = repeated(text, 75);
        let expected = expected(&bytes);
        for backend in backends() {
            for first in 0..=bytes.len() {
                check(backend, &bytes, &[first], expected);
                for second in first..=bytes.len() {
                    check(backend, &bytes, &[first, second], expected);
                }
            }
        }
    }
}

#[test]
fn each_fault_cut_at_each_byte() {
    for fault in FAULTS {
        for before in [0, 14, 17, 40, 70] {
            let mut bytes = TEXTS[3].repeat(2).into_bytes();
            bytes.truncate(before - expected(&bytes[..before]).unwrap());
            bytes.extend_from_slice(fault);
            bytes.extend_from_slice(&repeated(TEXTS[0], 70));
            let expected = expected(&bytes);
            assert!(expected.is_err());
            for backend in backends() {
                for cut in 0..=bytes.len() {
                    check(backend, &bytes, &[cut], expected);
                }
            }
        }
    }
}

#[test]
fn byte_by_byte_and_at_random() {
    let mut random = Random(0x0123_4567_89ab_cdef);
    for round in 0..600 {
        let mut bytes = repeated(TEXTS[round % TEXTS.len()], 100 + random.below(300));
        if round % 3 > 0 {
            let at = random.below(bytes.len());
            bytes[at] = random.number() as u8;
        }
        let expected = expected(&bytes);
        let each: Vec<usize> = (1..bytes.len()).collect();
        let mut some: Vec<usize> = (0..random.below(8)).map(|_| random.below(bytes.len())).collect();
        some.sort_unstable();
        for backend in backends() {
            check(backend, &bytes, &each, expected);
            check(backend, &bytes, &some, expected);
        }
    }
}

#[test]
fn an_empty_piece_changes_nothing() {
    let mut text = Utf8::new();
    assert_eq!(text.validate("€".as_bytes().split_at(2).0), Ok(()));
    let open = text;
    assert_eq!(text.validate(b""), Ok(()));
    assert_eq!(text.unmask_and_validate(&mut [], KEY, 2), Ok(()));
    assert_eq!(text, open);
}

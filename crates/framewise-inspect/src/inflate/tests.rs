use super::*;

const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

fn message(inflater: &mut Inflater, payload: &[u8], cut: usize) -> (Vec<u8>, Option<Fault>) {
    let mut out = Vec::new();
    for piece in payload.chunks(cut.max(1)) {
        inflater.feed(piece, &mut |bytes| out.extend_from_slice(bytes));
    }
    let fault = inflater.finish(&mut |bytes| out.extend_from_slice(bytes));
    (out, fault)
}

#[test]
fn the_examples_of_rfc_7692_inflate_cut_anywhere() {
    // §7.2.3.2 to §7.2.3.5: shared history, a stored block, BFINAL, two blocks.
    let stored = b"\x00\x05\x00\xfa\xffHello\x00";
    let last = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
    let two = b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
    for cut in 1..12 {
        let mut inflater = Inflater::new(15, true);
        for payload in [HELLO, b"\xf2\x00\x11\x00\x00", stored, last, two, HELLO] {
            assert_eq!(
                message(&mut inflater, payload, cut),
                (b"Hello".to_vec(), None),
                "{payload:x?} cut every {cut}"
            );
        }
    }
}

#[test]
fn history_that_is_ruled_out_is_told_from_history_that_is_not_there() {
    let mut forgets = Inflater::new(15, false);
    assert_eq!(message(&mut forgets, HELLO, 9).1, None);
    let (out, fault) = message(&mut forgets, b"\xf2\x00\x11\x00\x00", 9);
    assert_eq!((out.as_slice(), fault), (&b"Hello"[..], Some(Fault::history(5, 1))));
    let mut fresh = Inflater::new(15, true);
    assert_eq!(message(&mut fresh, b"\xf2\x00\x11\x00\x00", 9).1, Some(Fault::history(5, 1)));
}

#[test]
fn garbage_is_a_fault_and_the_next_message_is_judged_again() {
    let mut inflater = Inflater::new(15, false);
    assert_eq!(
        message(&mut inflater, b"\xff\xff\xff\xff", 9).1.map(|fault| fault.rule),
        Some(Rule::DeflateDataInvalid)
    );
    assert_eq!(message(&mut inflater, HELLO, 9), (b"Hello".to_vec(), None));
    for length in 1..HELLO.len() {
        assert_eq!(message(&mut inflater, &HELLO[..length], 9).1, Some(ENDS_INSIDE), "{length} bytes");
    }
}

#[test]
fn a_tail_that_was_kept_breaks_the_next_message_under_takeover() {
    let kept = [HELLO, &TAIL].concat();
    let mut inflater = Inflater::new(15, true);
    assert_eq!(message(&mut inflater, &kept, 3), (b"Hello".to_vec(), None));
    assert_eq!(message(&mut inflater, HELLO, 3).1.map(|fault| fault.rule), Some(Rule::DeflateDataInvalid));
    let mut forgets = Inflater::new(15, false);
    assert_eq!(message(&mut forgets, &kept, 3).1, None);
    assert_eq!(message(&mut forgets, HELLO, 3), (b"Hello".to_vec(), None));
}

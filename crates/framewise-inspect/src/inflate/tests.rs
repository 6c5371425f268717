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

/// "a", and repetitions of 258 bytes each, eight of them in thirteen bytes.
fn bomb() -> Vec<u8> {
    let repetitions = b"\x05\xa3\x60\x14\x8c\x82\x51\x30\x0a\x46\xc1\x28\x18".repeat(800);
    [&b"\x4a\x1c"[..], &repetitions].concat()
}

#[test]
fn a_distance_may_lead_to_the_first_byte_there_is_and_no_further() {
    // "a", then three bytes from a distance of one, or of two.
    let (first, before) = (b"\x4a\x04\x02\x00\x00", b"\x4a\x04\x42\x00\x00");
    assert_eq!(message(&mut Inflater::new(15, true), first, 9), (b"aaaa".to_vec(), None));
    assert_eq!(message(&mut Inflater::new(15, true), before, 9).1, Some(Fault::history(2, 1)));
    // The same of bytes of the message before, which are there but ruled out: decoding continues as far as they are.
    let mut forgets = Inflater::new(15, false);
    assert_eq!(message(&mut forgets, b"\x4a\x04\x00", 9), (b"a".to_vec(), None));
    assert_eq!(message(&mut forgets, before, 9), (b"aaaa".to_vec(), Some(Fault::history(2, 1))));
    let mut fresh = Inflater::new(15, false);
    assert_eq!(message(&mut fresh, before, 9), (b"a".to_vec(), Some(Fault::history(2, 1))));
}

#[test]
fn an_empty_payload_leaves_the_next_message_as_it_is() {
    for takeover in [true, false] {
        let mut inflater = Inflater::new(15, takeover);
        assert_eq!(message(&mut inflater, b"", 9), (Vec::new(), None));
        assert_eq!(message(&mut inflater, HELLO, 9), (b"Hello".to_vec(), None));
    }
}

#[test]
fn a_payload_by_itself_costs_its_history_and_each_byte_once() {
    let cost = |payload: &[u8]| {
        let mut steps = Vec::new();
        let out = alone(payload, &mut |taken| {
            steps.push(taken);
            true
        });
        (out, steps)
    };
    assert_eq!(cost(HELLO), (Some(b"Hello".to_vec()), vec![32 * 1024, 7 + 5]));
    assert_eq!(cost(b""), (None, vec![]));
    // 2,000 bytes stored, which come in two pieces.
    let stored = [&b"\x00\xd0\x07\x2f\xf8"[..], &[7; 2000], b"\x00"].concat();
    let (out, steps) = cost(&stored);
    assert_eq!(out.map(|out| out.len()), Some(2000));
    assert_eq!(steps, [HISTORY as u64, 1024 + 1019, 982 + 981]);
    assert_eq!(alone(HELLO, &mut |_| false), None);
    // Of a bomb the pieces are inflated that the limit is reached in: of 1 KiB each, which come to 160 KiB.
    let (out, steps) = cost(&bomb());
    assert_eq!(steps.len(), 1 + 2);
    assert!(out.is_some_and(|out| out.len() > 256 * 1024));
}

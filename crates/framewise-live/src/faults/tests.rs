use super::*;

const HEAD: &[u8] = b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 101 S\r\n\r\n";

/// What the faults make of what a server sends after its head, in pieces of this size: bytes, and `|` for a wait, `X` for a cut,
/// `R` for a reset.
fn made(rules: &[&str], sent: &[u8], size: usize) -> (Vec<u8>, usize) {
    let faults: Vec<Fault> =
        rules.iter().map(|rule| rule.parse().unwrap_or_else(|error| panic!("{rule}: {error}"))).collect();
    let mut direction = Direction::new(&faults, Role::Server).expect("faults");
    let sent = [HEAD, sent].concat();
    let mut steps: Vec<Step> = sent.chunks(size).flat_map(|piece| direction.take(piece)).collect();
    steps.extend(direction.end());
    let (mut all, mut count) = (Vec::new(), 0);
    for step in steps {
        match step {
            Step::Pass(bytes) => all.extend(bytes),
            Step::Wait(_) => all.push(b'|'),
            Step::Cut => all.push(b'X'),
            Step::Reset => all.push(b'R'),
            Step::Made(_) => count += 1,
        }
    }
    assert!(all.starts_with(HEAD), "{rules:?}: the head is passed on");
    (all[HEAD.len()..].to_vec(), count)
}

fn assert_made(rules: &[&str], sent: &[u8], passed: &[u8], count: usize) {
    for size in [1, 2, 3, 7, 1000] {
        assert_eq!(made(rules, sent, size), (passed.to_vec(), count), "{rules:?} in pieces of {size}");
    }
}

/// Three messages: the second one in two frames, with a Ping between them.
const THREE: &[u8] = b"\x81\x02aa\x01\x02bb\x89\x01p\x80\x02cc\x81\x02dd";

#[test]
fn each_action_at_a_message() {
    assert_made(&["drop at message 2"], THREE, b"\x81\x02aa\x89\x01p\x81\x02dd", 1);
    assert_made(&["drop at message 4"], THREE, THREE, 0);
    assert_made(&["drop at message 1 from client", "drop at message 4"], THREE, THREE, 0);
    assert_made(
        &["delay 5ms at every message"],
        THREE,
        b"|\x81\x02aa|\x01\x02bb\x89\x01p\x80\x02cc|\x81\x02dd",
        3,
    );
    assert_made(
        &["delay 5ms at every 2 messages"],
        THREE,
        b"\x81\x02aa|\x01\x02bb\x89\x01p\x80\x02cc\x81\x02dd",
        1,
    );
    assert_made(&["flip 0 at message 2"], THREE, b"\x81\x02aa\x01\x02cb\x89\x01p\x80\x02cc\x81\x02dd", 1);
    assert_made(&["split 1 at message 1"], THREE, &[b"\x01\x01a\x80\x01a", &THREE[4..]].concat(), 1);
    assert_made(&["join at message 2"], THREE, b"\x81\x02aa\x89\x01p\x81\x04bbcc\x81\x02dd", 1);
    assert_made(&["replace \"x\" at message 2"], THREE, b"\x81\x02aa\x89\x01p\x81\x01x\x81\x02dd", 1);
    assert_made(
        &["edit \"bc\" \"-\\n-\" at message 2"],
        THREE,
        b"\x81\x02aa\x89\x01p\x81\x05b-\n-c\x81\x02dd",
        1,
    );
    assert_made(&["drop at message with \"bc\""], THREE, b"\x81\x02aa\x89\x01p\x81\x02dd", 1);
    assert_made(&["hold 2 at message 1"], THREE, b"\x01\x02bb\x89\x01p\x80\x02cc\x81\x02dd\x81\x02aa", 1);
    assert_made(&["hold 9 at message 3"], THREE, THREE, 1);
    assert_made(&["inject text \"x\" at message 1"], THREE, &[b"\x81\x01x", THREE].concat(), 1);
    assert_made(
        &["inject ping \"\" at frame 3"],
        THREE,
        b"\x81\x02aa\x01\x02bb\x89\x00\x89\x01p\x80\x02cc\x81\x02dd",
        1,
    );
    assert_made(
        &["inject bytes 8300 at message 3"],
        THREE,
        b"\x81\x02aa\x01\x02bb\x89\x01p\x80\x02cc\x83\x00\x81\x02dd",
        1,
    );
    assert_made(&["drop at frame 3"], THREE, b"\x81\x02aa\x01\x02bb\x80\x02cc\x81\x02dd", 1);
}

#[test]
fn each_end() {
    assert_made(
        &["close 1011 \"no\" at message 3"],
        THREE,
        b"\x81\x02aa\x01\x02bb\x89\x01p\x80\x02cc\x88\x04\x03\xf3no",
        1,
    );
    for (size, (rule, end)) in [(1, ("cut", b'X')), (1000, ("reset", b'R'))] {
        let (passed, count) = made(&[&format!("{rule} at frame 2")], THREE, size);
        assert!(passed.starts_with(&[b"\x81\x02aa".as_slice(), &[end]].concat()) && count == 1, "{passed:?}");
    }
}

#[test]
fn bytes_are_counted_from_the_start_of_the_stream() {
    let at = HEAD.len() + 3;
    assert_made(&[&format!("flip 7 at byte {at}")], THREE, &[b"\x81\x02a\xe1", &THREE[4..]].concat(), 1);
    assert_made(&[&format!("delay 1s at byte {at}")], THREE, &[b"\x81\x02a|a", &THREE[4..]].concat(), 1);
    assert_made(&[&format!("cut at byte {at}")], b"\x81\x02aa", b"\x81\x02aXa", 1);
    assert_made(&[&format!("inject bytes ff at byte {at}")], b"\x81\x02aa", b"\x81\x02a\xffa", 1);
    // In the head too, and in the order of the stream.
    let both = [format!("flip 0 at byte {at}"), "flip 5 at byte 0".to_owned()];
    let faults: Vec<Fault> = both.iter().map(|rule| rule.parse().expect("a rule")).collect();
    let mut direction = Direction::new(&faults, Role::Server).expect("faults");
    let passed: Vec<u8> = direction
        .take(&[HEAD, b"\x81\x02aa"].concat())
        .into_iter()
        .flat_map(|step| if let Step::Pass(bytes) = step { bytes } else { Vec::new() })
        .collect();
    assert_eq!((passed[0], passed[at]), (b'h', b'`'));
}

#[test]
fn large_and_compressed_frames_and_what_is_no_websocket_connection_pass() {
    let large = [b"\x82\x7f\0\0\0\0\x01\0\0\x01".as_slice(), &vec![7; (16 << 20) + 1]].concat();
    let (passed, _) =
        made(&["edit \"q\" \"r\" at every message"], &[large.as_slice(), b"\x81\x01q"].concat(), 65_536);
    assert!(passed.starts_with(&large) && passed.ends_with(b"\x81\x01r"), "{}", passed.len());
    // An endless length is never complete; what is there passes.
    assert_made(
        &["drop at message 2"],
        b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0ab",
        b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0ab",
        0,
    );
    assert_made(&["drop at message 1"], b"\x81", b"\x81", 0);
    let faults = ["drop at every message".parse().expect("a rule")];
    let mut direction = Direction::new(&faults, Role::Server).expect("faults");
    let rejected = b"HTTP/1.1 403 F\r\n\r\n\x81\x02aa";
    assert_eq!(direction.take(rejected).len(), 2, "the head and the body");
}

/// What a client sends stays masked.
#[test]
fn frames_of_a_client_are_masked() {
    let faults = [
        "replace \"xy\" at message 1".parse().expect("a rule"),
        "inject text \"z\" at message 1".parse().expect("a rule"),
    ];
    let mut direction = Direction::new(&faults, Role::Client).expect("faults");
    direction.take(b"GET / HTTP/1.1\r\n\r\n");
    let steps = direction.take(b"\x81\x82\x37\xfa\x21\x3d\x5f\x93");
    let passed: Vec<&Vec<u8>> = steps
        .iter()
        .filter_map(|step| if let Step::Pass(bytes) = step { Some(bytes) } else { None })
        .collect();
    assert_eq!(passed[0][..2], *b"\x81\x81");
    assert_eq!(passed[0][6], b'z' ^ passed[0][2]);
    assert_eq!(passed[1], b"\x81\x82\x37\xfa\x21\x3d\x4f\x83");
}

#[tokio::test(start_paused = true)]
async fn faults_at_a_time_are_due_in_their_order() {
    let faults =
        Fault::parse_all("# two\n\nclose 1001 after 2s\ninject text \"x\" after 1500ms from server\n")
            .expect("rules");
    let mut direction = Direction::new(&faults, Role::Server).expect("faults");
    direction.take(HEAD);
    let start = Instant::now();
    let due = direction.deadline().expect("the first");
    assert_eq!((due - start).as_millis(), 1500);
    assert_eq!(direction.due()[1], Step::Pass(b"\x81\x01x".to_vec()));
    assert_eq!((direction.deadline().expect("the second") - start).as_millis(), 2000);
    assert_eq!(direction.due()[1], Step::Pass(b"\x88\x02\x03\xe9".to_vec()));
    assert!(
        direction.deadline().is_none() && direction.take(THREE).is_empty(),
        "after a Close nothing passes"
    );
}

#[test]
fn what_is_wrong_with_a_rule_is_said() {
    for (rule, part) in [
        ("", "an action is missing"),
        ("explode at message 1", "\"explode\" is not an action: use delay, drop"),
        ("drop", "`at message N`"),
        ("drop at message 0", "begins at 1"),
        ("drop at message x", "\"x\" is not a number"),
        ("drop at every 0 messages", "`at every message`"),
        ("drop at byte 1", "needs a message"),
        ("hold 1 at frame 1", "needs a message"),
        ("drop at message 1 from proxy", "\"proxy\" is not a side"),
        ("drop at message 1 now", "unexpected \"now\""),
        ("drop at message 1 from client x", "unexpected \"x\" at the end"),
        ("delay 5 at message 1", "\"5\" is not a time: use 200ms"),
        ("flip 8 at byte 1", "no bit 8"),
        ("split 0 at message 1", "begins at 1"),
        ("close 99999 at message 1", "too large"),
        ("replace x at message 1", "text in quotes"),
        ("replace \"x at message 1", "closing quote"),
        ("replace \"\\q\" at message 1", "after a backslash"),
        ("edit \"\" \"x\" at message 1", "the old text is empty"),
        ("inject frame 00 at message 1", "cannot be injected"),
        ("delay 99999999999999999s at message 1", "is not a time"),
    ] {
        let error = rule.parse::<Fault>().expect_err(rule);
        assert!(error.contains(part), "{rule}: {error}");
    }
    let error = Fault::parse_all("# fine\ndrop at message 1\ndrop\n").expect_err("line 3");
    assert!(error.starts_with("line 3: "), "{error}");
}

use super::*;

fn parse(text: &str) -> Transcript {
    transcript(text).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    match parse(text).events.pop().unwrap().action {
        Action::Bytes(bytes) => bytes,
        action @ (Action::Eof | Action::Reset | Action::Gap(_)) => panic!("{action:?}"),
    }
}

fn error(text: &str) -> String {
    transcript(text).unwrap_err().to_string()
}

fn legs(text: &str) -> Vec<String> {
    parse(text).legs.into_iter().map(|leg| leg.name).collect()
}

#[test]
fn the_example_of_the_documentation() {
    let transcript = parse(concat!(
        "# anything after a hash at the start of a line\n",
        "open permessage-deflate; client_max_window_bits=10   # start after a handshake that agreed this\n",
        "> 81 85 37 fa 21 3d 7f 9f 4d 51 58                   # client to server\n",
        "< \"HTTP/1.1 101 Switching Protocols\\r\\n\"             # server to client\n",
        "[12.503] < 88 02 03 e8                               # seconds since the start\n",
        "> eof                                                # the client closed its side\n",
        "leg proxy-server                                     # another leg\n",
        "< reset",
    ));
    let open = Some("permessage-deflate; client_max_window_bits=10".to_owned());
    let first = Leg { name: "client-proxy".to_owned(), open };
    assert_eq!(transcript.legs, [first, Leg { name: "proxy-server".to_owned(), open: None }]);
    let event = |line, time, leg, from, action| Event { line, time, leg, from, action };
    let hello = Action::Bytes(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec());
    assert_eq!(
        transcript.events,
        [
            event(3, None, 0, Role::Client, hello),
            event(4, None, 0, Role::Server, Action::Bytes(b"HTTP/1.1 101 Switching Protocols\r\n".to_vec())),
            event(
                5,
                Some(Duration::from_millis(12_503)),
                0,
                Role::Server,
                Action::Bytes(vec_of(&[0x88, 2, 3, 0xe8]))
            ),
            event(6, None, 0, Role::Client, Action::Eof),
            event(8, None, 1, Role::Server, Action::Reset),
        ]
    );
    assert_eq!(transcript.stream(0, Role::Server).len(), 38);
}

fn vec_of(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

#[test]
fn spaces_tabs_line_ends_and_a_byte_order_mark_are_free() {
    let plain = parse("open\n> 81 80\n< eof");
    assert_eq!(parse("\u{feff}open\r\n> 81 80\r\n< eof\r\n"), plain);
    assert_eq!(parse("  open  \n\t>\t8 18\t0 \n  <  eof  "), plain);
    assert_eq!(parse("open # not a comment").legs[0].open.as_deref(), Some(""));
    assert_eq!(parse("open\t# comment\n>8180\t# comment\n<eof"), plain);
    assert_eq!(parse("\n\n# comment\n   # comment\n\n"), Transcript::default());
    assert_eq!(parse(""), Transcript::default());
}

#[test]
fn hexadecimal_has_either_case_and_may_have_a_comment() {
    assert_eq!(bytes("> aB Cd  # ef"), [0xab, 0xcd]);
    assert_eq!(bytes("> 01\t# ef"), [1]);
}

#[test]
fn strings_hold_escapes_and_utf8() {
    assert_eq!(bytes(r#"> "\r\n\t\"\\\x00\xfF""#), b"\r\n\t\"\\\x00\xff");
    assert_eq!(bytes("> \"é #  # no comment\"  # comment"), "é #  # no comment".as_bytes());
    assert_eq!(bytes("> \"\""), b"");
    assert_eq!(bytes(r#"> "a\xc3\xa9b""#), "aéb".as_bytes());
}

#[test]
fn times_have_up_to_nine_digits_after_the_point() {
    let time = |text| parse(text).events[0].time;
    assert_eq!(time("[0]> eof"), Some(Duration::ZERO));
    assert_eq!(time("[12.503] > eof"), Some(Duration::from_millis(12_503)));
    assert_eq!(time("[1.0000000019] > eof"), Some(Duration::new(1, 1)));
    assert_eq!(parse("[2] > 81\n[1] < 81").events.len(), 2);
}

#[test]
fn legs_are_named_at_need() {
    assert_eq!(legs("> 81"), ["client-server"]);
    assert_eq!(legs("leg proxy-server\n> 81"), ["proxy-server"]);
    assert_eq!(legs("> 81\nleg proxy-server\n> 81"), ["client-proxy", "proxy-server"]);
    assert_eq!(legs("> 81\nleg proxy-server\nleg client-proxy\n> 81"), ["client-proxy", "proxy-server"]);
    assert_eq!(legs("> 81\nleg client-server\n> 81"), ["client-server"]);
    let transcript = parse("leg a\n> 81\nleg b\n> 81\nleg a\n> 81");
    assert_eq!(transcript.events.iter().map(|event| event.leg).collect::<Vec<_>>(), [0, 1, 0]);
}

#[test]
fn a_reset_may_follow_an_eof() {
    assert_eq!(parse("> eof\n< 81\n> reset\n< eof").events.len(), 4);
}

#[test]
fn a_line_that_is_none() {
    let expected = "expected `>`, `<`, `[seconds]`, `open`, `leg` or `#`";
    assert_eq!(error("open\n\n  hello"), "line 3, column 3: ".to_owned() + expected);
    assert_eq!(error("opened"), "line 1, column 1: ".to_owned() + expected);
    assert_eq!(error("# é\né"), "line 2, column 1: ".to_owned() + expected);
}

#[test]
fn bytes_that_are_none() {
    let event = "expected bytes in hexadecimal, a string in quotes, `eof` or `reset`, found ";
    assert_eq!(error(">"), "line 1, column 2: ".to_owned() + event + "the end of the line");
    assert_eq!(error("> "), "line 1, column 3: ".to_owned() + event + "the end of the line");
    assert_eq!(error("< hello"), "line 1, column 3: ".to_owned() + event + "`h`");
    assert_eq!(error("> EOF"), "line 1, column 4: expected a hexadecimal digit, found `O`");
    assert_eq!(error("> 81 8g"), "line 1, column 7: expected a hexadecimal digit, found `g`");
    assert_eq!(error("> 81 é"), "line 1, column 6: expected a hexadecimal digit, found `é`");
    assert_eq!(error("> 81 8"), "line 1, column 7: expected a second hexadecimal digit: each byte has two");
    assert_eq!(
        error("> 818  # no"),
        "line 1, column 6: expected a second hexadecimal digit: each byte has two"
    );
    let comment = "expected a hexadecimal digit; a comment starts with two spaces and a hash";
    assert_eq!(error("> 81 # no"), "line 1, column 6: ".to_owned() + comment);
    assert_eq!(error(">  # no"), "line 1, column 4: ".to_owned() + comment);
}

#[test]
fn strings_that_are_none() {
    let quote = "expected a closing quote before the end of the line";
    assert_eq!(error("> \"é"), "line 1, column 5: ".to_owned() + quote);
    assert_eq!(error("> \"\\\""), "line 1, column 6: ".to_owned() + quote);
    let escapes = r#"expected one of the escapes \r \n \t \" \\ \xHH"#;
    assert_eq!(error(r#"> "é\0""#), "line 1, column 5: ".to_owned() + escapes);
    assert_eq!(error("> \"\\"), "line 1, column 4: ".to_owned() + escapes);
    let digits = r"expected two hexadecimal digits after `\x`, found ";
    assert_eq!(error(r#"> "\xg0""#), "line 1, column 6: ".to_owned() + digits + "`g`");
    assert_eq!(error(r#"> "\x0""#), "line 1, column 7: ".to_owned() + digits + "`\\\"`");
    assert_eq!(error(r#"> "\x"#), "line 1, column 6: ".to_owned() + digits + "the end of the line");
    let end = "expected the end of the line, or two spaces and a comment, found ";
    assert_eq!(error(r#"> "a" 81"#), "line 1, column 7: ".to_owned() + end + "`8`");
    assert_eq!(error("> eof now"), "line 1, column 7: ".to_owned() + end + "`n`");
    assert_eq!(error("> eof # now"), "line 1, column 7: expected two spaces before the hash of a comment");
}

#[test]
fn times_that_are_none() {
    assert_eq!(error("[] > 81"), "line 1, column 2: expected a number of seconds, found `]`");
    assert_eq!(error("[-1] > 81"), "line 1, column 2: expected a number of seconds, found `-`");
    assert_eq!(error("[1.] > 81"), "line 1, column 4: expected a digit after the point, found `]`");
    assert_eq!(error("[1,5] > 81"), "line 1, column 3: expected `]` after the time, found `,`");
    assert_eq!(error("[1"), "line 1, column 3: expected `]` after the time, found the end of the line");
    assert_eq!(error("[99999999999999999999] > 81"), "line 1, column 2: the number of seconds is too large");
    assert_eq!(error("[1] open"), "line 1, column 5: expected `>` or `<` after the time");
    assert_eq!(error("[1]"), "line 1, column 4: expected `>` or `<` after the time");
}

#[test]
fn open_and_leg_in_the_wrong_place() {
    assert_eq!(error("> 81\nopen"), "line 2, column 1: expected `open` before the first event of its leg");
    assert_eq!(error("open\n open"), "line 2, column 2: this leg already has an `open`");
    let name = "expected the name of a leg, for example `leg proxy-server`";
    assert_eq!(error("leg"), "line 1, column 4: ".to_owned() + name);
    assert_eq!(error("leg  # none"), "line 1, column 6: ".to_owned() + name);
    let spaces = "expected a name without spaces; a comment starts with two spaces and a hash";
    assert_eq!(error("leg é b"), "line 1, column 6: ".to_owned() + spaces);
    assert_eq!(error("leg a # b"), "line 1, column 6: ".to_owned() + spaces);
}

#[test]
fn an_end_is_an_end() {
    let eof = "expected only `reset` from the client after its eof";
    assert_eq!(error("> eof\n[1] >  81"), "line 2, column 8: ".to_owned() + eof);
    assert_eq!(error("> eof\n< eof\n> eof"), "line 3, column 3: ".to_owned() + eof);
    assert_eq!(error("leg a\n> eof\nleg b\n> 81\nleg a\n> 81"), "line 6, column 3: ".to_owned() + eof);
    let reset = "the server cannot send anything after its reset";
    assert_eq!(error("< reset\n> 81\n< 81"), "line 3, column 3: ".to_owned() + reset);
    assert_eq!(error("< reset\n< reset"), "line 2, column 3: ".to_owned() + reset);
}

#[test]
fn a_transcript_has_sixteen_legs_at_most() {
    let named =
        |count: usize| (0..count).map(|leg| format!("leg hop-{leg}\n> 81\n")).collect::<Vec<_>>().concat();
    assert_eq!(legs(&named(MOST_LEGS)).len(), MOST_LEGS);
    // Returning to an existing leg does not add one.
    assert_eq!(legs(&(named(MOST_LEGS) + "leg hop-0\n< 81\nleg  hop-15")).len(), MOST_LEGS);
    assert_eq!(error(&named(MOST_LEGS + 1)), "line 33, column 5: too many legs: at most 16 are allowed");
    // Nor is the one without a name to be forgotten.
    assert_eq!(
        error(&format!("> 81\n{}", named(MOST_LEGS))),
        "line 32, column 5: too many legs: at most 16 are allowed"
    );
    // However many more there are, it stops at the first.
    assert_eq!(error(&named(100_000)), "line 33, column 5: too many legs: at most 16 are allowed");
}

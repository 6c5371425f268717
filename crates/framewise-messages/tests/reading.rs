//! Every row is found in every guise, look-alikes are not, and the work is bounded.
#![allow(missing_docs)]

use framewise_messages::{Decides, LIMIT, Message, Reading, messages, read, read_counting};
use framewise_rules::Cause;

/// A message as it is printed: something in its variable parts.
fn example(message: &Message) -> String {
    message.text.replace("{…}", "x7").replace("{url}", "wss://example.com:8080/a?b=c")
}

fn recognizes(reading: &Reading, message: &Message) -> bool {
    let same = |other: &Message| other.text == message.text;
    reading.messages.iter().any(|found| same(found.message) || found.also.iter().any(|other| same(other)))
}

/// The words of a message, without its variable parts.
fn words(message: &Message) -> usize {
    let literal = message.text.replace("{…}", " ").replace("{url}", " ");
    literal.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).count()
}

/// Rows that differ in signs alone, or that have another row in them, are that row.
fn is_part_of_another(reading: &Reading, text: &str) -> bool {
    reading.messages.iter().any(|found| found.exact && 10 * found.span.len() >= 4 * text.len())
}

#[test]
fn every_message_is_found_by_itself() {
    let mut missed = Vec::new();
    for message in messages() {
        let text = example(message);
        let reading = read(&text);
        if !recognizes(&reading, message) && !is_part_of_another(&reading, &text) {
            missed.push(message.text);
        }
    }
    assert!(missed.is_empty(), "{} of {}: {missed:#?}", missed.len(), messages().len());
}

#[test]
fn a_message_is_found_in_a_log_a_wrapper_and_quotes() {
    let guises: [fn(&str) -> String; 4] = [
        |text| format!("2026-11-22T10:00:00.123Z app[71] ERR {text}\n    at f (/srv/app.js:1:2)"),
        |text| format!("com.example.SomeException: {text}"),
        |text| format!("it failed with \"{text}\" again"),
        |text| format!("{{\"level\":\"error\",\"msg\":\"{text}\",\"port\":8080}}"),
    ];
    let mut missed = Vec::new();
    let long = messages().iter().filter(|message| words(message) >= 4);
    for (message, guise) in long.zip(guises.iter().cycle()) {
        let text = guise(&example(message));
        let reading = read(&text);
        // One that names another message is read for that one too.
        if !recognizes(&reading, message) && !is_part_of_another(&reading, &example(message)) {
            missed.push(text);
        }
    }
    assert!(missed.is_empty(), "{}: {missed:#?}", missed.len());
}

#[test]
fn a_message_that_was_cut_is_found() {
    for (text, expected) in [
        (
            "Error during WebSocket handshake: Sent non-empty 'Sec-WebSocket-Protocol' header but no…",
            "no response was received",
        ),
        (
            "The remote party closed the WebSocket connection without completing the",
            "without completing the close handshake",
        ),
        (
            "closed: Received start of new message but previous message is...",
            "previous message is unfinished",
        ),
    ] {
        let reading = read(text);
        assert!(
            reading.messages.iter().any(|found| found.message.text.contains(expected)),
            "{text}: {reading:#?}"
        );
    }
    // The same words with more of another sentence after them are no cut message.
    let reading =
        read("The remote party closed the WebSocket connection without saying a word, which is rude of it");
    assert!(reading.messages.is_empty(), "{reading:#?}");
}

#[test]
fn a_message_is_read_for_all_that_it_says() {
    let reading = read(
        "HA WebSocket: sent 1009 (message too big) frame exceeds limit of 1048576 bytes; no close frame received",
    );
    assert_eq!(reading.causes[0].is, Cause::LimitOfReceiver);
    assert_eq!(reading.codes[0].is.0, 1009);
    assert_eq!(reading.rules[0].is.id(), "message-too-big");
    let reading = read("Invalid WebSocket frame: invalid status code 22373");
    assert_eq!(
        (reading.rules[0].is.id(), reading.causes[0].is),
        ("close-code-invalid", Cause::CloseReasonWithoutCode)
    );
    let reading = read("Invalid WebSocket frame: invalid status code 1006");
    assert_eq!(
        (reading.rules[0].is.id(), reading.causes[0].is),
        ("close-code-reserved", Cause::CloseCodeForwarded)
    );
}

#[test]
fn what_only_looks_like_a_message_is_none() {
    for text in [
        "",
        "???",
        "the quick brown fox jumps over the lazy dog",
        "SyntaxError: missing ) after argument list",
        "error[E0502]: cannot borrow `heads` as immutable because it is also borrowed as mutable",
        "We closed the shop at 10:06 and the message of the day was too long for most readers.",
        "The frame of the picture is bad, and the handshake was firm.",
        "Listening on port 3000, 1009 ms, 4000 clients, version 1.1.1",
        "npm WARN deprecated request@2.88.2: request has been deprecated",
        "PostgreSQL: server closed the connection",
    ] {
        let reading = read(text);
        let found: Vec<_> = reading.messages.iter().map(|found| found.message.text).collect();
        let causes: Vec<_> = reading.causes.iter().map(|cause| cause.is).collect();
        assert!(
            found.is_empty() && causes.is_empty() && reading.codes.is_empty(),
            "{text}: {found:?} {causes:?}"
        );
    }
}

/// A status in a message about a handshake needs no word about WebSocket beside it; any other status does.
#[test]
fn a_status_in_a_message_of_a_handshake_is_enough() {
    let told = "Since May my bot gets this once or twice a day, on the production machine as well as at home. It never \
                happened before. Others have reported the same lately. The bot starts, runs for some hours, and then \
                prints what is below; I have changed nothing, and I use the version 14.15.3 of the library.\n";
    let reading = read(&format!("{told}Unexpected server response: 520"));
    assert_eq!(reading.causes.first().map(|cause| cause.is), Some(Cause::ServerErrorStatus));
    let reading = read("The page shows an error with status 520");
    assert!(reading.causes.is_empty(), "{:?}", reading.causes);
}

/// Code, lists, configurations and documentation name messages and faults, and have none.
#[test]
fn a_message_in_code_or_in_a_list_is_none() {
    for text in [
        // Two words of a list.
        "keywords = [\n  \"websocket\", \"error\",\n]\n",
        "{\n  \"keywords\": [\n    \"websocket\",\n    \"error\",\n    \"parse\"\n  ]\n}\n",
        // Names of functions and types.
        "self.transport.close()\nself.close_sent = True\nself.ping_timeout = 20\n",
        "enum Reason {\n    ServerDisconnect,\n    ClientGone,\n}\n",
        "pub use self::response::Response;\npub use self::timeout::Timeout;\n",
        // What a program would print.
        "if !ok {\n    return errors.New(\"websocket: close 1006 (abnormal closure): unexpected EOF\")\n}\n",
        "/// Fails where the frame is too big, the mask is missing or the WebSocket connection is closed.\npub fn read(&self) {}\n",
        "#define LWS_ERR \"Error during WebSocket handshake: Unexpected response code: 400\"\n#include <a.h>\n",
        // A README of a library.
        "# kosoku\n\nWebSocket connections that close after idle timeouts, large messages, masked frames, proxies.\n\n## License\n\nMIT\n",
        // A healthy server.
        "12:00:01 INFO GET /ws 101 in 3 ms\n12:00:02 INFO client connected\n12:04:02 INFO client left, code=1000\n",
        "events { worker_connections 1024; }\nhttp {\n  include mime.types;\n  server {\n    listen 80;\n    root /var/www;\n  }\n}\n",
        "[package]\nname = \"a\"\nversion = \"0.1.0\"\n\n[dependencies]\ntungstenite = \"0.24\"\ntokio = { version = \"1\", features = [\"net\"] }\n",
    ] {
        let reading = read(text);
        let found: Vec<_> = reading.messages.iter().map(|found| found.message.text).collect();
        let causes: Vec<_> = reading.causes.iter().map(|cause| cause.is).collect();
        assert!(found.is_empty() && causes.is_empty(), "{text}: {found:?} {causes:?}");
    }
    // The same words where a program printed them.
    for text in [
        "listening\nwebsocket error\nretrying",
        "x\nClosed: websocket: close 1006 (abnormal closure): unexpected EOF\ny",
        "start\n{\"msg\": \"Error during WebSocket handshake: Unexpected response code: 400\"}\nend",
    ] {
        assert!(!read(text).messages.is_empty(), "{text}");
    }
}

/// A long text that is about something else has many of the words with which people describe faults.
#[test]
fn a_text_about_something_else_names_no_cause() {
    let other = "The printer was out of paper, the binary was large, the lock was idle after 60 s and the curl was unreachable.\n";
    let long = other.repeat(20);
    for text in [&long, include_str!("../Cargo.toml")] {
        assert!(read(text).causes.is_empty(), "{:?}", read(text).causes);
    }
    // The same words of a WebSocket are evidence.
    assert!(!read("The WebSocket is closed when it was idle for 60 s").causes.is_empty());
}

/// What is evidence for one thing must not be for its neighbour.
#[test]
fn a_working_configuration_is_not_blamed() {
    let good = "location /ws {\n proxy_pass http://app;\n proxy_http_version 1.1;\n proxy_set_header Upgrade $http_upgrade;\n \
                proxy_set_header Connection \"upgrade\";\n proxy_read_timeout 1h;\n}";
    let causes = |text: &str| read(text).causes.iter().map(|cause| cause.is).collect::<Vec<_>>();
    assert!(!causes(good).contains(&Cause::UpgradeHeadersDropped), "{:?}", causes(good));
    let bad = good.replace("proxy_set_header Upgrade $http_upgrade;", "");
    assert_eq!(causes(&bad)[0], Cause::UpgradeHeadersDropped);
}

fn hostile() -> Vec<(&'static str, String)> {
    let mut garbage = String::new();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    while garbage.len() < LIMIT {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        garbage.push(char::from((state % 256) as u8));
    }
    let each: Vec<String> = messages().iter().map(example).collect();
    // As bad, and eight times as fast without optimization.
    let most = |text: &str| text.repeat(LIMIT / 8 / text.len() + 1);
    vec![
        ("garbage", garbage),
        ("one word of many messages", most("close ")),
        ("the start of a message", most("WebSocket connection to ")),
        ("every message", most(&each.join("\n"))),
        ("every message backwards", most(&each.join(" ").split(' ').rev().collect::<Vec<_>>().join(" "))),
        ("one word without an end", most("a")),
        ("signs", most("{…}\0\u{202e}\n'\"")),
        ("heads", most("GET / HTTP/1.1\nHost: a\nUpgrade: websocket\n")),
        ("proxies", most("proxy_pass http://a;\ntimeout client 1s\n")),
        ("numbers", most("1006 60 s 65536 code ")),
    ]
}

/// Words that are compared, per row of the table: a row is tried a bounded number of times.
#[test]
fn the_work_is_bounded_whatever_the_text_is() {
    let rows = messages().len() as u64;
    for (name, text) in hostile() {
        let (reading, work) = read_counting(&text);
        assert!(work.steps < 12_000 * rows, "{name}: {} steps", work.steps);
        assert!(reading.messages.len() < 4 * messages().len(), "{name}");
        assert!(text.len() - reading.skipped <= LIMIT, "{name}");
    }
}

#[test]
fn of_a_long_text_the_end_is_read_and_places_are_those_of_the_whole() {
    let message = "Error during WebSocket handshake: 'Upgrade' header is missing";
    let text = format!("{}é{message}", "nothing here ".repeat(LIMIT / 10));
    let reading = read(&text);
    assert!(reading.skipped > 0);
    let found = &reading.messages[0];
    assert_eq!(&text[found.span.clone()], message);
    for evidence in &reading.causes[0].evidence {
        assert!(text.get(evidence.span.clone()).is_some());
    }
}

/// What the first cause may be asserted of, and what only lists causes.
#[test]
fn a_text_that_decides_is_told_from_one_that_does_not() {
    let decides = |text: &str| read(text).decides();
    let told = "sent 1009 (message too big) frame exceeds limit of 1048576 bytes; no close frame received";
    assert_eq!(decides(told), Some(Decides::First));
    let symptom = "Firefox can't establish a connection to the server at wss://a.example/ws.";
    assert_eq!(decides(symptom), Some(Decides::Symptom));
    let among = "The WebSocket connection through our proxy sometimes fails in production, what can it be?";
    assert_eq!(decides(among), Some(Decides::Among));
    assert_eq!(decides("What is for lunch?"), None);
}

//! Messages to the subscribers of a topic.

use super::super::topics::Slow;
use super::*;
use crate::DeflateConfig;

/// "join …" and "leave …" a topic, and "say …" to the others.
struct Chat(Slow);

impl Handler for Chat {
    type State = ();

    fn open(&mut self, _: &mut Link<'_>, _: Opened) {}

    fn message(&mut self, link: &mut Link<'_>, (): &mut (), message: MessageRef<'_>) {
        let said = message.as_text().unwrap();
        match said.split_once(' ').unwrap() {
            ("join", topic) => link.subscribe(topic, self.0),
            ("leave", topic) => link.unsubscribe(topic),
            (topic, said) => {
                let reached = link.publish(topic, said);
                link.send(&format!("to {reached}")).unwrap();
            }
        }
    }
}

fn chat(slow: Slow) -> Harness {
    Harness::new(Server::new().send_queue(100_000), move |_| handled(Chat(slow)))
}

fn say(client: &mut TcpStream, said: &str) {
    client.write_all(&masked(Opcode::Text, true, said.as_bytes())).unwrap();
}

fn text(text: &str) -> Vec<u8> {
    plain(Opcode::Text, true, text.as_bytes())
}

#[test]
fn a_message_reaches_all_who_subscribed_but_who_sent_it() {
    let mut harness = chat(Slow::Drop);
    let mut clients: Vec<_> = (0..4).map(|_| harness.client()).collect();
    for client in &mut clients[..3] {
        say(client, "join news");
        say(client, "join news");
    }
    say(&mut clients[3], "join weather");
    let _ = harness.step();
    say(&mut clients[0], "news one");
    assert_eq!(harness.read(&mut clients[0], 6), text("to 2"));
    // What was sent before comes before it, together.
    for client in &mut clients[1..3] {
        assert_eq!(harness.read(client, 5), text("one"));
    }
    say(&mut clients[1], "leave news");
    let mut gone = clients.remove(2);
    harness.close(&mut gone);
    say(&mut clients[2], "news two");
    assert_eq!(harness.read(&mut clients[2], 6), text("to 1"));
    assert_eq!(harness.read(&mut clients[0], 5), text("two"));
    assert!(harness.is_silent(&mut clients[1]) && harness.is_silent(&mut clients[0]));
    let handle = super::super::Handle { queue: std::sync::Arc::clone(&harness.driver.core.borrow().queue) };
    handle.publish("weather", "rain");
    assert_eq!(harness.read(&mut clients[2], 6), text("rain"));
}

#[test]
fn it_is_compressed_for_who_agreed_to_it() {
    let server = Server::new().deflate(DeflateConfig::default());
    let mut harness = Harness::new(server, |_| handled(Chat(Slow::Drop)));
    let offer = String::from_utf8(REQUEST.to_vec()).unwrap();
    let offer = offer.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    let mut deflating = harness.accepted();
    deflating.write_all(offer.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(harness.read(&mut deflating, 1));
    }
    let (mut other, mut speaker) = (harness.client(), harness.client());
    say(&mut deflating, "join news");
    say(&mut other, "join news");
    let _ = harness.step();
    let long = "again and ".repeat(100);
    say(&mut speaker, &format!("news {long}"));
    let expected = text(&long);
    assert!(harness.read(&mut other, expected.len()) == expected);
    let compressed = harness.read(&mut deflating, 2);
    assert_eq!(compressed[0], 0xc1);
    assert!(compressed[1] < 100, "{compressed:?}");
}

/// A subscriber that has read nothing of the first messages, of 200,000 bytes each, and a speaker.
fn slow(slow: Slow) -> (Harness, TcpStream, TcpStream) {
    let mut harness = chat(slow);
    let (mut reader, mut speaker) = (harness.client(), harness.client());
    say(&mut reader, "join news");
    let _ = harness.step();
    let long = format!("news {}", "x".repeat(60_000));
    for _ in 0..MANY {
        say(&mut speaker, &long);
        let reached = harness.read(&mut speaker, 6);
        if reached == text("to 0") {
            return (harness, reader, speaker);
        }
    }
    panic!("it is never too slow")
}

#[test]
fn who_is_too_slow_misses_messages_or_gets_the_last_one() {
    for (policy, last) in [(Slow::Drop, "four"), (Slow::Conflate, "three")] {
        let (mut harness, mut reader, mut speaker) = slow(policy);
        for said in ["two", "three"] {
            say(&mut speaker, &format!("news {said}"));
            assert_eq!(harness.read(&mut speaker, 6), text("to 0"));
        }
        let mut got = Vec::new();
        while harness.driver.core.borrow().queued(0) > 0 {
            got.extend(harness.read(&mut reader, 1_000));
        }
        say(&mut speaker, "news four");
        until(&mut harness, &mut reader, &mut got, &text("four"));
        let expected = if last == "four" { text("four") } else { [text("three"), text("four")].concat() };
        assert!(got.ends_with(&[&b"x"[..], &expected].concat()), "{:?}", &got[got.len() - 20..]);
    }
}

fn until(harness: &mut Harness, client: &mut TcpStream, got: &mut Vec<u8>, end: &[u8]) {
    let mut part = vec![0; 64 * 1024];
    while !got.ends_with(end) {
        match client.read(&mut part) {
            Ok(count) => got.extend_from_slice(&part[..count]),
            Err(_) => {
                let _ = harness.step();
            }
        }
    }
}

#[test]
fn who_is_too_slow_is_closed() {
    let (mut harness, mut reader, _speaker) = slow(Slow::Close(crate::CloseCode(1013)));
    let mut got = Vec::new();
    let close = plain(Opcode::Close, true, b"\x03\xf5too slow");
    until(&mut harness, &mut reader, &mut got, &close);
    assert!(got.len() > 60_000);
    reader.write_all(&masked(Opcode::Close, true, &[3, 245])).unwrap();
    assert!(harness.read_to_end(&mut reader).is_empty());
    assert_eq!(harness.connections(), 1);
}

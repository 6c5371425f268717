use std::fmt::{self, Write as _};
use std::time::Duration;

use super::{Action, Event, Transcript, parse};
use framewise_rules::Role;

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its first event, or `open`, implies the default leg.
        let silent = matches!(&*self.legs, [leg] if leg.name == parse::LEG && (leg.open.is_some() || !self.events.is_empty()));
        let mut named = 0;
        let mut current = None;
        // Name a leg before its first event and after all earlier legs, so that the order is kept.
        let mut name_up_to = |f: &mut fmt::Formatter<'_>, end: usize, current: &mut Option<usize>| {
            for (index, leg) in self.legs.iter().enumerate().take(end).skip(named) {
                if !silent {
                    writeln!(f, "leg {}", leg.name)?;
                }
                match leg.open.as_deref() {
                    None => {}
                    Some("") => writeln!(f, "open")?,
                    Some(agreed) => writeln!(f, "open {agreed}")?,
                }
                *current = Some(index);
            }
            named = named.max(end);
            Ok(())
        };
        for event in &self.events {
            name_up_to(f, event.leg + 1, &mut current)?;
            if current != Some(event.leg) {
                let name = self.legs.get(event.leg).map_or(parse::LEG, |leg| &leg.name);
                writeln!(f, "leg {name}")?;
                current = Some(event.leg);
            }
            writeln!(f, "{event}")?;
        }
        name_up_to(f, self.legs.len(), &mut current)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(time) = self.time {
            write_time(f, time)?;
        }
        f.write_str(match self.from {
            Role::Client => ">",
            Role::Server => "<",
        })?;
        match &self.action {
            Action::Bytes(bytes) if is_text(bytes) => {
                f.write_str(" \"")?;
                bytes.iter().try_for_each(|&byte| write_escaped(f, byte))?;
                f.write_char('"')
            }
            Action::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, " {byte:02x}")),
            Action::Eof => f.write_str(" eof"),
            Action::Reset => f.write_str(" reset"),
            Action::Gap(bytes) => write!(f, " gap {bytes}"),
        }
    }
}

/// Writes `[12.503] `, with no more digits than necessary: what was parsed is written unchanged.
fn write_time(f: &mut fmt::Formatter<'_>, time: Duration) -> fmt::Result {
    let (mut fraction, mut width) = (time.subsec_nanos(), 9);
    while width > 1 && fraction.is_multiple_of(10) {
        fraction /= 10;
        width -= 1;
    }
    write!(f, "[{}.{fraction:0width$}] ", time.as_secs())
}

/// Whether the bytes read better as a string: all text, or an HTTP head and anything after it.
fn is_text(bytes: &[u8]) -> bool {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let text = &bytes[..head.unwrap_or(bytes.len())];
    text.iter().all(|&byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t'))
}

fn write_escaped(f: &mut fmt::Formatter<'_>, byte: u8) -> fmt::Result {
    match byte {
        b'\r' => f.write_str("\\r"),
        b'\n' => f.write_str("\\n"),
        b'\t' => f.write_str("\\t"),
        b'"' => f.write_str("\\\""),
        b'\\' => f.write_str("\\\\"),
        b' '..=b'~' => f.write_char(byte.into()),
        _ => write!(f, "\\x{byte:02x}"),
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    /// Line numbers change when comments are dropped; everything else must not.
    fn assert_round_trip(text: &str) {
        let mut first = Transcript::parse(text).unwrap();
        let mut second = Transcript::parse(&first.to_string()).unwrap();
        for event in first.events.iter_mut().chain(&mut second.events) {
            event.line = 0;
        }
        assert_eq!(first, second, "{text}");
        assert_eq!(first.to_string(), second.to_string());
    }

    #[test]
    fn what_is_written_reads_as_what_was_read() {
        assert_round_trip("");
        assert_round_trip("open");
        assert_round_trip("leg client-server");
        assert_round_trip(
            "open permessage-deflate; client_max_window_bits=10  # agreed\n> 8185 37fa213d 7f9f4d5158",
        );
        assert_round_trip(
            "> \"GET / HTTP/1.1\\r\\n\\r\\n\\x81\\x80é\\\"\\\\\\t\"\n[0] < \"\"\n[7.000000001] < reset",
        );
        assert_round_trip(
            "> 81\nleg proxy-server\nopen\n< 81\nleg client-proxy\n> eof\nleg b\nleg a\nopen x\n> 00",
        );
        assert_round_trip("leg a\nleg b\nopen\n< 00\nleg a\nopen\n< 00");
        assert_round_trip("leg proxy-server\n< 00");
        assert_round_trip("> gap 0\n< 81 00\n< gap 18446744073709551615\n< 81");
    }

    #[test]
    fn an_event_is_one_line() {
        let text = concat!(
            "[12.5] > 81 80 37 fa 21 3d\n",
            "[0.0] < \"HTTP/1.1 400\\r\\n\\r\\n\\x1f\\x8b\"\n",
            "> \"hello\"\n",
            "> eof\n",
            "< reset\n",
        );
        let transcript = Transcript::parse(text).unwrap();
        let lines: Vec<_> = transcript.events.iter().map(Event::to_string).collect();
        assert_eq!(lines.join("\n") + "\n", text);
        assert_eq!(transcript.to_string(), text);
    }

    #[test]
    fn times_are_written_as_short_as_they_are() {
        let written = |nanos| {
            let action = Action::Eof;
            let event = Event {
                line: 1,
                time: Some(Duration::from_nanos(nanos)),
                leg: 0,
                from: Role::Client,
                action,
            };
            event.to_string()
        };
        assert_eq!(written(60_000_000_000), "[60.0] > eof");
        assert_eq!(written(1_000_000), "[0.001] > eof");
        assert_eq!(written(1), "[0.000000001] > eof");
    }
}

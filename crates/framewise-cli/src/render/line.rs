use std::fmt::Write as _;
use std::time::Duration;

use framewise_proto::{Header, Opcode};
use framewise_rules::{CloseCode, Role};

use super::finding::code;
use super::header::{fields, flags};
use super::style::{CODE, FAINT, GOOD, HEADING, paint};
use super::{clean, shorten};

/// A frame as it passed.
pub(crate) struct Frame<'f> {
    pub(crate) from: Role,
    pub(crate) time: Option<Duration>,
    pub(crate) header: Header,
    /// Its first bytes, unmasked.
    pub(crate) payload: &'f [u8],
}

/// A head of the handshake, line by line.
pub(crate) fn head(from: Role, time: Option<Duration>, text: &str) -> String {
    let mut lines = String::new();
    for (index, line) in text.trim_end().lines().enumerate() {
        let line = clean(&shorten(line, 200));
        let line = if index == 0 { paint(HEADING, line) } else { paint(FAINT, line) };
        let _ = writeln!(lines, "{} {} {line}", stamp(if index == 0 { time } else { None }), arrow(from));
    }
    lines
}

/// A frame in one line; below it, where wanted, every byte of its header, its mask and its payload.
pub(crate) fn frame(frame: &Frame<'_>, bytes: bool) -> String {
    let Frame { from, time, header, payload } = frame;
    let mut line = format!(
        "{} {} {} {}  {} bytes",
        stamp(*time),
        arrow(*from),
        paint(CODE, format_args!("{:12}", header.opcode.to_string())),
        flags(header),
        header.length,
    );
    if let Some(key) = header.mask {
        let _ = write!(line, "  mask {}", hex(&key, ""));
    }
    let preview = preview(header, payload);
    if !preview.is_empty() {
        let _ = write!(line, "  {preview}");
    }
    line.push('\n');
    if bytes {
        all_bytes(&mut line, header, payload);
    }
    line
}

fn stamp(time: Option<Duration>) -> String {
    let time = time.map_or_else(String::new, |time| format!("{:.3}", time.as_secs_f64()));
    paint(FAINT, format_args!("{time:>8}"))
}

fn arrow(from: Role) -> String {
    match from {
        Role::Client => paint(GOOD, ">"),
        Role::Server => paint(CODE, "<"),
    }
}

/// What a person reads of a payload.
fn preview(header: &Header, payload: &[u8]) -> String {
    if payload.is_empty() {
        return String::new();
    }
    if header.rsv1 {
        return format!("RSV1: {}", hex(&payload[..payload.len().min(16)], " "));
    }
    let more = if (payload.len() as u64) < header.length { "…" } else { "" };
    match (header.opcode, payload) {
        (Opcode::Close, &[high, low, ref reason @ ..]) => {
            let reason = String::from_utf8_lossy(reason);
            let reason = if reason.is_empty() { String::new() } else { format!(" \"{}\"", clean(&reason)) };
            format!("{}{reason}", code(CloseCode(u16::from_be_bytes([high, low]))))
        }
        (Opcode::Text | Opcode::Continuation | Opcode::Ping | Opcode::Pong, _) if is_text(payload) => {
            format!("\"{}\"{more}", clean(&shorten(&String::from_utf8_lossy(payload), 60)))
        }
        _ => {
            let shown = &payload[..payload.len().min(16)];
            format!("{}{}", hex(shown, " "), if shown.len() as u64 == header.length { "" } else { " …" })
        }
    }
}

/// Whether it is UTF-8, but for a character that is cut at its end.
fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

fn all_bytes(text: &mut String, header: &Header, payload: &[u8]) {
    let (encoded, size) = header.encode();
    for (range, says) in fields(&encoded[..size], 0) {
        let _ = writeln!(text, "{:11}{:24} {}", "", hex(&encoded[range], " "), paint(FAINT, says));
    }
    for (index, row) in payload.chunks(16).enumerate() {
        let shown: String = row
            .iter()
            .map(|&byte| if matches!(byte, b' '..=b'~') { char::from(byte) } else { '.' })
            .collect();
        let says = match (index, header.mask) {
            (0, Some(_)) => "  payload, unmasked",
            (0, None) => "  payload",
            _ => "",
        };
        let _ = writeln!(text, "{:11}{:48} |{shown}|{}", "", hex(row, " "), paint(FAINT, says));
    }
    let hidden = header.length.saturating_sub(payload.len() as u64);
    if hidden > 0 {
        let _ = writeln!(text, "{:11}{}", "", paint(FAINT, format_args!("… {hidden} bytes more")));
    }
}

fn hex(bytes: &[u8], between: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(header: Header, payload: &[u8], bytes: bool) -> String {
        let frame = frame(
            &Frame { from: Role::Client, time: Some(Duration::from_millis(12)), header, payload },
            bytes,
        );
        anstream::adapter::strip_str(&frame).to_string()
    }

    #[test]
    fn a_frame_is_one_line() {
        let header = Header::new(Opcode::Text, 5, Some([0x37, 0xfa, 0x21, 0x3d]));
        assert_eq!(
            plain(header, b"Hello", false),
            "   0.012 > text         FIN  5 bytes  mask 37fa213d  \"Hello\"\n"
        );
        let header = Header::new(Opcode::Close, 4, None);
        assert_eq!(
            plain(header, b"\x03\xe8ok", false),
            "   0.012 > close        FIN  4 bytes  1000 (Normal closure) \"ok\"\n"
        );
    }

    #[test]
    fn every_byte_is_shown_on_request() {
        let text = plain(Header::new(Opcode::Binary, 300, None), &[0x61; 256], true);
        assert!(text.contains("7e") && text.contains("01 2c") && text.contains("… 44 bytes more"), "{text}");
    }
}

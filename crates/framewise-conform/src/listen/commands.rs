//! Commands of Autobahn's fuzzing server: on a path of its own, a client asks for frames, right or wrong ones.

use framewise_proto::Opcode;
use framewise_rules::CloseCode;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::case::{Cut, Frame, Masking, Payload, Seen};
use crate::session::Session;

/// Bytes of payload of one command, at the most: a short message of the client costs no more.
const MOST_PAYLOAD: usize = 16 * 1024 * 1024;

#[derive(Deserialize)]
struct FrameSpec {
    opcode: u8,
    #[serde(default)]
    payload: String,
    #[serde(default = "yes")]
    fin: bool,
    #[serde(default)]
    rsv: u8,
    /// In the original four bytes of a key; the key is a new one here.
    mask: Option<Value>,
    payload_len: Option<usize>,
    chopsize: Option<usize>,
}

#[derive(Deserialize)]
struct CloseSpec {
    code: Option<u16>,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct EchoSpec {
    #[serde(default)]
    payload: String,
    payload_len: Option<usize>,
}

const fn yes() -> bool {
    true
}

/// The frames that a command asks for: `["sendframe", {…}]`, `["sendframes", [{…}]]`, `["close", {…}]` or `["echo", {…}]`.
///
/// # Errors
///
/// What is wrong with it, in a few words.
pub(super) fn frames(message: &Seen) -> Result<Vec<(Frame, Cut)>, String> {
    let Seen::Text(payload) = message else { return Err("a command is a text message".into()) };
    let wrong = |error: serde_json::Error| format!("no command: {error}");
    let (name, argument): (String, Value) = serde_json::from_slice(&payload.bytes()).map_err(wrong)?;
    let frames = match name.as_str() {
        "sendframe" => vec![frame(serde_json::from_value(argument).map_err(wrong)?)?],
        "sendframes" => {
            let frames: Vec<FrameSpec> = serde_json::from_value(argument).map_err(wrong)?;
            frames.into_iter().map(frame).collect::<Result<_, _>>()?
        }
        "echo" => {
            let EchoSpec { payload, payload_len } = serde_json::from_value(argument).map_err(wrong)?;
            let payload = repeated(payload.into_bytes(), payload_len)?;
            vec![(Frame::new(Opcode::Text, payload), Cut::Whole)]
        }
        "close" => {
            let CloseSpec { code, reason } = serde_json::from_value(argument).map_err(wrong)?;
            match code {
                Some(code) => vec![close(CloseCode(code), &reason.unwrap_or_default())],
                None => vec![(Frame::new(Opcode::Close, ""), Cut::Whole)],
            }
        }
        _ => return Err("commands are sendframe, sendframes, close and echo".into()),
    };
    if frames.iter().map(|(frame, _)| frame.payload.len()).sum::<usize>() > MOST_PAYLOAD {
        return Err(format!("more than {MOST_PAYLOAD} bytes of payload"));
    }
    Ok(frames)
}

/// A Close frame, with as much of the reason as it has room for.
pub(super) fn close(code: CloseCode, reason: &str) -> (Frame, Cut) {
    let end = (0..=reason.len().min(123)).rev().find(|&end| reason.is_char_boundary(end));
    let payload = [&code.0.to_be_bytes(), &reason.as_bytes()[..end.unwrap_or_default()]].concat();
    (Frame::new(Opcode::Close, payload), Cut::Whole)
}

fn frame(spec: FrameSpec) -> Result<(Frame, Cut), String> {
    if spec.opcode > 15 || spec.rsv > 7 {
        return Err("an opcode is at most 15, and the reserved bits are at most 7".into());
    }
    // What Python takes for false is no mask.
    let masked = match spec.mask {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(key)) => !key.is_empty(),
        Some(Value::Number(number)) => number.as_i64() != Some(0),
        Some(Value::Bool(true) | Value::Array(_) | Value::Object(_)) => true,
    };
    let frame = Frame {
        fin: spec.fin,
        mask: if masked { Masking::Wrong } else { Masking::ByRole },
        ..Frame::new(Opcode::from_bits(spec.opcode), repeated(spec.payload.into_bytes(), spec.payload_len)?)
    };
    let cut = spec.chopsize.filter(|&size| size > 0).map_or(Cut::Whole, Cut::Every);
    Ok((frame.rsv(spec.rsv), cut))
}

/// The bytes, again and again up to a length.
fn repeated(bytes: Vec<u8>, length: Option<usize>) -> Result<Payload, String> {
    let Some(length) = length else { return Ok(bytes.into()) };
    if length > MOST_PAYLOAD {
        return Err(format!("more than {MOST_PAYLOAD} bytes of payload"));
    }
    if bytes.is_empty() && length > 0 {
        return Err("there is no payload to repeat".into());
    }
    Ok(bytes.iter().copied().cycle().take(length).collect::<Vec<u8>>().into())
}

/// Sends the frames of a command.
pub(super) async fn send<S: AsyncRead + AsyncWrite>(
    session: &mut Session<S>,
    frames: &[(Frame, Cut)],
    patience: std::time::Duration,
) {
    for (frame, cut) in frames {
        let mut out = Vec::new();
        session.encode(&mut out, frame);
        let size = if let Cut::Every(size) = cut { *size } else { out.len() };
        for piece in out.chunks(size.max(1)) {
            session.send(piece, patience).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<(Frame, Cut)>, String> {
        frames(&Seen::Text(text.into()))
    }

    #[test]
    fn commands_are_those_of_autobahn() {
        let sent = of(
            r#"["sendframes", [{"opcode": 9, "payload": "é", "rsv": 4, "fin": false, "mask": null, "chopsize": 1},
                               {"opcode": 1, "payload": "ab", "payload_len": 5, "mask": "abcd", "sync": true}]]"#,
        )
        .expect("it is a command");
        let (first, cut) = &sent[0];
        assert_eq!(
            (first.opcode, first.rsv, first.fin, first.mask),
            (Opcode::Ping, 4, false, Masking::ByRole)
        );
        assert_eq!((&*first.payload.bytes(), *cut), ("é".as_bytes(), Cut::Every(1)));
        let (second, cut) = &sent[1];
        assert_eq!((second.fin, second.mask, *cut), (true, Masking::Wrong, Cut::Whole));
        assert_eq!(&*second.payload.bytes(), b"ababa");
        let payload = |text: &str| of(text).expect("it is a command")[0].0.payload.bytes().into_owned();
        assert_eq!(payload(r#"["close", {"code": 3000, "reason": "bye"}]"#), b"\x0b\xb8bye");
        assert_eq!(payload(r#"["close", {}]"#), b"");
        assert_eq!(payload(r#"["echo", {"payload": "x", "payload_len": 70000}]"#).len(), 70_000);
        // A reason of 124 bytes has no room, and half a character is none.
        let reason = format!("a{}", "é".repeat(62));
        assert_eq!(close(CloseCode(1000), &reason).0.payload.len(), 2 + 123);
        assert_eq!(close(CloseCode(1000), &reason[1..]).0.payload.len(), 2 + 122);
    }

    #[test]
    fn what_is_no_command_or_costs_too_much_is_said() {
        for (text, says) in [
            ("hello", "no command"),
            (r#"["sendframe"]"#, "no command"),
            (r#"["sendframe", {}]"#, "missing field `opcode`"),
            (r#"["sendframe", {"opcode": 16}]"#, "at most 15"),
            (r#"["sendframe", {"opcode": 1, "rsv": 8}]"#, "at most 7"),
            (r#"["sendframe", {"opcode": 1, "payload_len": 3}]"#, "no payload to repeat"),
            (r#"["echo", {"payload": "a", "payload_len": 16777217}]"#, "more than 16777216 bytes"),
            (
                r#"["sendframes", [{"opcode": 2, "payload": "a", "payload_len": 9000000},
                                  {"opcode": 2, "payload": "a", "payload_len": 9000000}]]"#,
                "more than 16777216 bytes",
            ),
            (r#"["dance", {}]"#, "commands are"),
        ] {
            assert!(of(text).is_err_and(|error| error.contains(says)), "{text}");
        }
        assert!(frames(&Seen::Binary(b"[]".into())).is_err());
    }
}

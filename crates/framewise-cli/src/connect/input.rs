use std::io::BufRead as _;

use framewise::Message;
use tokio::sync::mpsc::{Receiver, channel};

/// A request of the person at the prompt, or of the pipe.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    Send(Message),
    /// Send these bytes unchanged.
    Raw(Vec<u8>),
    Ping(Vec<u8>),
    Close(Option<u16>, String),
    /// Print this to the person.
    Say(String),
    /// The input ended.
    End,
    /// Ctrl-C at the prompt.
    Interrupt,
    /// The input cannot be used; in a pipe, that ends the connection.
    Fault(String),
}

/// Reads standard input: each line is a text message.
pub(super) fn lines() -> Receiver<Input> {
    read(|line, number| {
        String::from_utf8(line).map(|line| Input::Send(Message::text(line))).map_err(|_| {
            format!(
                "line {number} of standard input is not UTF-8, as a text message must be; use --raw to send bytes"
            )
        })
    })
}

/// Reads standard input: each line is bytes in hexadecimal.
pub(super) fn raw_lines() -> Receiver<Input> {
    read(|line, number| {
        let line = String::from_utf8_lossy(&line).into_owned();
        hex(&line).map(Input::Raw).map_err(|says| format!("line {number} of standard input: {says}"))
    })
}

/// A thread that reads, so that a read that never ends holds up nothing.
fn read(parse: impl Fn(Vec<u8>, u64) -> Result<Input, String> + Send + 'static) -> Receiver<Input> {
    let (sender, receiver) = channel(16);
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        for number in 1.. {
            let mut line = Vec::new();
            let input = match stdin.read_until(b'\n', &mut line) {
                Ok(0) => Input::End,
                Ok(_) => {
                    if line.last() == Some(&b'\n') {
                        line.pop();
                    }
                    if line.last() == Some(&b'\r') {
                        line.pop();
                    }
                    parse(line, number).unwrap_or_else(Input::Fault)
                }
                Err(error) => {
                    Input::Fault(format!("cannot read standard input: {}", crate::failure::plain(&error)))
                }
            };
            let last = matches!(input, Input::End | Input::Fault(_));
            if sender.blocking_send(input).is_err() || last {
                return;
            }
        }
    });
    receiver
}

pub(super) const HELP: &str = "\
TEXT                  send a text message; to begin it with a slash, type two
/binary 00 ff 10      send a binary message
/ping [TEXT]          send a Ping
/close [CODE REASON]  send a Close and end
/frame 81 02 68 69    send these bytes unchanged, such as a deliberately broken frame
/help                 print this list
Ctrl-D closes with 1000, Ctrl-C with 1001.";

/// Parses a line of the prompt; `None` asks for help.
pub(super) fn command(line: &str) -> Result<Option<Input>, String> {
    let Some(command) = line.strip_prefix('/') else { return Ok(Some(Input::Send(Message::text(line)))) };
    if command.starts_with('/') {
        return Ok(Some(Input::Send(Message::text(command))));
    }
    let (name, rest) = command.split_once(' ').unwrap_or((command, ""));
    let rest = rest.trim();
    Ok(Some(match name {
        "binary" => Input::Send(Message::binary(hex(rest)?)),
        "frame" | "raw" => Input::Raw(hex(rest)?),
        "ping" => Input::Ping(rest.as_bytes().to_vec()),
        "close" if rest.is_empty() => Input::Close(Some(1000), String::new()),
        "close" => {
            let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
            let code = code
                .parse()
                .map_err(|_| format!("{code} is not a close code; example: /close 4000 reason"))?;
            Input::Close(Some(code), reason.trim().to_owned())
        }
        "quit" | "exit" => Input::End,
        "help" | "" => return Ok(None),
        other => {
            return Err(format!(
                "unknown command /{other}; /help lists the commands, //{other} sends it as text"
            ));
        }
    }))
}

/// Parses pairs of hexadecimal digits; spaces are free.
fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| {
            c.to_digit(16)
                .map(|digit| digit as u8)
                .ok_or_else(|| format!("`{}` is not a hexadecimal digit", c.escape_default()))
        })
        .collect::<Result<_, _>>()?;
    if digits.len() % 2 == 1 {
        return Err("half a byte: expected a second hexadecimal digit".to_owned());
    }
    Ok(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        let sends = |text: &str| Ok(Some(Input::Send(Message::text(text))));
        assert_eq!(command("hello"), sends("hello"));
        assert_eq!(command(""), sends(""));
        assert_eq!(command("//x"), sends("/x"));
        assert_eq!(command("/binary 00ff"), Ok(Some(Input::Send(Message::binary(vec![0, 255])))));
        assert_eq!(command("/frame 81 02 68 69"), Ok(Some(Input::Raw(vec![0x81, 2, 0x68, 0x69]))));
        assert_eq!(command("/ping a b"), Ok(Some(Input::Ping(b"a b".to_vec()))));
        assert_eq!(command("/close"), Ok(Some(Input::Close(Some(1000), String::new()))));
        assert_eq!(
            command("/close 4000 that is all"),
            Ok(Some(Input::Close(Some(4000), "that is all".to_owned())))
        );
        assert_eq!(command("/help"), Ok(None));
        assert!(command("/nothing").is_err() && command("/frame 8").is_err() && command("/close x").is_err());
    }
}

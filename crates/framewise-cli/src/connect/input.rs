use std::io::BufRead as _;

use framewise::Message;
use tokio::sync::mpsc::{Receiver, channel};

/// What a person, or a pipe, wants to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    Send(Message),
    /// Bytes onto the wire, as they are.
    Raw(Vec<u8>),
    Ping(Vec<u8>),
    Close(Option<u16>, String),
    /// Something for the person who typed.
    Say(String),
    /// The input is at its end.
    End,
    /// Ctrl-C at the prompt.
    Interrupt,
    /// The input cannot be used: in a pipe that ends it all.
    Fault(String),
}

/// Each line of standard input a text message.
pub(super) fn lines() -> Receiver<Input> {
    read(|line, number| {
        String::from_utf8(line).map(|line| Input::Send(Message::text(line))).map_err(|_| {
            format!(
                "line {number} of standard input is not UTF-8, and a text message must be; --raw sends bytes"
            )
        })
    })
}

/// Each line of standard input bytes in hexadecimal.
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
                    Input::Fault(format!("standard input cannot be read: {}", crate::net::plain(&error)))
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
TEXT                  send a text message; //TEXT sends one that begins with a slash
/binary 00 ff 10      send a binary message
/ping [TEXT]          send a Ping
/close [CODE REASON]  send a Close, and end
/frame 81 02 68 69    write these bytes onto the wire as they are: a frame that is broken on purpose
/help                 this list
Ctrl-D closes with 1000, Ctrl-C with 1001.";

/// A line of the prompt; `None` where there is nothing to do but to help.
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
            let code = code.parse().map_err(|_| format!("{code} is no close code: /close 4000 reason"))?;
            Input::Close(Some(code), reason.trim().to_owned())
        }
        "quit" | "exit" => Input::End,
        "help" | "" => return Ok(None),
        other => return Err(format!("/{other} is no command; /help lists them, //{other} sends it as text")),
    }))
}

/// Pairs of hexadecimal digits with spaces where one likes.
fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| {
            c.to_digit(16)
                .map(|digit| digit as u8)
                .ok_or_else(|| format!("`{}` is no hexadecimal digit", c.escape_default()))
        })
        .collect::<Result<_, _>>()?;
    if digits.len() % 2 == 1 {
        return Err("half a byte: two hexadecimal digits make one".to_owned());
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

mod hex;

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use framewise_inspect::{Connection, Report, diagnose};
use framewise_rules::Role;
use framewise_transcript::{Action, Event, Leg, Transcript};

use crate::failure::Failure;
use crate::net::plain;
use crate::output::Output;
use crate::progress::Progress;
use crate::render::finding::{finding, summary};
use crate::render::{clean, shorten};

/// Larger files are no recordings that a person made.
const MOST: u64 = 512 << 20;

/// Diagnose a recording: what broke, at which byte, who did it, why, and how to fix it
///
/// FILE is a transcript, or bytes of one side in hexadecimal: plain, or as xxd, hexdump -C and od -A x -t x1 write them.
/// Exit code 1 if something was found, notes included.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise read recording.txt
  echo '81 02 68 69' | framewise read --from client -
  xxd stream.bin | framewise read --from server --json -

A transcript has one event a line:
  open                          # after a handshake that agreed nothing
  > 81 85 37 fa 21 3d 7f 9f 4d 51 58
  [12.503] < \"text\\r\\n\"
  > eof")]
pub(crate) struct ReadArgs {
    /// The file; - for standard input
    file: PathBuf,
    /// What the file is, if that is not to be told from its content
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Who sent the bytes of a hex file; guessed from the first ones by default
    #[arg(long, value_enum, value_name = "SIDE")]
    from: Option<Side>,
    /// The extensions that were agreed, for a hex file that starts after the handshake
    #[arg(long, value_name = "LIST")]
    extensions: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One event a line
    Transcript,
    /// Bytes of one side
    Hex,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    Client,
    Server,
}

impl From<Side> for Role {
    fn from(side: Side) -> Self {
        match side {
            Side::Client => Self::Client,
            Side::Server => Self::Server,
        }
    }
}

pub(crate) fn run(args: &ReadArgs, output: Output) -> Result<ExitCode, Failure> {
    let name = if args.file.as_os_str() == "-" {
        "standard input".to_owned()
    } else {
        args.file.display().to_string()
    };
    let progress = Progress::start(format!("reading {}", clean(&shorten(&name, 40))));
    let transcript = transcript(args, &name)?;
    if transcript.events.is_empty() {
        return Err(Failure::said(format!("{name} holds no bytes: there is nothing to diagnose")));
    }
    let report = Report { connections: vec![diagnose(&transcript)] };
    drop(progress);
    if args.json {
        output.json(&report)?;
    } else {
        output.print(text(&report, &name, output.width()))?;
    }
    Ok(exit_code(&report.connections))
}

/// 1 where something was found, notes included.
pub(crate) fn exit_code(connections: &[Connection]) -> ExitCode {
    let found =
        connections.iter().any(|connection| !connection.findings.is_empty() || connection.verdict.is_some());
    ExitCode::from(u8::from(found))
}

fn text(report: &Report, name: &str, width: usize) -> String {
    let mut text = String::new();
    for connection in &report.connections {
        for found in &connection.findings {
            text.push_str(&finding(found, width));
            text.push('\n');
        }
        let _ = write!(text, "{}: {}", clean(name), summary(connection).trim_end().replace('\n', "\n  "));
        text.push('\n');
    }
    text
}

fn transcript(args: &ReadArgs, name: &str) -> Result<Transcript, Failure> {
    let bytes = contents(args, name)?;
    if let Some(other) = other_format(&bytes) {
        return Err(Failure::said(format!("{name} is {other}")));
    }
    let text = decode(&bytes).map_err(|fault| Failure::said(format!("{name}: {fault}")))?;
    let format = args
        .format
        .unwrap_or_else(|| if hex::looks_like_hex(&text) { Format::Hex } else { Format::Transcript });
    match format {
        Format::Transcript if args.from.is_some() => {
            Err(Failure::said("--from is for hex files: a transcript says for each line who sent it"))
        }
        Format::Transcript => Transcript::parse(&text).map_err(|error| {
            Failure::said(format!(
                "{name} is no transcript: {error}; `framewise read --help` shows the notation"
            ))
        }),
        Format::Hex => {
            let bytes = hex::parse(&text)
                .map_err(|error| Failure::said(format!("{name} is no hex dump: {error}")))?;
            Ok(of_one_side(bytes, args.from.map(Role::from), args.extensions.as_deref()))
        }
    }
}

fn contents(args: &ReadArgs, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if args.file.as_os_str() == "-" {
        std::io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(&args.file).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes))
    };
    match read {
        Err(error) => Err(Failure::said(format!("{name} cannot be read: {}", plain(&error)))),
        Ok(_) if bytes.len() as u64 > MOST => {
            Err(Failure::said(format!("{name} is larger than 512 MiB; cut the part out that is in question")))
        }
        Ok(_) => Ok(bytes),
    }
}

/// Files that are taken for recordings, and are none that this command reads.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    let captures: [&[u8]; 5] = [
        b"\xa1\xb2\xc3\xd4",
        b"\xd4\xc3\xb2\xa1",
        b"\xa1\xb2\x3c\x4d",
        b"\x4d\x3c\xb2\xa1",
        b"\x0a\x0d\x0d\x0a",
    ];
    if captures.iter().any(|magic| bytes.starts_with(magic)) {
        return Some(
            "a packet capture (pcap), which is not read yet; write the stream out as hex: Wireshark, Follow TCP Stream, \
             Hex Dump, or `framewise inspect --record` instead",
        );
    }
    if bytes.starts_with(b"\x1f\x8b")
        || bytes.starts_with(b"PK\x03\x04")
        || bytes.starts_with(b"\x28\xb5\x2f\xfd")
    {
        return Some("compressed; unpack it first");
    }
    let text = bytes.trim_ascii_start();
    if text.starts_with(b"{") && bytes[..bytes.len().min(4096)].windows(5).any(|window| window == b"\"log\"")
    {
        return Some(
            "a HAR file, which is not read yet; `framewise inspect --record` makes a recording that is",
        );
    }
    None
}

/// UTF-8, or UTF-16 with its mark, as PowerShell writes what is redirected.
fn decode(bytes: &[u8]) -> Result<String, String> {
    let wide = |of: fn([u8; 2]) -> u16| {
        bytes[2..].chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect::<Vec<_>>()
    };
    let units = match bytes {
        [0xff, 0xfe, ..] => Some(wide(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => Some(wide(u16::from_be_bytes)),
        _ => None,
    };
    if let Some(units) = units {
        return String::from_utf16(&units)
            .map_err(|_| "it begins as UTF-16 and does not go on so; save it as UTF-8".to_owned());
    }
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.to_owned()),
        Err(error) => error,
    };
    let before = &bytes[..error.valid_up_to()];
    let text = |&byte: &u8| byte >= b' ' || matches!(byte, b'\t' | b'\r' | b'\n');
    if before.len() < 4 || !before.iter().all(text) {
        return Err("these are bytes, not text; `xxd FILE | framewise read -` reads them".to_owned());
    }
    let before = std::str::from_utf8(before).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Err(format!(
        "line {line}, column {column}: a byte that is not UTF-8; write it as \\x{:02x}",
        bytes[before.len()]
    ))
}

/// Bytes of one side as a transcript: a head or frames, of a client or of a server, as the first bytes say.
fn of_one_side(bytes: Vec<u8>, from: Option<Role>, extensions: Option<&str>) -> Transcript {
    let request =
        bytes.starts_with(b"GET ") || (bytes.starts_with(b"POST ") || bytes.starts_with(b"CONNECT "));
    let response = bytes.starts_with(b"HTTP/");
    let masked = bytes.get(1).is_some_and(|second| second & 0x80 != 0);
    let guessed = if request || (masked && !response) { Role::Client } else { Role::Server };
    let open = (!request && !response).then(|| extensions.unwrap_or_default().to_owned());
    let from = from.unwrap_or(guessed);
    Transcript {
        legs: vec![Leg { name: "client-server".to_owned(), open }],
        events: if bytes.is_empty() {
            Vec::new()
        } else {
            vec![Event { line: 1, time: None, leg: 0, from, action: Action::Bytes(bytes) }]
        },
    }
}

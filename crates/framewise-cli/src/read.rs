use std::fmt::Write as _;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use framewise_capture::Options;
use framewise_inspect::{Connection, Report, diagnose};
use framewise_rules::Role;

use crate::failure::{Failure, plain};
use crate::output::Output;
use crate::progress::Progress;
use crate::render::finding::{findings, summary};
use crate::render::{clean, shorten};

/// A larger file is not a recording that a person made.
const MOST: u64 = 512 << 20;

/// Diagnose a recording: what broke, at which byte, who did it, why, and how to fix it
///
/// FILE is a transcript, or the bytes of one side in hexadecimal: plain, or as xxd, hexdump -C and od -A x -t x1 print them.
/// The exit code is 1 if there are findings, notes included.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise read recording.txt
  echo '81 02 68 69' | framewise read --from client -
  xxd stream.bin | framewise read --from server --json -

A transcript has one event per line:
  open                          # starts after a handshake without extensions
  > 81 85 37 fa 21 3d 7f 9f 4d 51 58
  [12.503] < \"text\\r\\n\"
  > eof")]
pub(crate) struct ReadArgs {
    /// The recording, or - for standard input
    file: PathBuf,
    /// Input format (default: detected)
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Who sent the bytes of a hex file (default: guessed from the first bytes)
    #[arg(long, value_enum, value_name = "SIDE")]
    from: Option<Side>,
    /// Extensions the handshake agreed, for a hex file that starts after it
    #[arg(long, value_name = "LIST")]
    extensions: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One event per line
    Transcript,
    /// The bytes of one side in hexadecimal
    Hex,
}

impl From<Format> for framewise_capture::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Transcript => Self::Transcript,
            Format::Hex => Self::Hex,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Side {
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
    let options = Options {
        format: args.format.map(Into::into),
        from: args.from.map(Into::into),
        extensions: args.extensions.clone(),
    };
    let transcript = framewise_capture::read(&contents(args, &name)?, &options)
        .map_err(|error| Failure::said(format!("cannot read {name}: {error}")))?;
    if transcript.events.is_empty() {
        return Err(Failure::said(format!("nothing to diagnose: {name} contains no bytes")));
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
        text.push_str(&findings(&connection.findings, width));
        let _ = write!(text, "{}: {}", clean(name), summary(connection).trim_end().replace('\n', "\n  "));
        text.push('\n');
    }
    text
}

fn contents(args: &ReadArgs, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = if args.file.as_os_str() == "-" {
        std::io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(&args.file).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes))
    };
    match read {
        Err(error) => Err(Failure::said(format!("cannot read {name}: {}", plain(&error)))),
        Ok(_) if bytes.len() as u64 > MOST => Err(Failure::said(format!(
            "cannot read {name}: it is larger than 512 MiB; cut out the part in question"
        ))),
        Ok(_) => Ok(bytes),
    }
}

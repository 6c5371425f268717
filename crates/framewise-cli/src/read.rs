mod live;

use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use framewise_capture::{Diagnoses, Note, Notes, Options, Pick};
use framewise_inspect::Connection;
use framewise_rules::Role;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::Output;
use crate::progress::Progress;
use crate::recording;
use crate::render::finding::{findings, summary};
use crate::render::style::{FAINT, paint};
use crate::render::{clean, shorten, wrap};

/// Connections that are reported in full; of more, only the number is.
const MOST: usize = 10_000;

/// Diagnose a recording: what broke, at which byte, who did it, why, and how to fix it
///
/// FILE is a packet capture (pcap or pcapng), a transcript, or what a tool printed: curl -v and --trace, tcpdump -X, tshark -x,
/// socat -x, Wireshark's followed streams, HTTP heads, the byte lists of Node, Python, Go and Java, base64, hexadecimal in any
/// usual form, a HAR, Chrome's netlog, `DevTools` events or console, Firefox's nsWebSocket log, tshark -T json and -V,
/// mitmproxy's flows, the logs of Python's websockets, uvicorn, websocket-client, tungstenite and
/// Java-WebSocket, curl's [WS] lines.
/// The exit code is 1 if there are findings, notes included.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise read recording.txt
  framewise read capture.pcapng
  framewise read --tls-keys keys.log capture.pcap
  tcpdump -i any -U -s 0 -w - 'tcp port 8080' | framewise read -
  echo '81 02 68 69' | framewise read --from client -
  xxd stream.bin | framewise read --from server --json -

A transcript has one event per line:
  open                          # starts after a handshake without extensions
  > 81 85 37 fa 21 3d 7f 9f 4d 51 58
  [12.503] < \"text\\r\\n\"
  > eof")]
pub(crate) struct ReadArgs {
    /// The recording, or - for standard input
    #[arg(required_unless_present = "schema")]
    file: Option<PathBuf>,
    /// Input format (default: detected)
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Who sent the bytes of hexadecimal, a byte list or base64 (default: guessed from the first bytes)
    #[arg(long, value_enum, value_name = "SIDE")]
    from: Option<Side>,
    /// Extensions the handshake agreed, for bytes that start after it
    #[arg(long, value_name = "LIST")]
    extensions: Option<String>,
    /// Only the connections of this client in a packet capture
    #[arg(long, value_name = "HOST:PORT")]
    client: Option<String>,
    /// Only this TCP connection of a packet capture, by Wireshark's number (tcp.stream)
    #[arg(long, value_name = "N")]
    stream: Option<u64>,
    /// The TLS keys of an encrypted packet capture: a file in the format of SSLKEYLOGFILE (a pcapng may have them inside)
    #[arg(long, value_name = "FILE")]
    tls_keys: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print the JSON schema of what --json prints
    #[arg(long, exclusive = true)]
    schema: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One event per line
    Transcript,
    /// The bytes of one side in hexadecimal
    Hex,
    /// A packet capture: pcap or pcapng
    Pcap,
    /// What tools print: curl -v and --trace, tcpdump -X, tshark, socat -x, followed streams, byte lists, HTTP heads
    Paste,
}

impl From<Format> for framewise_capture::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Transcript => Self::Transcript,
            Format::Hex => Self::Hex,
            Format::Pcap => Self::Capture,
            Format::Paste => Self::Paste,
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
    let Some(file) = &args.file else {
        // Without a file, `--schema` was given.
        output.json(&crate::schema::of::<Report>())?;
        return Ok(ExitCode::SUCCESS);
    };
    let name = if is_stdin(file) { "standard input".to_owned() } else { file.display().to_string() };
    let progress = Progress::start(format!("reading {}", clean(&shorten(&name, 40))));
    let options = Options {
        format: args.format.map(Into::into),
        from: args.from.map(Into::into),
        extensions: args.extensions.clone(),
        pick: Pick { client: args.client.clone(), stream: args.stream },
    };
    let mut reading = Reading::new(args.json, name.clone(), output);
    let mut progress = Some(progress);
    let mut done = Diagnoses::new(|connection| {
        // What is printed as it comes must not be mixed with it.
        progress.take();
        reading.take(connection);
    });
    let input = open(file, &name)?;
    let read = recording::read(input, &name, args.tls_keys.as_deref(), &options, &mut done);
    drop(done);
    drop(progress);
    reading.finish(&read?)
}

/// The report of `framewise read --json`.
#[derive(Debug, JsonSchema, Serialize)]
struct Report {
    /// The connections, in the order in which they began.
    connections: Vec<Connection>,
    /// What was understood, skipped and guessed.
    notes: Vec<String>,
}

/// What was read so far: text is printed as it comes.
struct Reading {
    json: bool,
    name: String,
    output: Output,
    connections: Vec<Connection>,
    count: usize,
    found: bool,
    failure: Option<Failure>,
}

impl Reading {
    const fn new(json: bool, name: String, output: Output) -> Self {
        Self { json, name, output, connections: Vec::new(), count: 0, found: false, failure: None }
    }

    fn take(&mut self, connection: Connection) {
        self.count += 1;
        self.found |= !connection.findings.is_empty() || connection.verdict.is_some();
        if self.count > MOST || self.failure.is_some() {
            return;
        }
        if self.json {
            self.connections.push(connection);
            return;
        }
        let text = text(&connection, &self.name, self.output.width());
        self.failure = self.output.print(text).err();
    }

    fn finish(self, notes: &Notes) -> Result<ExitCode, Failure> {
        let Self { json, name, output, mut connections, count, found, failure } = self;
        if let Some(failure) = failure {
            return Err(failure);
        }
        if count == 0 {
            // The mistake is one sentence; what to do about encryption takes more.
            if !json && is_encrypted(notes) {
                output.print(framewise_capture::KEYS.to_owned())?;
            }
            return Err(nothing(&name, notes));
        }
        let mut more: Vec<String> = notes.iter().map(ToString::to_string).collect();
        if count > MOST {
            more.push(format!("{} more connections are not shown", count - MOST));
        }
        if json {
            // Numbers count up in the order in which they began.
            connections.sort_by_key(|connection| connection.id.parse::<u64>().unwrap_or(u64::MAX));
            output.json(&Report { connections, notes: more })?;
        } else {
            let mut text = String::new();
            let line = notes.line();
            let rest = notes.iter().filter(|note| !matches!(note, Note::Read(_) | Note::Skipped(_)));
            let shown = (!line.is_empty()).then_some(line).into_iter().chain(rest.map(ToString::to_string));
            for note in shown.chain((count > MOST).then(|| more.pop()).flatten()) {
                for (index, line) in wrap(&clean(&note), output.width() - 2).iter().enumerate() {
                    let _ = writeln!(text, "{}{}", if index == 0 { "" } else { "  " }, paint(FAINT, line));
                }
            }
            if is_encrypted(notes) {
                text.push_str(framewise_capture::KEYS);
            }
            output.print(text)?;
        }
        Ok(ExitCode::from(u8::from(found)))
    }
}

fn nothing(name: &str, notes: &Notes) -> Failure {
    let line = notes.line();
    if line.is_empty() {
        return Failure::said(format!("nothing to diagnose: {name} contains no bytes"));
    }
    let encrypted = notes.iter().filter(|note| matches!(note, Note::Encrypted(_) | Note::Limit(_)));
    let mut more = String::new();
    for note in encrypted {
        let _ = write!(more, "; {note}");
    }
    Failure::said(format!("no WebSocket connection found in {name} ({line}{more})"))
}

fn is_encrypted(notes: &Notes) -> bool {
    notes.iter().any(|note| matches!(note, Note::Encrypted(_)))
}

fn text(connection: &Connection, name: &str, width: usize) -> String {
    let mut text = findings(&connection.findings, width);
    let ends = match (&connection.client, &connection.server) {
        (Some(client), Some(server)) => format!(", connection {} ({client} to {server})", connection.id),
        _ if connection.id != "1" => format!(", connection {}", connection.id),
        _ => String::new(),
    };
    let summary = summary(connection).trim_end().replace('\n', "\n  ");
    let _ = write!(text, "{}{}: {summary}\n\n", clean(name), clean(&ends));
    text
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

fn open(file: &Path, name: &str) -> Result<Box<dyn Read>, Failure> {
    if is_stdin(file) {
        return Ok(Box::new(live::Input::start()?));
    }
    recording::open(file, name)
}

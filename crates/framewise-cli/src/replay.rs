mod compare;
mod play;
mod script;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgGroup, Args};
use framewise::{Client, Limits, Url};
use framewise_inspect::{Connection, diagnose};
use framewise_rules::Role;
use framewise_transcript::Transcript;
use serde::Serialize;

use crate::failure::{Failure, plain};
use crate::net;
use crate::output::Output;
use crate::recording::{self, RecordingArgs, in_words};
use crate::render::clean;
use crate::render::finding::{findings, summary};
use play::{Pace, Played};
use script::Script;
pub(crate) use script::base64;

/// Resolving, TCP and TLS may take this long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Play one side of a recording again: to a server, or to a client
///
/// With a URL, sends what the client sent; with --listen, waits for one client and sends what the server sent. Then it
/// diagnoses the new connection, and says what the other side did differently. Each piece is sent at its recorded time, and
/// heads not before they are answered; with --fast, as soon as the answers before it have come.
///
/// What has to fit is made to: Host names the URL's server (unless --keep-host), a path in the URL replaces the recorded
/// one, and Sec-WebSocket-Accept answers the new client's key, unless the recorded one was wrong. Everything else is sent as
/// it was recorded, faults included.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("to").required(true).args(["url", "listen"]))]
#[command(after_help = "Examples:
  framewise replay session.txt ws://localhost:8080
  framewise replay --fast session.txt wss://example.com/ws
  framewise replay session.txt --listen 127.0.0.1:7000")]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    recording: RecordingArgs,
    /// Server to play the client's side to: a ws:// or wss:// URL
    url: Option<String>,
    /// Address to wait at for a client, to play the server's side to; port 0 picks a free one
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Do not wait for the recorded times, only for the answers
    #[arg(long)]
    fast: bool,
    /// Send the recorded Host
    #[arg(long)]
    keep_host: bool,
    /// The leg to play, in a recording with several (default: the first)
    #[arg(long, value_name = "NAME")]
    leg: Option<String>,
    /// Seconds to wait for an answer, and for the end
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    wait: u64,
    /// Write the new connection as a transcript to FILE
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `framewise replay --json` prints.
#[derive(Debug, Serialize)]
struct Report {
    /// The side that was played.
    played: &'static str,
    /// Pieces that were sent before the recorded answers had come, because these did not come in time.
    unanswered: usize,
    /// What the other side did differently.
    differences: Vec<String>,
    /// What the recording broke, in a few words.
    recorded: String,
    /// The new connection.
    connection: Connection,
}

pub(crate) fn run(args: &ReplayArgs, output: Output) -> Result<ExitCode, Failure> {
    let url = args.url.as_deref().map(str::parse::<Url>).transpose();
    let url = url.map_err(|error| Failure::said(error.to_string()))?;
    let recording = args.recording.load()?;
    let leg = match &args.leg {
        None => 0,
        Some(name) => {
            recording.transcript.legs.iter().position(|leg| leg.name == *name).ok_or_else(|| {
                let names: Vec<_> = recording.transcript.legs.iter().map(|leg| leg.name.as_str()).collect();
                Failure::said(format!("{} has no leg {name}; it has {}", recording.name, names.join(", ")))
            })?
        }
    };
    let role = if url.is_some() { Role::Client } else { Role::Server };
    let script = Script::of(&recording.transcript, leg, role)
        .map_err(|fault| Failure::said(format!("cannot play {}: {fault}", recording.name)))?;
    let runtime = net::runtime()?;
    let played = runtime.block_on(play(args, url.as_ref(), &script, output));
    runtime.shutdown_background();
    report(args, &recording, leg, role, played?, output)
}

async fn play(
    args: &ReplayArgs,
    url: Option<&Url>,
    script: &Script,
    output: Output,
) -> Result<Played, Failure> {
    let pace = if args.fast || !script.has_times() { Pace::Answers } else { Pace::Times };
    let wait = Duration::from_secs(args.wait.max(1));
    if let Some(url) = url {
        let script = script.to_server(url, args.keep_host);
        let client = Client::new().limits(Limits::DEFAULT.handshake(PATIENCE));
        let mut stream =
            client.dial(url.to_string()).await.map_err(|error| Failure::said(error.to_string()))?;
        let played = play::play(&mut stream, &script, pace, wait).await;
        if played.resets {
            // Closed without lingering, a socket sends RST.
            let _ = stream.tcp().set_zero_linger();
        }
        return Ok(played);
    }
    let interrupted = net::interrupted();
    let listener = net::listen(args.listen.as_deref().unwrap_or_default()).await?;
    let address = listener.local_addr().map_err(|error| Failure::said(plain(&error)))?;
    let line = format!("listening on ws://{address}\n");
    if args.json {
        // A closed standard error is ignored.
        let _ = std::io::stderr().write_all(line.as_bytes());
    } else {
        output.print(line)?;
    }
    let (mut stream, _) = tokio::select! {
        accepted = listener.accept() => accepted.map_err(|error| Failure::said(format!("cannot accept a client: {}", plain(&error))))?,
        () = interrupted => return Err(Failure::said("interrupted before a client came")),
    };
    let played = play::play(&mut stream, script, pace, wait).await;
    if played.resets {
        let _ = stream.set_zero_linger();
    }
    Ok(played)
}

const fn side(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}

fn report(
    args: &ReplayArgs,
    recording: &recording::Recording,
    leg: usize,
    role: Role,
    played: Played,
    output: Output,
) -> Result<ExitCode, Failure> {
    let transcript: Transcript = played.transcript;
    if let Some(path) = &args.record {
        recording::write(&transcript, "framewise replay", Some(path), output)?;
    }
    let connection = diagnose(&transcript);
    let differences = compare::differences(&recording.transcript, leg, &transcript, role.peer());
    let found = !connection.findings.is_empty() || connection.verdict.is_some();
    let recorded = in_words(&recording.diagnosis);
    let code = ExitCode::from(u8::from(found));
    if args.json {
        let report =
            Report { played: side(role), unanswered: played.unanswered, differences, recorded, connection };
        output.json(&report)?;
        return Ok(code);
    }
    let mut text = findings(&connection.findings, output.width());
    text.push_str(&summary(&connection));
    let mut say = |line: &str| {
        text.push_str(&clean(line));
        text.push('\n');
    };
    say(&format!("recorded: {recorded}"));
    if played.unanswered > 0 {
        say(&format!(
            "{} of the {role}'s pieces were sent although the answers before them had not come within {} s",
            played.unanswered, args.wait
        ));
    }
    if differences.is_empty() {
        say(&format!("the {} did what was recorded", role.peer()));
    }
    for difference in &differences {
        say(&format!("differs: {difference}"));
    }
    if let Some(caveat) = recording.caveat {
        say(caveat);
    }
    output.print(text)?;
    Ok(code)
}

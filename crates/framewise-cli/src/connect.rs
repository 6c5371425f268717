mod input;
mod print;
mod prompt;
mod session;

use std::io::IsTerminal as _;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::{Args, ValueEnum};
use framewise::{Error, Limits, NetStream, Rejected, Role, WebSocket};
use framewise_inspect::Endpoints;
use framewise_live::{About, Tee, Watch, Watching};

use crate::failure::Failure;
use crate::live::{Live, Writer};
use crate::net;
use crate::output::{Output, To};
use crate::printer::{Frames, Printer};
use crate::render::{clean, shorten};
use crate::request::RequestArgs;
use print::Screen;

/// Connect to a server: with a prompt, or standard input and output in a pipe
///
/// At the prompt, each line is sent as a text message; /help lists the other commands: pings, binary messages, a Close with
/// your code, raw bytes for a deliberately broken frame. From a pipe, each line of standard input is sent as a text message.
/// At the end of the input, the connection is closed with 1000, and messages that arrive before the server's Close are still
/// printed; --wait delays the Close for a slow server.
///
/// Into a pipe or a file, each message is one line, text exactly as received. On a terminal, control and invisible
/// characters are escaped and long messages are shortened. Messages may have up to 64 MiB.
///
/// If the server breaks a rule, the finding is printed on standard error and the exit code is 1. Ctrl-C closes with 1001 and
/// exits with 130.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise connect ws://localhost:9001
  echo hello | framewise connect ws://localhost:9001
  framewise connect --frames --header 'Authorization: Bearer 4f1c' wss://example.com/chat
  echo '81 02 68 69' | framewise connect --raw --frames ws://localhost:9001")]
pub(crate) struct ConnectArgs {
    /// Server URL, ws:// or wss://
    url: String,
    /// Print each frame on standard error: header, mask, payload
    #[arg(long)]
    frames: bool,
    #[command(flatten)]
    request: RequestArgs,
    /// How to print binary messages
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    binary: Binary,
    /// From a pipe: send each line as raw bytes, in hexadecimal, without a frame around them
    #[arg(long)]
    raw: bool,
    /// From a pipe: wait this many seconds after the last line before closing
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    wait: std::time::Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Binary {
    /// As a line of hexadecimal
    #[default]
    Hex,
    /// As raw bytes without a line break (on a terminal: hexadecimal)
    Raw,
}

pub(crate) fn seconds(text: &str) -> Result<std::time::Duration, String> {
    let seconds = text.parse().map_err(|_| "expected a number of seconds")?;
    std::time::Duration::try_from_secs_f64(seconds)
        .map_err(|_| "expected a number of seconds, 0 or more".to_owned())
}

/// A message or a frame larger than this is refused with 1009.
const LARGEST: u64 = 64 << 20;

/// What a connection is made over.
type Stream = Tee<NetStream>;

pub(crate) fn run(args: &ConnectArgs, output: Output) -> Result<ExitCode, Failure> {
    let runtime = net::runtime()?;
    let result = runtime.block_on(connect(args, output));
    runtime.shutdown_background();
    Ok(ExitCode::from(match result? {
        Outcome::Interrupted => 130,
        Outcome::Over { found } => u8::from(found),
    }))
}

/// How it came to an end.
enum Outcome {
    /// By Ctrl-C.
    Interrupted,
    /// By itself; whether the server did something wrong.
    Over { found: bool },
}

async fn connect(args: &ConnectArgs, output: Output) -> Result<Outcome, Failure> {
    let screen = screen(args);
    let (live, queue) = Live::new();
    let printer = Printer {
        to: To::Stderr,
        frames: Frames::when(args.frames, Frames::Bytes),
        // The user breaks a rule on purpose: it is reported only if the frames are requested.
        only: (!args.frames).then_some(Role::Server),
        summary: false,
        notes_count: false,
        ..Printer::new(&live, output)
    };
    let found = printer.found();
    let mut interrupted = pin!(net::interrupted());
    let connected = tokio::select! {
        connected = open(args, printer) => connected,
        () = &mut interrupted => return Ok(Outcome::Interrupted),
    };
    let over = || Outcome::Over { found: found.load(Ordering::Relaxed) };
    let (ws, watching) = match connected {
        Ok(open) => open,
        Err(failure) => {
            // The diagnosis of a handshake that broke a rule. A rejection is said in the failure's sentence.
            if failure.diagnosed || args.frames {
                queue.start(output).finish(live);
            }
            return if failure.diagnosed { Ok(over()) } else { Err(Failure::said(failure.sentence)) };
        }
    };
    let session =
        session::Session { ws, watching, binary: args.binary, wait: args.wait, live: live.clone(), screen };
    let interrupted = if screen == Screen::Prompt {
        prompt::run(session, interrupted, queue, live, output, &args.url).await?
    } else {
        let writer: Writer = queue.start(output);
        let input = if args.raw { input::raw_lines() } else { input::lines() };
        let result = session.run(input, interrupted).await;
        writer.finish(live);
        result?
    };
    Ok(if interrupted { Outcome::Interrupted } else { over() })
}

/// Where messages go: a prompt needs a terminal at both ends.
fn screen(args: &ConnectArgs) -> Screen {
    match (std::io::stdout().is_terminal(), std::io::stdin().is_terminal()) {
        (true, true) if !args.raw => Screen::Prompt,
        (true, _) => Screen::Terminal,
        (false, _) => Screen::Pipe,
    }
}

/// Why there is no connection.
struct NotOpen {
    sentence: String,
    /// The server broke a rule, and the finding is printed.
    diagnosed: bool,
}

impl From<String> for NotOpen {
    fn from(sentence: String) -> Self {
        Self { sentence, diagnosed: false }
    }
}

async fn open(args: &ConnectArgs, printer: Printer) -> Result<(WebSocket<Stream>, Watching), NotOpen> {
    let url = complete(&args.url)?;
    let limits = Limits::DEFAULT.message(LARGEST).frame(LARGEST).inflated(LARGEST);
    let client = args.request.client().limits(limits);
    let stream = client.dial(&url).await.map_err(|error| error.to_string())?;
    let about = About { id: "1".to_owned(), ..About::default() };
    let watch = Watch::new(about, Endpoints::UNKNOWN, Arc::new(printer));
    let (stream, watching) = Tee::new(stream, Role::Client, watch);
    match client.connect_over(stream, &url).await {
        Ok(ws) => Ok((ws, watching)),
        Err(error) => {
            watching.finish().await;
            Err(match error {
                Error::Violation(_) => NotOpen { sentence: String::new(), diagnosed: true },
                Error::Rejected(rejected) => rejection(&args.url, &rejected).into(),
                Error::Misuse(_) => format!("cannot send the request: {error}").into(),
                Error::RequestRejected(_) | Error::Connect(_) | Error::Io(_) | _ => error.to_string().into(),
            })
        }
    }
}

/// Adds the scheme: people type `localhost:9001`.
fn complete(url: &str) -> Result<String, String> {
    match url.split_once("://") {
        None => Ok(format!("ws://{url}")),
        Some(("http", rest)) => Err(format!("{url} is the address of a web page; use ws://{rest}")),
        Some(("https", rest)) => Err(format!("{url} is the address of a web page; use wss://{rest}")),
        Some(_) => Ok(url.to_owned()),
    }
}

/// What a server answered instead of switching to WebSocket, and what to do.
fn rejection(url: &str, rejected: &Rejected) -> String {
    let status = format!("{} {}", rejected.status, clean(&rejected.reason));
    let status = status.trim_end();
    if let Some(location) = rejected.location() {
        return format!(
            "{url} redirects to {} ({status}); redirects are not followed: connect to that address",
            clean(location)
        );
    }
    let hint = match rejected.status {
        200 => "this is a web page; is the path right?",
        400 | 426 => "the server saw no WebSocket handshake; does a proxy remove Upgrade or Connection?",
        401 => "authentication required: add --header 'Authorization: …'",
        403 => "access denied: try --origin, or authenticate",
        404 | 405 => "no WebSocket at this path",
        407 => "the proxy requires authentication",
        500.. => "the server, or one behind it, failed; check its log",
        _ => "the server did not switch to WebSocket",
    };
    let body = String::from_utf8_lossy(&rejected.body);
    let says = body.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('<'));
    let says = says.map_or_else(String::new, |line| format!(" (\"{}\")", clean(&shorten(line, 80))));
    format!("{url} answered {status}{says}: {hint}")
}

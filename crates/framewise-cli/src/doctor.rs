mod answer;
mod steps;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use framewise_rules::prose::Language;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::net;
use crate::output::Output;
use crate::progress::Progress;
use crate::render::style::{FAINT, FAULT, HEADING, ID, paint};
use crate::render::{clean, indent, shorten, wrap};
use crate::request::RequestArgs;

/// Look at a server step by step: DNS, TCP, TLS, handshake, Ping, closing; and say what is in the way
///
/// It connects a few times as a careful client, sends nothing illegal, and sends messages only with --echo. It ends with what
/// was found, the likeliest cause, and the command to go on with. The exit code is 1 if something is wrong.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise doctor wss://example.com/ws
  framewise doctor --protocol graphql-transport-ws --origin https://example.com wss://example.com/graphql
  framewise doctor --idle 90 --echo ws://127.0.0.1:9001")]
pub(crate) struct DoctorArgs {
    /// Server URL, ws:// or wss://
    url: String,
    #[command(flatten)]
    request: RequestArgs,
    /// Keep a connection idle for this many seconds, and see whether it lives
    #[arg(long, value_name = "SECONDS", value_parser = crate::connect::seconds)]
    idle: Option<Duration>,
    /// Send messages of growing size, and see whether they come back
    #[arg(long)]
    echo: bool,
    /// Also send what is illegal, a few cases of `framewise check`
    #[arg(long)]
    strict: bool,
    /// Wait this many seconds for each step
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = crate::connect::seconds)]
    patience: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One step of the examination.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Its name, the same each time.
    pub(crate) name: &'static str,
    /// Whether all was well.
    pub(crate) ok: bool,
    /// What was seen, in a sentence.
    pub(crate) says: String,
    /// How long it took.
    pub(crate) took: Duration,
    /// Lines beneath it: addresses, headers, what a body says.
    pub(crate) details: Vec<String>,
}

/// What is wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble {
    pub(crate) rule: Option<framewise_rules::Rule>,
    pub(crate) cause: Option<framewise_rules::Cause>,
    pub(crate) fault: Option<String>,
    pub(crate) says: String,
    pub(crate) fix: Option<String>,
}

/// The complete examination.
#[derive(Clone, Debug, Default)]
pub(crate) struct Examination {
    pub(crate) steps: Vec<Step>,
    pub(crate) trouble: Option<Trouble>,
    /// What to run next.
    pub(crate) next: String,
}

pub(crate) fn run(args: &DoctorArgs, output: Output) -> Result<ExitCode, Failure> {
    let url: framewise::Url =
        args.url.parse().map_err(|error: framewise::Error| Failure::said(error.to_string()))?;
    let runtime = net::runtime()?;
    let progress = Progress::start(format!("looking at {}", clean(&shorten(&args.url, 60))));
    let examination = runtime.block_on(async {
        tokio::select! {
            examination = steps::examine(args, &url) => Some(examination),
            () = net::interrupted() => None,
        }
    });
    drop(progress);
    runtime.shutdown_background();
    let Some(examination) = examination else {
        return Err(Failure::said("interrupted before anything was found out"));
    };
    if args.json {
        output.json(&as_json(args, &examination))?;
    } else {
        output.print(text(&examination, output.width()))?;
    }
    Ok(ExitCode::from(u8::from(examination.trouble.is_some())))
}

fn as_json(args: &DoctorArgs, examination: &Examination) -> Value {
    let steps: Vec<_> = examination
        .steps
        .iter()
        .map(|step| {
            json!({
                "name": step.name,
                "ok": step.ok,
                "says": step.says,
                "milliseconds": step.took.as_millis() as u64,
                "details": step.details,
            })
        })
        .collect();
    let trouble = examination.trouble.as_ref();
    json!({
        "url": args.url,
        "steps": steps,
        "rule": trouble.and_then(|trouble| trouble.rule).map(framewise::Rule::id),
        "cause": trouble.and_then(|trouble| trouble.cause).map(framewise_rules::Cause::id),
        "fault": trouble.and_then(|trouble| trouble.fault.clone()),
        "says": trouble.map(|trouble| trouble.says.clone()),
        "fix": trouble.and_then(|trouble| trouble.fix.clone()),
        "next": examination.next,
    })
}

fn text(examination: &Examination, width: usize) -> String {
    let mut text = String::new();
    for step in &examination.steps {
        let mark = if step.ok { "ok" } else { "no" };
        let style = if step.ok { ID } else { FAULT };
        let took = format!("{:>6} ms", step.took.as_millis());
        let _ = writeln!(
            text,
            "{} {} {:<12} {}",
            paint(style, mark),
            paint(FAINT, took),
            step.name,
            clean(&step.says)
        );
        for detail in &step.details {
            for line in wrap(&clean(detail), width.saturating_sub(27)) {
                let _ = writeln!(text, "{:26} {}", "", paint(FAINT, line));
            }
        }
    }
    text.push('\n');
    match &examination.trouble {
        None => {
            let _ = writeln!(text, "{}", paint(HEADING, "Nothing wrong found."));
        }
        Some(trouble) => {
            for line in wrap(&clean(&trouble.says), width) {
                let _ = writeln!(text, "{}", paint(HEADING, line));
            }
            let language = Language::English;
            if let Some(cause) = trouble.cause {
                let title = cause.title(language);
                let fault =
                    trouble.fault.as_ref().map_or_else(String::new, |fault| format!(" (fault: {fault})"));
                let _ = writeln!(text, "cause  {}  {title}{fault}", cause.id());
            }
            if let Some(fix) = &trouble.fix {
                let wrapped = wrap(&clean(fix), width.saturating_sub(7)).join("\n");
                let _ = write!(text, "fix{}", &indent(&wrapped, 7)[3..]);
            }
        }
    }
    let _ = writeln!(text, "next   {}", clean(&examination.next));
    text
}

use std::io::Write as _;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::bench::BenchArgs;
use crate::check::CheckArgs;
use crate::completions::CompletionsArgs;
use crate::connect::ConnectArgs;
use crate::demo::DemoArgs;
use crate::doctor::DoctorArgs;
use crate::explain::ExplainArgs;
use crate::failure::complain;
use crate::inspect::InspectArgs;
use crate::man::ManArgs;
use crate::minimize::MinimizeArgs;
use crate::output::Color;
use crate::path::PathArgs;
use crate::read::ReadArgs;
use crate::redact::RedactArgs;
use crate::replay::ReplayArgs;
use crate::serve::ServeArgs;
use crate::wstest::WstestArgs;

/// Inspect WebSocket connections, diagnose recordings, explain close codes and error messages.
///
/// Exit codes: 0 no findings, 1 findings, 2 the command failed.
#[derive(Debug, Parser)]
#[command(name = "framewise", version, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(after_help = "Start with:\n  framewise explain 1006\n  framewise demo")]
pub(crate) struct Args {
    /// Use colors: auto (on a terminal, unless `NO_COLOR` is set), always or never
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        display_order = 100,
        hide_possible_values = true
    )]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Explain(ExplainArgs),
    Read(ReadArgs),
    Inspect(InspectArgs),
    Doctor(DoctorArgs),
    Redact(RedactArgs),
    Minimize(MinimizeArgs),
    Replay(ReplayArgs),
    Check(CheckArgs),
    Path(PathArgs),
    Wstest(WstestArgs),
    Bench(BenchArgs),
    Connect(ConnectArgs),
    Serve(ServeArgs),
    Demo(DemoArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

#[expect(clippy::wildcard_enum_match_arm, reason = "clap's other kinds are all mistakes")]
/// Prints help on standard output, and a mistake as one sentence on standard error.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let mut stdout = anstream::stdout().lock();
            // A reader that closed the pipe has seen enough.
            let _ = write!(stdout, "{}", error.render().ansi()).and_then(|()| stdout.flush());
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = write!(anstream::stderr(), "{}", error.render().ansi());
            ExitCode::from(2)
        }
        _ => {
            complain(&sentence(error));
            ExitCode::from(2)
        }
    }
}

/// Clap's message without its usage: the sentence, its tip, where to read more.
fn sentence(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let mut parts: Vec<String> = Vec::new();
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    for line in lines {
        let line = line.strip_prefix("error: ").or_else(|| line.strip_prefix("tip: ")).unwrap_or(line);
        if line.starts_with("For more information") || line.is_empty() {
            continue;
        }
        // What is missing follows a colon, on lines of its own.
        match parts.last_mut().filter(|last| last.ends_with(':')) {
            Some(last) => *last = format!("{last} {line}"),
            None => parts.push(line.to_owned()),
        }
    }
    // Clap does not say in each case whose mistake it was.
    let words: Vec<String> = std::env::args().skip(1).collect();
    let command = Args::command()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .find(|name| words.contains(name));
    let command = command.map_or_else(|| "framewise".to_owned(), |name| format!("framewise {name}"));
    format!("{}; see `{command} --help`", parts.join("; ").trim_end_matches('.'))
}

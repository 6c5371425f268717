use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_mangen::Man;

use crate::failure::{Failure, plain};
use crate::output::Output;

/// Print a manual page, or write all of them to a folder
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise man | man -l -
  framewise man read | man -l -
  framewise man --dir /usr/local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The command whose page is printed (default: the page of framewise)
    #[arg(conflicts_with = "dir")]
    command: Option<String>,
    /// Write the pages of all commands to this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs, output: Output) -> Result<ExitCode, Failure> {
    let mut program = crate::args::Args::command();
    // Now each command has the flags of all commands, too, and its page the name `framewise-read`.
    program.build();
    if let Some(dir) = &args.dir {
        clap_mangen::generate_to(program, dir).map_err(|error| {
            Failure::said(format!("cannot write the pages to {}: {}", dir.display(), plain(&error)))
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let page = match args.command.as_deref() {
        None | Some("framewise") => program,
        Some(name) => match program.find_subcommand(name) {
            Some(command) => command.clone(),
            None => {
                return Err(Failure::said(format!("{name} is not a command; see `framewise --help`")));
            }
        },
    };
    let mut text = Vec::new();
    Man::new(page).render(&mut text).map_err(Failure::Output)?;
    output.program(String::from_utf8_lossy(&text).into_owned())?;
    Ok(ExitCode::SUCCESS)
}

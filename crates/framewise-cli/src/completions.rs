use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::output::Output;

/// Print a script that completes framewise's commands and flags in a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  framewise completions bash > ~/.local/share/bash-completion/completions/framewise
  framewise completions fish > ~/.config/fish/completions/framewise.fish
  framewise completions zsh > ~/.zfunc/_framewise    # with ~/.zfunc in $fpath
  framewise completions powershell >> $PROFILE")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, output: Output) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::args::Args::command(), "framewise", &mut script);
    output.program(String::from_utf8_lossy(&script).into_owned())?;
    Ok(ExitCode::SUCCESS)
}

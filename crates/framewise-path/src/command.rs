//! Commands of the shell.

use std::process::{Command, Stdio};

/// Runs a command to its end.
///
/// # Errors
///
/// It cannot be started, or fails: what it said.
pub(crate) async fn run(command: &str) -> Result<(), String> {
    let command = command.to_owned();
    let ran = tokio::task::spawn_blocking(move || {
        let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let output = Command::new(shell).args([option, &command]).stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("{command}: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{command}: {}: {}", output.status, said.lines().next().unwrap_or("it said nothing")))
    });
    ran.await.unwrap_or_else(|error| Err(error.to_string()))
}

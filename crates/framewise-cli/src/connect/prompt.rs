use std::pin::Pin;

use rustyline::error::ReadlineError;
use rustyline::{Config, DefaultEditor, ExternalPrinter as _};
use tokio::sync::mpsc::{Receiver, channel};

use super::input::{HELP, Input, command};
use super::session::Session;
use crate::failure::Failure;
use crate::live::{Live, Queue};
use crate::output::{Output, To};
use crate::render::clean;
use crate::render::style::{FAINT, paint};

/// A prompt above which what comes is printed.
pub(super) async fn run(
    session: Session,
    interrupted: Pin<&mut impl Future<Output = ()>>,
    queue: Queue,
    live: Live,
    output: Output,
    url: &str,
) -> Result<bool, Failure> {
    let terminal = Terminal::save();
    let said = |error: ReadlineError| Failure::said(format!("cannot use the terminal for a prompt: {error}"));
    let mut editor =
        DefaultEditor::with_config(Config::builder().auto_add_history(true).build()).map_err(said)?;
    let mut printer = editor.create_external_printer().map_err(said)?;
    let writer = queue
        .start_with(output, move |_, text| printer.print(text.to_owned()).map_err(std::io::Error::other));
    let protocol =
        session.ws.protocol().map_or_else(String::new, |protocol| format!(", subprotocol {protocol}"));
    live.say(
        To::Stdout,
        format!(
            "{}\n",
            paint(
                FAINT,
                clean(&format!("connected to {url}{protocol}; /help lists commands, Ctrl-D closes"))
            )
        ),
    );
    let result = session.run(read(editor), interrupted).await;
    // What was handed to the editor is printed by its thread.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    writer.finish(live);
    terminal.restore();
    result
}

/// Reads lines on a thread of its own.
fn read(mut editor: DefaultEditor) -> Receiver<Input> {
    let (sender, receiver) = channel(16);
    std::thread::spawn(move || {
        loop {
            let input = match editor.readline("> ") {
                Ok(line) => match command(&line) {
                    Ok(Some(input)) => input,
                    Ok(None) => Input::Say(HELP.to_owned()),
                    Err(sentence) => Input::Say(sentence),
                },
                Err(ReadlineError::Interrupted) => Input::Interrupt,
                Err(_) => Input::End,
            };
            let last = matches!(input, Input::End | Input::Interrupt);
            if sender.blocking_send(input).is_err() || last {
                return;
            }
        }
    });
    receiver
}

/// The terminal as it was. The editor gives it back when a line is done; a connection that ends in the middle of one does
/// not wait for that.
struct Terminal {
    #[cfg(unix)]
    settings: Option<rustix::termios::Termios>,
}

impl Terminal {
    fn save() -> Self {
        Self {
            #[cfg(unix)]
            settings: rustix::termios::tcgetattr(std::io::stdin()).ok(),
        }
    }

    fn restore(self) {
        #[cfg(unix)]
        if let Some(settings) = self.settings {
            use std::io::Write as _;
            let _ = rustix::termios::tcsetattr(
                std::io::stdin(),
                rustix::termios::OptionalActions::Now,
                &settings,
            );
            // The prompt's line is left behind, and the bracketed paste that the editor switched on is off again.
            let _ = write!(std::io::stdout(), "\x1b[?2004l\r\x1b[K");
            let _ = std::io::stdout().flush();
        }
    }
}

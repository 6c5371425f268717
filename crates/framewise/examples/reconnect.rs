//! A client that stays connected: `cargo run --example reconnect -- ws://127.0.0.1:9001/`
//!
//! It prints what it is sent, and connects again after what may be over the next time; after what will not, it gives up and
//! says why. A message that was sent just before the end may be lost, and may have arrived: nobody but the two applications
//! can tell. Give messages that matter a number, and let the server say which was the last that it has.

use std::process::ExitCode;
use std::time::Duration;

use framewise::{CloseCode, EndedBy, Error};
use tokio::time::{Instant, sleep};

/// The first wait is up to this long; each one is up to twice the one before.
const FIRST: Duration = Duration::from_millis(500);
/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(60);
/// A connection that lasted so long was a good one: the waits begin anew. If it were enough to be let in, a server that lets
/// everybody in and falls over at once would be asked for ever at the shortest wait.
const STABLE: Duration = Duration::from_secs(30);

/// What to do after a connection.
enum Next {
    /// Connect again, after this long at the least.
    Again { why: String, least: Duration },
    /// It would be the same again.
    GiveUp(String),
    /// All is said.
    Done,
}

/// One connection, from the beginning to the end.
async fn talk(url: &str) -> Next {
    let mut ws = tokio::select! {
        connected = framewise::connect(url) => match connected {
            Ok(ws) => ws,
            Err(error) => return after_error(&error),
        },
        _ = tokio::signal::ctrl_c() => return Next::Done,
    };
    println!("connected");
    loop {
        tokio::select! {
            message = ws.next() => match message {
                Some(Ok(message)) => println!("{}", message.as_text().unwrap_or("(bytes)")),
                Some(Err(error)) => return after_error(&error),
                None => break,
            },
            _ = tokio::signal::ctrl_c() => {
                // Not cut: the server hears that this was on purpose.
                if let Err(error) = ws.close(CloseCode::GOING_AWAY, "").await {
                    eprintln!("{error}");
                }
                return Next::Done;
            }
        }
    }
    match ws.ended() {
        Some(ended) if ended.by == EndedBy::Peer => after_close(ended.code),
        _ => Next::Done,
    }
}

/// After a Close of the server's. Put the codes of your application (4000 to 4999) here.
fn after_close(code: CloseCode) -> Next {
    let why = format!("the server closed with {code}");
    if code == CloseCode::NORMAL_CLOSURE {
        Next::Done
    } else if code.is_transient() {
        Next::Again { why, least: code.retry_after().unwrap_or_default() }
    } else {
        Next::GiveUp(why)
    }
}

/// After anything else.
fn after_error(error: &Error) -> Next {
    let why = error.to_string();
    if error.is_transient() {
        Next::Again { why, least: error.retry_after().unwrap_or_default() }
    } else {
        Next::GiveUp(why)
    }
}

/// How long to wait: anything up to twice as long as the time before. When a server comes back, all the clients that it had
/// must not come in the same moment: the length is drawn by lot, from zero on ("full jitter").
fn backoff(attempt: u32) -> Duration {
    let most = FIRST.saturating_mul(2_u32.saturating_pow(attempt)).min(LONGEST);
    let mut lot = [0; 4];
    // Without randomness there is no lot: the longest wait is right as well.
    if getrandom::getrandom(&mut lot).is_err() {
        return most;
    }
    most.mul_f64(f64::from(u32::from_ne_bytes(lot)) / f64::from(u32::MAX))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(url) = std::env::args().nth(1) else {
        eprintln!("usage: reconnect ws://HOST:PORT/PATH");
        return ExitCode::from(2);
    };
    let mut attempt = 0;
    loop {
        let start = Instant::now();
        let (why, least) = match talk(&url).await {
            Next::Again { why, least } => (why, least),
            Next::GiveUp(why) => {
                eprintln!("gave up: {why}");
                return ExitCode::FAILURE;
            }
            Next::Done => return ExitCode::SUCCESS,
        };
        if start.elapsed() >= STABLE {
            attempt = 0;
        }
        let wait = least + backoff(attempt);
        attempt += 1;
        eprintln!("again in {wait:.1?}: {why}");
        tokio::select! {
            () = sleep(wait) => {}
            _ = tokio::signal::ctrl_c() => return ExitCode::SUCCESS,
        }
    }
}

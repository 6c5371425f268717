//! A client that stays connected: `cargo run --example reconnect -- ws://127.0.0.1:9001/`
//!
//! It prints what it is sent, and connects again after what may be over the next time; after what will not, it gives up and
//! says why. A message that was sent just before the end may be lost, and may have arrived: nobody but the two applications
//! can tell. Give messages that matter a number, and let the server say which was the last that it has.

use std::process::ExitCode;
use std::time::Duration;

use framewise::{Answer, CloseCode, ConnectFault, EndedBy, Error};
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

impl Next {
    fn again(why: &impl ToString) -> Self {
        Self::Again { why: why.to_string(), least: Duration::ZERO }
    }

    fn give_up(why: &impl ToString) -> Self {
        Self::GiveUp(why.to_string())
    }
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

/// After a Close of the server's.
fn after_close(code: CloseCode) -> Next {
    let why = format!("the server closed with {code}");
    match code {
        // "the purpose for which the connection was established has been fulfilled" (RFC 6455 §7.4.1).
        CloseCode::NORMAL_CLOSURE => Next::Done,
        // It goes down, or to another machine: the next one may be up already.
        CloseCode::GOING_AWAY | CloseCode::SERVICE_RESTART | CloseCode::BAD_GATEWAY => Next::again(&why),
        // Many servers end so when they stop, and mean nothing by it.
        CloseCode::NO_STATUS => Next::again(&why),
        // It failed; what failed may be a passing state.
        CloseCode::INTERNAL_ERROR | CloseCode::TIMEOUT => Next::again(&why),
        // It has too much to do, or we were too slow: not at once.
        CloseCode::TRY_AGAIN_LATER => Next::Again { why, least: Duration::from_secs(10) },
        // What we sent is wrong in its eyes (1002, 1003, 1007, 1009), what we are is not welcome (1008, 3000, 3003), or we
        // do not know the code, which may be the application's own (4000 to 4999). To do the same again helps nobody: a
        // person has to look. Put the codes of your application above.
        _ => Next::give_up(&why),
    }
}

/// After anything else.
fn after_error(error: &Error) -> Next {
    match error {
        Error::Connect(connect) => match connect.fault() {
            // Down, or the network is, names included; or the proxy, which cannot be told from one that refuses.
            ConnectFault::Name
            | ConnectFault::Proxy
            | ConnectFault::NobodyListens
            | ConnectFault::Network
            | ConnectFault::TimedOut => Next::again(error),
            // A URL or a certificate does not change by waiting. (Not to be tried again without TLS, ever.)
            ConnectFault::Url
            | ConnectFault::Redirect
            | ConnectFault::Tls
            | ConnectFault::ServerSpeaksTls
            | ConnectFault::ServerSpeaksPlain
            | ConnectFault::TlsLeftOut
            | _ => Next::give_up(error),
        },
        // RFC 9110 §15: these say "later" by themselves, or are of a gateway whose server is down.
        Error::Rejected(rejected) if matches!(rejected.status, 408 | 425 | 429 | 500 | 502 | 503 | 504) => {
            let seconds = rejected
                .header("retry-after")
                .and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
            Next::Again { why: error.to_string(), least: Duration::from_secs(seconds.unwrap_or(0)) }
        }
        // 401, 403, 404, 426, a redirect: another request is needed, not another try.
        Error::Rejected(_) => Next::give_up(error),
        Error::Violation(violation) => match violation.answer() {
            // Lost without a Close: a network, a proxy, a server that died. What reconnecting is for.
            Answer::Lost => Next::again(error),
            // The server, or something on the way, does not keep the protocol. It will not learn it by next time.
            Answer::Close(_) | Answer::Http(_) | Answer::Abort | Answer::Note => Next::give_up(error),
        },
        Error::Io(_) => Next::again(error),
        // A bug of ours.
        Error::Misuse(_) | Error::RequestRejected(_) | _ => Next::give_up(error),
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

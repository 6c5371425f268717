//! One connection of a probe: our client's part, and what our server wrote down about its own.

use std::any::Any;
use std::fmt::Write as _;
use std::time::Duration;

use framewise_rules::Role;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::end::{End, Record, Step};
use crate::file::Results;
use crate::http2::Bridge;
use crate::judge::Ends;
use crate::probe::Probe;
use crate::results::{self, Lost};
use crate::run::Path;
use crate::server::{SETTLE, Server};
use crate::tap::Tap;
use crate::tape::Tape;
use crate::token::{HEADER, Played, QUERY, Token};

/// How long a connection to the intermediary may take.
pub(crate) const DIAL: Duration = Duration::from_secs(10);

/// How long our server may take to write what it saw, after the deadline of a probe.
const WRITTEN: Duration = Duration::from_secs(3);

/// Where our server is.
#[derive(Debug)]
pub(crate) enum Far {
    /// In this program.
    Here(Server),
    /// In another one, at the other end of the path.
    There,
    /// In another one, which writes what it saw into a file.
    File(Results),
}

/// Why a connection could not be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// The intermediary does not take it.
    NotTaken(String),
    /// What our server wrote down did not come back.
    Results(String),
}

/// What keeps our server's end of the connection open, until it is dropped.
type Open = Box<dyn Any + Send>;

impl Path {
    /// The same over a stream of HTTP/2; what kept it from opening otherwise.
    pub(crate) async fn stream(
        &self,
        probe: &Probe,
        token: &Token,
        far: &Far,
    ) -> Result<Result<Ends, Bridge>, Failed> {
        let start = Instant::now();
        let (stream, request, response) = match self.bridge(token, probe).await {
            Bridge::Open(stream, request, response) => (stream, request, response),
            other @ (Bridge::NoHttp2(_) | Bridge::NotAnnounced | Bridge::Rejected(_)) => {
                return Ok(Err(other));
            }
        };
        let deadline = Instant::now() + probe.deadline;
        let mut client =
            End::new(stream, start, response.as_bytes(), (Role::Client, probe.bounds(Role::Server)));
        client.sent_head(&request);
        if timeout_at(deadline, client.send(&Probe::go())).await.is_ok() {
            client.play(&probe.client, deadline).await;
        }
        let record = client.record();
        let (sent, got) = (record.sent.after_head().len(), record.got.after_head().len());
        let played = Played { sent, got, answered: true };
        let server = self.taken(far, token, probe, (played, &record, start)).await?;
        let client = client.record();
        let (server, open) = server.map_or((None, None), |(record, open)| (Some(record), Some(open)));
        drop(open);
        Ok(Ok(Ends { client, server, taps: Vec::new() }))
    }

    /// One connection: both ends play their parts, until the deadline at the latest.
    pub(crate) async fn connection(&self, probe: &Probe, token: &Token, far: &Far) -> Result<Ends, Failed> {
        let start = Instant::now();
        let stream = match timeout(DIAL, self.client.dial(&self.dialled)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                return Err(Failed::NotTaken(format!(
                    "the intermediary does not take this connection: {error}"
                )));
            }
            Err(_) => {
                return Err(Failed::NotTaken(
                    "the intermediary does not take this connection in time".into(),
                ));
            }
        };
        // Small frames are probes: they go out as they are.
        let _ = stream.tcp().set_nodelay(true);
        if probe.client.iter().any(|step| matches!(step, Step::Reset)) {
            let _ = stream.tcp().set_zero_linger();
        }
        let deadline = Instant::now() + probe.deadline;
        let mut request = self.request(token, probe).into_bytes();
        request.extend_from_slice(&probe.body);
        request.extend_from_slice(&probe.early[0]);
        let mut client = End::new(stream, start, &[], (Role::Client, probe.bounds(Role::Server)));
        if !probe.body.is_empty() {
            client.sends_body(&probe.body);
        }
        let sent = timeout_at(deadline, async {
            client.send(&request).await;
            client.wait(|tape| tape.head > 0).await;
        });
        let answered = sent.await.is_ok() && client.peek(|tape| is_101(&tape.bytes));
        if answered {
            if timeout_at(deadline, client.send(&Probe::go())).await.is_ok() {
                client.play(&probe.client, deadline).await;
            }
        } else {
            // The body of a rejection says why; and the request may still arrive.
            sleep(SETTLE).await;
        }
        let record = client.record();
        let played =
            Played { sent: record.sent.after_head().len(), got: record.got.after_head().len(), answered };
        let server = self.taken(far, token, probe, (played, &record, start)).await?;
        let taps = self.taps.iter().map(|tap| tap.take(token, start)).collect();
        let client = client.record();
        let (server, open) = server.map_or((None, None), |(record, open)| (Some(record), Some(open)));
        drop(open);
        Ok(Ends { client, server, taps })
    }

    /// What our server wrote down, its clock set to the client's; `None` where the connection did not arrive.
    async fn taken(
        &self,
        far: &Far,
        token: &Token,
        probe: &Probe,
        (played, client, start): (Played, &Record, Instant),
    ) -> Result<Option<(Record, Open)>, Failed> {
        match far {
            Far::Here(server) => Ok(server.take(token, played).await.map(|taken| {
                let later = taken.start.saturating_duration_since(start);
                let mut record = taken.record.clone();
                record.shift(|at| at + later);
                (record, Box::new(taken) as Open)
            })),
            Far::There | Far::File(_) => {
                let found = match far {
                    Far::File(file) => {
                        let written = file.find(token, probe, probe.deadline + WRITTEN).await;
                        written.map(|record| (record, Box::new(()) as Open))
                    }
                    Far::There | Far::Here(_) => {
                        let fetched = self.fetched(token, probe, played).await;
                        fetched.map(|(record, stream)| (record, Box::new(stream) as Open))
                    }
                };
                match found {
                    Ok((mut record, open)) => {
                        let offset = offset(client, &record);
                        record.shift(|at| shifted(at, offset));
                        Ok(Some((record, open)))
                    }
                    Err(Lost::NotArrived) => Ok(None),
                    Err(Lost::Version(other)) => Err(Failed::Results(format!(
                        "our server is Framewise {other}, and this is {}: use the same at both ends",
                        env!("CARGO_PKG_VERSION")
                    ))),
                    Err(Lost::Damaged(says)) => {
                        Err(Failed::Results(format!("what our server wrote down did not come back: {says}")))
                    }
                }
            }
        }
    }

    /// Asks our server at the other end of the path: with an upgrade, and without where that does not work.
    async fn fetched(
        &self,
        token: &Token,
        probe: &Probe,
        played: Played,
    ) -> Result<(Record, framewise::NetStream), Lost> {
        let token = token.results(played);
        let patience = probe.deadline + DIAL;
        let mut last = Lost::NotArrived;
        for upgrade in [true, false] {
            let attempt = async {
                let damaged = |says: String| Lost::Damaged(says);
                let mut stream =
                    self.client.dial(&self.dialled).await.map_err(|error| damaged(error.to_string()))?;
                let target = self.target(&token);
                let request = results::request((&self.host, &target), &self.headers, &token, upgrade);
                let wrote = tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await;
                wrote.map_err(|error| damaged(error.to_string()))?;
                let _ = tokio::io::AsyncWriteExt::flush(&mut stream).await;
                Ok((results::read(&mut stream, probe).await?, stream))
            };
            match timeout(patience, attempt).await {
                Ok(Ok(read)) => return Ok(read),
                // A second question would find that the first one took it.
                Ok(Err(lost @ (Lost::NotArrived | Lost::Version(_)))) if upgrade => return Err(lost),
                Ok(Err(lost)) => last = if upgrade || lost != Lost::NotArrived { lost } else { last },
                Err(_) => last = Lost::Damaged("no answer in time".into()),
            }
        }
        Err(last)
    }

    pub(crate) fn target(&self, token: &Token) -> String {
        let target = self.url.target();
        let and = if target.contains('?') { '&' } else { '?' };
        format!("{target}{and}{QUERY}={token}")
    }

    fn request(&self, token: &Token, probe: &Probe) -> String {
        let connection = probe
            .request
            .iter()
            .find(|(name, _)| *name == "Connection")
            .map_or("Upgrade", |(_, value)| value);
        let mut head = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: {connection}\r\nSec-WebSocket-Key: {}\r\n\
             Sec-WebSocket-Version: 13\r\n{HEADER}: {token}\r\n",
            self.target(token),
            self.host,
            token.key()
        );
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        for (name, value) in probe.request.iter().filter(|(name, _)| *name != "Connection") {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        head
    }
}

fn is_101(bytes: &[u8]) -> bool {
    let status = |at: &[u8]| at.starts_with(b"HTTP/1.1 101") || at.starts_with(b"HTTP/1.0 101");
    status(bytes) || bytes.windows(16).any(|at| at.starts_with(b"\r\n\r\n") && status(&at[4..]))
}

/// How far the server's clock is behind the client's, in nanoseconds: as NTP does it, from the request and the answer.
fn offset(client: &Record, server: &Record) -> i64 {
    let first = |tape: &Tape| tape.times.first().map_or(0, |&(_, at)| nanos(at));
    let there = first(&client.sent) - first(&server.got);
    let back = first(&client.got) - first(&server.sent);
    i64::midpoint(there, back)
}

fn nanos(at: Duration) -> i64 {
    i64::try_from(at.as_nanos()).unwrap_or(i64::MAX / 4)
}

fn shifted(at: Duration, by: i64) -> Duration {
    Duration::from_nanos(u64::try_from(nanos(at).saturating_add(by)).unwrap_or_default())
}

/// The taps' records are taken by the connection's token.
pub(crate) type Taps = std::sync::Arc<Vec<Tap>>;

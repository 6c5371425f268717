//! A server under test: each case connects to it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use framewise::{Client, NetStream};
use framewise_rules::Role;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::case::{Case, Due, DueStatus, Echoes, Level, Work};
use crate::handshake::{self, Answered, Ask, NotOpen};
use crate::pace::Pace;
use crate::roots::Roots;
use crate::run::{self, Wait};
use crate::session::{Happened, Session};
use crate::verdict::{Behaviour, Closing, Verdict};

/// Messages of a brief exchange: enough for what one takes over from those before it.
const MANY: usize = 50;
/// Bytes of a brief exchange.
const BRIEF: usize = 64 * 1024;
/// How long an answer that is only recorded is waited for.
const RECORDED: Duration = Duration::from_secs(1);
/// Cases that mostly wait, at a time.
const MOST_WAITING: usize = 64;
/// How long a server that refuses connections may take to come back.
const RETURN: Duration = Duration::from_secs(5);

/// How a server is tested.
#[derive(Clone, Debug)]
pub struct Server {
    /// `ws://` or `wss://`.
    pub url: String,
    /// How to connect: TLS, a proxy.
    pub client: Client,
    /// What each request has.
    pub ask: Ask,
    /// Cases at a time.
    pub concurrent: usize,
    /// How long nothing may happen before a case is over. It grows with the slowest answer that was seen.
    pub patience: Duration,
    /// Whether exchanges of a thousand messages are cut to a few.
    pub brief: bool,
}

/// What became of a case.
#[derive(Clone, Debug)]
pub struct Done {
    /// Its place in the list that was run.
    pub index: usize,
    /// Its verdict.
    pub verdict: Verdict,
}

/// Why nothing could be tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// What prevents the run, and what to do, in one sentence.
    pub says: String,
}

impl Server {
    /// A server at a URL, tested as is usual.
    ///
    /// # Errors
    ///
    /// A URL that is none.
    pub fn new(url: &str) -> Result<Self, framewise::Error> {
        let parsed = url.parse::<framewise::Url>()?;
        Ok(Self {
            url: url.to_owned(),
            client: Client::new(),
            ask: Ask {
                host: parsed.authority().to_owned(),
                target: parsed.target().to_owned(),
                ..Ask::default()
            },
            concurrent: 16,
            patience: Duration::from_secs(5),
            brief: true,
        })
    }

    /// Runs the cases, and gives each verdict as soon as it is there. A server that does not accept the plainest handshake
    /// is not tested further; one that goes away has a while to return.
    ///
    /// # Errors
    ///
    /// Nobody answers, or not as a WebSocket server.
    pub async fn run(self, cases: Vec<Case>, verdicts: mpsc::Sender<Done>) -> Result<(), Unreachable> {
        let pace = Arc::new(Pace::new(self.patience));
        self.reach(&pace).await?;
        let echoes = self.echoes().await;
        pace.echo(echoes);
        let cases: Arc<[Case]> = cases.into();
        let server = Arc::new(self);
        let slots = Arc::new(Semaphore::new(server.concurrent.max(1)));
        // What mostly waits takes no time of the others, unless a case at a time is wanted.
        let waiting =
            if server.concurrent > 1 { Arc::new(Semaphore::new(MOST_WAITING)) } else { slots.clone() };
        let mut running = JoinSet::new();
        // What others presuppose comes first.
        let roots: BTreeSet<&str> = cases.iter().flat_map(|case| case.needs.cases.iter().copied()).collect();
        let (first, mut others): (Vec<_>, Vec<_>) =
            (0..cases.len()).partition(|&index| roots.contains(cases[index].name.as_str()));
        // The longest come first: nothing is left to wait for at the end.
        others.sort_by_key(|&index| std::cmp::Reverse(length(&cases[index])));
        let failed = Arc::new(Roots::default());
        let roots = first.len();
        for (place, index) in first.into_iter().chain(others).enumerate() {
            if !cases[index].is_for(Role::Server) {
                continue;
            }
            if place == roots {
                while running.join_next().await.is_some() {}
            }
            if let Some(verdict) = failed.blocks(&cases[index]) {
                if verdicts.send(Done { index, verdict }).await.is_err() {
                    return Ok(());
                }
                continue;
            }
            if cases[index].needs.echo && !echoes {
                let says = "the server does not send messages back";
                let verdict = Verdict::not_run(Behaviour::Unsupported, Closing::None, says);
                if verdicts.send(Done { index, verdict }).await.is_err() {
                    return Ok(());
                }
                continue;
            }
            // Few large messages at a time: this bounds the memory, and the time that other cases wait.
            let weight = (1 + 2 * cases[index].mebibytes()).min(server.concurrent as u64) as u32;
            let free = if waits(&cases[index]) { &waiting } else { &slots };
            let Ok(slot) = free.clone().acquire_many_owned(weight.max(1)).await else { break };
            let (server, cases, verdicts, pace) =
                (server.clone(), cases.clone(), verdicts.clone(), pace.clone());
            let failed = failed.clone();
            running.spawn(async move {
                let verdict = failed.judge(&cases[index], server.case(&cases[index], &pace).await);
                drop(slot);
                // Nobody waits for it any more: the run was ended.
                let _ = verdicts.send(Done { index, verdict }).await;
            });
            while running.try_join_next().is_some() {}
        }
        while running.join_next().await.is_some() {}
        Ok(())
    }

    /// Connects once, and does the plainest handshake.
    async fn reach(&self, pace: &Pace) -> Result<(), Unreachable> {
        let start = Instant::now();
        let io = match timeout(self.patience * 4, self.client.dial(&self.url)).await {
            Ok(Ok(io)) => io,
            Ok(Err(error)) => return Err(Unreachable { says: error.to_string() }),
            Err(_) => {
                return Err(Unreachable {
                    says: format!("{} does not answer: is it the right host and port?", self.url),
                });
            }
        };
        let opened = handshake::open(io, &self.ask, None, self.patience * 2).await;
        let speaks_no_http = matches!(&opened, Err((NotOpen::Silent | NotOpen::Broke(_), _)));
        let says = match opened {
            Ok(_) => {
                pace.answered(start.elapsed());
                return Ok(());
            }
            Err((NotOpen::Status(status), _)) => format!(
                "{} answers the plainest handshake with {status}, not with 101: give the path, and with --header or \
                 --subprotocol what it asks for",
                self.url
            ),
            // What is broken in the 101 is a finding: the cases show it.
            Err((NotOpen::Broke(violation), _))
                if violation.rule != framewise_rules::Rule::ResponseNotHttp =>
            {
                return Ok(());
            }
            Err((NotOpen::Broke(_), _)) => format!("what listens at {} does not speak HTTP", self.url),
            Err((NotOpen::Silent | NotOpen::Unsupported(_), _)) => {
                format!("{} does not answer the handshake", self.url)
            }
        };
        if speaks_no_http && let Some(url) = self.with_tls().await {
            return Err(Unreachable { says: format!("{} speaks TLS on this port: use {url}", self.url) });
        }
        Err(Unreachable { says })
    }

    /// The `wss://` URL in place of a `ws://` one, where the port speaks TLS. Whether the certificate is right does not matter.
    async fn with_tls(&self) -> Option<String> {
        let url = format!("wss://{}", self.url.strip_prefix("ws://")?);
        let speaks_tls = match timeout(self.patience, self.client.dial(&url)).await.ok()? {
            Ok(_) => true,
            // What the server sent was TLS, and did not please: only then is there data to be invalid.
            Err(framewise::Error::Connect(error)) => {
                error.fault() == framewise::ConnectFault::Tls
                    && error.io_error().is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidData)
            }
            Err(_) => false,
        };
        speaks_tls.then_some(url)
    }

    /// What the server calls itself: the header Server of its response.
    pub async fn named(&self) -> Option<String> {
        let io = self.client.dial(&self.url).await.ok()?;
        let opened = handshake::open(io, &self.ask, None, self.patience).await.ok()?;
        opened.server
    }

    /// Keeps a connection open on which nothing is sent; a Ping of the server's is answered.
    ///
    /// # Errors
    ///
    /// How it ended before its time, in words that follow a subject.
    pub async fn idle(&self, time: Duration) -> Result<(), String> {
        let io =
            self.client.dial(&self.url).await.map_err(|error| format!("no connection was made: {error}"))?;
        let opened = handshake::open(io, &self.ask, None, self.patience).await;
        let opened = opened.map_err(|_| "the handshake failed".to_owned())?;
        let mut session = Session::new(Role::Client, opened);
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match session.next(left).await {
                Happened::Quiet => return Ok(()),
                Happened::Seen(_) if left.is_zero() => return Ok(()),
                Happened::Seen(_) => {}
                Happened::Close(None) => return Err("the server closed without a code".into()),
                Happened::Close(Some(close)) => return Err(format!("the server closed with {}", close.code)),
                Happened::Eof => return Err("TCP was ended without a Close frame".into()),
                Happened::Reset => return Err("TCP was reset".into()),
                Happened::Flood => return Err("the server sent without end".into()),
                Happened::Broke(violation) => return Err(format!("the server broke {}", violation.rule)),
            }
        }
    }

    /// Whether a message comes back.
    async fn echoes(&self) -> bool {
        use crate::case::{Frame, Seen, Step};
        use framewise_proto::Opcode;
        let probe = super::cases::probe(
            vec![Step::Frame(Frame::new(Opcode::Text, "echo?"))],
            Due::Answer(vec![Seen::Text("echo?".into())]),
        );
        let verdict = self.case(&probe, &Pace::new(self.patience * 2)).await;
        // If a server's echo breaks a rule, the cases have to report it.
        verdict.behaviour == Behaviour::Ok || verdict.broke.is_some()
    }

    /// Runs one case; once more, with patience, where a slow machine may have made the endpoint seem slow.
    pub async fn case(&self, case: &Case, pace: &Pace) -> Verdict {
        let wait = pace.wait(case);
        let verdict = self.once(case, pace, wait).await;
        if !pace.doubts(case, &verdict) {
            return verdict;
        }
        let verdict = self.once(case, pace, Wait { slow: wait.patience, ..wait }).await;
        pace.doubts(case, &verdict);
        verdict
    }

    async fn once(&self, case: &Case, pace: &Pace, wait: Wait) -> Verdict {
        let io = match self.dial(pace).await {
            Ok(io) => io,
            Err(says) => return Verdict::not_run(Behaviour::Failed, Closing::Crashed, says),
        };
        if let Work::Request { head, cut, end, due } = &case.work {
            // What is only recorded is not waited for.
            let recorded = matches!(due, DueStatus::Observe | DueStatus::NotAccept);
            let patience =
                if recorded { wait.patience.min(RECORDED.max(wait.slow * 3)) } else { wait.patience };
            let head = handshake::fill_request(head, &self.ask);
            let (answer, log, start) = handshake::ask_raw(io, &head, *cut, *end, patience).await;
            let (transcript, complete) = log.into_transcript();
            let (behaviour, closing, says) = status(answer, *due, case.level);
            let took = start.elapsed();
            return Verdict { transcript, complete, took, ..Verdict::not_run(behaviour, closing, says) };
        }
        let start = Instant::now();
        let opened = match handshake::open(io, &self.ask, case.needs.deflate.as_ref(), wait.patience).await {
            Ok(opened) => opened,
            Err((why, log)) => {
                let (transcript, complete) = log.into_transcript();
                let verdict = not_open(why);
                return Verdict { transcript, complete, took: start.elapsed(), ..verdict };
            }
        };
        pace.answered(start.elapsed());
        if let Work::Beside { steps } = &case.work {
            let Ok(io) = self.dial(pace).await else {
                return Verdict::not_run(
                    Behaviour::Failed,
                    Closing::Crashed,
                    "there is no second connection",
                );
            };
            return match handshake::open(io, &self.ask, case.needs.deflate.as_ref(), wait.patience).await {
                Ok(other) => {
                    let near = Session::new(Role::Client, opened);
                    run::beside(near, Session::new(Role::Client, other), steps, wait).await
                }
                Err((why, _)) => not_open(why),
            };
        }
        let case = brief(case, self.brief);
        let verdict = run::run(&case, Session::new(Role::Client, opened), Role::Server, wait).await;
        pace.ran(&case, &verdict);
        verdict
    }

    /// Connects; a server that has gone has a while to return. Where it did not, the next cases find out at once whether it has.
    async fn dial(&self, pace: &Pace) -> Result<NetStream, String> {
        let while_gone = if pace.is_gone() { Duration::ZERO } else { RETURN };
        let deadline = Instant::now() + while_gone;
        loop {
            let error = match timeout(self.patience * 2, self.client.dial(&self.url)).await {
                Ok(Ok(io)) => {
                    pace.gone(false);
                    return Ok(io);
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the connection was not accepted in time".to_owned(),
            };
            if Instant::now() >= deadline {
                pace.gone(true);
                return Err(format!("the server takes no connection any more: {error}"));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Whether the case mostly waits: for what may come or not, or for the end of a connection beside it.
fn waits(case: &Case) -> bool {
    match &case.work {
        Work::Frames { due: Due::Observe | Due::Lost { .. }, .. } => case.mebibytes() == 0,
        Work::Frames { due: Due::Fail { late, .. }, .. } => !late.is_empty(),
        Work::Request { due: DueStatus::Observe | DueStatus::NotAccept, .. } | Work::Beside { .. } => true,
        Work::Frames { .. } | Work::Echoes(_) | Work::Request { .. } | Work::Response { .. } => false,
    }
}

/// How long the case takes, in comparison: what waits, then by its bytes.
fn length(case: &Case) -> u64 {
    if waits(case) {
        return u64::MAX;
    }
    match &case.work {
        Work::Echoes(echoes) => 1 + (echoes.size * echoes.count / 1024) as u64,
        Work::Frames { .. } | Work::Beside { .. } | Work::Request { .. } | Work::Response { .. } => {
            case.mebibytes() * 1024
        }
    }
}

/// The case, with fewer messages in a long exchange, so that its bytes stay few.
pub(crate) fn brief(case: &Case, brief: bool) -> Cow<'_, Case> {
    let mut case = Cow::Borrowed(case);
    if let (true, Work::Echoes(echoes)) = (brief, &case.work) {
        let count = echoes.count.min((BRIEF / echoes.size.max(1)).clamp(3, MANY));
        let work = Work::Echoes(Echoes { count, ..echoes.clone() });
        case.to_mut().work = work;
    }
    case
}

pub(crate) fn not_open(why: NotOpen) -> Verdict {
    match why {
        NotOpen::Unsupported(says) => Verdict::not_run(Behaviour::Unsupported, Closing::None, says),
        NotOpen::Status(status) => Verdict::not_run(
            Behaviour::Failed,
            Closing::None,
            format!("the handshake was answered with {status}"),
        ),
        NotOpen::Silent => Verdict::not_run(
            Behaviour::Failed,
            Closing::Dropped,
            "the connection ended, or was silent, during the handshake",
        ),
        NotOpen::Broke(violation) => {
            let says = format!("the handshake broke {}: {}", violation.rule, violation.sentence());
            Verdict {
                broke: Some(violation.rule),
                ..Verdict::not_run(Behaviour::Failed, Closing::None, says)
            }
        }
    }
}

/// Judges the status that a raw request was answered with.
fn status(answer: Result<Answered, NotOpen>, due: DueStatus, level: Level) -> (Behaviour, Closing, String) {
    let seen = match &answer {
        Ok(Answered { status, extension: false }) => format!("the server answered with {status}"),
        Ok(Answered { status, extension: true }) => {
            format!("the server answered with {status}, and agreed to an extension")
        }
        Err(NotOpen::Status(0)) => "the server answered something that is not HTTP".to_owned(),
        Err(NotOpen::Status(_)) => "the server did not answer".to_owned(),
        Err(_) => "the server ended the connection without a response".to_owned(),
    };
    match (due, answer) {
        (DueStatus::Observe, _) => (Behaviour::Informational, Closing::None, seen),
        (DueStatus::Accept, Ok(Answered { status: 101, .. }))
        | (DueStatus::Decline, Ok(Answered { status: 101, extension: false })) => {
            (Behaviour::Ok, Closing::None, seen)
        }
        (DueStatus::Accept, Ok(Answered { status: 400..=499, .. })) if level == Level::May => {
            (Behaviour::NonStrict, Closing::None, format!("{seen}, which is legal; a strict one sends 101"))
        }
        (DueStatus::Accept, _) => (Behaviour::Failed, Closing::None, format!("{seen}; 101 is due")),
        // RFC 7692 §7.1: the server "MUST decline" the offer. One that rejects the handshake has not agreed to it, either.
        (DueStatus::Decline, Ok(Answered { status: 400..=499, .. })) => (
            Behaviour::NonStrict,
            Closing::None,
            format!("{seen}: it rejected the handshake, where declining the offer is due"),
        ),
        (DueStatus::Decline, _) => {
            (Behaviour::Failed, Closing::None, format!("{seen}; 101 without an extension is due"))
        }
        (DueStatus::NotAccept, Ok(Answered { status: 101, .. })) => {
            (Behaviour::Failed, Closing::None, format!("{seen}; the request is not one to accept"))
        }
        (DueStatus::NotAccept, _) => (Behaviour::Ok, Closing::None, seen),
        (DueStatus::Reject(best), Ok(Answered { status, .. })) if status == best => {
            (Behaviour::Ok, Closing::None, seen)
        }
        (DueStatus::Reject(best), Ok(Answered { status: status @ 300..=599, .. })) => (
            Behaviour::NonStrict,
            Closing::None,
            format!("the server answered with {status}; {best} says more"),
        ),
        (DueStatus::Reject(best), Ok(Answered { status: 101, .. })) if level == Level::May => (
            Behaviour::NonStrict,
            Closing::None,
            format!("{seen}, which is legal; a strict one sends {best}"),
        ),
        // RFC 6455 §4.2.2 wants a response; a server that ends the connection has rejected the request all the same.
        (DueStatus::Reject(best), Err(NotOpen::Silent)) => {
            // Nothing obliges it to reject this one.
            let closing = if level == Level::May { Closing::None } else { Closing::Dropped };
            (Behaviour::NonStrict, closing, format!("{seen}; {best} is due"))
        }
        (DueStatus::Reject(best), _) => (Behaviour::Failed, Closing::None, format!("{seen}; {best} is due")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_gone_is_waited_for_once() {
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("ws://{}", closed.local_addr().expect("it is bound"));
        drop(closed);
        let mut server = Server::new(&url).expect("it is a URL");
        server.patience = Duration::from_millis(1);
        let (pace, case) = (Pace::new(server.patience), crate::cases::visit(false));
        let start = Instant::now();
        for _ in 0..50 {
            assert_eq!(server.case(&case, &pace).await.closing, Closing::Crashed);
        }
        let waited = start.elapsed();
        assert!(waited >= RETURN && waited < 2 * RETURN, "{waited:?}");
    }
}

//! Clients under test: they connect, and ask for one case after the other, as they do with Autobahn's fuzzing server.

mod asked;
mod commands;
mod outcomes;
mod page;
mod response;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use framewise_proto::handshake::{Headers, Reply, Request, reject};
use framewise_proto::{CloseFrame, Opcode};
use framewise_rules::{CloseCode, Role};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::asked::Asked;
use self::outcomes::Outcomes;
pub use self::page::serve_page;
use self::response::response;
use crate::case::{Case, Cut, Frame, Level, Seen, Work};
use crate::handshake::{self, NotOpen};
use crate::pace::Pace;
use crate::roots::Roots;
use crate::run;
use crate::server::not_open;
use crate::session::{Happened, Opened, Session};
use crate::verdict::{Behaviour, Closing, Verdict};

/// How long a client may take to send its request, and to wait for the result of a case.
const PATIENT: Duration = Duration::from_secs(30);
/// Connections at a time; more wait.
const MOST: usize = 256;

/// An event of a run with clients.
#[derive(Clone, Debug)]
pub enum Reported {
    /// A client begins with a case.
    Began {
        /// What the client calls itself.
        agent: String,
        /// The case's place in the list.
        index: usize,
    },
    /// A case is done.
    Done {
        /// What the client calls itself.
        agent: String,
        /// The case's place in the list.
        index: usize,
        /// Its verdict.
        verdict: Box<Verdict>,
    },
    /// A client asks for the reports.
    Reports {
        /// What the client calls itself.
        agent: String,
        /// Nothing more is tested after it.
        last: bool,
    },
    /// What came was no handshake, or no TLS.
    Refused {
        /// Why, in a sentence.
        says: String,
    },
    /// Somebody asked for a page, or for something else that is not here.
    Other {
        /// What was asked for.
        target: String,
    },
}

/// A stream that clients may come over.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Io for S {}

/// A stream that is being made.
pub type Made = Pin<Box<dyn Future<Output = io::Result<Box<dyn Io>>> + Send>>;

/// Puts something between TCP and the handshake: TLS.
pub type Wrap = Arc<dyn Fn(TcpStream) -> Made + Send + Sync>;

/// Whether a case is left out for an agent.
pub type LeftOut = Arc<dyn Fn(&str, &Case) -> bool + Send + Sync>;

/// Clients that are tested on a socket. They ask for `/getCaseCount`, `/runCase?case=N&agent=A`, `/getCaseInfo?case=N`,
/// `/getCaseStatus?case=N&agent=A`, `/getResults?agent=A` (what the page shows in the end), `/updateReports?agent=A` and
/// `/stopServer`.
#[derive(Clone)]
pub struct Clients {
    /// The cases, in the order of their numbers, from 1.
    pub cases: Arc<[Case]>,
    /// How long nothing may happen before a case is over.
    pub patience: Duration,
    /// Whether `agent` may be left out: then it is `client`.
    pub nameless: bool,
    /// Whether exchanges of a thousand messages are cut to a few.
    pub brief: bool,
    /// Whether the case is left out for this agent: it is opened and closed at once, and not reported.
    pub left_out: LeftOut,
    /// What goes between TCP and the handshake.
    pub wrap: Option<Wrap>,
    /// Whether a client may send commands on every other path, as to Autobahn's fuzzing server.
    pub commands: bool,
}

struct Shared {
    clients: Clients,
    pace: Pace,
    failed: Roots,
    outcomes: Outcomes,
    stopped: Notify,
    told: mpsc::Sender<Reported>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("cases", &self.cases.len())
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl Clients {
    /// Tests with these cases, as is usual.
    pub fn new(cases: Vec<Case>) -> Self {
        let cases = cases.into_iter().filter(|case| case.is_for(Role::Client)).collect();
        Self {
            cases,
            patience: Duration::from_secs(5),
            nameless: true,
            brief: true,
            left_out: Arc::new(|_, _| false),
            wrap: None,
            commands: false,
        }
    }

    /// Takes connections until a client asks for `/stopServer`, or for the reports with `shutdownOnComplete=true`.
    pub async fn run(self, listener: TcpListener, told: mpsc::Sender<Reported>) {
        let shared = Arc::new(Shared {
            pace: Pace::new(self.patience),
            failed: Roots::default(),
            clients: self,
            outcomes: Outcomes::default(),
            stopped: Notify::new(),
            told,
        });
        let mut open = JoinSet::new();
        loop {
            while open.try_join_next().is_some() {}
            tokio::select! {
                biased;
                () = shared.stopped.notified() => break,
                accepted = listener.accept(), if open.len() < MOST => {
                    // A connection that ended before it was accepted belongs to no case.
                    let Ok((io, _)) = accepted else { continue };
                    // Small pieces are cases: they go out as they are.
                    let _ = io.set_nodelay(true);
                    let shared = shared.clone();
                    open.spawn(async move { shared.accept(io).await });
                }
                Some(_) = open.join_next(), if open.len() >= MOST => {}
            }
        }
        while timeout(PATIENT, open.join_next()).await.is_ok_and(|ended| ended.is_some()) {}
    }
}

impl Shared {
    async fn accept(&self, io: TcpStream) {
        let Some(wrap) = &self.clients.wrap else { return self.serve(io).await };
        match timeout(PATIENT, wrap(io)).await {
            Ok(Ok(io)) => self.serve(io).await,
            Ok(Err(error)) => self.tell(Reported::Refused { says: error.to_string() }).await,
            // A client that connects and is silent.
            Err(_) => {}
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, mut io: S) {
        let (request, inbox, log, start) = handshake::read(&mut io, PATIENT).await;
        let (request, size) = match request {
            Ok(read) => read,
            Err(NotOpen::Broke(violation)) => {
                if let Some(page) = page::asked_for(&inbox) {
                    // A browser that has gone needs no page.
                    let _ = io.write_all(&page).await;
                    let _ = io.shutdown().await;
                    return;
                }
                // A client whose request is not a handshake.
                self.tell(Reported::Refused { says: violation.to_string() }).await;
                if let Some(reply) = framewise_proto::handshake::rejection(&violation) {
                    write(&mut io, &reply).await;
                }
                return;
            }
            Err(NotOpen::Status(_) | NotOpen::Silent | NotOpen::Unsupported(_)) => return,
        };
        let asked = Asked::of(&request.target);
        let rest = inbox[size..].to_vec();
        let opened = Opened { io, log, start, head: size as u64, rest, agreed: None, server: None };
        match asked.path.as_str() {
            "/runCase" => self.run_case(&asked, &request, opened).await,
            "/getCaseCount" => self.say(&request, opened, &self.clients.cases.len().to_string()).await,
            "/getCaseInfo" => {
                let info = self.case(&asked).map(|index| {
                    let case = &self.clients.cases[index];
                    let id = case.autobahn.as_deref().unwrap_or(&case.name);
                    serde_json::json!({"id": id, "description": case.says}).to_string()
                });
                self.answer(&request, opened, info).await;
            }
            "/getCaseStatus" => {
                let status = match (self.case(&asked), self.agent(&asked)) {
                    (Ok(index), Ok(agent)) => {
                        let word = self.outcomes.word(&agent, index, PATIENT).await.unwrap_or("FAILED");
                        Ok(serde_json::json!({ "behavior": word }).to_string())
                    }
                    (Err(says), _) | (_, Err(says)) => Err(says),
                };
                self.answer(&request, opened, status).await;
            }
            "/getResults" => match self.agent(&asked) {
                Ok(agent) => {
                    self.outcomes.settle(&agent, PATIENT).await;
                    self.say(&request, opened, &self.outcomes.summary(&agent).to_string()).await;
                }
                Err(says) => self.refuse(opened.io, &says).await,
            },
            "/updateReports" => match self.agent(&asked) {
                Ok(agent) => {
                    self.outcomes.settle(&agent, PATIENT).await;
                    let last = asked.get("shutdownOnComplete") == Some("true");
                    self.tell(Reported::Reports { agent, last }).await;
                    self.finish(&request, opened).await;
                    if last {
                        self.stopped.notify_one();
                    }
                }
                Err(says) => self.refuse(opened.io, &says).await,
            },
            "/stopServer" => {
                self.finish(&request, opened).await;
                self.stopped.notify_one();
            }
            _ if self.clients.commands => self.obey(&request, opened).await,
            path => {
                self.tell(Reported::Other { target: path.to_owned() }).await;
                let says = "ask for /getCaseCount, /runCase?case=N&agent=NAME, /getCaseInfo?case=N, \
                            /getCaseStatus?case=N&agent=NAME, /updateReports?agent=NAME or /stopServer";
                self.refuse(opened.io, says).await;
            }
        }
    }

    async fn tell(&self, reported: Reported) {
        // Nobody listens any more: the run was ended.
        let _ = self.told.send(reported).await;
    }

    /// The case that is asked for, from 0.
    fn case(&self, asked: &Asked) -> Result<usize, String> {
        let cases = &self.clients.cases;
        if let Some(tuple) = asked.get("casetuple") {
            let found =
                cases.iter().position(|case| case.autobahn.as_deref() == Some(tuple) || case.name == tuple);
            return found.ok_or_else(|| format!("there is no case {tuple} in this run"));
        }
        let Some(number) = asked.get("case") else { return Err("the parameter `case` is missing".into()) };
        let index = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        index
            .filter(|&index| index < cases.len())
            .ok_or_else(|| format!("there is no case {number}: they go from 1 to {}", cases.len()))
    }

    fn agent(&self, asked: &Asked) -> Result<String, String> {
        match asked.get("agent") {
            Some(agent) if !agent.is_empty() => Ok(agent.chars().take(200).collect()),
            Some(_) | None if self.clients.nameless => Ok("client".into()),
            Some(_) | None => {
                Err("the parameter `agent` is missing: it names the client in the reports".into())
            }
        }
    }

    async fn run_case<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        asked: &Asked,
        request: &Request,
        opened: Opened<S>,
    ) {
        let (index, agent) = match (self.case(asked), self.agent(asked)) {
            (Ok(index), Ok(agent)) => (index, agent),
            (Err(says), _) | (_, Err(says)) => return self.refuse(opened.io, &says).await,
        };
        let case = &self.clients.cases[index];
        if (self.clients.left_out)(&agent, case) {
            return self.finish(request, opened).await;
        }
        self.tell(Reported::Began { agent: agent.clone(), index }).await;
        self.outcomes.begins(&agent, index);
        let verdict = self.failed.judge(case, self.judge(case, request, opened).await);
        let told = Reported::Done { agent: agent.clone(), index, verdict: Box::new(verdict.clone()) };
        self.tell(told).await;
        self.outcomes.done(&agent, index, case, &verdict);
    }

    async fn judge<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        case: &Case,
        request: &Request,
        mut opened: Opened<S>,
    ) -> Verdict {
        let wait = self.pace.wait(case);
        if let Work::Response { head, cut, end, accept } = &case.work {
            let verdict = response(request, opened, head, *cut, *end, *accept, wait.patience).await;
            let went_on = verdict.behaviour == Behaviour::Failed && verdict.closing == Closing::Missing;
            return if case.level == Level::May && !accept && went_on {
                Verdict { behaviour: Behaviour::NonStrict, closing: Closing::None, ..verdict }
            } else {
                verdict
            };
        }
        let (head, agreed) = match handshake::accept(request, case.needs.deflate.as_ref()) {
            Ok(accepted) => accepted,
            Err(why) => {
                self.finish(request, opened).await;
                return not_open(why);
            }
        };
        opened.agreed = agreed;
        if opened.io.write_all(&head).await.is_err() {
            return not_open(NotOpen::Silent);
        }
        opened.log.bytes(Role::Server, opened.start.elapsed(), &head);
        let mut session = Session::new(Role::Server, opened);
        let case = crate::server::brief(case, self.clients.brief);
        // What a client sends by itself at first is no answer.
        session.forget();
        let verdict = run::run(&case, session, Role::Client, wait).await;
        self.pace.ran(&case, &verdict);
        verdict
    }

    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        request: &Request,
        opened: Opened<S>,
        text: Result<String, String>,
    ) {
        match text {
            Ok(text) => self.say(request, opened, &text).await,
            Err(says) => self.refuse(opened.io, &says).await,
        }
    }

    /// Accepts, says something, and closes.
    async fn say<S: AsyncRead + AsyncWrite + Unpin>(&self, request: &Request, opened: Opened<S>, text: &str) {
        self.converse(request, opened, Some(text)).await;
    }

    /// Accepts, and closes.
    async fn finish<S: AsyncRead + AsyncWrite + Unpin>(&self, request: &Request, opened: Opened<S>) {
        self.converse(request, opened, None).await;
    }

    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        request: &Request,
        mut opened: Opened<S>,
        text: Option<&str>,
    ) {
        let patience = self.clients.patience;
        let Ok((head, _)) = handshake::accept(request, None) else { return };
        if opened.io.write_all(&head).await.is_err() {
            return;
        }
        let mut session = Session::new(Role::Server, opened);
        let now = session.elapsed();
        let engine = session.engine();
        let normal = CloseFrame::new(CloseCode::NORMAL_CLOSURE, "");
        let queued = text
            .map_or(Ok(()), |text| engine.send_text(text))
            .and_then(|()| engine.close(now, Some(&normal)));
        if queued.is_err() {
            return;
        }
        loop {
            match session.next(patience).await {
                Happened::Close(_) => break,
                Happened::Eof | Happened::Reset | Happened::Quiet | Happened::Flood | Happened::Broke(_) => {
                    return;
                }
                Happened::Seen(_) => {}
            }
        }
        session.shut().await;
        // The client ends TCP after it, or does not: it has what it asked for.
        let _ = session.next(patience).await;
    }

    /// Accepts, and does what the client asks for, until either closes.
    async fn obey<S: AsyncRead + AsyncWrite + Unpin>(&self, request: &Request, mut opened: Opened<S>) {
        let patience = self.clients.patience;
        let Ok((head, _)) = handshake::accept(request, None) else { return };
        if opened.io.write_all(&head).await.is_err() {
            return;
        }
        let mut session = Session::new(Role::Server, opened);
        // The engine reads ahead: it would answer a Close before the commands that came with it are done.
        session.close_by_hand();
        let mut closed = false;
        while !closed {
            // A person may type the commands.
            let frames = match session.next(PATIENT).await {
                Happened::Seen(Seen::Ping(payload)) => {
                    vec![(Frame::new(Opcode::Pong, payload), Cut::Whole)]
                }
                Happened::Seen(Seen::Pong(_)) => continue,
                Happened::Seen(message @ (Seen::Text(_) | Seen::Binary(_))) => commands::frames(&message)
                    .unwrap_or_else(|says| vec![commands::close(CloseCode::POLICY_VIOLATION, &says)]),
                Happened::Close(close) => {
                    let empty = || (Frame::new(Opcode::Close, ""), Cut::Whole);
                    vec![close.map_or_else(empty, |close| commands::close(close.code, ""))]
                }
                Happened::Broke(violation) => {
                    let code = violation.answer().close_code().unwrap_or(CloseCode::PROTOCOL_ERROR);
                    vec![commands::close(code, violation.rule.id())]
                }
                Happened::Eof | Happened::Reset | Happened::Flood | Happened::Quiet => return,
            };
            closed = frames.iter().any(|(frame, _)| frame.opcode == Opcode::Close);
            commands::send(&mut session, &frames, patience).await;
        }
        // A Close of this end is answered; one of the client's was there before.
        while matches!(session.next(patience).await, Happened::Seen(_)) {}
        session.shut().await;
    }

    async fn refuse<S: AsyncWrite + Unpin>(&self, mut io: S, says: &str) {
        let body = format!("{says}\n");
        if let Ok(reply) = reject(404, &Headers::default(), &body) {
            write(&mut io, &reply).await;
        }
    }
}

async fn write<S: AsyncWrite + Unpin>(io: &mut S, reply: &Reply<'_>) {
    // A client that has gone needs no answer.
    let _ = io.write_all(&reply.encode()).await;
    let _ = io.shutdown().await;
}

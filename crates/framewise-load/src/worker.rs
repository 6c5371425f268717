//! One thread with its share of the connections.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::mpsc::Sender as Channel;
use std::time::{Duration, Instant};

use framewise::proto::Ended;
use framewise::{Error, NetStream, WebSocket};
use hdrhistogram::Histogram;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinSet, LocalSet, spawn_local};

use crate::connection::Connection;
use crate::mix::Mix;
use crate::plan::{Expect, Pace, Plan};
use crate::report::histogram;
use crate::schedule::Schedule;
use crate::timer::Timer;

/// Connections that one worker has begun and not finished, at most.
const MOST_CONNECTING: usize = 128;
/// Time to close all connections at the end.
const CLOSING: Duration = Duration::from_secs(5);

/// What the workers do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// Open connections, and wait.
    Connect,
    /// Send; the first message is due at this time.
    Send(Instant),
    /// Stop now.
    Stop,
}

/// What a worker reports.
#[derive(Debug)]
pub(crate) enum News {
    /// One more connection is open.
    Opened,
    /// All of its connections are open, or failed.
    Ready,
    Second(SecondSeen),
    Done(Box<Total>),
}

/// What a worker saw in one second.
#[derive(Debug)]
pub(crate) struct SecondSeen {
    pub(crate) second: u64,
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    pub(crate) open: u32,
    pub(crate) latency: Histogram<u64>,
}

/// What one worker, or all of them, saw in a run. Times are in nanoseconds.
#[derive(Debug)]
pub(crate) struct Total {
    pub(crate) opened: u32,
    pub(crate) lost: u32,
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    pub(crate) unanswered: u64,
    pub(crate) wrong: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) latency: Histogram<u64>,
    pub(crate) since_sent: Histogram<u64>,
    pub(crate) handshake: Histogram<u64>,
    pub(crate) late: Histogram<u64>,
    /// Connections that failed, by sentence.
    pub(crate) failed: BTreeMap<String, u64>,
    /// What went wrong, by rule or by kind: how often, and the first in one sentence.
    pub(crate) findings: BTreeMap<Fault, (u64, String)>,
}

/// The kinds of what can go wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    Rule(&'static str),
    /// The server closed the connection, with this code.
    Closed(u16),
    /// The connection failed without a rule that says how.
    Failed,
    /// An answer was not what was expected.
    Wrong,
    /// The Close at the end was not answered.
    NotClosed,
}

impl Default for Total {
    fn default() -> Self {
        Self {
            opened: 0,
            lost: 0,
            sent: 0,
            answered: 0,
            unanswered: 0,
            wrong: 0,
            bytes_sent: 0,
            bytes_received: 0,
            latency: histogram(),
            since_sent: histogram(),
            handshake: histogram(),
            late: histogram(),
            failed: BTreeMap::new(),
            findings: BTreeMap::new(),
        }
    }
}

impl Total {
    pub(crate) fn found(&mut self, fault: Fault, count: u64, says: String) {
        self.findings.entry(fault).or_insert((0, says)).0 += count;
    }
}

/// What the connections of a worker share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) mix: Mix,
    pub(crate) expect: Expect,
    pace: Pace,
    /// Messages that are due before it are not in the percentiles.
    counts_from: Cell<Instant>,
    /// When sending ends.
    end: Cell<Instant>,
    total: RefCell<Total>,
    second: RefCell<SecondSeen>,
    /// Messages that are due and have no answer.
    open: Cell<u64>,
    settled: Notify,
    closing: Cell<bool>,
}

impl Shared {
    fn new(plan: &Plan) -> Self {
        let now = Instant::now();
        Self {
            mix: Mix::new(&plan.mix),
            expect: plan.expect,
            pace: plan.pace.clone(),
            counts_from: Cell::new(now),
            end: Cell::new(now),
            total: RefCell::default(),
            second: RefCell::new(SecondSeen::new(0)),
            open: Cell::new(0),
            settled: Notify::new(),
            closing: Cell::new(false),
        }
    }

    /// One more message is due.
    pub(crate) fn due(&self) {
        self.open.set(self.open.get() + 1);
    }

    /// A message that was due needs nothing more.
    pub(crate) fn settled(&self) {
        self.open.set(self.open.get().saturating_sub(1));
        if self.open.get() == 0 {
            self.settled.notify_one();
        }
    }

    fn counts(&self, due: Instant) -> bool {
        due >= self.counts_from.get()
    }

    pub(crate) fn sent(&self, due: Instant, bytes: u64) {
        self.second.borrow_mut().sent += 1;
        if self.counts(due) {
            let mut total = self.total.borrow_mut();
            total.sent += 1;
            total.bytes_sent += bytes;
        }
    }

    pub(crate) fn received(&self, bytes: u64) {
        self.total.borrow_mut().bytes_received += bytes;
    }

    pub(crate) fn answered(&self, due: Instant, sent: Instant, now: Instant) {
        let latency = nanos(now.saturating_duration_since(due));
        {
            let mut second = self.second.borrow_mut();
            second.answered += 1;
            second.latency.saturating_record(latency);
        }
        if self.counts(due) {
            let mut total = self.total.borrow_mut();
            total.answered += 1;
            total.latency.saturating_record(latency);
            total.since_sent.saturating_record(nanos(now.saturating_duration_since(sent)));
        }
        self.settled();
    }

    /// A message that will have no answer counts with the time that it has waited: left out, the slowest would be missing.
    pub(crate) fn unanswered(&self, due: Instant, now: Instant) {
        if self.counts(due) {
            let mut total = self.total.borrow_mut();
            total.unanswered += 1;
            total.latency.saturating_record(nanos(now.saturating_duration_since(due)));
        }
        self.settled();
    }

    pub(crate) fn wrong(&self, says: String) {
        let mut total = self.total.borrow_mut();
        total.wrong += 1;
        total.found(Fault::Wrong, 1, says);
    }

    /// Whether an answer lets the next message be sent.
    pub(crate) fn sends_next(&self, now: Instant) -> bool {
        matches!(self.pace, Pace::InFlight(..)) && now < self.end.get() && !self.closing.get()
    }

    /// A connection ended with an error.
    pub(crate) fn broken(&self, error: &Error) {
        let mut total = self.total.borrow_mut();
        if !self.closing.get() {
            total.lost += 1;
        }
        let fault = error.violation().map_or(Fault::Failed, |violation| Fault::Rule(violation.rule.id()));
        total.found(fault, 1, error.to_string());
    }

    /// A connection ended with a Close.
    pub(crate) fn closed(&self, ended: Option<Ended>) {
        if self.closing.get() {
            return;
        }
        let mut total = self.total.borrow_mut();
        total.lost += 1;
        let Some(ended) = ended else { return };
        let code = u16::from(ended.code);
        let reason = if ended.reason.is_empty() { String::new() } else { format!(" (\"{}\")", ended.reason) };
        total.found(
            Fault::Closed(code),
            1,
            format!("the server closed the connection with {code}{reason} before the run ended"),
        );
    }
}

impl SecondSeen {
    fn new(second: u64) -> Self {
        Self { second, sent: 0, answered: 0, open: 0, latency: histogram() }
    }
}

fn nanos(duration: Duration) -> u64 {
    duration.as_nanos().try_into().unwrap_or(u64::MAX)
}

/// Runs one worker to its end, on the thread that calls it.
pub(crate) fn run(
    plan: &Plan,
    worker: u16,
    orders: watch::Receiver<Order>,
    news: &Channel<News>,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let total = LocalSet::new().block_on(&runtime, work(plan, worker, orders, news))?;
    // The one who listens has ended if this fails.
    let _ = news.send(News::Done(Box::new(total)));
    Ok(())
}

async fn work(
    plan: &Plan,
    worker: u16,
    mut orders: watch::Receiver<Order>,
    news: &Channel<News>,
) -> std::io::Result<Total> {
    let timer = Timer::new()?;
    let shared = Rc::new(Shared::new(plan));
    let mut stopped = orders.clone();
    let stopped = async move {
        // An error means that nobody gives orders any more.
        let _ = stopped.wait_for(|order| matches!(order, Order::Stop)).await;
    };
    let mut connections = Vec::new();
    let mut ends = JoinSet::new();
    tokio::pin!(stopped);
    let connecting = connect(plan, worker, &shared, &mut connections, &mut ends, news);
    let stop = tokio::select! {
        () = connecting => false,
        () = &mut stopped => true,
    };
    if !stop {
        let _ = news.send(News::Ready);
        let sending = async {
            if let Ok(order) =
                orders.wait_for(|order| !matches!(order, Order::Connect)).await.map(|order| *order)
                && let Order::Send(start) = order
            {
                send(plan, worker, &shared, &connections, start, &timer, news).await?;
            }
            Ok::<_, std::io::Error>(())
        };
        tokio::select! {
            sent = sending => sent?,
            () = stopped => {}
        }
    }
    close(&shared, &connections, &mut ends).await;
    Ok(shared.total.take())
}

/// Opens the worker's share of the connections.
async fn connect(
    plan: &Plan,
    worker: u16,
    shared: &Rc<Shared>,
    connections: &mut Vec<Rc<Connection>>,
    ends: &mut JoinSet<()>,
    news: &Channel<News>,
) {
    let workers = u32::from(plan.workers.max(1));
    let share = plan.connections / workers + u32::from(u32::from(worker) < plan.connections % workers);
    let pause = Duration::from_secs_f64(f64::from(workers) / plan.connect_rate.max(0.001));
    let mut pacing = tokio::time::interval(pause.max(Duration::from_nanos(1)));
    pacing.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut attempts = JoinSet::new();
    let mut begun = 0;
    while begun < share || !attempts.is_empty() {
        tokio::select! {
            _ = pacing.tick(), if begun < share && attempts.len() < MOST_CONNECTING => {
                begun += 1;
                attempts.spawn_local(attempt(plan.client.clone(), plan.url.clone(), plan.connect_timeout));
            }
            Some(Ok(result)) = attempts.join_next() => match result {
                Ok((ws, took)) => {
                    let number = u64::from(worker) + connections.len() as u64 * u64::from(workers);
                    let (sender, receiver) = ws.split();
                    let connection = Rc::new(Connection::new(sender, number));
                    spawn_local(connection.clone().send(shared.clone()));
                    ends.spawn_local(connection.clone().receive(receiver, shared.clone()));
                    connections.push(connection);
                    let mut total = shared.total.borrow_mut();
                    total.opened += 1;
                    total.handshake.saturating_record(nanos(took));
                    let _ = news.send(News::Opened);
                }
                Err(error) => *shared.total.borrow_mut().failed.entry(error).or_default() += 1,
            },
        }
    }
}

async fn attempt(
    client: framewise::Client,
    url: String,
    timeout: Duration,
) -> Result<(WebSocket<NetStream>, Duration), String> {
    let start = Instant::now();
    match tokio::time::timeout(timeout, client.connect(&url)).await {
        Ok(Ok(ws)) => Ok((ws, start.elapsed())),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no handshake within {} s", timeout.as_secs_f64())),
    }
}

/// Sends what is due, waits for the last answers, and reports each second.
async fn send(
    plan: &Plan,
    worker: u16,
    shared: &Rc<Shared>,
    connections: &[Rc<Connection>],
    start: Instant,
    timer: &Timer,
    news: &Channel<News>,
) -> std::io::Result<()> {
    shared.counts_from.set(start + plan.warm_up);
    shared.end.set(start + plan.pace.duration());
    timer.until(start).await?;
    let sending = async {
        match &plan.pace {
            Pace::Rate(phases) => {
                pace(Schedule::new(phases, worker, plan.workers), shared, connections, start, timer).await?;
            }
            Pace::InFlight(each, duration) => {
                for connection in connections {
                    for _ in 0..*each {
                        shared.due();
                        connection.add(Instant::now());
                    }
                }
                tokio::time::sleep_until((start + *duration).into()).await;
            }
        }
        drain(plan.drain, shared, connections).await;
        Ok(())
    };
    let reporting = async {
        for second in 1.. {
            tokio::time::sleep_until((start + Duration::from_secs(second)).into()).await;
            report(shared, connections, second, news);
        }
    };
    tokio::select! {
        sent = sending => {
            let second = start.elapsed().as_secs() + 1;
            report(shared, connections, second, news);
            sent
        }
        () = reporting => Ok(()),
    }
}

/// Reports the second that has ended, and begins the next one.
fn report(shared: &Shared, connections: &[Rc<Connection>], next: u64, news: &Channel<News>) {
    let mut seen = shared.second.replace(SecondSeen::new(next));
    seen.open = connections.iter().filter(|connection| !connection.is_over()).count() as u32;
    let _ = news.send(News::Second(seen));
}

/// Gives each message to a connection when it is due. Stops early if every connection has ended.
async fn pace(
    schedule: Schedule,
    shared: &Shared,
    connections: &[Rc<Connection>],
    start: Instant,
    timer: &Timer,
) -> std::io::Result<()> {
    let mut next = 0;
    for time in schedule {
        let due = start + time;
        let mut now = Instant::now();
        if due > now {
            timer.until(due).await?;
            now = Instant::now();
        }
        let left = connections.len();
        let Some(connection) = (0..left).map(|at| &connections[(next + at) % left]).find(|c| !c.is_over())
        else {
            return Ok(());
        };
        next = (next + 1) % left;
        shared.due();
        connection.add(due);
        if shared.counts(due) {
            shared.total.borrow_mut().late.saturating_record(nanos(now.saturating_duration_since(due)));
        }
        // The connections send while this one has more to give out.
        if now.saturating_duration_since(due) > Duration::from_millis(1) {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

/// Waits until nothing is due any more, or the time is over. What is left has no answer.
async fn drain(time: Duration, shared: &Shared, connections: &[Rc<Connection>]) {
    let settled = async {
        while shared.open.get() > 0 {
            shared.settled.notified().await;
        }
    };
    // What is left is counted below.
    let _ = tokio::time::timeout(time, settled).await;
    for connection in connections {
        connection.unanswered(shared);
    }
}

/// Closes all connections, and waits for their ends.
async fn close(shared: &Rc<Shared>, connections: &[Rc<Connection>], ends: &mut JoinSet<()>) {
    shared.closing.set(true);
    for connection in connections {
        connection.start_close();
    }
    let all = async { while ends.join_next().await.is_some() {} };
    if tokio::time::timeout(CLOSING, all).await.is_err() {
        let left = connections.iter().filter(|connection| !connection.is_over()).count() as u64;
        let says = format!("the server did not answer a Close within {} s", CLOSING.as_secs());
        shared.total.borrow_mut().found(Fault::NotClosed, left, says);
    }
}

//! Starts the workers, and puts together what they saw.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::str::FromStr as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use framewise::Url;
use tokio::sync::watch;

use crate::plan::{Pace, Plan, Progress, Unusable};
use crate::report::{Connections, Finding, Generator, Latency, Messages, Report, Second, micros};
use crate::worker::{self, Fault, News, Order, SecondSeen, Total};

/// How often `progress` is called.
const STEP: Duration = Duration::from_millis(200);
/// From the order to send to the first message: every worker has read it by then.
const LEAD: Duration = Duration::from_millis(20);

pub(crate) fn run(
    plan: &Plan,
    progress: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<Report, Unusable> {
    let cpu = cpu_time();
    let began = Instant::now();
    let (orders, ordered) = watch::channel(Order::Connect);
    let (tell, news) = channel();
    let workers: Vec<_> = (0..plan.workers.max(1))
        .map(|worker| {
            let (plan, ordered, tell) = (plan.clone(), ordered.clone(), tell.clone());
            std::thread::spawn(move || worker::run(&plan, worker, ordered, &tell))
        })
        .collect();
    drop(tell);
    let collected = Collected::default().collect(plan, &orders, &news, progress);
    for worker in workers {
        match worker.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(Unusable(format!("cannot run: {error}"))),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    let busy = cpu
        .zip(cpu_time())
        .map(|(before, after)| after.saturating_sub(before).as_secs_f64() / began.elapsed().as_secs_f64())
        .map(|cores| cores / f64::from(plan.workers.max(1)));
    collected.report(plan, busy)
}

/// What the workers have reported so far.
#[derive(Debug, Default)]
struct Collected {
    total: Total,
    seconds: BTreeMap<u64, SecondSeen>,
    open: u32,
    start: Option<Instant>,
    stopped: bool,
}

impl Collected {
    /// Takes in the news until every worker has ended.
    fn collect(
        mut self,
        plan: &Plan,
        orders: &watch::Sender<Order>,
        news: &Receiver<News>,
        mut progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Self {
        let mut ready = 0;
        let mut shown = Instant::now();
        loop {
            match news.recv_timeout(STEP) {
                Ok(News::Opened) => self.open += 1,
                Ok(News::Ready) => {
                    ready += 1;
                    if ready == plan.workers.max(1) {
                        let start = Instant::now() + LEAD;
                        self.start = Some(start);
                        orders.send_replace(if self.open > 0 { Order::Send(start) } else { Order::Stop });
                    }
                }
                Ok(News::Second(seen)) => self.second(seen),
                Ok(News::Done(total)) => self.total.add(*total),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self,
            }
            if shown.elapsed() >= STEP {
                shown = Instant::now();
                if progress(self.progress()).is_break() && !self.stopped {
                    self.stopped = true;
                    orders.send_replace(Order::Stop);
                }
            }
        }
    }

    fn second(&mut self, seen: SecondSeen) {
        match self.seconds.get_mut(&seen.second) {
            Some(of_all) => {
                of_all.sent += seen.sent;
                of_all.answered += seen.answered;
                of_all.open += seen.open;
                // Both have the same bounds.
                let _ = of_all.latency.add(&seen.latency);
            }
            None => {
                self.seconds.insert(seen.second, seen);
            }
        }
    }

    fn progress(&self) -> Progress {
        let last = self.seconds.values().next_back();
        Progress {
            open: last.map_or(self.open, |last| last.open),
            elapsed: self.start.map(|start| start.elapsed()),
            sent: last.map_or(0, |last| last.sent),
            answered: last.map_or(0, |last| last.answered),
            p99: last
                .filter(|last| !last.latency.is_empty())
                .map(|last| micros(last.latency.value_at_quantile(0.99))),
        }
    }

    fn report(self, plan: &Plan, busy: Option<f64>) -> Result<Report, Unusable> {
        let Self { total, seconds, start, stopped, .. } = self;
        let failed = total.failed.values().sum::<u64>();
        if total.opened == 0 && !stopped {
            let most = total.failed.iter().max_by_key(|(_, count)| **count);
            let says =
                most.map_or_else(|| "no connection could be opened".to_owned(), |(says, _)| says.clone());
            return Err(Unusable(says));
        }
        let planned = plan.pace.duration().saturating_sub(plan.warm_up).as_secs_f64();
        let seconds_run = match start {
            Some(start) if stopped => (start + plan.warm_up).elapsed().as_secs_f64().min(planned),
            Some(_) => planned,
            None => 0.0,
        };
        let series = seconds.values().map(|seen| Second {
            second: seen.second,
            sent: seen.sent,
            answered: seen.answered,
            p50: micros(seen.latency.value_at_quantile(0.5)),
            p99: micros(seen.latency.value_at_quantile(0.99)),
            max: micros(seen.latency.max()),
        });
        Ok(Report {
            target: Url::from_str(&plan.url).map_or_else(|_| plan.url.clone(), |url| url.to_string()),
            complete: !stopped,
            seconds: seconds_run,
            connections: Connections { opened: total.opened, failed: failed as u32, lost: total.lost },
            messages: Messages {
                sent: total.sent,
                answered: total.answered,
                unanswered: total.unanswered,
                wrong: total.wrong,
                per_second: if seconds_run > 0.0 { total.answered as f64 / seconds_run } else { 0.0 },
                bytes_sent: total.bytes_sent,
                bytes_received: total.bytes_received,
            },
            latency: Latency::of(&total.latency),
            since_sent: Latency::of(&total.since_sent),
            handshake: Latency::of(&total.handshake),
            series: series.collect(),
            findings: total.findings(stopped),
            generator: Generator { late: late(plan, &total), busy },
        })
    }
}

/// With messages in flight, nothing is due before it is sent.
fn late(plan: &Plan, total: &Total) -> Latency {
    match plan.pace {
        Pace::Rate(_) => Latency::of(&total.late),
        Pace::InFlight(..) => Latency::default(),
    }
}

impl Total {
    fn add(&mut self, other: Self) {
        self.opened += other.opened;
        self.lost += other.lost;
        self.sent += other.sent;
        self.answered += other.answered;
        self.unanswered += other.unanswered;
        self.wrong += other.wrong;
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        for (mine, theirs) in [
            (&mut self.latency, &other.latency),
            (&mut self.since_sent, &other.since_sent),
            (&mut self.handshake, &other.handshake),
            (&mut self.late, &other.late),
        ] {
            // Both have the same bounds.
            let _ = mine.add(theirs);
        }
        for (says, count) in other.failed {
            *self.failed.entry(says).or_default() += count;
        }
        for (fault, (count, says)) in other.findings {
            self.found(fault, count, says);
        }
    }

    /// The findings, the most frequent first.
    fn findings(&self, stopped: bool) -> Vec<Finding> {
        let mut findings: Vec<_> = self
            .findings
            .iter()
            .map(|(fault, (count, says))| {
                let rule = match fault {
                    Fault::Rule(rule) => Some((*rule).to_owned()),
                    Fault::Closed(_) | Fault::Failed | Fault::Wrong | Fault::NotClosed => None,
                };
                Finding { rule, count: *count, says: says.clone() }
            })
            .chain(self.failed.iter().map(|(says, count)| Finding {
                rule: None,
                count: *count,
                says: format!("a connection could not be opened: {says}"),
            }))
            .collect();
        // A run that is stopped stops waiting for answers.
        if self.unanswered > 0 && self.lost == 0 && !stopped {
            let says = "a message was due and had no answer at the end of the run".to_owned();
            findings.push(Finding { rule: None, count: self.unanswered, says });
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.count));
        findings
    }
}

/// The CPU time of this process.
#[cfg(unix)]
fn cpu_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).ok()
}

#[cfg(not(unix))]
const fn cpu_time() -> Option<Duration> {
    None
}

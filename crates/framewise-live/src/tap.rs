use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use framewise_inspect::Connection;
use framewise_rules::Role;
use framewise_transcript::Action;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, OwnedPermit, Permit};
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

use crate::Watch;
use crate::pair::{Half, LONGEST, Pairing, Position};

/// Steps that may wait for the observer; with more the connection is slowed down, so that the memory does not fill.
const MOST_WAITING: usize = 128;

/// How long a step waits for an earlier one of the other leg.
const LAG: Duration = Duration::from_millis(50);

/// How long a connection before an intermediary waits for its other half, after its request.
const KEPT: Duration = Duration::from_secs(1);

/// What one side of a leg did, so long after the start.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) time: Duration,
    /// On the leg behind an intermediary.
    pub(crate) behind: bool,
    pub(crate) from: Role,
    pub(crate) action: Action,
}

/// Where the byte path of a connection puts what it reads. The order is that of the reads; what is said about it is
/// another task's matter, so that no byte waits for that.
#[derive(Debug)]
pub(crate) struct Tap {
    steps: mpsc::Sender<Step>,
    start: Instant,
}

/// A place for one step, taken before the read, so that what was read is noted at once.
pub(crate) struct Slot<'t> {
    permit: Option<Permit<'t, Step>>,
    start: Instant,
}

impl Tap {
    /// Waits for a place.
    pub(crate) async fn slot(&self) -> Slot<'_> {
        // Should the observer have failed, the bytes go on all the same.
        Slot { permit: self.steps.reserve().await.ok(), start: self.start }
    }

    pub(crate) fn polled(self) -> PolledTap {
        PolledTap { tap: self, slot: Place::None }
    }
}

impl Slot<'_> {
    pub(crate) fn note(self, from: Role, action: Action) {
        if let Some(permit) = self.permit {
            permit.send(Step { time: self.start.elapsed(), behind: false, from, action });
        }
    }
}

/// A tap for code that is polled. It holds one place at most.
pub(crate) struct PolledTap {
    tap: Tap,
    slot: Place,
}

enum Place {
    None,
    Waiting(Pin<Box<dyn Future<Output = Option<OwnedPermit<Step>>> + Send>>),
    Taken(OwnedPermit<Step>),
    /// The observer has failed: nothing is noted any more.
    Gone,
}

impl PolledTap {
    /// Ready when there is a place for one step.
    pub(crate) fn poll_slot(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.slot = match &mut self.slot {
                Place::Taken(_) | Place::Gone => return Poll::Ready(()),
                Place::Waiting(waiting) => match ready!(waiting.as_mut().poll(cx)) {
                    Some(permit) => Place::Taken(permit),
                    None => Place::Gone,
                },
                Place::None => match self.tap.steps.clone().try_reserve_owned() {
                    Ok(permit) => Place::Taken(permit),
                    Err(TrySendError::Full(steps)) => {
                        Place::Waiting(Box::pin(async move { steps.reserve_owned().await.ok() }))
                    }
                    Err(TrySendError::Closed(_)) => Place::Gone,
                },
            };
        }
    }

    /// Notes a step, where [`PolledTap::poll_slot`] found a place.
    pub(crate) fn note(&mut self, from: Role, action: Action) {
        if let Place::Taken(permit) = std::mem::replace(&mut self.slot, Place::None) {
            permit.send(Step { time: self.tap.start.elapsed(), behind: false, from, action });
        }
    }
}

impl fmt::Debug for PolledTap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolledTap").field("tap", &self.tap).finish_non_exhaustive()
    }
}

/// The observation of a connection: await it for what was found, when the connection is over.
#[derive(Debug)]
pub struct Watching(JoinHandle<Option<Connection>>);

impl Watching {
    /// Waits until the connection is over and judged; `None` where the runtime ended before, or where the connection is a part
    /// of another one, which is seen before an intermediary.
    pub async fn finish(self) -> Option<Connection> {
        self.0.await.ok().flatten()
    }
}

/// Starts to watch; the connection is judged when the tap is gone. `held` is the side whose stream ends with the tap.
pub(crate) fn tap(mut watch: Watch, held: Option<Role>) -> (Tap, Watching) {
    let (steps, mut queue) = mpsc::channel::<Step>(MOST_WAITING);
    let start = Instant::now();
    let place = watch.place().clone();
    let own = steps.downgrade();
    let watching = tokio::spawn(async move {
        match place {
            Position::Alone => {
                while let Some(step) = queue.recv().await {
                    watch.step(step).await;
                }
            }
            Position::Before(pairing) => {
                let half = Half::new(own, start);
                in_order(&mut watch, queue, half, &pairing).await;
            }
            Position::Behind(pairing) => {
                let (read, found) = pairing.other_half(&mut queue).await;
                if let Some((steps, began)) = found {
                    let later = start.saturating_duration_since(began);
                    let behind = |step: Step| Step { time: step.time + later, behind: true, ..step };
                    for step in read {
                        let _ = steps.send(behind(step)).await;
                    }
                    while let Some(step) = queue.recv().await {
                        let _ = steps.send(behind(step)).await;
                    }
                    return None;
                }
                watch.is_not_paired();
                for step in read {
                    watch.step(step).await;
                }
                while let Some(step) = queue.recv().await {
                    watch.step(step).await;
                }
            }
        }
        if let Some(held) = held {
            let step = Step { time: start.elapsed(), behind: false, from: held, action: Action::Eof };
            watch.step(step).await;
        }
        Some(watch.finish().await)
    });
    (Tap { steps, start }, Watching(watching))
}

/// The steps of two legs come by two ways: each waits a little for earlier ones. The request is registered at once, for the
/// other half.
async fn in_order(watch: &mut Watch, mut queue: mpsc::Receiver<Step>, half: Half, pairing: &Pairing) {
    let mut waiting: BTreeMap<(Duration, u64), Step> = BTreeMap::new();
    let (mut count, mut head) = (0, Some(Vec::new()));
    // The other half may come after a short connection has ended.
    let mut keep = half.keep(KEPT);
    loop {
        let due = waiting.first_key_value().map(|((time, _), _)| half.start() + *time + LAG);
        let next = [due, keep.as_ref().map(|(_, until)| *until)].into_iter().flatten().min();
        let received = if let Some(next) = next {
            let Ok(received) = timeout_at(next.into(), queue.recv()).await else {
                keep = keep.filter(|(_, until)| *until > next);
                if due == Some(next)
                    && let Some((_, step)) = waiting.pop_first()
                {
                    watch.step(step).await;
                }
                continue;
            };
            received
        } else {
            queue.recv().await
        };
        let Some(step) = received else { break };
        if step.behind {
            keep = None;
        } else if let (Role::Client, Action::Bytes(bytes), Some(so_far)) =
            (step.from, &step.action, &mut head)
        {
            so_far.extend_from_slice(bytes);
            if let Some(end) = so_far.windows(4).position(|window| window == b"\r\n\r\n") {
                pairing.register(&String::from_utf8_lossy(&so_far[..end]), half.clone());
                keep = half.keep(KEPT);
                head = None;
            } else if so_far.len() > LONGEST {
                head = None;
            }
        }
        count += 1;
        waiting.insert((step.time, count), step);
    }
    for step in waiting.into_values() {
        watch.step(step).await;
    }
}

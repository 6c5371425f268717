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

use crate::Watch;

/// Steps that may wait for the observer; with more the connection is slowed down, so that the memory does not fill.
const MOST_WAITING: usize = 128;

#[derive(Debug)]
struct Step {
    time: Duration,
    from: Role,
    action: Action,
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
            permit.send(Step { time: self.start.elapsed(), from, action });
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
            permit.send(Step { time: self.tap.start.elapsed(), from, action });
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
pub struct Watching(JoinHandle<Connection>);

impl Watching {
    /// Waits until the connection is over and judged; `None` where the runtime ended before.
    pub async fn finish(self) -> Option<Connection> {
        self.0.await.ok()
    }
}

/// Starts to watch; the connection is judged when the tap is gone. `held` is the side whose stream ends with the tap.
pub(crate) fn tap(mut watch: Watch, held: Option<Role>) -> (Tap, Watching) {
    let (steps, mut queue) = mpsc::channel::<Step>(MOST_WAITING);
    let start = Instant::now();
    let watching = tokio::spawn(async move {
        while let Some(Step { time, from, action }) = queue.recv().await {
            watch.step(time, from, action).await;
        }
        if let Some(held) = held {
            watch.step(start.elapsed(), held, Action::Eof).await;
        }
        watch.finish().await
    });
    (Tap { steps, start }, Watching(watching))
}

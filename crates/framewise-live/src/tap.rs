mod inline;
mod paired;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use framewise_inspect::Connection;
use framewise_rules::Role;
use framewise_transcript::Action;
use tokio::sync::mpsc::{self, Permit};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::Watch;
use crate::pair::Position;
use inline::Inline;

/// Steps that may wait for the observer; with more the connection is slowed down, so that the memory does not fill.
const MOST_WAITING: usize = 128;

/// What one side of a leg did, so long after the start.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) time: Duration,
    /// On the leg behind an intermediary.
    pub(crate) behind: bool,
    pub(crate) from: Role,
    pub(crate) action: Action,
}

/// What one side did, with its bytes where they were read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Did<'b> {
    Bytes(&'b [u8]),
    Eof,
    Reset,
}

impl Did<'_> {
    pub(crate) fn to_action(self) -> Action {
        match self {
            Self::Bytes(bytes) => Action::Bytes(bytes.to_vec()),
            Self::Eof => Action::Eof,
            Self::Reset => Action::Reset,
        }
    }
}

/// Where the byte path of a connection notes what it read, after it passed it on. The order is that of the reads. A search for
/// causes is another task's matter, so that no byte waits for it.
#[derive(Debug)]
pub(crate) struct Tap {
    way: Way,
    start: Instant,
}

#[derive(Debug)]
enum Way {
    /// The byte path observes by itself.
    Inline(Arc<Inline>),
    /// A task puts the steps of two legs in order.
    Queued(mpsc::Sender<Step>),
}

/// Room for one step, made before the read, so that what was read is noted at once.
pub(crate) struct Slot<'t> {
    tap: &'t Tap,
    /// Of a queue; `None` as well where its observer has failed: the bytes go on all the same.
    permit: Option<Permit<'t, Step>>,
}

impl Tap {
    /// Waits for room.
    pub(crate) async fn slot(&self) -> Slot<'_> {
        let permit = match &self.way {
            Way::Inline(inline) => {
                inline.room().await;
                None
            }
            Way::Queued(steps) => steps.reserve().await.ok(),
        };
        Slot { tap: self, permit }
    }

    /// For code that is polled, on a connection that is alone.
    fn note(&self, now: Instant, from: Role, did: Did<'_>) {
        if let Way::Inline(inline) = &self.way {
            inline.note(now.saturating_duration_since(self.start), from, did);
        }
    }

    /// Ready when there is room for one step.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        match &self.way {
            Way::Inline(inline) => inline.poll_room(cx),
            Way::Queued(_) => Poll::Ready(()),
        }
    }

    /// Notes a step, where [`Tap::poll_room`] found room.
    pub(crate) fn note_now(&self, from: Role, did: Did<'_>) {
        self.note(Instant::now(), from, did);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if let Way::Inline(inline) = &self.way {
            inline.end(self.start.elapsed());
        }
    }
}

impl Slot<'_> {
    /// Notes what a side did at this time.
    pub(crate) fn note_at(self, now: Instant, from: Role, did: Did<'_>) {
        let time = now.saturating_duration_since(self.tap.start);
        match (&self.tap.way, self.permit) {
            (Way::Inline(inline), _) => inline.note(time, from, did),
            (Way::Queued(_), Some(permit)) => {
                permit.send(Step { time, behind: false, from, action: did.to_action() });
            }
            (Way::Queued(_), None) => {}
        }
    }

    pub(crate) fn note(self, from: Role, did: Did<'_>) {
        self.note_at(Instant::now(), from, did);
    }
}

impl fmt::Debug for Slot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}

/// The observation of a connection: await it for what was found, when the connection is over.
#[derive(Debug)]
pub struct Watching(oneshot::Receiver<Connection>);

impl Watching {
    /// Waits until the connection is over and judged; `None` where the runtime ended before, or where the connection is a part
    /// of another one, which is seen before an intermediary.
    pub async fn finish(self) -> Option<Connection> {
        self.0.await.ok()
    }
}

/// Starts to watch; the connection is judged when the tap is gone. `held` is the side whose stream ends with the tap.
pub(crate) fn tap(watch: Watch, held: Option<Role>) -> (Tap, Watching) {
    let (done, watching) = oneshot::channel();
    let start = Instant::now();
    let way = match watch.place().clone() {
        Position::Alone => Way::Inline(Inline::new(watch, held, done)),
        Position::Before(pairing) => {
            let (steps, queue) = mpsc::channel(MOST_WAITING);
            let own = steps.downgrade();
            tokio::spawn(async move {
                let _ = done.send(paired::before(watch, queue, own, start, pairing).await);
            });
            Way::Queued(steps)
        }
        Position::Behind(pairing) => {
            let (steps, queue) = mpsc::channel(MOST_WAITING);
            tokio::spawn(async move {
                if let Some(connection) = paired::behind(watch, queue, start, pairing).await {
                    let _ = done.send(connection);
                }
            });
            Way::Queued(steps)
        }
    };
    (Tap { way, start }, Watching(watching))
}

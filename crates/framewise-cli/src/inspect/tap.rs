use std::time::Instant;

use framewise_inspect::Connection;
use framewise_rules::Role;
use framewise_transcript::Action;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::watch::Watch;

/// Steps that may wait for the observer; then the connection is slowed down instead of the memory filled.
const MOST_WAITING: usize = 128;

struct Step {
    time: std::time::Duration,
    from: Role,
    action: Action,
}

/// Where the two pumps of a connection put what they read. The order is that of the reads; the looking at it is another
/// task's, so that a byte never waits for what is said about it.
pub(super) struct Tap {
    steps: mpsc::Sender<Step>,
    start: Instant,
}

/// Room for one step, taken before the read, so that what was read is noted at once.
pub(super) struct Room<'t> {
    permit: Option<mpsc::Permit<'t, Step>>,
    start: Instant,
}

impl Tap {
    pub(super) async fn room(&self) -> Room<'_> {
        // Should the watch have failed, the bytes go on all the same.
        Room { permit: self.steps.reserve().await.ok(), start: self.start }
    }
}

impl Room<'_> {
    pub(super) fn note(self, from: Role, action: Action) {
        if let Some(permit) = self.permit {
            permit.send(Step { time: self.start.elapsed(), from, action });
        }
    }
}

/// Starts to watch; the connection is judged when the tap is gone.
pub(super) fn tap(mut watch: Watch) -> (Tap, JoinHandle<Connection>) {
    let (steps, mut queue) = mpsc::channel::<Step>(MOST_WAITING);
    let watching = tokio::spawn(async move {
        while let Some(Step { time, from, action }) = queue.recv().await {
            watch.step(time, from, action);
        }
        watch.finish()
    });
    (Tap { steps, start: Instant::now() }, watching)
}

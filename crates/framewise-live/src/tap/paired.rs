//! The observation of a connection on both sides of an intermediary: its steps come by two ways, so a task puts them in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use framewise_inspect::Connection;
use framewise_rules::Role;
use framewise_transcript::Action;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::Step;
use crate::Watch;
use crate::pair::{Half, LONGEST, Pairing};

/// How long a step waits for an earlier one of the other leg.
const LAG: Duration = Duration::from_millis(50);

/// How long a connection before an intermediary waits for its other half, after its request.
const KEPT: Duration = Duration::from_secs(1);

/// Observes a connection before the intermediary, and what its other half behind it sends to `own`.
pub(super) async fn before(
    mut watch: Watch,
    queue: mpsc::Receiver<Step>,
    own: mpsc::WeakSender<Step>,
    start: Instant,
    pairing: Arc<Pairing>,
) -> Connection {
    in_order(&mut watch, queue, Half::new(own, start), &pairing).await;
    watch.finish().await
}

/// Gives the steps of a connection behind the intermediary to its other half; observes it where it has none.
pub(super) async fn behind(
    mut watch: Watch,
    mut queue: mpsc::Receiver<Step>,
    start: Instant,
    pairing: Arc<Pairing>,
) -> Option<Connection> {
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
    Some(watch.finish().await)
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
            let Ok(received) = timeout_at(next, queue.recv()).await else {
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

//! A connection that is seen on both sides of an intermediary.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use framewise_rules::Role;
use framewise_transcript::Action;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout};

use crate::tap::Step;

/// The intermediary may take this long between its two sides.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a request; a longer one is not paired.
pub(crate) const LONGEST: usize = 64 * 1024;

/// Where a proxy is on the way from a client to a server.
#[derive(Clone, Debug, Default)]
pub(crate) enum Position {
    #[default]
    Alone,
    /// Before an intermediary, with what is behind it.
    Before(Arc<Pairing>),
    Behind(Arc<Pairing>),
}

/// The connections before an intermediary that wait for their other halves.
#[derive(Debug)]
pub(crate) struct Pairing {
    /// The header field that both sides have; otherwise it is the key.
    header: Option<String>,
    open: Mutex<HashMap<String, Half>>,
    registered: Notify,
}

/// The observation of a connection before the intermediary.
#[derive(Clone, Debug)]
pub(crate) struct Half {
    steps: mpsc::WeakSender<Step>,
    start: Instant,
}

/// A half that was found: where its steps go, and how much earlier it began.
pub(crate) type Found = (mpsc::Sender<Step>, Instant);

impl Half {
    pub(crate) const fn new(steps: mpsc::WeakSender<Step>, start: Instant) -> Self {
        Self { steps, start }
    }

    pub(crate) const fn start(&self) -> Instant {
        self.start
    }

    /// Keeps it open for so long from now on.
    pub(crate) fn keep(&self, time: Duration) -> Option<(mpsc::Sender<Step>, Instant)> {
        Some((self.steps.upgrade()?, Instant::now() + time))
    }
}

impl Pairing {
    pub(crate) fn new(header: Option<String>) -> Self {
        Self { header, open: Mutex::default(), registered: Notify::new() }
    }

    /// What names the connection of this request on both sides.
    fn name(&self, head: &str) -> Option<String> {
        let field = self.header.as_deref().unwrap_or("Sec-WebSocket-Key");
        let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let value = fields.find(|(name, _)| name.trim().eq_ignore_ascii_case(field))?.1.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// Registers a connection before the intermediary, by its request.
    pub(crate) fn register(&self, head: &str, half: Half) {
        let Some(name) = self.name(head) else { return };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, half| half.steps.strong_count() > 0);
        open.insert(name, half);
        drop(open);
        self.registered.notify_waiters();
    }

    /// The other half of a connection behind the intermediary. The request may arrive here before it is registered there.
    async fn find(&self, head: &str) -> Option<Found> {
        let name = self.name(head)?;
        let search = async {
            loop {
                let mut registered = std::pin::pin!(self.registered.notified());
                // From here on no registration is missed.
                registered.as_mut().enable();
                let half = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
                if let Some(half) = half
                    && let Some(steps) = half.steps.upgrade()
                {
                    return (steps, half.start);
                }
                registered.await;
            }
        };
        timeout(PATIENCE, search).await.ok()
    }

    /// Reads the steps of a connection behind the intermediary until its other half is found; returns what was read.
    pub(crate) async fn other_half(&self, steps: &mut mpsc::Receiver<Step>) -> (Vec<Step>, Option<Found>) {
        let (mut read, mut head) = (Vec::new(), Vec::new());
        while let Some(step) = steps.recv().await {
            if let (Role::Client, Action::Bytes(bytes)) = (step.from, &step.action) {
                head.extend_from_slice(bytes);
            }
            read.push(step);
            if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
                let found = self.find(&String::from_utf8_lossy(&head[..end])).await;
                return (read, found);
            }
            if head.len() > LONGEST {
                break;
            }
        }
        (read, None)
    }
}

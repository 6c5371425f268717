use std::time::Duration;

use framewise_rules::Role;
use tokio::time::Instant;

use crate::Event;
use crate::faults::{Direction, Step};
use crate::rewrite::{Rewrite, Rewriter, Rewritten};

/// What is changed in one direction of a connection before it is passed on. Without a change, the bytes that were read are
/// written as they are.
#[derive(Debug)]
pub(super) struct Change {
    from: Role,
    rewriter: Rewriter,
    rewritten: Vec<Rewritten>,
    faults: Option<Direction>,
}

/// What the byte path does next.
#[derive(Debug)]
pub(super) enum Do {
    /// Passes bytes on.
    Pass(Vec<u8>),
    /// Reports what was changed.
    Say(Event),
    Wait(Duration),
    /// Closes both connections.
    Cut,
    /// Resets both connections.
    Reset,
}

impl Change {
    pub(super) fn new(from: Role, rewrite: Rewrite, faults: Option<Direction>) -> Self {
        Self { from, rewriter: Rewriter::new(rewrite), rewritten: Vec::new(), faults }
    }

    /// Whether every byte that is still to come is passed on as it is.
    pub(super) fn is_over(&self) -> bool {
        self.rewriter.is_done() && self.faults.is_none()
    }

    /// Takes in what was read.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Do> {
        let passed = self.rewriter.take(bytes, &mut self.rewritten);
        let mut todo: Vec<_> = self.rewritten.drain(..).map(|one| Do::Say(Event::Rewritten(one))).collect();
        match &mut self.faults {
            Some(faults) => todo.extend(with_faults(self.from, faults.take(&passed))),
            None => pass(&mut todo, passed),
        }
        todo
    }

    /// The side ended its stream.
    pub(super) fn end(&mut self) -> Vec<Do> {
        let (mut todo, rest) = (Vec::new(), self.rewriter.end());
        match &mut self.faults {
            Some(faults) => {
                let steps = [faults.take(&rest), faults.end()].into_iter().flatten();
                todo.extend(with_faults(self.from, steps));
            }
            None => pass(&mut todo, rest),
        }
        todo
    }

    /// When something is to be done by the clock.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.faults.as_ref()?.deadline()
    }

    /// What is due by the clock.
    pub(super) fn due(&mut self) -> Vec<Do> {
        let steps = self.faults.as_mut().map(Direction::due).unwrap_or_default();
        with_faults(self.from, steps).collect()
    }
}

fn with_faults(from: Role, steps: impl IntoIterator<Item = Step>) -> impl Iterator<Item = Do> {
    steps.into_iter().map(move |step| match step {
        Step::Pass(bytes) => Do::Pass(bytes),
        Step::Wait(time) => Do::Wait(time),
        Step::Cut => Do::Cut,
        Step::Reset => Do::Reset,
        Step::Made(fault) => Do::Say(Event::Injected { from, fault }),
    })
}

fn pass(todo: &mut Vec<Do>, bytes: Vec<u8>) {
    if !bytes.is_empty() {
        todo.push(Do::Pass(bytes));
    }
}

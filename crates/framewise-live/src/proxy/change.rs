use crate::Event;
use crate::rewrite::{Rewrite, Rewriter, Rewritten};

/// What is changed in one direction of a connection before it is passed on. Without a change, the bytes that were read are
/// written as they are.
#[derive(Debug)]
pub(super) struct Change {
    rewriter: Rewriter,
    rewritten: Vec<Rewritten>,
}

/// What the byte path does next.
#[derive(Debug)]
pub(super) enum Do {
    /// Passes bytes on.
    Pass(Vec<u8>),
    /// Reports what was changed.
    Say(Event),
}

impl Change {
    pub(super) fn new(rewrite: Rewrite) -> Self {
        Self { rewriter: Rewriter::new(rewrite), rewritten: Vec::new() }
    }

    /// Whether every byte that is still to come is passed on as it is.
    pub(super) fn is_over(&self) -> bool {
        self.rewriter.is_done()
    }

    /// Takes in what was read.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Vec<Do> {
        let passed = self.rewriter.take(bytes, &mut self.rewritten);
        let mut todo: Vec<_> = self.rewritten.drain(..).map(|one| Do::Say(Event::Rewritten(one))).collect();
        pass(&mut todo, passed);
        todo
    }

    /// The side ended its stream.
    pub(super) fn end(&mut self) -> Vec<Do> {
        let mut todo = Vec::new();
        pass(&mut todo, self.rewriter.end());
        todo
    }
}

fn pass(todo: &mut Vec<Do>, bytes: Vec<u8>) {
    if !bytes.is_empty() {
        todo.push(Do::Pass(bytes));
    }
}

use super::{Action, Fault, Piece, Step};

/// Faults at offsets of the stream that is passed on.
#[derive(Debug)]
pub(super) struct Bytes {
    /// By their offset, the first one last.
    faults: Vec<(u64, Fault)>,
    offset: u64,
}

impl Bytes {
    pub(super) fn new(mut faults: Vec<(u64, Fault)>) -> Self {
        faults.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Self { faults, offset: 0 }
    }

    pub(super) fn take(&mut self, steps: Vec<Step>) -> Vec<Step> {
        let mut done = Vec::with_capacity(steps.len());
        for step in steps {
            let Step::Pass(mut bytes) = step else {
                done.push(step);
                continue;
            };
            while let Some((at, _)) = self.faults.last()
                && let Some(before) = at.checked_sub(self.offset)
                && before < bytes.len() as u64
                && let Some((_, fault)) = self.faults.pop()
            {
                let mut rest = bytes.split_off(usize::try_from(before).unwrap_or_default());
                self.pass(&mut done, bytes);
                done.push(Step::Made(fault.text));
                match fault.action {
                    Action::Delay(time) => done.push(Step::Wait(time)),
                    Action::Cut => done.push(Step::Cut),
                    Action::Reset => done.push(Step::Reset),
                    Action::Flip(bit) => {
                        if let Some(byte) = rest.first_mut() {
                            *byte ^= 1 << bit;
                        }
                    }
                    // It is before the byte, and moves none of the offsets that follow.
                    Action::Inject(Piece::Bytes(injected)) => done.push(Step::Pass(injected)),
                    // The notation has none of these at a byte.
                    Action::Drop | Action::Split(_) | Action::Join | Action::Close(_) => {}
                    Action::Replace(_) | Action::Edit(..) | Action::Inject(_) | Action::Hold(_) => {}
                }
                bytes = rest;
            }
            self.pass(&mut done, bytes);
        }
        done
    }

    fn pass(&mut self, done: &mut Vec<Step>, bytes: Vec<u8>) {
        self.offset += bytes.len() as u64;
        if !bytes.is_empty() {
            done.push(Step::Pass(bytes));
        }
    }
}

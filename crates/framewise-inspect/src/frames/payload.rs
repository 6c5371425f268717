//! Unmasks the payload of a frame piece by piece.

use framewise_proto::{Detail, Header, Violation};
use framewise_rules::Rule;

use super::{FrameSeen, Frames, Moment, Signal, State, content};
use crate::window::Window;

/// How many payload bytes of a control frame are kept: the bytes after the legal 125 are evidence.
const CONTROL_KEPT: usize = 1024;
/// A frame is shown after this many payload bytes, complete or not.
const SHOWN: u64 = 256;

impl Frames {
    pub(super) fn payload(&mut self, header: &Header, end: u64, window: &Window, at: Moment) -> bool {
        let start = self.log.last().map_or(self.at, FrameSeen::payload);
        let there = window.slice(self.at..end);
        let mut scratch = [0; 4096];
        for piece in there.chunks(scratch.len()) {
            let plain = &mut scratch[..piece.len()];
            plain.copy_from_slice(piece);
            if let Some(key) = header.mask {
                framewise_simd::unmask(plain, key, ((self.at - start) & 3) as usize);
            }
            self.log.preview(plain, SHOWN);
            if header.opcode.is_control() {
                let room = CONTROL_KEPT.saturating_sub(self.control.len());
                self.control.extend_from_slice(&plain[..plain.len().min(room)]);
            } else if !self.after_close
                && let Some(fault) = self.content.take(plain, self.at)
            {
                self.broken(&fault);
            }
            self.at += piece.len() as u64;
        }
        if !self.shown && (self.at >= end || self.at - start >= SHOWN) {
            self.shown = true;
            self.signals.extend(self.log.last().cloned().map(Signal::Frame));
        }
        if self.at < end {
            return false;
        }
        self.state = State::Header;
        self.log.complete(at.step, std::mem::take(&mut self.header_cut));
        if header.opcode.is_control() {
            self.end_control(header, at);
        } else {
            self.end_data(header);
        }
        true
    }

    fn end_data(&mut self, header: &Header) {
        let frame_start = self.log.last().map_or(self.at, |frame| frame.offset);
        if !header.fin {
            return;
        }
        self.sequence.finish();
        let (fault, message) = self.content.end_message(self.at, frame_start, header.length);
        if let Some(fault) = fault
            && !self.after_close
        {
            self.broken(&fault);
        }
        self.log.message(message);
    }

    fn broken(&mut self, fault: &content::Fault) {
        let violation = self.violation(fault.rule, fault.offset, fault.length, fault.detail);
        self.signals.push(Signal::Broken(violation));
    }

    /// A violation in the current frame.
    pub(super) fn violation(&self, rule: Rule, offset: u64, length: u64, detail: Detail) -> Violation {
        Violation {
            rule,
            by: self.role,
            offset: Some(offset),
            length,
            frame: self.sequence.frames(),
            message: self.sequence.messages(),
            detail,
            also: Vec::new(),
        }
    }
}

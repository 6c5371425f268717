//! Reads the payload of a frame as it arrives.

use framewise_proto::{Detail, Header, Violation};
use framewise_rules::Rule;

use super::content::Piece;
use super::{FrameSeen, Frames, Moment, Signal, State, content};
use crate::keep::Shown;
use crate::window::Window;

/// How many payload bytes of a control frame are kept: the bytes after the legal 125 are evidence.
const CONTROL_KEPT: usize = 1024;
/// A frame is shown after this many payload bytes, complete or not.
pub(super) const SHOWN: usize = 256;

impl Frames {
    pub(super) fn payload(&mut self, header: &Header, end: u64, window: &Window, at: Moment) -> bool {
        let start = self.log.last().map_or(self.at, FrameSeen::payload);
        let there = window.slice(self.at..end);
        if !there.is_empty() {
            self.read(header, there, self.at - start);
            self.at += there.len() as u64;
        }
        if !self.shown && (self.at >= end || self.at - start >= SHOWN as u64) {
            self.shown = true;
            self.show();
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

    /// Shows the last frame, to a caller who wants to see frames.
    pub(super) fn show(&mut self) {
        if self.keep.frames == Shown::Frames {
            self.signals.extend(self.log.last().cloned().map(Signal::Frame));
        }
    }

    /// Reads payload bytes that begin `before` bytes after the frame's first one.
    pub(super) fn read(&mut self, header: &Header, bytes: &[u8], before: u64) {
        let phase = (before & 3) as usize;
        if let Some(preview) = self.log.preview() {
            append(preview, SHOWN, bytes, header.mask, phase);
        }
        self.check(header, bytes, phase);
    }

    /// Checks payload bytes, whose first one has this place in the mask.
    pub(super) fn check(&mut self, header: &Header, bytes: &[u8], phase: usize) {
        if header.opcode.is_control() {
            append(&mut self.control, CONTROL_KEPT, bytes, header.mask, phase);
        } else if !self.after_close {
            let piece = Piece { bytes, mask: header.mask, phase, offset: self.at };
            if let Some(fault) = self.content.take(piece) {
                self.broken(&fault);
            }
        }
    }

    pub(super) fn end_data(&mut self, header: &Header) {
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

/// Appends bytes, unmasked, until `most` are there.
fn append(to: &mut Vec<u8>, most: usize, bytes: &[u8], mask: Option<[u8; 4]>, phase: usize) {
    let start = to.len();
    to.extend_from_slice(&bytes[..bytes.len().min(most.saturating_sub(start))]);
    if let Some(key) = mask {
        framewise_simd::unmask(&mut to[start..], key, phase);
    }
}

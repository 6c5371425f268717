//! Bytes that the recording lacks: a capture lost packets, or it started in the middle of the connection. What may be among
//! them proves nothing against anybody.

use framewise_proto::extension::{PERMESSAGE_DEFLATE, parse_extensions};
use framewise_rules::Role;

use crate::frames::Moment;
use crate::leg::{Leg, Stage};

impl Leg {
    /// The next `bytes` bytes of a side are missing; with 0, nobody knows how many.
    pub(crate) fn gap(&mut self, from: Role, at: Moment, bytes: u64) {
        self.passes(at);
        // A Ping or its Pong may be among them.
        for role in [Role::Client, Role::Server] {
            self.dir_mut(role).pings.forget();
        }
        let dir = self.dir_mut(from);
        dir.window.gap(bytes);
        dir.gaps = true;
        match &mut dir.frames {
            Some(frames) if bytes == 0 => frames.lose(&dir.window),
            Some(frames) => frames.gap(&dir.window),
            None if dir.stage == Stage::NotWebSocket => {}
            // The client's frames before the 101: they are read when it is there.
            None if dir.stage == Stage::AfterHead => {}
            // The response is still to come, and says what was agreed.
            None if from == Role::Client && bytes > 0 => dir.stage = Stage::AfterHead,
            None => self.join(),
        }
    }

    /// The handshake is not in the recording, or not all of it. Whether compression was agreed is unknown: a frame with
    /// RSV1 is accepted, and what it inflates to is not looked at.
    fn join(&mut self) {
        let request = self.request.as_ref().map(|seen| seen.head.len() as u64);
        self.opened = Some(String::new());
        let agreed = parse_extensions(PERMESSAGE_DEFLATE).unwrap_or_default();
        for role in [Role::Client, Role::Server] {
            self.dir_mut(role).gaps = true;
        }
        self.begin_frames(&agreed, request.unwrap_or(0), 0);
        for role in [Role::Client, Role::Server] {
            let dir = self.dir_mut(role);
            if let Some(frames) = &mut dir.frames {
                frames.join();
                if role == Role::Server || request.is_none() {
                    frames.gap(&dir.window);
                }
            }
        }
    }
}

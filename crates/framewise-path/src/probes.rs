//! The probes: the table.

mod frames;
mod handshake;
mod http2;
mod illegal;
mod time;

use std::time::Duration;

use framewise_proto::Opcode;
use framewise_rules::Role;

use crate::end::Step;
use crate::probe::Probe;
use crate::wire::Frame;

pub(crate) use handshake::plain;

/// Silences that are tried where nothing else is said, in seconds.
pub const IDLE: &[u64] = &[2, 5, 10, 20, 35, 65];

/// Every probe, in the order of reports; the idle steps have these lengths, or [`IDLE`].
pub fn all(idle: &[Duration]) -> Vec<Probe> {
    let default: Vec<_> = IDLE.iter().map(|&seconds| Duration::from_secs(seconds)).collect();
    let idle = if idle.is_empty() { &default } else { idle };
    [
        handshake::probes(),
        frames::early(),
        frames::sizes(),
        frames::fragments(),
        frames::deflate(),
        frames::pings(),
        frames::closes(),
        time::ends(),
        time::probes(),
        time::idle(idle),
        http2::probes(),
        illegal::probes(),
    ]
    .concat()
}

/// The probe of this name, an idle one of any length.
pub(crate) fn named(name: &str) -> Option<Probe> {
    let find = |probes: Vec<Probe>| probes.into_iter().find(|probe| probe.name == name);
    if let Some(length) = name.strip_prefix("idle/") {
        let seconds: f64 = length.split('s').next()?.parse().ok()?;
        let length = Duration::try_from_secs_f64(seconds).ok().filter(|length| *length <= LONGEST)?;
        return find(time::idle(&[length]));
    }
    find([all(&[]), reload("")].concat())
}

/// Probes of an intermediary that takes another configuration: the command has it do that.
pub fn reload(command: &str) -> Vec<Probe> {
    time::reload(command)
}

/// The longest silence.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

const SIDES: [Role; 2] = [Role::Client, Role::Server];

fn frame(from: Role, opcode: Opcode, payload: impl Into<Vec<u8>>) -> Vec<u8> {
    Frame::new(from, opcode, payload).bytes()
}

/// The last frame of a probe: what came before it and is missing was lost, not late.
fn marker(from: Role) -> Vec<u8> {
    frame(from, Opcode::Text, "end of the probe")
}

fn send(bytes: &[Vec<u8>]) -> Step {
    Step::Send(bytes.concat())
}

//! What an observer knows of the endpoints.

use std::time::Duration;

use framewise_rules::Limits;

/// The limits that an observer was told. One that stands at its default is not known: the endpoints that are observed
/// have limits of their own.
pub(crate) fn known(limits: &Limits) -> Limits {
    const DEFAULT: Limits = Limits::DEFAULT;
    let long = |value, default| if value == default { u64::MAX } else { value };
    let short = |value, default| if value == default { u32::MAX } else { value };
    let time = |value, default| if value == default { Duration::MAX } else { value };
    Limits {
        head: if limits.head == DEFAULT.head { usize::MAX } else { limits.head },
        message: long(limits.message, DEFAULT.message),
        frame: long(limits.frame, DEFAULT.frame),
        fragments: short(limits.fragments, DEFAULT.fragments),
        control_run: short(limits.control_run, DEFAULT.control_run),
        control_rate: short(limits.control_rate, DEFAULT.control_rate),
        inflated: long(limits.inflated, DEFAULT.inflated),
        inflate_ratio: short(limits.inflate_ratio, DEFAULT.inflate_ratio),
        inflate_ratio_from: limits.inflate_ratio_from,
        handshake: time(limits.handshake, DEFAULT.handshake),
        close: time(limits.close, DEFAULT.close),
        idle: limits.idle,
    }
}

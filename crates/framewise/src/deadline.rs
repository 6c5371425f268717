use std::time::Duration;

use tokio::time::Instant;

/// A time that no connection lives to see.
const NEVER: Duration = Duration::from_secs(30 * 365 * 86_400);

/// The end of a time limit that begins now. A limit beyond the range of the clock, such as [`Duration::MAX`], is none.
pub(crate) fn after(limit: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(limit).unwrap_or_else(|| now + NEVER)
}

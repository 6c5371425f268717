//! What both sides of the handshake know about a head that arrives in pieces.

/// Bytes that the first read of a head has room for.
pub(crate) const FIRST: usize = 1024;

/// Whether it is worth to read the head again, now that there are more than `before` bytes of it.
///
/// It is read from its start each time. A head ends with a line, so that pieces without one are only looked at while
/// there is little to read: a peer that sends byte after byte does not make the work grow with the square.
pub(crate) fn worth_reading(bytes: &[u8], before: usize, limit: usize) -> bool {
    before < FIRST || bytes.len() > limit || bytes[before..].contains(&b'\n')
}

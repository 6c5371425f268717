use core::mem::MaybeUninit;

use bytes::BufMut;

/// Appends to `buffer` the bytes that `fill` writes to the beginning of its free space and returns, for example those that a
/// system call has read: without writing zeros there first. Returns how many. It does not grow the buffer.
///
/// # Panics
///
/// If `fill` returns other bytes than those at the beginning.
#[inline]
pub fn append_with<E>(
    buffer: &mut impl BufMut,
    fill: impl for<'b> FnOnce(&'b mut [MaybeUninit<u8>]) -> Result<&'b mut [u8], E>,
) -> Result<usize, E> {
    let free = buffer.chunk_mut();
    let (start, size) = (free.as_mut_ptr(), free.len());
    // SAFETY: it gives the bytes to safe code, which writes only initialised ones.
    let filled = fill(unsafe { free.as_uninit_slice_mut() })?;
    let count = filled.len();
    assert!(count == 0 || (filled.as_mut_ptr() == start && count <= size), "other bytes than the first");
    // SAFETY: there was a slice of initialised bytes at the start of the free space, and it was as long.
    unsafe { buffer.advance_mut(count) };
    Ok(count)
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;
    use alloc::vec::Vec;
    use core::convert::Infallible;

    use bytes::BytesMut;

    use super::*;

    fn write<'b>(free: &'b mut [MaybeUninit<u8>], bytes: &[u8]) -> &'b mut [u8] {
        for (to, byte) in free.iter_mut().zip(bytes) {
            to.write(*byte);
        }
        // SAFETY: each of these was written.
        unsafe { core::slice::from_raw_parts_mut(free.as_mut_ptr().cast(), bytes.len()) }
    }

    #[test]
    fn what_was_filled_is_appended_and_nothing_else() {
        let mut buffer = BytesMut::with_capacity(16);
        buffer.extend_from_slice(b"ab");
        let count = append_with(&mut buffer, |free| Ok::<_, Infallible>(write(free, b"cde")));
        assert_eq!((count, &buffer[..]), (Ok(3), &b"abcde"[..]));
        assert_eq!(append_with(&mut buffer, |_| Err("failed")), Err("failed"));
        assert_eq!(append_with(&mut buffer, |_| Ok::<_, Infallible>(&mut [])), Ok(0));
        assert_eq!(buffer[..], *b"abcde");
    }

    #[test]
    #[should_panic(expected = "other bytes than the first")]
    fn other_bytes_are_not_taken_for_the_buffer() {
        let mut buffer = Vec::with_capacity(16);
        let _ = append_with(&mut buffer, |_| Ok::<_, Infallible>(Box::leak(Box::new([1, 2, 3]))));
    }

    #[test]
    #[should_panic(expected = "other bytes than the first")]
    fn nor_are_later_bytes_of_the_buffer() {
        let mut buffer = Vec::with_capacity(16);
        let _ = append_with(&mut buffer, |free| Ok::<_, Infallible>(write(&mut free[1..], b"x")));
    }
}

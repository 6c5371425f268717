//! Unpredictable bytes from the system (RFC 6455 §5.3, §10.3), a block at a time: a system call per frame would cost
//! more than the frame.

use std::cell::RefCell;
use std::io;

use framewise_proto::MaskingKeys;

const BLOCK: usize = 4096;

struct Block {
    bytes: Box<[u8; BLOCK]>,
    used: usize,
}

thread_local! {
    static KEYS: RefCell<Option<Block>> = const { RefCell::new(None) };
}

/// The source of a client's masking keys: for a [`proto::Connection`](crate::proto::Connection) that the program drives itself.
///
/// The keys come from the system's generator (RFC 6455 §5.3), a block of 4 KiB for each thread at a time. Each key is used once.
pub fn masking_keys() -> MaskingKeys {
    // A closure without captures: the box does not allocate.
    Box::new(masking_key)
}

fn masking_key() -> [u8; 4] {
    KEYS.with_borrow_mut(|slot| {
        let block = slot.get_or_insert_with(|| Block { bytes: Box::new([0; BLOCK]), used: BLOCK });
        if block.used == BLOCK {
            // A key that can be foreseen is worse than no program (RFC 6455 §10.3), and the first nonce came from here.
            getrandom::getrandom(&mut *block.bytes).expect("the system has no randomness left to give");
            block.used = 0;
        }
        let mut key = [0; 4];
        // What was given out does not stay in memory.
        key.swap_with_slice(&mut block.bytes[block.used..block.used + 4]);
        block.used += 4;
        key
    })
}

/// Random bytes for a Sec-WebSocket-Key.
pub(crate) fn nonce() -> io::Result<[u8; 16]> {
    let mut nonce = [0; 16];
    getrandom::getrandom(&mut nonce).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(nonce)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn nonces_do_not_repeat() {
        let nonces: HashSet<_> = (0..100).map(|_| super::nonce().expect("there is randomness")).collect();
        assert_eq!(nonces.len(), 100);
    }

    #[test]
    fn keys_do_not_repeat_over_several_blocks() {
        let keys: HashSet<_> = (0..4096).map(|_| super::masking_key()).collect();
        // Of 4,096 keys of 32 bits two are the same in one run of five hundred; a block that repeats shares 1,024.
        assert!(keys.len() > 4090, "{}", keys.len());
    }
}

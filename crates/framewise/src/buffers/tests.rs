use std::thread;
use std::time::Duration;

use framewise_proto::{Config, Connection};

use super::*;

/// Runs a test in a thread of its own, whose pool is empty.
fn alone(test: impl FnOnce() + Send + 'static) {
    thread::spawn(test).join().expect("the test passes");
}

#[test]
fn the_read_buffer_is_used_again_as_long_as_it_has_room() {
    alone(|| {
        let mut buffer = take_read();
        assert!(buffer.capacity() >= READ);
        buffer.resize(1000, 7);
        let kept = buffer.split();
        give_read(buffer);
        // The rest of it is large enough.
        let mut buffer = take_read();
        assert_eq!(buffer.as_ptr(), kept.as_ptr().wrapping_add(1000));
        buffer.resize(READ - 1000 - READ_ROOM + 1, 7);
        let more = buffer.split();
        give_read(buffer);
        // Now it is not.
        let buffer = take_read();
        assert_ne!(buffer.as_ptr(), more.as_ptr().wrapping_add(more.len()));
        assert!(buffer.capacity() >= READ && buffer.is_empty());
        assert!(take_read().capacity() >= READ, "another one, where that one is taken");
    });
}

#[test]
fn the_read_buffer_is_whole_again_when_nobody_holds_a_part() {
    alone(|| {
        let mut buffer = take_read();
        let start = buffer.as_ptr();
        buffer.resize(READ - 10, 7);
        let kept = buffer.split();
        give_read(buffer);
        drop(kept);
        let buffer = take_read();
        assert_eq!((buffer.as_ptr(), buffer.capacity() >= READ), (start, true));
    });
}

#[test]
fn a_limited_number_of_connections_holds_a_read_buffer() {
    let held = Held::default();
    for _ in 0..2 {
        assert!((0..HELD).all(|_| held.add()));
        assert!(!held.add() && !held.add());
        (0..HELD).for_each(|_| held.remove());
    }
}

/// A write buffer that has written so many bytes.
fn written(bytes: usize) -> Transmit {
    let mut engine = Connection::server(Config::default(), 0, Duration::ZERO);
    engine.send_binary(&vec![7; bytes]).expect("it is open");
    let mut transmit = engine.poll_transmit().expect("it is queued");
    transmit.advance(transmit.len());
    transmit
}

#[test]
fn the_largest_write_buffer_below_the_limit_is_kept() {
    alone(|| {
        let (small, large) = (written(1000), written(100_000));
        let (smaller, larger) = (small.capacity(), large.capacity());
        give_write(written(2 * WRITE));
        assert_eq!(take_write().capacity(), 0);
        give_write(small);
        give_write(large);
        give_write(written(1000));
        assert_eq!(take_write().capacity(), larger);
        assert_eq!(take_write().capacity(), 0, "it is taken");
        give_write(written(1000));
        assert_eq!(take_write().capacity(), smaller);
    });
}

/// Whether these bytes are directly behind each other in memory.
fn adjacent(one: &[u8], two: &[u8]) -> bool {
    one.as_ptr().wrapping_add(one.len()) == two.as_ptr()
}

#[test]
fn small_payloads_share_a_chunk_and_larger_ones_do_not() {
    alone(|| {
        let (one, two) = (copy_out(&[1; 100]), copy_text("text"));
        let large = (copy_out(&[1; SMALL + 1]), copy_text(&"x".repeat(SMALL + 1)));
        let (three, four) = (copy_out(&[1; SMALL]), copy_text(&"x".repeat(SMALL)));
        let five = copy_out(b"1");
        let all = [&one[..], two.as_bytes(), &three, four.as_bytes(), &five];
        for pair in all.windows(2) {
            assert!(adjacent(pair[0], pair[1]));
        }
        assert_eq!((large.0.len(), large.1.as_str().len()), (SMALL + 1, SMALL + 1));
        assert!(copy_out(b"").is_empty() && copy_text("").as_str().is_empty());
    });
}

#[test]
fn a_read_is_copied_where_it_fills_the_chunk() {
    alone(|| {
        let mut kept = Vec::new();
        let mut left = 0;
        let mut copy = |bytes: usize, copied: bool| {
            let copy = copy_read(&vec![7; bytes]);
            assert_eq!(copy.is_some(), copied, "{bytes} bytes, {left} left");
            if copied {
                left = if bytes > left { CHUNK } else { left } - bytes;
                kept.extend(copy);
            }
        };
        // It has space.
        for bytes in [8000, 7000] {
            copy(bytes, true);
        }
        // 1,384 bytes are left: too many to leave them empty.
        copy(2000, false);
        copy(360, true);
        // So are 1,024.
        copy(2000, false);
        copy(1, true);
        // 1,023 are not.
        copy(2000, true);
    });
}

#[test]
fn the_buffer_of_a_large_message_is_used_again_when_the_message_is_dropped() {
    alone(|| {
        let message = |bytes| Bytes::from(vec![7; bytes]);
        let kept = message(100_000);
        let buffer = kept.as_ptr();
        keep_large(&kept);
        assert_ne!(take_large(100_000).as_ptr(), buffer, "the application has it");
        drop(kept);
        assert_ne!(take_large(200_002).as_ptr(), buffer, "it is smaller than half of that");
        let again = take_large(200_000);
        assert_eq!((again.as_ptr(), again.is_empty()), (buffer, true));
        assert_ne!(take_large(100_000).as_ptr(), buffer, "it is taken");

        for (bytes, keeps) in [(LARGE, true), (LARGE + 1, false)] {
            let kept = message(bytes);
            keep_large(&kept);
            assert_eq!(kept.is_unique(), !keeps, "{bytes}");
        }
    });
}

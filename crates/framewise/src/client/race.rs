//! Happy Eyeballs (RFC 8305): an address that does not answer (mostly IPv6) does not delay one that does.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

/// RFC 8305 §5: "The recommended value for a default delay is 250 milliseconds".
const DELAY: Duration = Duration::from_millis(250);

/// Starts the attempts one after the other, without waiting for the end of each, and returns the first connection; `None` if
/// all have failed. The other attempts are dropped.
///
/// `failed` collects the failures in order, even if the race is dropped.
pub(super) async fn race<T, E, F: Future<Output = Result<T, E>>>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
    failed: &mut Vec<(SocketAddr, E)>,
) -> Option<T> {
    let mut waiting = addresses.into_iter();
    let mut running: Vec<(SocketAddr, Pin<Box<F>>)> = Vec::new();
    loop {
        if let Some(address) = waiting.next() {
            running.push((address, Box::pin(connect(address))));
        }
        if running.is_empty() {
            return None;
        }
        let ended = poll_fn(|cx| {
            for at in 0..running.len() {
                if let Poll::Ready(result) = running[at].1.as_mut().poll(cx) {
                    return Poll::Ready((running.swap_remove(at).0, result));
                }
            }
            Poll::Pending
        });
        let ended = if waiting.len() == 0 { Ok(ended.await) } else { timeout(DELAY, ended).await };
        match ended {
            Ok((_, Ok(connection))) => return Some(connection),
            // §5: an attempt that fails lets the next one begin without delay.
            Ok((address, Err(error))) => failed.push((address, error)),
            Err(_) => {}
        }
    }
}

/// RFC 8305 §4: "the client SHOULD modify the ordered list to interleave address families. Whichever address family is
/// first in the list should be followed by an endpoint of the other address family".
pub(super) fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let v6_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == v6_first);
    let mut other = other.into_iter();
    let mut interleaved = Vec::with_capacity(first.len() + other.len());
    for address in first {
        interleaved.push(address);
        interleaved.extend(other.next());
    }
    interleaved.extend(other);
    interleaved
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::future::pending;
    use std::rc::Rc;

    use tokio::time::{Instant, sleep};

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    /// Addresses `192.0.2.0` on.
    fn addresses(count: u8) -> Vec<SocketAddr> {
        (0..count).map(|last| SocketAddr::from(([192, 0, 2, last], 80))).collect()
    }

    fn last(address: SocketAddr) -> u8 {
        let SocketAddr::V4(v4) = address else { panic!("{address}") };
        v4.ip().octets()[3]
    }

    #[test]
    fn families_take_turns_and_keep_their_order() {
        let of = |all: &[&str]| all.iter().map(|text| address(text)).collect::<Vec<_>>();
        assert_eq!(
            interleave(of(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"])),
            of(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"])
        );
        assert_eq!(
            interleave(of(&["1.1.1.1:1", "[::1]:1", "[::2]:1", "[::3]:1"])),
            of(&["1.1.1.1:1", "[::1]:1", "[::2]:1", "[::3]:1"])
        );
        assert_eq!(interleave(Vec::new()), []);
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_begin_a_quarter_of_a_second_apart_and_the_first_connection_wins() {
        let start = Instant::now();
        let begun = RefCell::new(Vec::new());
        let held = Rc::new(());
        let connect = |address: SocketAddr| {
            begun.borrow_mut().push((last(address), start.elapsed().as_millis()));
            let held = Rc::clone(&held);
            async move {
                match last(address) {
                    // Silent for ever, slow, and quick: the third begins after 500 ms.
                    0 => pending().await,
                    1 => sleep(Duration::from_millis(400)).await,
                    _ => sleep(Duration::from_millis(200)).await,
                }
                drop(held);
                Ok::<_, ()>(last(address))
            }
        };
        let mut failed = Vec::new();
        assert_eq!(race(addresses(4), connect, &mut failed).await, Some(1));
        assert_eq!(start.elapsed().as_millis(), 650);
        assert_eq!(*begun.borrow(), [(0, 0), (1, 250), (2, 500)]);
        assert_eq!(Rc::strong_count(&held), 1, "the others are dropped");
        assert!(failed.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_fails_lets_the_next_one_begin_at_once() {
        let start = Instant::now();
        let connect = |address: SocketAddr| async move {
            match last(address) {
                0 => pending().await,
                1 => {
                    sleep(Duration::from_millis(100)).await;
                    Err("refused")
                }
                other => Ok(other),
            }
        };
        let mut failed = Vec::new();
        assert_eq!(race(addresses(3), connect, &mut failed).await, Some(2));
        assert_eq!(start.elapsed().as_millis(), 350);
        assert_eq!(failed, [(addresses(2)[1], "refused")]);
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_fail_nothing_is_waited_for() {
        let start = Instant::now();
        let mut failed = Vec::new();
        let none =
            race(addresses(3), |address| async move { Err::<(), _>(last(address)) }, &mut failed).await;
        assert_eq!(none, None);
        assert_eq!(failed.iter().map(|&(_, error)| error).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(race(Vec::new(), |_| async { Err::<(), u8>(0) }, &mut failed).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_race_that_is_given_up_leaves_its_failures() {
        let connect = |address: SocketAddr| async move {
            match last(address) {
                0 => Err::<(), _>("refused"),
                _ => pending().await,
            }
        };
        let mut failed = Vec::new();
        let race = race(addresses(2), connect, &mut failed);
        timeout(Duration::from_secs(10), race).await.expect_err("nobody answers");
        assert_eq!(failed, [(addresses(1)[0], "refused")]);
    }
}

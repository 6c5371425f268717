use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout_at;

use super::attempt::Attempt;
use super::race::{interleave, race};
use crate::error::{ConnectError, ConnectFault};

/// Connects to the first address of a host that answers.
pub(super) async fn dial(attempt: &Attempt, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    first(attempt, resolve(attempt, host, port).await?, connect).await
}

/// The addresses of a host in the order in which they are tried; at least one.
pub(super) async fn resolve(
    attempt: &Attempt,
    host: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, ConnectError> {
    let late = || format!("the name {host} was not resolved");
    match attempt.in_time(ConnectFault::TimedOut, lookup_host((host, port)), late).await? {
        Ok(addresses) => {
            let addresses = interleave(addresses.collect());
            if addresses.is_empty() {
                return Err(attempt.error(ConnectFault::Name, format!("the name {host} has no address")));
            }
            Ok(addresses)
        }
        Err(error) => {
            let says =
                format!("the name {host} cannot be resolved ({error}): check the name and the network");
            Err(attempt.error(ConnectFault::Name, says).because(error))
        }
    }
}

async fn first<T, F: Future<Output = io::Result<T>>>(
    attempt: &Attempt,
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T, ConnectError> {
    let count = addresses.len();
    let silent = addresses[0];
    let mut failed = Vec::new();
    let won = timeout_at(attempt.deadline, race(addresses, connect, &mut failed)).await;
    if let Ok(Some(stream)) = won {
        return Ok(stream);
    }
    // Who refuses is there; who is silent may be; the system's other words tell least. Of equals, the last.
    let telling = failed.into_iter().max_by_key(|(_, error)| {
        (error.kind() == io::ErrorKind::ConnectionRefused, error.kind() == io::ErrorKind::TimedOut)
    });
    let tried = if count == 1 { String::new() } else { format!(" ({count} addresses were tried)") };
    let limit = attempt.limit;
    match (won, telling) {
        (Ok(_), Some((address, error))) => Err(failure(attempt, address, error, &tried)),
        (Err(_), Some((address, error))) => {
            let says =
                format!("not every address answers within {limit:?}, and {address} fails: {error}{tried}");
            Err(attempt.error(ConnectFault::TimedOut, says).because(error))
        }
        (_, None) => {
            let says = format!("{silent} does not answer within {limit:?}{tried}");
            Err(attempt.error(ConnectFault::TimedOut, says))
        }
    }
}

fn failure(attempt: &Attempt, address: SocketAddr, error: io::Error, tried: &str) -> ConnectError {
    let (fault, says) = if error.kind() == io::ErrorKind::ConnectionRefused {
        let says = format!("connection refused by {address}: is the server running, on this port?{tried}");
        (ConnectFault::NobodyListens, says)
    } else if error.kind() == io::ErrorKind::TimedOut {
        (ConnectFault::TimedOut, format!("{address} does not answer{tried}"))
    } else {
        (ConnectFault::Network, format!("{address} cannot be reached ({error}){tried}"))
    };
    attempt.error(fault, says).because(error)
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // What is queued is written together already: Nagle's algorithm would only delay it.
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio::net::TcpListener;

    use super::*;

    /// An attempt on these addresses, each of which fails so, or is silent.
    async fn failed(all: &[(&str, Option<io::ErrorKind>)]) -> ConnectError {
        let attempt = Attempt::new("ws://h/", Duration::from_secs(10)).expect("a URL");
        let addresses = all.iter().map(|(address, _)| address.parse().expect("an address")).collect();
        let connect = |address: SocketAddr| async move {
            let (_, kind) = all.iter().find(|(text, _)| *text == address.to_string()).expect("one of them");
            match kind {
                Some(kind) => Err::<(), _>(io::Error::from(*kind)),
                None => pending().await,
            }
        };
        first(&attempt, addresses, connect).await.expect_err("nobody answers")
    }

    #[tokio::test(start_paused = true)]
    async fn the_failure_that_tells_most_is_told_with_the_number_of_addresses() {
        use io::ErrorKind::{ConnectionRefused, NetworkUnreachable, TimedOut};

        let unreachable = ("[2001:db8::1]:80", Some(NetworkUnreachable));
        let refused = ("192.0.2.1:80", Some(ConnectionRefused));
        for (all, fault, says) in [
            (
                &[refused][..],
                ConnectFault::NobodyListens,
                "connection refused by 192.0.2.1:80: is the server",
            ),
            (&[refused, unreachable], ConnectFault::NobodyListens, "on this port? (2 addresses were tried)"),
            (
                &[("192.0.2.2:80", Some(TimedOut)), unreachable],
                ConnectFault::TimedOut,
                "192.0.2.2:80 does not answer (2 addresses",
            ),
            (&[unreachable], ConnectFault::Network, "[2001:db8::1]:80 cannot be reached"),
            (&[("192.0.2.3:80", None)], ConnectFault::TimedOut, "192.0.2.3:80 does not answer within 10s"),
            (
                &[("[2001:db8::1]:80", None), ("192.0.2.3:80", None)],
                ConnectFault::TimedOut,
                "[2001:db8::1]:80 does not answer within 10s (2 addresses were tried)",
            ),
            (
                &[("[2001:db8::1]:80", None), refused],
                ConnectFault::TimedOut,
                "not every address answers within 10s, and 192.0.2.1:80 fails: connection refused (2",
            ),
        ] {
            let error = failed(all).await;
            assert_eq!(error.fault(), fault, "{error}");
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[tokio::test]
    async fn a_host_that_listens_on_one_of_two_families_is_reached() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let open = listener.local_addr().expect("an address");
        let closed = SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), open.port());
        let attempt = Attempt::new("ws://localhost/", Duration::from_secs(10)).expect("a URL");
        let stream = first(&attempt, vec![closed, open], connect).await.expect("a connection");
        assert_eq!(stream.peer_addr().expect("an address"), open);
    }
}

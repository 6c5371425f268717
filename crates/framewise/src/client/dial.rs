use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpStream, lookup_host};

use crate::error::{ConnectError, ConnectFault};
use crate::url::Url;

/// A TCP connection to one of the host's addresses, which are tried in turn.
pub(super) async fn dial(target: &str, url: &Url) -> Result<TcpStream, ConnectError> {
    let host = &url.host;
    let addresses: Vec<SocketAddr> = match lookup_host((host.as_str(), url.port)).await {
        Ok(addresses) => addresses.collect(),
        Err(error) => {
            let says = format!("the name {host} cannot be resolved ({error}): check it, and the network");
            return Err(ConnectError::new(target, ConnectFault::Name, says).because(error));
        }
    };
    let mut failed: Option<(SocketAddr, io::Error)> = None;
    for &address in &addresses {
        match connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = Some((address, error)),
        }
    }
    let Some((address, error)) = failed else {
        let says = format!("the name {host} has no address");
        return Err(ConnectError::new(target, ConnectFault::Name, says));
    };
    let tried = match addresses.len() {
        1 => String::new(),
        count => format!(", the last of its {count} addresses"),
    };
    let (fault, says) = if error.kind() == io::ErrorKind::ConnectionRefused {
        let says = format!(
            "connection refused: nobody listens at {address}{tried}; is the server running, on this port?"
        );
        (ConnectFault::NobodyListens, says)
    } else if error.kind() == io::ErrorKind::TimedOut {
        (ConnectFault::TimedOut, format!("{address}{tried} does not answer"))
    } else {
        (ConnectFault::Network, format!("{address}{tried} cannot be reached ({error})"))
    };
    Err(ConnectError::new(target, fault, says).because(error))
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // What is queued is written together already: Nagle's algorithm would only delay it.
    stream.set_nodelay(true)?;
    Ok(stream)
}

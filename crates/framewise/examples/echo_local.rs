//! Echoes every message by handlers of one thread: `cargo run --release --example echo_local -- 127.0.0.1:9001 [--workers N]`
//!
//! Each worker is a thread with a runtime and a listener of its own; the system spreads the connections over them.

#[cfg(target_os = "linux")]
mod linux {
    use std::net::SocketAddr;
    use std::process::ExitCode;
    use std::thread::JoinHandle;
    use std::{io, thread};

    use framewise::{DeflateConfig, LocalWebSocket, Server};
    use tokio::net::TcpSocket;
    use tokio::runtime::Builder;

    fn serve(address: SocketAddr) -> io::Result<()> {
        Builder::new_current_thread().enable_all().build()?.block_on(async {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.set_reuseaddr(true)?;
            socket.set_reuseport(true)?;
            socket.bind(address)?;
            let listener = Server::new().deflate(DeflateConfig::default()).listen(socket.listen(4096)?);
            eprintln!("listening at ws://{}", listener.local_addr()?);
            // The plain loop, as that of `echo_server`.
            let echo = |mut ws: LocalWebSocket| async move {
                while let Some(message) = ws.next().await {
                    ws.send(message?).await?;
                }
                Ok(())
            };
            listener.serve_local(echo).await
        })
    }

    pub(crate) fn main() -> ExitCode {
        let mut arguments = std::env::args().skip(1);
        let address = arguments.next().and_then(|address| address.parse().ok());
        let workers = match (arguments.next().as_deref(), arguments.next().map(|count| count.parse())) {
            (None, _) => Some(1),
            (Some("--workers"), Some(Ok(count @ 1_usize..))) => Some(count),
            _ => None,
        };
        let (Some(address), Some(workers)) = (address, workers) else {
            eprintln!("usage: echo_local ADDR [--workers N], with an ADDR like 127.0.0.1:9001");
            return ExitCode::from(2);
        };
        let others: Vec<_> = (1..workers).map(|_| thread::spawn(move || serve(address))).collect();
        let served = others.into_iter().map(JoinHandle::join);
        for served in std::iter::once_with(|| Ok(serve(address))).chain(served) {
            if let Ok(Err(error)) = served {
                eprintln!("cannot listen at {address}: {error}");
                return ExitCode::from(2);
            }
        }
        ExitCode::SUCCESS
    }
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("these handlers are served on Linux");
}

//! A server in place of ours while a proxy starts.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::Result;

/// A server that answers each request with 200, until this value is dropped: some proxies look for theirs at the start, and
/// remember that it did not listen.
pub(super) struct Standin {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Standin {
    pub(super) fn new(port: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let over = Arc::new(AtomicBool::new(false));
        let ends = over.clone();
        let thread = std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
                if stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {
                    let _ = stream
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                }
            }
        });
        Ok(Self { address, over, thread: Some(thread) })
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Whether a proxy answers for itself: its request does not reach the server yet.
pub(super) fn is_lost(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let mut answer = [0; 12];
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").is_ok()
        && stream.read_exact(&mut answer).is_ok()
        && !answer.ends_with(b" 200")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(address: SocketAddr, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.write_all(request).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    #[test]
    fn it_answers_each_request_until_it_is_dropped() {
        let standin = Standin::new(0).expect("a port");
        let address = standin.address;
        for _ in 0..2 {
            let answer = ask(address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        }
        // A health check that only connects gets no answer, and does not keep the next one from its own.
        drop(TcpStream::connect(address).expect("it listens"));
        assert!(ask(address, b"HEAD / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 "));
        drop(standin);
        assert!(TcpStream::connect(address).is_err(), "it still listens");
        TcpListener::bind(address).expect("the port is free for our server");
    }

    #[test]
    fn a_port_in_use_is_said() {
        let standin = Standin::new(0).expect("a port");
        assert!(Standin::new(standin.address.port()).is_err());
    }

    #[test]
    fn a_request_that_a_proxy_answers_itself_is_lost_and_one_that_reaches_the_server_is_not() {
        let standin = Standin::new(0).expect("a port");
        assert!(!is_lost(standin.address.port()));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let proxy = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let _ = stream.read(&mut [0; 4096]);
            stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").expect("it is sent");
        });
        assert!(is_lost(port));
        proxy.join().expect("the proxy");
        // Nobody listens there any more: that is for others to say.
        assert!(!is_lost(port));
    }
}

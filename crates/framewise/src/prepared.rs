use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use framewise_proto::{Compressed, Compression};

use crate::Message;

/// A message for many connections. It is compressed once for all connections with the same parameters, and its bytes are
/// shared.
///
/// ```
/// # async fn broadcast(members: &[framewise::Sender]) {
/// use framewise::Prepared;
///
/// let news = Prepared::new("it is noon");
/// for member in members {
///     // A member that does not keep up misses this message, and does not delay others.
///     let _ = member.try_send_prepared(&news);
/// }
/// # }
/// ```
///
/// With permessage-deflate, an ordinary send compresses the message for each connection. A prepared message is compressed when
/// the first connection needs it, once for each combination of window and level, and the result is kept as long as the
/// `Prepared` or a clone of it. It does not use the history of a connection with context takeover, which begins a new history
/// after it. Preparing pays off from two connections on.
///
/// Small messages are copied to the queue of each connection; large messages are not copied. A client copies them, too, because
/// it masks each frame with its own key (RFC 6455 §5.3).
///
/// It is cheap to clone.
#[derive(Clone)]
pub struct Prepared(Arc<Shared>);

struct Shared {
    message: Message,
    compressed: Mutex<Vec<Compressed>>,
}

impl Prepared {
    /// Prepares a message.
    pub fn new(message: impl Into<Message>) -> Self {
        Self(Arc::new(Shared { message: message.into(), compressed: Mutex::default() }))
    }

    /// The message.
    pub fn message(&self) -> &Message {
        &self.0.message
    }

    /// The compressed message. The first caller compresses it; others wait for the result, as long as compressing it
    /// themselves would take.
    pub(crate) fn compressed(&self, compression: Compression) -> Compressed {
        let mut compressed = self.0.compressed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = compressed.iter().find(|made| made.compression() == compression) {
            return made.clone();
        }
        let made = match self.message() {
            Message::Text(text) => compression.compress_text(text),
            Message::Binary(bytes) => compression.compress_binary(bytes),
        };
        compressed.push(made.clone());
        made
    }

    /// How many times it was compressed.
    #[cfg(test)]
    pub(crate) fn compressions(&self) -> usize {
        self.0.compressed.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prepared").field(self.message()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use framewise_proto::Connection;
    use framewise_proto::deflate::negotiate;
    use tokio::io::{DuplexStream, duplex};

    use super::*;
    use crate::{Client, Config, DeflateConfig, Server, WebSocket};

    async fn pair(wishes: DeflateConfig) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
        let (near, far) = duplex(1 << 16);
        let client = Client::new().deflate(wishes);
        let server = Server::new().deflate(DeflateConfig::default().level(wishes.level));
        let (client, server) = tokio::join!(client.connect_over(near, "ws://h/"), server.accept(far));
        (client.expect("a client"), server.expect("a server"))
    }

    #[tokio::test]
    async fn a_thousand_connections_need_one_compression() {
        let news = Prepared::new("It is noon. ".repeat(100));
        let mut members = Vec::new();
        for _ in 0..1000 {
            members.push(pair(DeflateConfig::default()).await);
        }
        for (_, server) in &mut members {
            server.send_prepared(&news).await.unwrap();
            server.flush().await.unwrap();
        }
        for (client, _) in &mut members {
            assert_eq!(client.next().await.unwrap().unwrap(), *news.message());
        }
        assert_eq!(news.compressions(), 1);
    }

    #[tokio::test]
    async fn each_window_and_each_level_needs_one_and_what_is_below_the_threshold_none() {
        let (news, short) = (Prepared::new("It is noon. ".repeat(100)), Prepared::new("noon"));
        for _ in 0..3 {
            for (bits, level) in [(15, 6), (10, 6), (10, 9), (8, 1), (9, 1)] {
                let wishes = DeflateConfig::default().peer_window_bits(bits).level(level);
                let (mut client, server) = pair(wishes).await;
                let (sender, _receiver) = server.split();
                sender.try_send_prepared(&news.clone()).unwrap();
                sender.send_prepared(&short).await.unwrap();
                assert_eq!(client.next().await.unwrap().unwrap(), *news.message());
                assert_eq!(client.next().await.unwrap().unwrap(), *short.message());
            }
        }
        assert_eq!(news.compressions(), 4, "zlib's window has nine bits at the least");
        assert_eq!(short.compressions(), 0);
    }

    #[tokio::test]
    async fn a_large_one_is_written_from_where_it_lies() {
        let wishes = DeflateConfig::default().threshold(0);
        let mut noise = vec![0; 60_000];
        getrandom::getrandom(&mut noise).unwrap();
        let news = Prepared::new(noise);
        let unique = || news.0.compressed.lock().unwrap()[0].payload().is_unique();
        let (mut client, mut server) = pair(wishes).await;
        server.feed_prepared(&news).await.unwrap();
        assert!(server.queued() > 4096 && !unique(), "the queue has it, and no copy");
        let (flushed, got) = tokio::join!(server.flush(), client.next());
        flushed.unwrap();
        assert!(got.unwrap().unwrap() == *news.message());
        assert!(unique());
    }

    #[test]
    fn all_who_ask_get_the_same_bytes() {
        let wishes = DeflateConfig::default();
        let (_, agreement) = negotiate(&[wishes.offer()], &wishes).unwrap();
        let config = Config::default().deflate(wishes);
        let engine = Connection::server(config, 0, Duration::ZERO).with_deflate(&agreement);
        let compression = engine.compression(10_000).unwrap();
        let news = Prepared::new(vec![7; 10_000]);
        let asked: Vec<_> = std::thread::scope(|scope| {
            let tasks: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| news.compressed(compression).payload().as_ptr() as usize))
                .collect();
            tasks.into_iter().map(|task| task.join().unwrap()).collect()
        });
        assert!(asked.iter().all(|pointer| *pointer == asked[0]));
        assert_eq!(news.compressions(), 1);
    }
}

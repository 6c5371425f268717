//! Standard input that Ctrl-C ends: what came until then is reported.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use crate::failure::Failure;
use crate::net;

/// Bytes of a piece, and pieces that wait.
const PIECE: usize = 64 * 1024;
const PIECES: usize = 8;
/// What wrote the input gets the Ctrl-C as well, and may still flush what it has.
const FLUSH: Duration = Duration::from_secs(1);

enum Piece {
    Bytes(Vec<u8>),
    Failed(io::Error),
    /// Ctrl-C.
    Stop,
}

/// Standard input, read by a thread of its own.
pub(super) struct Input {
    pieces: Receiver<Piece>,
    piece: Vec<u8>,
    at: usize,
    stopping: bool,
    over: bool,
}

impl Input {
    pub(super) fn start() -> Result<Self, Failure> {
        let (sender, pieces) = sync_channel(PIECES);
        let runtime = net::runtime()?;
        let stop = sender.clone();
        // Before the first byte is read: from here on, Ctrl-C does not end the program by itself.
        let guard = runtime.enter();
        let mut interrupted = Box::pin(net::interrupted());
        drop(guard);
        std::thread::spawn(move || {
            runtime.block_on(async {
                loop {
                    interrupted.as_mut().await;
                    // The reader may be slower than a person.
                    if stop.try_send(Piece::Stop).is_err() {
                        std::process::exit(130);
                    }
                    interrupted = Box::pin(net::interrupted());
                }
            });
        });
        std::thread::spawn(move || forward(&sender));
        Ok(Self { pieces, piece: Vec::new(), at: 0, stopping: false, over: false })
    }

    /// The next piece; `None` at the end, however often it is asked for.
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        while !self.over {
            let piece = if self.stopping {
                self.pieces.recv_timeout(FLUSH)
            } else {
                self.pieces.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match piece {
                Ok(Piece::Bytes(bytes)) if !bytes.is_empty() => return Ok(Some(bytes)),
                Ok(Piece::Stop) if !self.stopping => self.stopping = true,
                Ok(Piece::Failed(error)) => {
                    self.over = true;
                    return Err(error);
                }
                Ok(Piece::Bytes(_) | Piece::Stop) | Err(_) => self.over = true,
            }
        }
        Ok(None)
    }
}

/// Passes standard input on; an empty piece is its end.
fn forward(sender: &SyncSender<Piece>) {
    let mut stdin = io::stdin().lock();
    loop {
        let mut piece = vec![0; PIECE];
        let piece = match stdin.read(&mut piece) {
            Ok(length) => {
                piece.truncate(length);
                Piece::Bytes(piece)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Piece::Failed(error),
        };
        let over =
            matches!(&piece, Piece::Failed(_)) || matches!(&piece, Piece::Bytes(bytes) if bytes.is_empty());
        if sender.send(piece).is_err() || over {
            return;
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            let Some(piece) = self.next()? else { return Ok(0) };
            (self.piece, self.at) = (piece, 0);
        }
        let length = buffer.len().min(self.piece.len() - self.at);
        buffer[..length].copy_from_slice(&self.piece[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

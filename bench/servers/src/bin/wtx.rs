//! wtx.
//!
//! Its best form is its loop over a stream that batches, because it writes each frame at once.

use std::io::IoSlice;

use bench_common::cork::Corked;
use bench_servers::{Arguments, Failure, Mode, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wtx::collection::Vector;
use wtx::rng::Xorshift64;
use wtx::stream::{Stream, StreamReader, StreamWriter};
use wtx::web_socket::compression::{Flate2, NegotiatedCompression, WindowBits};
use wtx::web_socket::{
    CompressionLevel, DeflateConfig, OpCode, WebSocketAcceptor, WebSocketOwned, WebSocketPayloadOrigin,
};

fn main() -> Result<(), Failure> {
    let arguments = Arguments::parse()?;
    serve(arguments.address, move |stream| async move {
        match (arguments.mode, arguments.deflate) {
            (Mode::Plain, false) => echo(WebSocketAcceptor::default().accept(stream).await?).await,
            (Mode::Best, false) => {
                echo(WebSocketAcceptor::default().accept(Batched(Corked::new(stream))).await?).await
            }
            (_, true) => {
                echo(WebSocketAcceptor::default().compression(deflate()).accept(stream).await?).await
            }
        }
    })
}

/// Level and window of the other peers.
fn deflate() -> Flate2 {
    Flate2::from(DeflateConfig {
        client_max_window_bits: WindowBits::Fifteen,
        compression_level: CompressionLevel::Six,
        server_max_window_bits: WindowBits::Fifteen,
    })
}

async fn echo<NC: NegotiatedCompression, S: Stream>(
    mut ws: WebSocketOwned<NC, Xorshift64, S, false>,
) -> Result<(), Failure> {
    let (mut common, mut reader, mut writer) = ws.split_mut();
    let mut buffer = Vector::new();
    loop {
        let mut frame = reader.read_frame(&mut buffer, &mut common, WebSocketPayloadOrigin::Adaptive).await?;
        match frame.op_code() {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => {
                writer.write_frame(&mut common, &mut frame).await?;
                buffer.clear();
            }
            // It may have come between the fragments of a message: those before it are in the buffer.
            _ => {}
        }
    }
}

struct Batched(Corked);

impl StreamReader for Batched {
    async fn read(&mut self, bytes: &mut [u8]) -> wtx::Result<usize> {
        Ok(self.0.read(bytes).await?)
    }
}

impl StreamWriter for Batched {
    async fn write_all(&mut self, bytes: &[u8]) -> wtx::Result<()> {
        Ok(AsyncWriteExt::write_all(&mut self.0, bytes).await?)
    }

    async fn write_all_vectored(&mut self, parts: &[&[u8]]) -> wtx::Result<()> {
        // Header and payload: one write, as its own streams make one; what that leaves goes piece by piece.
        let slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut written = self.0.write_vectored(&slices).await?;
        for part in parts {
            let done = written.min(part.len());
            written -= done;
            AsyncWriteExt::write_all(&mut self.0, &part[done..]).await?;
        }
        Ok(())
    }
}

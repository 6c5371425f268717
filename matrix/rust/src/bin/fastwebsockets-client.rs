//! fastwebsockets, with the loop of its example for Autobahn.

use bytes::Bytes;
use fastwebsockets::{FragmentCollector, Frame, OpCode, handshake};
use framewise_matrix::{Failure, LARGEST, Target, Wanted, run};
use http_body_util::Empty;
use hyper::Request;
use hyper::header::{CONNECTION, HOST, UPGRADE};
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpStream;

fn main() -> Result<(), Failure> {
    run("fastwebsockets", connection)
}

async fn connection(target: Target, wanted: Wanted) -> Result<String, Failure> {
    let stream = TcpStream::connect(&target.authority).await?;
    let request = Request::builder()
        .uri(format!("http://{}{}", target.authority, target.path))
        .header(HOST, &target.authority)
        .header(UPGRADE, "websocket")
        .header(CONNECTION, "upgrade")
        .header("Sec-WebSocket-Key", handshake::generate_key())
        .header("Sec-WebSocket-Version", "13")
        .body(Empty::<Bytes>::new())?;
    let (mut socket, _) = handshake::client(&TokioExecutor::new(), request, stream).await?;
    socket.set_max_message_size(LARGEST);
    let mut socket = FragmentCollector::new(socket);
    loop {
        let frame = match socket.read_frame().await {
            Ok(frame) => frame,
            Err(error) => {
                socket.write_frame(Frame::close_raw(vec![].into())).await?;
                return Err(error.into());
            }
        };
        match frame.opcode {
            OpCode::Text | OpCode::Binary if wanted == Wanted::First => {
                let text = String::from_utf8(frame.payload.to_vec())?;
                socket.write_frame(Frame::close(1000, &[])).await?;
                return Ok(text);
            }
            OpCode::Text | OpCode::Binary => {
                socket.write_frame(Frame::new(true, frame.opcode, None, frame.payload)).await?;
            }
            OpCode::Close => return Ok(String::new()),
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
        }
    }
}

//! ws-framer, with the loop of its README: Pings and the Close are answered by the application, and a frame that is an error
//! is left out, since "the connection keeps working".

use framewise_matrix::{Failure, LARGEST, Target, Wanted, run};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use ws_framer::{WsFrame, WsRxFramer, WsTxFramer};

/// Bytes of a header, beside a message.
const HEADER: usize = 14;

fn main() -> Result<(), Failure> {
    run("ws-framer", connection)
}

async fn connection(target: Target, wanted: Wanted) -> Result<String, Failure> {
    let mut stream = TcpStream::connect(&target.authority).await?;
    let (mut rx_buf, mut tx_buf) = (vec![0; LARGEST + HEADER], vec![0; LARGEST + HEADER]);
    let mut rx = WsRxFramer::new(&mut rx_buf);
    let mut tx = WsTxFramer::new(true, &mut tx_buf);
    let request =
        tx.http_upgrade_request(&target.authority, &target.path, &[]).ok_or("the request is too large")?;
    stream.write_all(request).await?;
    loop {
        receive(&mut stream, &mut rx).await?;
        if let Some(response) = rx.http_response() {
            let response = response?;
            if !response.is_websocket_accepted(&tx.accept_key()) {
                return Err("the server did not accept".into());
            }
            break;
        }
    }
    loop {
        while let Some(frame) = rx.next_frame() {
            let reply = match frame {
                Ok(WsFrame::Text(text)) if wanted == Wanted::First => {
                    let text = text.to_owned();
                    stream.write_all(tx.close(1000, "").ok_or("the Close is too large")?).await?;
                    return Ok(text);
                }
                Ok(WsFrame::Text(text)) => tx.text(text),
                Ok(WsFrame::Binary(bytes)) => tx.binary(bytes),
                Ok(WsFrame::Ping(payload)) => tx.pong(payload),
                Ok(WsFrame::Close(code, reason)) => {
                    stream.write_all(tx.close(code, reason).ok_or("the Close is too large")?).await?;
                    return Ok(String::new());
                }
                Ok(WsFrame::Pong(_)) | Err(_) => continue,
            };
            stream.write_all(reply.ok_or("the frame is too large")?).await?;
        }
        receive(&mut stream, &mut rx).await?;
    }
}

async fn receive(stream: &mut TcpStream, rx: &mut WsRxFramer<'_>) -> Result<(), Failure> {
    let read = stream.read(rx.read_buf()).await?;
    if read == 0 {
        return Err("the server ended the connection".into());
    }
    rx.advance(read);
    Ok(())
}

//! The plain loop of Framewise with permessage-deflate: `ADDR [--shared-window BITS]`.

use std::net::SocketAddr;

use framewise::{Config, Context, DeflateConfig, Error, NetStream, Server, WebSocket};
use tokio::net::TcpSocket;
use tokio::runtime::Builder;

async fn echo(mut ws: WebSocket<NetStream>) -> Result<(), Error> {
    while let Some(message) = ws.next().await {
        ws.send(message?).await?;
    }
    Ok(())
}

fn main() -> Result<(), bench_clients::Failure> {
    bench_common::limits::raise_open_files();
    let mut arguments = std::env::args().skip(1);
    let address: SocketAddr = arguments.next().ok_or("ADDR is missing")?.parse()?;
    // The other peers compress everything too.
    let mut deflate = DeflateConfig::default().threshold(0);
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => {}
        (Some("--shared-window"), Some(bits)) => {
            deflate.context = Context::Shared;
            deflate.window_bits = bits.parse()?;
        }
        _ => return Err("ADDR [--shared-window BITS]".into()),
    }
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let config = Config::default().deflate(deflate);
        println!("listening {address}");
        Server::new().config(config).listen(socket.listen(4096)?).serve(echo).await;
        Ok(())
    })
}

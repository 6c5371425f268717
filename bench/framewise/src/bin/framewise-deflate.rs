//! The plain loop of Framewise with permessage-deflate: `ADDR`.

use std::net::SocketAddr;

use framewise::proto::deflate::DeflateConfig;
use framewise::{Config, Error, NetStream, Server, WebSocket};
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
    let address: SocketAddr = std::env::args().nth(1).ok_or("ADDR is missing")?.parse()?;
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        // The other peers compress everything too.
        let deflate = DeflateConfig { threshold: 0, ..DeflateConfig::default() };
        let config = Config { deflate: Some(deflate), ..Config::default() };
        println!("listening {address}");
        Server::new().config(config).listen(socket.listen(4096)?).serve(echo).await;
        Ok(())
    })
}

//! Each case as a test of `cargo test`, against a server that this program starts on a free port.
//!
//! Copy it to `tests/websocket.rs` of your crate, let `start` start your server, and write into `Cargo.toml`:
//!
//! ```toml
//! [dev-dependencies]
//! framewise-conform = "0.1"
//! libtest-mimic = "0.8"
//! tokio = { version = "1", features = ["rt-multi-thread"] }
//!
//! [[test]]
//! name = "websocket"
//! harness = false
//! ```
//!
//! `cargo test --test websocket control/` runs the cases of one family, and `-- --list` prints the names.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use framewise::{DeflateConfig, NetStream, WebSocket};
use framewise_conform::{Pace, Server, cases};
use framewise_rules::Role;
use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::from_args();
    let runtime = Arc::new(Runtime::new()?);
    let server = Server::new(&format!("ws://{}/", runtime.block_on(start())?))?;
    let pace = Arc::new(Pace::new(server.patience));
    let server = Arc::new(server);
    let tests = cases::all().into_iter().filter(|case| case.is_for(Role::Server));
    let tests = tests.map(|case| {
        let (runtime, server, pace) = (runtime.clone(), server.clone(), pace.clone());
        Trial::test(case.name.clone(), move || {
            let verdict = runtime.block_on(server.case(&case, &pace));
            if verdict.passed() {
                return Ok(());
            }
            Err(format!("{}\n{}\n{}", verdict.says, case.says, verdict.transcript).into())
        })
    });
    Ok(libtest_mimic::run(&arguments, tests.collect()).exit_code())
}

/// The server under test: it sends each message back.
async fn start() -> Result<SocketAddr, Box<dyn Error>> {
    let listener = framewise::Server::new().deflate(DeflateConfig::default()).bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(listener.serve(|mut ws: WebSocket<NetStream>| async move {
        while let Some(message) = ws.next().await {
            ws.send(message?).await?;
        }
        Ok::<(), framewise::Error>(())
    }));
    Ok(address)
}

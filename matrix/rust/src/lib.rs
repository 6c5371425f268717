//! A client of Autobahn's protocol, around the loop that each implementation's documentation has.

use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};

pub type Failure = Box<dyn Error + Send + Sync>;

/// Cases at a time.
const CONCURRENT: usize = 8;
/// A connection that a case left open must not hold up the others.
const LIMIT: Duration = Duration::from_secs(60);
/// The size of a message at the most, where a limit can be set.
pub const LARGEST: usize = 64 << 20;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The first message, whose text is returned; then the client closes.
    First,
    /// Every message is sent back, until the connection ends.
    Echo,
}

/// Where to connect.
#[derive(Clone, Debug)]
pub struct Target {
    /// Host and port.
    pub authority: String,
    /// Path and query.
    pub path: String,
}

impl Target {
    pub fn url(&self) -> String {
        format!("ws://{}{}", self.authority, self.path)
    }
}

/// Runs every case that the server has: `PROGRAM URL`.
pub fn run(
    agent: &str,
    connect: impl AsyncFn(Target, Wanted) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let url = std::env::args().nth(1).ok_or("the URL is missing")?;
    let authority = url.strip_prefix("ws://").ok_or("the URL is not ws://")?.trim_end_matches('/');
    let to = |path: String| Target { authority: authority.to_owned(), path };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let count: u32 = connect(to("/getCaseCount".into()), Wanted::First).await?.parse()?;
        let case = async |number| {
            let target = to(format!("/runCase?case={number}&agent={agent}"));
            // Whether the client was right to give up is what the case is about. One that panics ends its connection, as in a
            // task of its own.
            let connection = AssertUnwindSafe(tokio::time::timeout(LIMIT, connect(target, Wanted::Echo)));
            let _ = connection.catch_unwind().await;
        };
        stream::iter(1..=count).map(case).buffer_unordered(CONCURRENT).for_each(async |()| {}).await;
        connect(to(format!("/updateReports?agent={agent}")), Wanted::Echo).await.map(drop)
    })
}

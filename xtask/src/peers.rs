//! `cargo xtask peers`: installs the peers, and records their reactions to broken frames.

use crate::run::{self, cargo};
use crate::{Result, install};

pub(crate) fn run(arguments: &[String]) -> Result {
    install::peers();
    let missing = framewise_peers::missing();
    if !missing.is_empty() {
        return Err(format!("missing peers: {}", missing.join(", ")));
    }
    match arguments {
        [] => Ok(()),
        [write] if write == "--write" => {
            // One after the other: each test puts its peer's part into the same file.
            run::run(
                cargo(&[
                    "test",
                    "--package",
                    "framewise-peers",
                    "--test",
                    "broken_frames",
                    "--",
                    "--test-threads=1",
                ])
                .env("FRAMEWISE_REQUIRE_PEERS", "1")
                .env("FRAMEWISE_WRITE_REACTIONS", "1"),
            )
        }
        _ => Err("`cargo xtask peers` takes --write and nothing else".into()),
    }
}

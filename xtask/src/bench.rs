//! `cargo xtask bench`: measures Framewise and other implementations, in the workspace `bench/`.

use crate::Result;
use crate::run::{self, cargo};

pub(crate) fn run(arguments: &[String]) -> Result {
    let runner = ["run", "--release", "--manifest-path", "bench/Cargo.toml", "--package", "run", "--"];
    run::run(cargo(&runner).args(arguments))
}

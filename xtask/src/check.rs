//! `cargo xtask check`: the static checks, and what needs a tree of dependencies of its own.

use crate::run::{self, cargo};
use crate::{Result, deny, package};

pub(crate) fn run() -> Result {
    run::run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run::run(&mut cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "--deny",
        "warnings",
    ]))?;
    // framewise-proto without `std`: a library that does not build where something below it brings `std` in.
    for features in ["", "deflate"] {
        let no_std =
            ["build", "--manifest-path", "checks/no-std/Cargo.toml", "--target-dir", "target/no-std"];
        run::run(cargo(&no_std).args(["--locked", "--features", features]))?;
    }
    run::run(&mut cargo(&["fmt", "--manifest-path", "checks/no-std/Cargo.toml", "--check"]))?;
    // The workspace of the fuzzers, which the above leaves out.
    run::run(&mut cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    run::run(
        cargo(&["clippy", "--manifest-path", "fuzz/Cargo.toml", "--all-targets", "--target-dir", "target"])
            .args(["--", "--deny", "warnings"]),
    )?;
    run::run(
        cargo(&["doc", "--workspace", "--all-features", "--no-deps"]).env("RUSTDOCFLAGS", "--deny warnings"),
    )?;
    features()?;
    for features in ["", "defaults", "second"] {
        crypto_providers(features)?;
    }
    run::run(&mut cargo(&["fmt", "--manifest-path", "checks/crypto-providers/Cargo.toml", "--check"]))?;
    deny::run()?;
    package::run()
}

/// The crates with features, and each of them alone: what is missing or unused then is not noticed with all of them.
const FEATURES: [(&str, &[&str]); 3] = [
    (
        "framewise",
        &[
            "",
            "tls",
            "aws-lc-rs",
            "ring",
            "platform-roots",
            "webpki-roots",
            "http",
            "hyper",
            "tower",
            "axum",
            "tracing",
        ],
    ),
    // Without `std`, it is built by itself: see above.
    ("framewise-proto", &["std", "std,deflate", "http"]),
    ("framewise-inspect", &[""]),
];

fn features() -> Result {
    for (package, features) in FEATURES {
        for features in features {
            let package = ["clippy", "--package", package, "--no-default-features", "--features", features];
            run::run(cargo(&package).args(["--", "--deny", "warnings"]))?;
        }
    }
    Ok(())
}

/// Framewise beside rustls, with no, one and two crypto providers in the tree. Each test needs a process of its own, since a
/// provider is installed for the whole process.
fn crypto_providers(features: &str) -> Result {
    let manifest = ["--manifest-path", "checks/crypto-providers/Cargo.toml", "--target-dir", "target"];
    run::run(cargo(&["nextest", "run"]).args(manifest).args(["--locked", "--features", features]))
}

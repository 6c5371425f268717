//! `cargo xtask neon`: runs the tests of the kernels on an emulated 64-bit ARM. The tools come from Debian packages: a
//! compiler with the standard library for ARM, a linker, and QEMU's user-mode emulator.

use std::fmt::Write as _;

use framewise_peers::tools::{Tools, libraries, on_path};

use crate::Result;
use crate::debian::{self, Release};
use crate::install::once;
use crate::run::{cargo, run as run_to_end};

/// The compiler is the one that Debian updates for its browsers; that of the release is too old.
const PACKAGES: [&str; 5] = [
    "rustc-web",
    "libstd-rust-web-dev:arm64",
    "gcc-aarch64-linux-gnu",
    "libc6-dev-arm64-cross",
    "qemu-user-static",
];

pub(crate) fn run() -> Result {
    let home = Tools::find().neon;
    once(&home.join("installed"), &PACKAGES.join(" "), || {
        eprintln!("xtask: installing a compiler for ARM, and QEMU");
        debian::unpack(&home, Release::Installed, &PACKAGES)?;
        Ok(String::new())
    })?;
    let root = home.join("root");
    let unpacked = |name: &str| root.join("usr/bin").join(name);
    let linker = "aarch64-linux-gnu-gcc";
    let system = on_path(linker);
    let mut options = "-Ctarget-feature=+crt-static".to_owned();
    if system.is_none() {
        // Unpacked, it is not where it expects to be, and looks for the C library there.
        let library = root.join("usr/aarch64-linux-gnu/lib");
        let _ = write!(options, " -Clink-arg=-B{0} -Clink-arg=-L{0}", library.display());
    }
    run_to_end(
        cargo(&["test", "--release", "--package", "framewise-simd", "--lib", "--tests"])
            .args(["--target", "aarch64-unknown-linux-gnu", "--target-dir", "target/neon"])
            .env("RUSTC", unpacked("rustc"))
            .env("LD_LIBRARY_PATH", libraries(&root))
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", system.unwrap_or_else(|| unpacked(linker)))
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", unpacked("qemu-aarch64-static"))
            .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS", options),
    )
}

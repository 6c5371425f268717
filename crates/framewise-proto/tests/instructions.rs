//! Instructions of the engine per message, and of a handshake: counted by valgrind, so that no busy machine blurs them.
//!
//! The figures are in `tests/instructions.md` and may not move by more than 3 %, in either direction. `FRAMEWISE_FIGURES=write
//! cargo test -p framewise-proto --test instructions` writes them anew.

use framewise_peers::instructions::{Counted, Load, no_count_moves};

const COUNTED: Counted = Counted {
    package: "framewise-proto",
    folder: env!("CARGO_MANIFEST_DIR"),
    target_tmp: env!("CARGO_TARGET_TMPDIR"),
    about: "A server's engine that echoes messages of so many bytes, sixteen to a read, and the server's half of a browser's\n\
            handshake. The test `instructions` fails where a figure moves by more than 3 %; it says how to write them anew.",
};

fn loads() -> Vec<Load> {
    let load = |program, arguments| Load { program, arguments, messages: [160, 480] };
    let echo = |kind: &str, size: u32, path: &str| {
        load("echo_load", vec![kind.to_owned(), size.to_string(), path.to_owned()])
    };
    let mut loads = Vec::new();
    for kind in ["ascii", "text", "binary"] {
        loads.extend([20, 128, 1024, 4096, 65536].map(|size| echo(kind, size, "any")));
        loads.extend([20, 128, 1024].map(|size| echo(kind, size, "whole")));
        loads.extend([20, 128, 1024].map(|size| echo(kind, size, "idle")));
    }
    loads.push(echo("deflate", 1024, "any"));
    loads.extend([1024, 1024 * 1024].map(|size| load("deref_load", vec![size.to_string()])));
    loads.push(load("handshake_load", Vec::new()));
    loads
}

#[test]
fn no_count_moves_by_more_than_three_percent() {
    no_count_moves(&COUNTED, &loads());
}

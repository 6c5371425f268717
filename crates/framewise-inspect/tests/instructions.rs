//! Instructions of the observer per frame: counted by valgrind, so that no busy machine blurs them.
//!
//! The figures are in `tests/instructions.md` and may not move by more than 3 %, in either direction. `FRAMEWISE_FIGURES=write
//! cargo test -p framewise-inspect --test instructions` writes them anew. `cargo run --profile counted -p framewise-inspect
//! --example observe_load -- binary 1125 hidden 1000000` prints times.

use framewise_peers::instructions::{Counted, Load, no_count_moves};

const COUNTED: Counted = Counted {
    package: "framewise-inspect",
    folder: env!("CARGO_MANIFEST_DIR"),
    target_tmp: env!("CARGO_TARGET_TMPDIR"),
    about: "An observer of a client's frames of so many bytes, in reads of up to 16 KiB: with the frames shown, with the findings\n\
            alone (hidden), and where messages are compared with those of another leg. The test `instructions` fails where a\n\
            figure moves by more than 3 %; it says how to write them anew.",
};

/// The program observes whole reads, so more frames than it is told: these numbers are those of whole turns.
fn loads() -> Vec<Load> {
    let load = |kind: &str, size: u64, shown: &str| {
        let turn = turn(size);
        let arguments = vec![kind.to_owned(), size.to_string(), shown.to_owned()];
        // After the first turns the lists of what is kept are full.
        let first = 5000_u64.div_ceil(turn) * turn;
        Load { program: "observe_load", arguments, messages: [first, first + 4 * turn] }
    };
    vec![
        load("binary", 20, "hidden"),
        load("binary", 20, "shown"),
        load("binary", 1125, "hidden"),
        load("binary", 1125, "shown"),
        load("binary", 1125, "compared"),
        load("ascii", 1125, "hidden"),
        load("text", 1125, "hidden"),
        load("binary", 65_536, "hidden"),
        load("text", 65_536, "hidden"),
    ]
}

/// How many frames are observed at least: as many as fill four reads, and four.
fn turn(size: u64) -> u64 {
    let header = if size < 126 {
        6
    } else if size < 65_536 {
        8
    } else {
        14
    };
    (4 * 16 * 1024_u64).div_ceil(size + header).max(4)
}

#[test]
fn no_count_moves_by_more_than_three_percent() {
    no_count_moves(&COUNTED, &loads());
}

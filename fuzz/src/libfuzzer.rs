//! The program that libFuzzer drives. `FRAMEWISE_FUZZ_TARGET` names the target, and `FRAMEWISE_FUZZ_SEEDS` a folder into
//! which its seeds are written first; `cargo xtask fuzz` sets both.
#![no_main]

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use framewise_fuzz::{Target, target};
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<&'static Target> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("FRAMEWISE_FUZZ_TARGET").unwrap_or_default();
        let chosen = target(&name).unwrap_or_else(|| panic!("FRAMEWISE_FUZZ_TARGET={name:?} is not a target"));
        TARGET.get_or_init(|| chosen);
        if let Some(folder) = std::env::var_os("FRAMEWISE_FUZZ_SEEDS") {
            for (index, seed) in (chosen.seeds)().iter().enumerate() {
                fs::write(Path::new(&folder).join(format!("seed-{index:04}")), seed).expect("the folder is there");
            }
        }
    },
    |data: &[u8]| {
        if let Some(target) = TARGET.get() {
            (target.check)(data);
        }
    }
);

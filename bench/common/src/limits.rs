//! The limit of open files, which a hundred thousand connections meet first.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const WANTED: u64 = 1 << 19;

/// Raises it as far as this user may, and says how far that is; children inherit it.
pub fn raise_open_files() -> u64 {
    let have = getrlimit(Resource::Nofile);
    let all = Rlimit { current: Some(WANTED), maximum: Some(WANTED.max(have.maximum.unwrap_or(WANTED))) };
    if setrlimit(Resource::Nofile, all).is_err() {
        // Not root: up to the hard limit.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: have.maximum, maximum: have.maximum });
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

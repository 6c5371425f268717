//! The limit on open files, the first limit that a hundred thousand connections reach.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const WANTED: u64 = 1 << 19;

/// Raises the limit as far as this user may, and returns it; child processes inherit it.
pub fn raise_open_files() -> u64 {
    let have = getrlimit(Resource::Nofile);
    let all = Rlimit { current: Some(WANTED), maximum: Some(WANTED.max(have.maximum.unwrap_or(WANTED))) };
    if setrlimit(Resource::Nofile, all).is_err() {
        // Not root: up to the hard limit.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: have.maximum, maximum: have.maximum });
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

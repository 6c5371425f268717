//! Only tests: `tests/beside.rs`.

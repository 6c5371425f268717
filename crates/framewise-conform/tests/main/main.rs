//! The cases, run against endpoints whose faults are known.

mod mutants;
mod own;
mod peer;

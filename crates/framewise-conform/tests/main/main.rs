//! The cases, run against endpoints whose faults are known.

mod example;
mod mutants;
mod own;
mod peer;

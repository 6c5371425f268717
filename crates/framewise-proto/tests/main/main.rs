//! The tests of the crate in one program, since each program costs a link; those that count something of their whole
//! process stand beside it, each a program of its own.
#![allow(clippy::duplicate_mod, reason = "two examples share a module, and one program has both")]

mod deflate;
mod engine;
#[cfg(unix)]
mod examples;
mod heads;
mod inflate;
mod keepalive;
mod lean;
mod messages;
mod pair;
mod prepared;
mod segments;

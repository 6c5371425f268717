//! The tests of the crate in one program, since each program costs a link; those that count something of their whole
//! process stand beside it, each a program of its own.

mod deflate;
mod engine;
mod heads;
mod inflate;
mod keepalive;
mod messages;
mod pair;
mod prepared;
mod segments;

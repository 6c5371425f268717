//! The tests of the command in one program, since each program costs a link.
#![allow(clippy::unwrap_used, reason = "in the helpers of tests, too")]

mod bench;
mod check;
mod common;

mod connect;
mod demo;
mod doctor;
mod edit;
mod explain;
mod faults;
mod forward;
mod hostile;
mod inspect;
mod inspect_tls;
mod pair;
mod path;
mod read;
mod record;
mod replay;
mod schema;
mod serve;
mod shell;
mod tls;

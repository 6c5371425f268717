//! The tests of the crate in one program, since each program costs a link; those that count something of their whole
//! process stand beside it, each a program of its own.
#![allow(clippy::unwrap_used, reason = "in the helpers of tests, too")]

#[path = "../common/mod.rs"]
mod common;

mod accept_loop;
mod adopt;
mod axum;
mod bad_peers;
mod batch;
mod byte_stream;
mod cancel;
mod cancel_each;
mod closing;
mod conversions;
mod deadlines;
mod deflate;
mod dial;
mod errors;
mod events;
mod examples;
mod exhausted;
mod handshake_client;
mod handshake_server;
#[cfg(feature = "http")]
mod http_types;
mod hyper;
mod keepalive;
mod limits;
mod listener;
mod lost;
mod messages;
mod panics;
mod panics_early;
mod parts;
mod porting;
mod prepared;
mod pressure;
mod programs;
mod proxy;
mod redirect;
mod retry;
mod secrets;
mod senders;
mod sending;
mod split;
mod stop;
mod stop_shared;
mod tls;
mod tls_failures;
mod tls_server;
mod tower;
#[cfg(feature = "tracing")]
mod trace;
mod values;

//! The command line.

use std::net::SocketAddrV4;
use std::time::Duration;

use bench_common::cell::Cell;

pub struct Arguments {
    pub address: SocketAddrV4,
    /// The server, whose CPU time and memory are measured.
    pub pid: u32,
    pub work: Work,
    pub deflate: Deflate,
    pub warm_up: Duration,
    pub measured: Duration,
}

#[derive(Clone, Copy)]
pub enum Work {
    Exchange(Cell),
    Idle(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Deflate {
    None,
    Takeover,
    NoTakeover,
}

impl Deflate {
    pub fn offer(self) -> Option<&'static str> {
        match self {
            Deflate::None => None,
            Deflate::Takeover => Some("permessage-deflate"),
            Deflate::NoTakeover => {
                Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover")
            }
        }
    }
}

const USAGE: &str = "bench-load --addr IP:PORT --pid PID (--cell CELL | --idle N) \
                     [--deflate takeover|no-takeover] [--warm-up SECONDS] [--seconds SECONDS]";

impl Arguments {
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut address, mut pid, mut work) = (None, None, None);
        let mut deflate = Deflate::None;
        let (mut warm_up, mut measured) = (Duration::from_millis(300), Duration::from_secs(1));
        let mut arguments = arguments;
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or(USAGE)?;
            let wrong = |error: &dyn std::fmt::Display| format!("{name} {value}: {error}\n{USAGE}");
            match name.as_str() {
                "--addr" => address = Some(value.parse::<SocketAddrV4>().map_err(|error| wrong(&error))?),
                "--pid" => pid = Some(value.parse().map_err(|error| wrong(&error))?),
                "--cell" => work = Some(Work::Exchange(value.parse()?)),
                "--idle" => work = Some(Work::Idle(value.parse().map_err(|error| wrong(&error))?)),
                "--deflate" => {
                    deflate = match value.as_str() {
                        "takeover" => Deflate::Takeover,
                        "no-takeover" => Deflate::NoTakeover,
                        "none" => Deflate::None,
                        _ => return Err(wrong(&"unknown")),
                    }
                }
                "--warm-up" => warm_up = seconds(&value).ok_or_else(|| wrong(&"no seconds"))?,
                "--seconds" => measured = seconds(&value).ok_or_else(|| wrong(&"no seconds"))?,
                _ => return Err(wrong(&"unknown")),
            }
        }
        let address = address.ok_or(USAGE)?;
        // Only put load on servers on this machine.
        if !address.ip().is_loopback() {
            return Err(format!("{address} is not on the loopback interface"));
        }
        Ok(Self { address, pid: pid.ok_or(USAGE)?, work: work.ok_or(USAGE)?, deflate, warm_up, measured })
    }
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    (0.0..=60.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

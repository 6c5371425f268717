//! System calls of a server per read: one to wait, one to read, one to write, whatever arrived together.
//!
//! The example `echo_server` is counted, under strace. A stream that counts its calls would not see what waiting costs.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "in the helpers of tests, too")]

mod common;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::{REQUEST, RESPONSE, masked};
use framewise::proto::Opcode;
use framewise_peers::tools;

/// The server under strace; it ends with this value.
struct Traced {
    strace: Child,
    /// A line for each system call, behind the number of its process, written before the next call begins.
    trace: PathBuf,
    address: String,
}

impl Traced {
    /// `None` where nothing can be traced.
    fn start() -> Option<Self> {
        let trace = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("strace-{}", std::process::id()));
        let mut strace = tools::counter("strace")?;
        strace.args(["-f", "-qq", "-o"]).arg(&trace).arg(echo_server()).arg("127.0.0.1:0");
        let mut strace = strace.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(strace.stderr.take().unwrap()).read_line(&mut said).unwrap();
        let mut traced = Self { strace, trace, address: String::new() };
        let Some(address) = said.trim().strip_prefix("listening at ws://") else {
            tools::not_counted("strace", &format!("it traces nothing here: {said}"));
            return None;
        };
        address.clone_into(&mut traced.address);
        Some(traced)
    }

    /// How often each system call was made so far.
    fn calls(&self) -> BTreeMap<String, usize> {
        let mut calls = BTreeMap::new();
        for line in fs::read_to_string(&self.trace).unwrap().lines() {
            let call = line.split_whitespace().nth(1).and_then(|call| call.split_once('('));
            if let Some((name, _)) = call {
                // The one is made of the other where the system has no more.
                let name = if name == "epoll_pwait" { "epoll_wait" } else { name };
                *calls.entry(name.to_owned()).or_default() += 1;
            }
        }
        calls
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        // strace ends with the program that it traces, but the program would go on without it.
        let trace = fs::read_to_string(&self.trace).unwrap_or_default();
        if let Some(process) = trace.split_whitespace().next() {
            let _ = Command::new("kill").arg(process).status();
        }
        let _ = self.strace.wait();
        let _ = fs::remove_file(&self.trace);
    }
}

/// The example of this build: in a folder beside that of the tests.
fn echo_server() -> PathBuf {
    let test = env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/echo_server");
    assert!(program.is_file(), "{} is not built: `cargo build --examples`", program.display());
    program
}

#[test]
fn a_read_and_its_answers_cost_three_calls() {
    let Some(server) = Traced::start() else { return };
    let mut client = TcpStream::connect(&server.address).unwrap();
    client.write_all(REQUEST.as_bytes()).unwrap();
    client.read_exact(&mut vec![0; RESPONSE.len()]).unwrap();
    for in_flight in [1, 16] {
        let frames = masked(Opcode::Text, true, &[b'x'; 128]).repeat(in_flight);
        let mut echoes = vec![0; frames.len() - 4 * in_flight];
        let mut echo = |times| {
            for _ in 0..times {
                client.write_all(&frames).unwrap();
                client.read_exact(&mut echoes).unwrap();
            }
        };
        echo(10);
        let before = server.calls();
        echo(200);
        let mut calls = server.calls();
        for (name, count) in &mut calls {
            *count -= before.get(name).unwrap_or(&0);
        }
        calls.retain(|_, count| *count > 0);
        // What the server does behind its last answer is there or not yet.
        let expected = 199..=201;
        let names: Vec<&str> = calls.keys().map(String::as_str).collect();
        assert_eq!(names, ["epoll_wait", "recvfrom", "sendto"], "{in_flight} in flight: {calls:?}");
        assert!(calls.values().all(|count| expected.contains(count)), "{in_flight} in flight: {calls:?}");
    }
}

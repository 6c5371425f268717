//! What was measured.

use std::collections::BTreeMap;
use std::fmt::Write;

use bench_common::cell::Cell;

use crate::Outcome;
use crate::peers::{FLOOR, FRAMEWISE, PEERS};
use crate::process::Pairs;
use crate::statistics::median;

/// So much larger an echo may be and still be compressed alike.
const LARGER: f64 = 1.1;

/// One run of one cell against one peer.
#[derive(Clone, Debug)]
pub struct Sample {
    /// CPU time a message, of the side that is measured, in µs.
    pub cpu: f64,
    /// CPU time a message of the load generator, in µs.
    pub load: f64,
    /// Messages a second.
    pub rate: f64,
    /// Bytes on the wire a message, from the server.
    pub received: f64,
    /// What the server agreed to.
    pub extensions: Option<String>,
}

impl Sample {
    pub fn server(pairs: &Pairs) -> Outcome<Self> {
        let messages = pairs.number("messages")?;
        Ok(Self {
            cpu: pairs.number("server_ns")? / messages / 1e3,
            load: pairs.number("load_ns")? / messages / 1e3,
            rate: messages / pairs.number("wall_ns")? * 1e9,
            received: pairs.number("received")? / messages,
            extensions: pairs.text("extensions").map(str::to_owned),
        })
    }

    pub fn client(pairs: &Pairs) -> Outcome<Self> {
        let messages = pairs.number("messages")?;
        Ok(Self {
            cpu: pairs.number("client_ns")? / messages / 1e3,
            load: 0.0,
            rate: messages / pairs.number("wall_ns")? * 1e9,
            received: 0.0,
            extensions: None,
        })
    }
}

/// The samples of one table, by peer and cell.
#[derive(Default)]
pub struct Table {
    samples: BTreeMap<(&'static str, Cell), Vec<Sample>>,
    /// In the order of the first round.
    pub cells: Vec<Cell>,
    pub peers: Vec<&'static str>,
}

impl Table {
    pub fn add(&mut self, peer: &'static str, cell: Cell, sample: Sample) {
        if !self.cells.contains(&cell) {
            self.cells.push(cell);
        }
        if !self.peers.contains(&peer) {
            self.peers.push(peer);
            // The order of the list, whoever answered first.
            self.peers.sort_by_key(|name| PEERS.iter().position(|peer| peer.name.starts_with(*name)));
        }
        self.samples.entry((peer, cell)).or_default().push(sample);
    }

    pub fn samples(&self, peer: &'static str, cell: Cell) -> &[Sample] {
        self.samples.get(&(peer, cell)).map_or(&[], Vec::as_slice)
    }

    pub fn median(&self, peer: &'static str, cell: Cell, of: impl Fn(&Sample) -> f64) -> Option<f64> {
        median(self.samples(peer, cell).iter().map(of))
    }

    pub fn cpu(&self, peer: &'static str, cell: Cell) -> Option<f64> {
        self.median(peer, cell, |sample| sample.cpu)
    }

    /// The peer that costs least, in whichever form; neither ours nor the floor. Whose echoes are larger than others'
    /// has not compressed as they have, and is no measure.
    pub fn best(&self, cell: Cell) -> Option<(&'static str, f64)> {
        let others = || self.peers.iter().filter(|name| !name.starts_with(FRAMEWISE) && **name != FLOOR);
        let bytes = |name| self.median(name, cell, |sample| sample.received);
        let smallest = others().filter_map(|name| bytes(name)).min_by(f64::total_cmp)?;
        let same = others().filter(|name| bytes(name).is_some_and(|bytes| bytes <= smallest * LARGER));
        same.filter_map(|name| Some((*name, self.cpu(name, cell)?))).min_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn write(&self, table: &str, text: &mut String) {
        for ((peer, cell), samples) in &self.samples {
            for Sample { cpu, load, rate, received, .. } in samples {
                let _ =
                    writeln!(text, "{table}\t{peer}\t{cell}\t{cpu:.4}\t{load:.4}\t{rate:.0}\t{received:.0}");
            }
        }
    }
}

/// Connections that do nothing.
pub struct Idle {
    pub peer: &'static str,
    /// CPU time of a handshake, in µs.
    pub handshake: f64,
    /// Resident bytes a connection: open, after one message on each, and after closing all.
    pub open: f64,
    pub used: f64,
    pub closed: f64,
    /// The same, open and after one message, with permessage-deflate.
    pub deflate: Option<(f64, f64)>,
}

#[derive(Default)]
pub struct Results {
    pub servers: Table,
    pub clients: Table,
    /// With context takeover and without.
    pub takeover: Table,
    pub no_takeover: Table,
    pub proxies: Table,
    pub idle: Vec<Idle>,
    /// The missing peers, and why.
    pub left_out: Vec<(String, String)>,
}

impl Results {
    pub fn left_out(&mut self, who: &str, why: &str) {
        eprintln!("bench: {who}: {why}");
        let entry = (who.to_owned(), why.to_owned());
        if !self.left_out.contains(&entry) {
            self.left_out.push(entry);
        }
    }

    /// Every sample, for whoever wants another statistic.
    pub fn tsv(&self) -> String {
        let mut text =
            String::from("table\tpeer\tcell\tcpu_us\tload_us\tmessages_per_second\treceived_bytes\n");
        self.servers.write("servers", &mut text);
        self.clients.write("clients", &mut text);
        self.takeover.write("takeover", &mut text);
        self.no_takeover.write("no-takeover", &mut text);
        self.proxies.write("proxies", &mut text);
        text
    }
}

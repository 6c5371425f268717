//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use bench_common::cell::Cell;

use crate::Outcome;

const USAGE: &str = "\
cargo run --release -p run -- [OPTIONS]

  --quick            one short round of a few cells: whether everything runs, no measurement
  --parts a,b        of servers, idle, deflate, clients, proxies (all of them)
  --peers a,b        only peers whose name contains one of these; Framewise and the floor always
  --cells a,b        other cells for the servers: CONNECTIONSxBYTESxINFLIGHT:text|utf8|binary|json
  --rounds N         rounds of each cell (5)
  --seconds S        measured in each round (0.8)
  --idle N           idle connections (10000)
  --framewise FILE   measures this program, started as FILE ADDR, in place of the example echo_server
  --inspect FILE     measures this build of the command framewise among the proxies
  --no-build         uses what was built before
  --out FILE         writes the tables there (RESULTS.md; a quick run: the target folder)";

/// The cells of the goals.
const CELLS: [&str; 11] = [
    "64x128x1:text",
    "512x128x1:text",
    "64x128x16:text",
    "512x128x16:text",
    "64x1024x16:text",
    "64x1024x16:utf8",
    "64x16384x1:binary",
    "64x16384x1:utf8",
    "64x16384x16:binary",
    "64x131072x1:utf8",
    "1x1048576x1:binary",
];
const DEFLATE_CELLS: [&str; 3] = ["64x1024x1:json", "64x1024x16:json", "64x16384x1:json"];
const CLIENT_CELLS: [&str; 6] = [
    "64x128x1:text",
    "64x128x16:text",
    "64x1024x16:utf8",
    "64x16384x1:binary",
    "64x131072x1:utf8",
    "1x1048576x1:binary",
];

const PROXY_CELLS: [&str; 3] = ["64x1024x1:binary", "64x1024x16:binary", "64x65536x1:binary"];

const QUICK_CELLS: [&str; 5] =
    ["64x128x1:text", "64x128x16:text", "64x1024x16:utf8", "64x16384x1:binary", "64x131072x1:utf8"];
const QUICK_DEFLATE_CELLS: [&str; 1] = ["64x1024x1:json"];
const QUICK_CLIENT_CELLS: [&str; 2] = ["64x128x16:text", "64x16384x1:binary"];

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Servers,
    Idle,
    Deflate,
    Clients,
    Proxies,
}

pub struct Arguments {
    /// As it was typed, for the report.
    pub line: String,
    pub quick: bool,
    pub parts: Vec<Part>,
    pub peers: Vec<String>,
    pub cells: Vec<Cell>,
    pub deflate_cells: Vec<Cell>,
    pub client_cells: Vec<Cell>,
    pub proxy_cells: Vec<Cell>,
    pub rounds: usize,
    pub warm_up: Duration,
    pub measured: Duration,
    pub idle: usize,
    pub framewise: Option<PathBuf>,
    pub inspect: Option<PathBuf>,
    pub build: bool,
    pub out: Option<PathBuf>,
}

impl Arguments {
    pub fn parse(arguments: impl Iterator<Item = String>) -> Outcome<Self> {
        let arguments: Vec<String> = arguments.collect();
        let quick = arguments.iter().any(|argument| argument == "--quick");
        let mut parsed = Self::new(quick, arguments.join(" "));
        let mut rest = arguments.into_iter();
        while let Some(name) = rest.next() {
            match name.as_str() {
                "--quick" => continue,
                "--no-build" => {
                    parsed.build = false;
                    continue;
                }
                "--help" | "-h" => return Err(USAGE.into()),
                _ => {}
            }
            let value =
                rest.next().ok_or_else(|| format!("{name} is unknown or lacks its value\n\n{USAGE}"))?;
            let wrong = || format!("{name} does not take {value:?}\n\n{USAGE}");
            match name.as_str() {
                "--parts" => {
                    parsed.parts = value.split(',').map(part).collect::<Option<_>>().ok_or_else(wrong)?;
                }
                "--peers" => parsed.peers = value.split(',').map(str::to_owned).collect(),
                "--cells" => parsed.cells = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
                "--rounds" => {
                    parsed.rounds = value.parse().ok().filter(|n| (1..=99).contains(n)).ok_or_else(wrong)?
                }
                "--seconds" => {
                    let seconds =
                        value.parse().ok().filter(|n| (0.05..=30.0).contains(n)).ok_or_else(wrong)?;
                    parsed.measured = Duration::from_secs_f64(seconds);
                }
                "--idle" => parsed.idle = value.parse().map_err(|_| wrong())?,
                "--framewise" => parsed.framewise = Some(value.into()),
                "--inspect" => parsed.inspect = Some(value.into()),
                "--out" => parsed.out = Some(value.into()),
                _ => return Err(format!("{name} is unknown\n\n{USAGE}")),
            }
        }
        Ok(parsed)
    }

    fn new(quick: bool, line: String) -> Self {
        let cells = |list: &[&str]| list.iter().map(|cell| cell.parse().expect("written above")).collect();
        let milliseconds =
            |quickly, thoroughly| Duration::from_millis(if quick { quickly } else { thoroughly });
        Self {
            line,
            quick,
            parts: vec![Part::Servers, Part::Idle, Part::Deflate, Part::Clients, Part::Proxies],
            peers: Vec::new(),
            cells: if quick { cells(&QUICK_CELLS) } else { cells(&CELLS) },
            deflate_cells: if quick { cells(&QUICK_DEFLATE_CELLS) } else { cells(&DEFLATE_CELLS) },
            client_cells: if quick { cells(&QUICK_CLIENT_CELLS) } else { cells(&CLIENT_CELLS) },
            proxy_cells: cells(&PROXY_CELLS),
            rounds: if quick { 1 } else { 5 },
            warm_up: milliseconds(100, 250),
            measured: milliseconds(250, 800),
            idle: if quick { 1000 } else { 10_000 },
            framewise: None,
            inspect: None,
            build: true,
            out: None,
        }
    }
}

fn part(name: &str) -> Option<Part> {
    Some(match name {
        "servers" => Part::Servers,
        "idle" => Part::Idle,
        "deflate" => Part::Deflate,
        "clients" => Part::Clients,
        "proxies" => Part::Proxies,
        _ => return None,
    })
}

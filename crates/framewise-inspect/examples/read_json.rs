//! Reads a transcript on standard input and prints its diagnosis as JSON.

use std::io::Read as _;

use framewise_inspect::{Report, diagnose};
use framewise_transcript::Transcript;

fn main() {
    let mut text = String::new();
    if let Err(error) = std::io::stdin().read_to_string(&mut text) {
        eprintln!("standard input: {error}");
        std::process::exit(2);
    }
    let transcript = Transcript::parse(&text).unwrap_or_else(|error| {
        eprintln!("{error}");
        std::process::exit(2)
    });
    let report = Report { connections: vec![diagnose(&transcript)] };
    match serde_json::to_string_pretty(&report) {
        Ok(json) => println!("{json}"),
        Err(error) => eprintln!("{error}"),
    }
}

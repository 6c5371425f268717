//! `framewise inspect` beside proxies that look at nothing: the CPU time of the proxy for each echoed message. The server behind
//! it is the floor, which shares a core with the load.

use std::fs;
use std::net::SocketAddrV4;
use std::path::PathBuf;

use bench_common::cell::Cell;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::build::Built;
use crate::peers::{HAPROXY, INSPECT, NGINX, wanted};
use crate::process::{Core, Server, pairs, pinned};
use crate::results::{Results, Sample};
use crate::servers::keep;

/// Bytes of HAProxy's and nginx's buffers: those of the proxy that is compared with them.
const BUFFER: usize = 64 * 1024;

/// The arguments of a proxy, by the address that it listens on and that of the server.
type ArgumentsOf = fn(&Built, SocketAddrV4, SocketAddrV4) -> Outcome<Vec<String>>;

struct Proxy {
    name: &'static str,
    program: PathBuf,
    arguments: ArgumentsOf,
}

pub fn measure(arguments: &Arguments, built: &Built, results: &mut Results) -> Outcome {
    let all: [(_, _, ArgumentsOf); 3] = [
        (INSPECT, Some(built.inspect()), inspect),
        (HAPROXY, built.installed("haproxy"), haproxy),
        (NGINX, built.installed("nginx"), nginx),
    ];
    let mut proxies = Vec::new();
    for (name, program, arguments) in all {
        match program.filter(|program| program.exists()) {
            Some(program) => proxies.push(Proxy { name, program, arguments }),
            None => results.left_out(name, "its program is not there"),
        }
    }
    proxies.retain(|proxy| wanted(proxy.name, &arguments.peers));
    for &cell in &arguments.proxy_cells {
        for round in 0..arguments.rounds {
            eprintln!("bench: proxies, {cell}, round {} of {}", round + 1, arguments.rounds);
            for index in 0..proxies.len() {
                let proxy = &proxies[(index + round) % proxies.len()];
                match exchange(arguments, built, proxy, cell) {
                    Ok(sample) => results.proxies.add(proxy.name, cell, sample),
                    Err(error) => results.left_out(&format!("{} at {cell}", proxy.name), &error),
                }
            }
        }
    }
    keep(built, results)
}

fn exchange(arguments: &Arguments, built: &Built, proxy: &Proxy, cell: Cell) -> Outcome<Sample> {
    let upstream = Server::start(Core::Load, &built.floor(), |address| Ok(vec![address.to_string()]))?;
    let server = Server::start(Core::Server, &proxy.program, |address| {
        (proxy.arguments)(built, address, upstream.address)
    })?;
    let mut load = pinned(Core::Load, &built.load());
    load.arg("--addr").arg(server.address.to_string()).arg("--pid").arg(server.pid().to_string());
    load.arg("--cell").arg(cell.to_string());
    load.arg("--warm-up").arg(arguments.warm_up.as_secs_f64().to_string());
    load.arg("--seconds").arg(arguments.measured.as_secs_f64().to_string());
    Sample::server(&pairs(load)?)
}

fn inspect(_built: &Built, address: SocketAddrV4, upstream: SocketAddrV4) -> Outcome<Vec<String>> {
    Ok(["inspect", "--listen", &address.to_string(), &format!("ws://{upstream}")].map(str::to_owned).to_vec())
}

fn haproxy(built: &Built, address: SocketAddrV4, upstream: SocketAddrV4) -> Outcome<Vec<String>> {
    let configuration = format!(
        "global\n  maxconn 4096\n  nbthread 1\n  tune.bufsize {BUFFER}\n\
         defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n\
         listen bench\n  bind {address}\n  server upstream {upstream}\n"
    );
    Ok(vec!["-db".to_owned(), "-f".to_owned(), write(built, "haproxy.cfg", &configuration)?])
}

fn nginx(built: &Built, address: SocketAddrV4, upstream: SocketAddrV4) -> Outcome<Vec<String>> {
    let kib = BUFFER / 1024;
    let folder = built.folder("nginx")?;
    let configuration = format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log /dev/null;\nevents {{ worker_connections 4096; }}\n\
         http {{\n  access_log off;\n  client_body_temp_path {folder}/client;\n  proxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/fastcgi;\n  uwsgi_temp_path {folder}/uwsgi;\n  scgi_temp_path {folder}/scgi;\n\
         server {{\n    listen {address};\n    location / {{\n      proxy_pass http://{upstream};\n\
         proxy_http_version 1.1;\n      proxy_set_header Upgrade $http_upgrade;\n      proxy_set_header Connection upgrade;\n\
         proxy_read_timeout 1h;\n      proxy_buffer_size {kib}k;\n      proxy_buffers 4 {kib}k;\n    }}\n  }}\n}}\n"
    );
    let file = write(built, "nginx.conf", &configuration)?;
    Ok(["-p", &folder, "-c", &file].map(str::to_owned).to_vec())
}

fn write(built: &Built, name: &str, text: &str) -> Outcome<String> {
    let path = format!("{}/{name}", built.folder("proxies")?);
    fs::write(&path, text).map_err(|error| format!("{path}: {error}"))?;
    Ok(path)
}

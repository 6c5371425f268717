//! A browser that is started with the forward proxy.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::failure::{Failure, plain};

/// Browsers made from Chromium: they take the proxy, and the authority to trust, from the command line.
const PROGRAMS: [&str; 10] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "brave-browser",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
];

/// A flag of Windows: a process in its own group does not get the console's Ctrl-C.
#[cfg(windows)]
const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;

/// A browser, and the profile that was made for it. Both go when this is dropped.
#[derive(Debug)]
pub(super) struct Browser {
    child: Child,
    profile: PathBuf,
}

impl Browser {
    /// Starts one: the given program with its own arguments, or the first that is installed.
    pub(super) fn start(
        program: Option<&str>,
        url: &str,
        proxy: SocketAddr,
        fingerprint: Option<&str>,
    ) -> Result<Self, Failure> {
        let profile = std::env::temp_dir().join(format!("framewise-browser-{}", std::process::id()));
        let mut words = program.into_iter().flat_map(str::split_whitespace);
        let chosen: Vec<&str> = words.next().map_or_else(|| PROGRAMS.to_vec(), |program| vec![program]);
        let own: Vec<&str> = words.collect();
        for program in chosen {
            let mut command = Command::new(program);
            command.args(&own).args(arguments(&profile, proxy, fingerprint)).arg(url);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
            // Ctrl-C is for framewise, which ends the browser.
            #[cfg(unix)]
            command.process_group(0);
            #[cfg(windows)]
            command.creation_flags(CREATE_NEW_PROCESS_GROUP);
            match command.spawn() {
                Ok(child) => return Ok(Self { child, profile }),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(Failure::said(format!("cannot start {program}: {}", plain(&error))));
                }
            }
        }
        Err(Failure::said(match program {
            Some(program) => format!("cannot start {program}: no such program"),
            None => "no Chromium, Chrome, Edge or Brave found; name one with --browser-program, or set the proxy in your \
                     browser (framewise inspect --forward)"
                .to_owned(),
        }))
    }

    /// Waits until it is closed.
    pub(super) async fn closed(&mut self) {
        // What cannot be waited for is taken for closed by nobody: Ctrl-C ends it.
        if self.child.wait().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Ends it, with its profile.
    pub(super) async fn end(mut self) {
        let _ = self.child.kill().await;
        // Its other processes may still be writing.
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

fn arguments(profile: &Path, proxy: SocketAddr, fingerprint: Option<&str>) -> Vec<String> {
    let mut arguments = vec![
        format!("--user-data-dir={}", profile.display()),
        format!("--proxy-server=http://{proxy}"),
        // Without this, localhost is reached directly.
        "--proxy-bypass-list=<-loopback>".to_owned(),
        // QUIC goes around a proxy for TCP.
        "--disable-quic".to_owned(),
        "--no-first-run".to_owned(),
        "--no-default-browser-check".to_owned(),
        "--disable-background-networking".to_owned(),
    ];
    // It trusts this authority, and no other one more than before.
    arguments.extend(fingerprint.map(|hash| format!("--ignore-certificate-errors-spki-list={hash}")));
    arguments
}

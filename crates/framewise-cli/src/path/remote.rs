//! What else is part of the path: our server in another program, taps, certificates.

use std::path::Path as File;
use std::process::ExitCode;

use framewise::rustls::pki_types::CertificateDer;
use framewise::rustls::pki_types::pem::PemObject as _;
use framewise_path::Path;

use crate::failure::{Failure, plain};
use crate::net;
use crate::output::Output;

/// Our server, until somebody ends it.
pub(super) fn serve(address: &str, results: Option<&File>, output: Output) -> Result<ExitCode, Failure> {
    let runtime = net::runtime()?;
    let mut file: Option<Box<dyn std::io::Write + Send>> = None;
    if let Some(path) = results.filter(|path| *path != File::new("-")) {
        let opened = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let opened = opened
            .map_err(|error| Failure::said(format!("cannot write {}: {}", path.display(), plain(&error))))?;
        file = Some(Box::new(opened));
    } else if results.is_some() {
        file = Some(Box::new(std::io::stdout()));
    }
    runtime.block_on(async {
        let ended = net::interrupted();
        let listener = net::listen(address)
            .await
            .map_err(|failure| Failure::said(failure.to_string().replace("--listen", "--server")))?;
        let address = listener.local_addr().map_err(|error| Failure::said(error.to_string()))?;
        let says = format!(
            "listening on ws://{address}\nLet the intermediary forward to it, and run framewise path --via URL on the client's machine.\n"
        );
        // Standard output may be for the results alone.
        if results == Some(File::new("-")) {
            eprint!("{says}");
        } else {
            output.print(says)?;
        }
        let serving = async {
            match file {
                Some(file) => framewise_path::serve_with_results(listener, file).await,
                None => framewise_path::serve(listener).await,
            }
        };
        tokio::select! {
            () = serving => {}
            () = ended => {}
        }
        Ok(())
    })?;
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}

/// The certificates of a PEM file.
pub(super) fn certificates(file: Option<&File>) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let said = |what: String| Failure::said(format!("{}: {what}", file.display()));
    let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| said(error.to_string()))?;
    if found.is_empty() {
        return Err(said("there is no certificate in this file; --cacert takes PEM".into()));
    }
    Ok(found)
}

/// Listens between the intermediaries.
pub(super) async fn tapped(path: Path, taps: &[(String, String)]) -> Result<Path, Failure> {
    let mut listening = Vec::new();
    for (listen, forward) in taps {
        let listener = net::listen(listen)
            .await
            .map_err(|failure| Failure::said(failure.to_string().replace("--listen", "--tap")))?;
        listening.push((listener, forward.clone()));
    }
    path.taps(listening).map_err(|error| Failure::said(error.to_string()))
}

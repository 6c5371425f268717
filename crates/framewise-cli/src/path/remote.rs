//! What else is part of the path: our server in another program, taps, certificates.

use std::path::Path as File;
use std::process::ExitCode;

use framewise::rustls::pki_types::CertificateDer;
use framewise::rustls::pki_types::pem::PemObject as _;
use framewise_path::Path;

use crate::failure::Failure;
use crate::net;
use crate::output::Output;

/// Our server, until somebody ends it.
pub(super) fn serve(address: &str, output: Output) -> Result<ExitCode, Failure> {
    let runtime = net::runtime()?;
    runtime.block_on(async {
        let ended = net::interrupted();
        let listener = net::listen(address)
            .await
            .map_err(|failure| Failure::said(failure.to_string().replace("--listen", "--server")))?;
        let address = listener.local_addr().map_err(|error| Failure::said(error.to_string()))?;
        output.print(format!(
            "listening on ws://{address}\nLet the intermediary forward to it, and run framewise path --via URL on the client's machine.\n"
        ))?;
        tokio::select! {
            () = framewise_path::serve(listener) => {}
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

//! What the commands that connect to a server put into the handshake request.

use clap::Args;
use framewise::Client;
use framewise_conform::Ask;

/// Options of each command that sends a handshake request.
#[derive(Clone, Debug, Args)]
pub(crate) struct RequestArgs {
    /// Add a header to each request, `Name: value`; repeatable
    #[arg(long, short = 'H', value_name = "LINE", value_parser = header)]
    header: Vec<(String, String)>,
    /// Offer a subprotocol; repeatable, in order of preference
    #[arg(long, value_name = "NAME")]
    pub(crate) protocol: Vec<String>,
    /// Origin header, as a browser sends it
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Option<String>,
}

impl RequestArgs {
    /// A client that sends them.
    pub(crate) fn client(&self) -> Client {
        let client = Client::new().protocols(self.protocol.clone());
        let client = self.header.iter().fold(client, |client, (name, value)| client.header(name, value));
        match &self.origin {
            Some(origin) => client.origin(origin),
            None => client,
        }
    }

    /// Puts them into the request of the conformance cases.
    pub(crate) fn put_into(&self, ask: &mut Ask) {
        ask.protocols.clone_from(&self.protocol);
        ask.headers.clone_from(&self.header);
        ask.headers.extend(self.origin.iter().map(|origin| ("Origin".to_owned(), origin.clone())));
    }
}

fn header(line: &str) -> Result<(String, String), String> {
    let (name, value) = line.split_once(':').ok_or("expected `Name: value`")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

//! The results of our server in a file, which is read while it grows.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::end::Record;
use crate::probe::Probe;
use crate::results::{self, Lost};
use crate::token::Token;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// A file of results.
#[derive(Debug)]
pub(crate) struct Results {
    path: PathBuf,
    read: Mutex<Read>,
}

#[derive(Debug, Default)]
struct Read {
    /// Bytes before this place were looked at.
    offset: u64,
    /// The beginning of an entry.
    rest: Vec<u8>,
    /// Payloads by run and number.
    entries: HashMap<(u64, usize), Vec<u8>>,
}

impl Results {
    /// The file at this path, which must exist; what it has now may be of an older run, and is skipped quickly.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        File::open(path)?;
        Ok(Self { path: path.to_owned(), read: Mutex::default() })
    }

    /// What our server wrote about a connection, as soon as it is there; `NotArrived` where it is not there in time.
    pub(crate) async fn find(
        &self,
        token: &Token,
        probe: &Probe,
        patience: Duration,
    ) -> Result<Record, Lost> {
        let until = Instant::now() + patience;
        loop {
            if let Some(payload) = self.look(token.connection()).map_err(Lost::Damaged)? {
                return results::decode(&payload, probe);
            }
            if Instant::now() > until {
                return Err(Lost::NotArrived);
            }
            sleep(LOOK).await;
        }
    }

    fn look(&self, connection: (u64, usize)) -> Result<Option<Vec<u8>>, String> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error: io::Error| format!("cannot read {}: {error}", self.path.display());
        let mut file = File::open(&self.path).map_err(failed)?;
        file.seek(SeekFrom::Start(read.offset)).map_err(failed)?;
        let count = file.read_to_end(&mut read.rest).map_err(failed)?;
        read.offset += count as u64;
        if count > 0 {
            let mut at = 0;
            while let Some((token, payload, size)) = results::next_entry(&read.rest[at..])? {
                at += size;
                // Those of other runs are not asked for.
                if token.run == connection.0 {
                    read.entries.insert(token.connection(), payload);
                }
            }
            read.rest.drain(..at);
        }
        Ok(read.entries.remove(&connection))
    }
}

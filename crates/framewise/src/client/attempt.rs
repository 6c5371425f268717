use std::borrow::Cow;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::deadline;
use crate::error::{ConnectError, ConnectFault};
use crate::url::Url;

/// An attempt to connect to a URL: the one of the caller, or that of a redirect.
pub(super) struct Attempt {
    /// The URL as errors print it: that of a redirect without its query, which may be a secret of the server.
    text: String,
    pub(super) url: Url,
    /// This is not the server of the caller's URL: the secrets for that one are not sent.
    pub(super) foreign: bool,
    /// Redirects are followed, so the body of one is not read.
    pub(super) follows: bool,
    pub(super) deadline: Instant,
    pub(super) limit: Duration,
}

impl Attempt {
    pub(super) fn new(text: &str, limit: Duration) -> Result<Self, ConnectError> {
        let url = Url::parse(text)?;
        let deadline = deadline::after(limit);
        Ok(Self { text: text.to_owned(), url, foreign: false, follows: false, deadline, limit })
    }

    /// An attempt with another URL and the same deadline.
    pub(super) fn redirected(&self, url: Url, foreign: bool) -> Self {
        Self { text: url.without_query(), url, foreign, ..*self }
    }

    pub(super) fn error(&self, fault: ConnectFault, says: impl Into<Cow<'static, str>>) -> ConnectError {
        ConnectError::new(&self.text, fault, says)
    }

    /// The result of a step, or an error with this fault and the text of `late` if the deadline passes.
    pub(super) async fn in_time<T>(
        &self,
        fault: ConnectFault,
        step: impl Future<Output = T>,
        late: impl FnOnce() -> String,
    ) -> Result<T, ConnectError> {
        let in_time = timeout_at(self.deadline, step).await;
        in_time.map_err(|_| self.error(fault, format!("{} within {:?}", late(), self.limit)))
    }
}

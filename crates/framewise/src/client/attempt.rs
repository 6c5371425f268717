use std::borrow::Cow;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::{ConnectError, ConnectFault};
use crate::url::Url;

/// One way to one server: to the URL that the caller gave, or to where a redirect led.
pub(super) struct Attempt {
    /// The URL as errors name it.
    text: String,
    pub(super) url: Url,
    /// Another server than the caller's: what is meant for that one alone is not sent.
    pub(super) foreign: bool,
    /// Redirects are followed, and what else they say is not read.
    pub(super) follows: bool,
    pub(super) deadline: Instant,
    pub(super) limit: Duration,
}

impl Attempt {
    pub(super) fn new(text: &str, limit: Duration) -> Result<Self, ConnectError> {
        let url = Url::parse(text)?;
        let deadline = Instant::now() + limit;
        Ok(Self { text: text.to_owned(), url, foreign: false, follows: false, deadline, limit })
    }

    /// The same within the same time, to another URL.
    pub(super) fn redirected(&self, url: Url, foreign: bool) -> Self {
        Self { text: url.text(), url, foreign, ..*self }
    }

    pub(super) fn error(&self, fault: ConnectFault, says: impl Into<Cow<'static, str>>) -> ConnectError {
        ConnectError::new(&self.text, fault, says)
    }

    /// What a step gives; this fault, and what `late` says, when it does not come to its end in time.
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

mod host;
mod request;
mod response;

pub(crate) use host::*;
pub(crate) use request::*;
pub(crate) use response::*;

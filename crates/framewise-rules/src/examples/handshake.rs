mod host;
mod line;
mod request;
mod response;

pub(crate) use host::*;
pub(crate) use line::*;
pub(crate) use request::*;
pub(crate) use response::*;

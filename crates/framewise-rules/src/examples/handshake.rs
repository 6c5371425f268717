mod request;
mod response;

pub(crate) use request::*;
pub(crate) use response::*;

//! Messages, frames and settings.

mod config;
pub mod frame;
mod message;
mod web_socket;

pub use framewise::Role;

pub use self::config::WebSocketConfig;
pub use self::frame::CloseFrame;
pub use self::message::Message;
pub use self::web_socket::WebSocket;
pub(crate) use self::web_socket::{Established, would_block};

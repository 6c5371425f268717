//! Messages, frames and settings.

mod config;
pub mod frame;
mod message;

pub use framewise::Role;

pub use self::config::WebSocketConfig;
pub use self::frame::CloseFrame;
pub use self::message::Message;

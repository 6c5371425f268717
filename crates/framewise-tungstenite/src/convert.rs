//! Events of framewise and messages of tungstenite.

use framewise::{Event, MessageKind, Part};

use crate::error::{ProtocolError, Result};
use crate::protocol::frame::coding::{Control, Data, OpCode};
use crate::protocol::frame::{Frame, FrameHeader, Utf8Bytes};
use crate::protocol::{CloseFrame, Message};

/// The message for an event; `None` for a report.
pub(crate) fn message(event: Event) -> Option<Message> {
    match event {
        Event::Message(framewise::Message::Text(text)) => Some(Message::Text(text.into())),
        Event::Message(framewise::Message::Binary(bytes)) => Some(Message::Binary(bytes)),
        Event::Ping(payload) => Some(Message::Ping(payload)),
        Event::Pong(payload) => Some(Message::Pong(payload)),
        Event::Close(close) => {
            Some(Message::Close(close.map(|close| CloseFrame {
                code: close.code.0.into(),
                reason: Utf8Bytes::from(close.reason),
            })))
        }
        // Messages are never received in parts here, and reports are no frames.
        Event::Part(_) | Event::Tolerated(_) | _ => None,
    }
}

/// The event that sends a message.
pub(crate) fn event(message: Message) -> Result<Event> {
    Ok(match message {
        Message::Text(text) => Event::Message(framewise::Message::Text(text.into())),
        Message::Binary(bytes) => Event::Message(framewise::Message::Binary(bytes)),
        Message::Ping(payload) => Event::Ping(payload),
        Message::Pong(payload) => Event::Pong(payload),
        Message::Close(close) => {
            Event::Close(close.map(|CloseFrame { code, reason }| {
                framewise::CloseFrame::new(u16::from(code), reason.as_str())
            }))
        }
        Message::Frame(frame) => return of_frame(frame),
    })
}

fn of_frame(frame: Frame) -> Result<Event> {
    let FrameHeader { is_final, rsv1, rsv2, rsv3, opcode, .. } = *frame.header();
    if rsv1 || rsv2 || rsv3 {
        return Err(ProtocolError::NonZeroReservedBits.into());
    }
    if let Some(data) = frame.data() {
        let (kind, first) = match data {
            Data::Text => (MessageKind::Text, true),
            Data::Binary => (MessageKind::Binary, true),
            // The kind is that of the message that it continues.
            Data::Continue => (MessageKind::Binary, false),
            Data::Reserved(opcode) => return Err(ProtocolError::InvalidOpcode(opcode).into()),
        };
        return Ok(Event::Part(Part::new(kind, frame.into_payload(), first, is_final)));
    }
    if !is_final {
        return Err(ProtocolError::FragmentedControlFrame.into());
    }
    match opcode {
        OpCode::Control(Control::Ping) => Ok(Event::Ping(frame.into_payload())),
        OpCode::Control(Control::Pong) => Ok(Event::Pong(frame.into_payload())),
        OpCode::Control(Control::Close) => match frame.payload() {
            [] => Ok(Event::Close(None)),
            [_] => Err(ProtocolError::InvalidCloseSequence.into()),
            [high, low, reason @ ..] => {
                let reason = std::str::from_utf8(reason)?;
                Ok(Event::Close(Some(framewise::CloseFrame::new(u16::from_be_bytes([*high, *low]), reason))))
            }
        },
        OpCode::Control(Control::Reserved(opcode)) => Err(ProtocolError::InvalidOpcode(opcode).into()),
        OpCode::Data(_) => Err(ProtocolError::InvalidOpcode(opcode.into()).into()),
    }
}

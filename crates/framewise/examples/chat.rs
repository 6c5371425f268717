//! A chat room: `cargo run --example chat -- 127.0.0.1:9001`, and then any client at `ws://127.0.0.1:9001/?name=ada`.
//!
//! What anybody says goes to everybody. Who does not keep up is shown the door, so that nobody waits for them; Ctrl-C says
//! goodbye to all.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use framewise::{
    CloseCode, Config, DeflateConfig, Error, Message, MessageKinds, NetStream, Prepared, Sender, Server,
    TrySendError, WebSocket,
};

#[derive(Default)]
struct Room {
    members: Mutex<BTreeMap<String, Sender>>,
}

impl Room {
    /// Lets somebody in, unless the name is taken.
    fn enter(&self, name: &str, sender: &Sender) -> bool {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let free = !members.contains_key(name);
        if free {
            members.insert(name.to_owned(), sender.clone());
        }
        free
    }

    /// Says something to everybody. Nobody is waited for.
    fn say(&self, text: String) {
        // Compressed once for all who agreed the same, not once for each.
        let text = Prepared::new(text);
        let members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, member) in &*members {
            match member.try_send_prepared(&text) {
                Ok(()) => {}
                // 64 KiB wait for them already, besides what the system holds: that is dropped. Not 1008: they broke no policy,
                // they are slow, and 1013 tells their program to come back later. If the Close is not read in time either,
                // the connection is cut; their own task then sees the end, and takes them out.
                Err(TrySendError::Full(_)) => {
                    eprintln!("{name} is too slow");
                    let _ = member.abort(CloseCode::TRY_AGAIN_LATER, "you do not keep up");
                }
                // They are leaving.
                Err(_) => {}
            }
        }
    }

    fn leave(&self, name: &str) {
        self.members.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        self.say(format!("* {name} left"));
    }
}

/// One member, from the handshake to the end.
async fn join(room: Arc<Room>, ws: WebSocket<NetStream>) -> Result<(), Error> {
    let target = ws.request().map(|request| request.target).unwrap_or_default();
    let name = target.split_once("?name=").map_or("", |(_, name)| name).to_owned();
    let (sender, mut receiver) = ws.split();
    if name.is_empty() || name.len() > 32 || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return sender.close(CloseCode::POLICY_VIOLATION, "say who you are: /?name=ada").await;
    }
    if !room.enter(&name, &sender) {
        return sender.close(CloseCode::POLICY_VIOLATION, "somebody of this name is here").await;
    }
    room.say(format!("* {name} is here"));
    while let Some(message) = receiver.next().await {
        match message {
            Ok(Message::Text(text)) => room.say(format!("{name}: {text}")),
            // The configuration refuses them.
            Ok(Message::Binary(_)) => {}
            Err(error) => eprintln!("{name}: {error}"),
        }
    }
    room.leave(&name);
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(address) = std::env::args().nth(1) else {
        eprintln!("usage: chat ADDR, with an ADDR like 127.0.0.1:9001");
        return ExitCode::from(2);
    };
    let config = Config::default().messages(MessageKinds::TextOnly).deflate(DeflateConfig::default());
    let listener = match Server::new().config(config).bind(&address).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen at {address}: {error}");
            return ExitCode::from(2);
        }
    };
    if let Ok(address) = listener.local_addr() {
        eprintln!("listening at ws://{address}/");
    }
    let room = Arc::new(Room::default());
    // Everybody is told that the server is going away (1001), and has time to answer.
    listener.serve_until(tokio::signal::ctrl_c(), move |ws| join(Arc::clone(&room), ws)).await;
    eprintln!("goodbye");
    ExitCode::SUCCESS
}

//! A fixed load on the handshake, for counting instructions: `handshake_load MESSAGES` has a server read and answer a
//! browser's request that many times, and prints how many bytes it wrote. The test `instructions` counts it.

use std::env;

use framewise_proto::deflate::{DeflateConfig, negotiate};
use framewise_proto::handshake::http1::{Progress, read_request};
use framewise_proto::handshake::{Headers, ServerPolicy};

/// What a browser sends, line by line.
const REQUEST: &str = "\
GET /chat?room=4 HTTP/1.1\r
Host: chat.example.com\r
Connection: Upgrade\r
Pragma: no-cache\r
Cache-Control: no-cache\r
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r
Upgrade: websocket\r
Origin: https://chat.example.com\r
Sec-WebSocket-Version: 13\r
Accept-Encoding: gzip, deflate, br, zstd\r
Accept-Language: en-GB,en;q=0.9\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r
\r
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let messages: usize = env::args().nth(1).ok_or("usage: handshake_load MESSAGES")?.parse()?;
    let (policy, deflate) = (ServerPolicy::default(), DeflateConfig::default());
    let mut written = 0;
    for _ in 0..messages {
        let Progress::Done { value: request, .. } = read_request(REQUEST.as_bytes(), &policy) else {
            return Err("the request was refused".into());
        };
        let (answer, _) = negotiate(&request.extensions, &deflate).ok_or("nothing was agreed")?;
        written += request.accept(None, &[answer], &Headers::new())?.encode().len();
    }
    println!("{written}");
    Ok(())
}

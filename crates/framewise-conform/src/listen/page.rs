//! The page that runs the WebSocket of a browser through the cases.

use framewise_proto::handshake::http1::parse_request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::PATIENT;

const PAGE: &str = include_str!("page.html");
/// Bytes of a request for the page.
const MOST: usize = 16 * 1024;

/// The response to a browser that asks for a page, where the request in these bytes is one.
pub(super) fn asked_for(request: &[u8]) -> Option<Vec<u8>> {
    answer(request, "''")
}

/// `server`: the URL that the page connects to, as JavaScript; an empty one for the server that the page comes from.
fn answer(request: &[u8], server: &str) -> Option<Vec<u8>> {
    let parsed = parse_request(request).ok()??;
    let head = &parsed.head;
    if head.method != "GET" || head.fields.first("upgrade").is_some() {
        return None;
    }
    let path = head.target.split('?').next().unwrap_or_default();
    let (status, kind, body) = match path {
        "/" | "/index.html" => ("200 OK", "text/html; charset=utf-8", PAGE.replace("SERVER", server)),
        _ => ("404 Not Found", "text/plain; charset=utf-8", "the page is at /\n".to_owned()),
    };
    let response = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    Some(response.into_bytes())
}

/// Serves the page on a port of its own, as the fuzzing server of Autobahn does. `server` is the `ws://` URL that the page
/// runs the browser against.
pub async fn serve_page(listener: TcpListener, server: &str) {
    let server = serde_json::Value::from(server.trim_end_matches('/')).to_string().replace('<', "\\u003c");
    loop {
        let Ok((mut io, _)) = listener.accept().await else { continue };
        let server = server.clone();
        tokio::spawn(timeout(PATIENT, async move {
            let mut inbox = Vec::new();
            while inbox.len() < MOST && matches!(io.read_buf(&mut inbox).await, Ok(1..)) {
                if let Some(page) = answer(&inbox, &server) {
                    // A browser that has gone needs no page.
                    let _ = io.write_all(&page).await;
                    let _ = io.shutdown().await;
                    return;
                }
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_given_to_who_asks_for_one_and_a_handshake_is_left_alone() {
        let text = |request: &str| asked_for(request.as_bytes()).map(|page| String::from_utf8(page).unwrap());
        let page = text("GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
        assert!(page.contains("const server = '' || location"), "{page}");
        let icon = text("GET /favicon.ico HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert!(icon.starts_with("HTTP/1.1 404 "), "{icon}");
        assert_eq!(text("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"), None);
        assert_eq!(text("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), None);
        assert_eq!(text("GET / HTTP/1.1\r\n"), None);
    }
}

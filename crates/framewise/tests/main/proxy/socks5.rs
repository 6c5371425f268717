use super::*;

/// How a proxy behaves.
#[derive(Clone, Copy, Default)]
struct Socks {
    /// The name and the password that it wants.
    login: Option<(&'static str, &'static str)>,
    reply: u8,
    /// It answers the first message so, and ends.
    instead: Option<&'static [u8]>,
    /// Its address in the reply.
    bound: &'static [u8],
}

/// An IPv4 address, as most have it.
const BOUND: &[u8] = &[1, 0, 0, 0, 0, 0, 0];

async fn socks_proxy(socks: Socks, upstream: SocketAddr) -> (SocketAddr, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Asked::default();
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            // A client that does not go on is no failure of the proxy's.
            let _ = one(socks, near, upstream, &log).await;
        }
    });
    (address, asked)
}

async fn one(socks: Socks, mut near: TcpStream, upstream: SocketAddr, log: &Asked) -> std::io::Result<()> {
    assert_eq!(near.read_u8().await?, 5);
    let mut methods = vec![0; usize::from(near.read_u8().await?)];
    near.read_exact(&mut methods).await?;
    if let Some(answer) = socks.instead {
        return near.write_all(answer).await;
    }
    let method = if socks.login.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        return near.write_all(&[5, 0xff]).await;
    }
    near.write_all(&[5, method]).await?;
    if let Some((name, password)) = socks.login {
        assert_eq!(near.read_u8().await?, 1);
        let given = (text(&mut near).await?, text(&mut near).await?);
        let wrong = given != (name.to_owned(), password.to_owned());
        near.write_all(&[1, u8::from(wrong)]).await?;
        if wrong {
            return Ok(());
        }
    }
    let mut request = [0; 4];
    near.read_exact(&mut request).await?;
    assert_eq!(request[..3], [5, 1, 0]);
    let host = match request[3] {
        1 => std::net::Ipv4Addr::from(near.read_u32().await?).to_string(),
        4 => std::net::Ipv6Addr::from(near.read_u128().await?).to_string(),
        3 => format!("name {}", text(&mut near).await?),
        other => panic!("an address of type {other}"),
    };
    let port = near.read_u16().await?;
    log.lock().unwrap().push(format!("{host} {port}"));
    near.write_all(&[&[5, socks.reply, 0], socks.bound].concat()).await?;
    if socks.reply == 0 {
        let mut far = TcpStream::connect(upstream).await?;
        copy_bidirectional(&mut near, &mut far).await?;
    }
    Ok(())
}

async fn text(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut text = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut text).await?;
    Ok(String::from_utf8(text).unwrap())
}

#[tokio::test]
async fn names_are_looked_up_by_the_proxy_or_here_as_the_scheme_says() {
    let upstream = echo().await;
    for bound in [BOUND, &[3, 2, b'm', b'e', 0, 80], &[4; 19]] {
        let (address, asked) = socks_proxy(Socks { bound, ..Socks::default() }, upstream).await;
        for (scheme, url, was_asked) in [
            ("socks5h://", "ws://server.invalid/", "name server.invalid 80"),
            ("socks5h://user:secret@", "ws://localhost:8080/", "name localhost 8080"),
            ("socks5h://", "ws://192.0.2.1/", "192.0.2.1 80"),
            ("socks5://", "ws://[2001:db8::1]:65535/", "2001:db8::1 65535"),
            ("socks5://", "ws://127.0.0.1:9/", "127.0.0.1 9"),
        ] {
            let mut ws = Client::new().proxy(proxy(scheme, address)).connect(url).await.unwrap();
            greeted(&mut ws).await;
            drop(ws);
            assert_eq!(asked.lock().unwrap().pop().unwrap(), was_asked);
        }
        let client = Client::new().proxy(proxy("socks5://", address));
        let mut ws = client.connect("ws://localhost/").await.unwrap();
        greeted(&mut ws).await;
        let was_asked = asked.lock().unwrap().pop().unwrap();
        assert!(["127.0.0.1 80", "::1 80"].contains(&was_asked.as_str()), "{was_asked}");

        let Err(Error::Connect(error)) = client.connect("ws://server.invalid/").await else {
            panic!("no name")
        };
        assert_eq!(error.fault(), ConnectFault::Name, "{error}");
    }
}

#[tokio::test]
async fn a_name_and_a_password_are_sent_to_a_proxy_that_wants_them() {
    let socks = Socks { login: Some(("us:er", "p@w")), bound: BOUND, ..Socks::default() };
    let (address, _) = socks_proxy(socks, echo().await).await;
    let client = Client::new().proxy(proxy("socks5h://us%3aer:p%40w@", address));
    greeted(&mut client.connect("ws://server.invalid/").await.unwrap()).await;

    for (scheme, says) in [
        ("socks5h://", "requires authentication: write a name and a password"),
        ("socks5h://us%3aer:secret@", "does not accept this name and password"),
        ("socks5://user@", "does not accept this name and password"),
    ] {
        let error = refused(&Client::new().proxy(proxy(scheme, address)), "ws://127.0.0.1/").await;
        assert!(error.contains(says) && !error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn each_reply_has_its_own_words() {
    for (reply, says) in [
        (1, "failed to connect to h:80, and does not say why"),
        (2, "does not allow connections to h:80"),
        (3, "has no route to h:80"),
        (4, "cannot reach the host of h:80"),
        (5, "reached the host, but h:80 refused the connection"),
        (6, "TTL expired"),
        (7, "does not know the command CONNECT"),
        (8, "does not resolve names: write socks5://"),
        (9, "answers with 9, which is not a reply"),
        (255, "answers with 255, which is not a reply"),
    ] {
        let socks = Socks { reply, bound: BOUND, ..Socks::default() };
        let (address, _) = socks_proxy(socks, SocketAddr::from(([127, 0, 0, 1], 1))).await;
        let error = refused(&Client::new().proxy(proxy("socks5h://", address)), "ws://h/").await;
        assert!(error.contains(&format!("the proxy socks5h://{address} ")), "{error}");
        assert!(error.contains(says), "{reply}: {error}");
    }
    let (address, _) =
        socks_proxy(Socks { reply: 8, bound: BOUND, ..Socks::default() }, address_of_nobody()).await;
    let error = refused(&Client::new().proxy(proxy("socks5h://", address)), "ws://[::1]/").await;
    assert!(error.contains("does not support the address type of [::1]:80"), "{error}");
}

fn address_of_nobody() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}

#[tokio::test]
async fn what_is_no_answer_of_socks_5_is_told_in_words() {
    for (instead, says) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "answers in HTTP: write http://"),
        (b"\0\x5b", "speaks SOCKS 4, not 5"),
        (b"\x15\x03\x03\0\x02\x02\x46", "speaks TLS"),
        (b"SSH-2.0-OpenSSH\r\n", "does not answer as SOCKS 5 does"),
        (b"\x05\x01", "chose the authentication method 1, which was not offered"),
        (b"\x05\x02", "chose the authentication method 2, which was not offered"),
        (b"\x05", "closed the connection before it answered"),
        (b"", "closed the connection before it answered"),
        (b"\x05\0\x04\0\0\x01", "speaks SOCKS 4, not 5"),
        (b"\x05\0\x05\0\0\x09", "an address of the unknown type 9"),
        (b"\x05\0\x05\0\0\x01\x7f", "closed the connection before it answered"),
    ] {
        let socks = Socks { instead: Some(instead), ..Socks::default() };
        let (address, _) = socks_proxy(socks, address_of_nobody()).await;
        let error = refused(&Client::new().proxy(proxy("socks5h://", address)), "ws://h/").await;
        assert!(error.contains(says), "{instead:?}: {error}");
    }
    let (address, asked) = socks_proxy(Socks::default(), address_of_nobody()).await;
    let client = Client::new().proxy(proxy("socks5h://", address));
    let error = refused(&client, &format!("ws://{}/", "long".repeat(64))).await;
    assert!(error.contains("cannot resolve a name of 256 bytes: 255 is the maximum"), "{error}");
    assert!(asked.lock().unwrap().is_empty());
}

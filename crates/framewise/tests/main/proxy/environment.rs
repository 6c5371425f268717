use std::process::Command;

use super::*;
use crate::common::read_head;

/// Runs in a process of its own, whose environment names a proxy.
#[tokio::test]
#[ignore = "the other test runs it, with an environment"]
async fn in_an_environment() {
    let url = "ws://server.invalid/";
    let fault = |connected: Result<_, Error>| match connected {
        Ok(()) => panic!("a connection without the proxy"),
        Err(Error::Connect(error)) => error.fault(),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(
        fault(Client::new().connect(url).await.map(drop)),
        ConnectFault::Name,
        "no environment is read"
    );
    let client = Client::new().proxy_from_env();
    assert!(!format!("{client:?}").contains("secret"), "{client:?}");
    greeted(&mut client.connect(url).await.unwrap()).await;
    assert_eq!(fault(client.connect("ws://exempted.invalid/").await.map(drop)), ConnectFault::Name);
    // Without TLS nobody asks for a proxy to go through.
    #[cfg(feature = "tls")]
    {
        let error = refused(&client, "wss://server.invalid/").await;
        assert!(error.contains("the variable https_proxy is not the URL of a proxy"), "{error}");
    }
    let told = client.proxy(proxy("http://", SocketAddr::from(([127, 0, 0, 1], 1))));
    refused(&told, url).await;
}

#[tokio::test]
async fn the_environment_is_read_when_it_is_asked_for() {
    let upstream = echo().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        read_head(&mut near).await;
        near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut far = TcpStream::connect(upstream).await.unwrap();
        let _ = copy_bidirectional(&mut near, &mut far).await;
    });
    let run = move || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "proxy::environment::in_an_environment"])
            .env("http_proxy", format!("http://user:secret@{address}"))
            .env("https_proxy", "nonsense://")
            .env("no_proxy", "exempted.invalid")
            .env_remove("ws_proxy")
            .env_remove("wss_proxy")
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

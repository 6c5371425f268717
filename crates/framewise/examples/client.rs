//! Connects, says hello, prints the answer: `cargo run --example client -- ws://127.0.0.1:9001/`

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), framewise::Error> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "ws://127.0.0.1:9001/".to_owned());

    let mut ws = framewise::connect(&url).await?;
    ws.send("hello").await?;
    println!("{:?}", ws.next().await.transpose()?);
    ws.close(1000, "").await
}

//! A sandbox on a port of its own, for looking at it with kubectl:
//! `cargo run -p sandbox --example serve -- 127.0.0.1:3010`.

use sandbox::{Options, Sandbox};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3010".to_owned());
    let sandbox = Sandbox::start(Options::default());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("kubectl --server http://{} get pods -A -w", listener.local_addr()?);
    axum::serve(listener, sandbox.router()).await
}

//! The runtime that a first run starts with.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::http::request;

const PATIENCE: Duration = Duration::from_secs(60);
const DEMO: &str =
    r#"{"id":"demo","name":"Demo","description":"A place to try KAI Server with the sample KRT files."}"#;

/// Waits until the server is ready, creates the runtime "Demo" unless it is there, and says where to go on.
///
/// # Errors
/// When the server does not become ready in time or refuses the runtime.
pub(crate) fn seed(addr: &str, samples: &Path) -> Result<()> {
    wait_until_ready(addr)?;
    let (status, body) = request(addr, "POST", "/api/v1/runtimes", DEMO)?;
    // 409: it is there since an earlier run.
    if !matches!(status, 201 | 409) {
        bail!("the server did not create the runtime Demo: {status} {body}");
    }
    println!("\nOpen http://{addr} and the runtime Demo there. Two KRT files to add to it:");
    for name in ["reviews-v1", "reviews-v2"] {
        println!("  {}", samples.join(name).with_extension("krt").display());
    }
    println!("Ctrl-C stops it.\n");
    Ok(())
}

fn wait_until_ready(addr: &str) -> Result<()> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        match request(addr, "GET", "/readyz", "") {
            Ok((200, _)) => return Ok(()),
            last if Instant::now() > give_up => match last {
                Ok((status, body)) => bail!("the server at {addr} is not ready: {status} {body}"),
                Err(error) => return Err(error.context(format!("no server answers at {addr}"))),
            },
            _ => thread::sleep(Duration::from_millis(200)),
        }
    }
}

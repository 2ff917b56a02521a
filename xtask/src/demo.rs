//! The runtime that a first run starts with.

use std::{
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

use crate::http::request;

const MAX_WAIT: Duration = Duration::from_secs(60);
const DEMO: &str =
    r#"{"id":"demo","name":"Demo","description":"A place to try KAI Server with the sample KRT files."}"#;

/// Waits until the server is ready, creates the runtime "Demo" unless it is there, and says where to go on. Does nothing
/// when the server's process ends before: it has said why.
///
/// # Errors
/// When the server does not become ready in time or refuses the runtime.
pub(crate) fn seed(server: u32, addr: &str, samples: &Path) -> Result<()> {
    if !wait_until_ready(server, addr)? {
        return Ok(());
    }
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

/// Answers false when the process is gone.
fn wait_until_ready(server: u32, addr: &str) -> Result<bool> {
    let give_up = Instant::now() + MAX_WAIT;
    loop {
        if !lives(server) {
            return Ok(false);
        }
        match request(addr, "GET", "/readyz", "") {
            Ok((200, _)) => return Ok(true),
            last if Instant::now() > give_up => match last {
                Ok((status, body)) => bail!("the server at {addr} is not ready: {status} {body}"),
                Err(error) => return Err(error.context(format!("no server answers at {addr}"))),
            },
            _ => thread::sleep(Duration::from_millis(200)),
        }
    }
}

fn lives(process: u32) -> bool {
    // Signal 0 only asks (POSIX, kill). The shell's own kill, because not every machine has the program.
    let mut kill = Command::new("sh");
    kill.args(["-c", "kill -0 \"$0\"", &process.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    kill.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_of_a_server_that_has_ended() -> Result<()> {
        let mut ended = Command::new("true").spawn()?;
        ended.wait()?;
        // Nobody listens there, so asking would fail, in the end.
        seed(ended.id(), "127.0.0.1:1", Path::new("samples"))
    }

    #[test]
    fn this_process_lives() {
        assert!(lives(std::process::id()));
    }
}

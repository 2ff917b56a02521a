//! Somebody between a server and its cluster who can fall silent, as a firewall that has forgotten its connections: every
//! connection stays open, and nothing comes through any more. Or who is slow, or hangs up on everybody.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
    task::JoinSet,
};

pub(crate) struct Proxy {
    addr: SocketAddr,
    state: watch::Sender<State>,
    // Ends with its last owner.
    _tasks: JoinSet<()>,
}

#[derive(Clone, Copy)]
struct State {
    is_silent: bool,
    /// Grows each time that it speaks again. What was connected before stays silent for ever.
    generation: u64,
    /// How long each piece takes.
    delay: Duration,
    /// Whoever connects is hung up on.
    is_refusing: bool,
}

impl Proxy {
    pub(crate) async fn to(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let state =
            watch::Sender::new(State { is_silent: false, generation: 0, delay: Duration::ZERO, is_refusing: false });
        let states = state.subscribe();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                if states.borrow().is_refusing {
                    continue;
                }
                let Ok(server) = TcpStream::connect(upstream).await else { continue };
                let generation = states.borrow().generation;
                let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
                connections.spawn(pass_on(from_client, to_server, states.clone(), generation));
                connections.spawn(pass_on(from_server, to_client, states.clone(), generation));
            }
        });
        Self { addr, state, _tasks: tasks }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn fall_silent(&self) {
        self.state.send_modify(|state| state.is_silent = true);
    }

    /// From now on each piece takes that long.
    pub(crate) fn slow_down(&self, delay: Duration) {
        self.state.send_modify(|state| state.delay = delay);
    }

    /// From now on whoever is connected is silent for ever, and whoever connects is hung up on, until told otherwise.
    pub(crate) fn refuse(&self, is_refusing: bool) {
        self.state.send_modify(|state| (state.is_refusing, state.generation) = (is_refusing, state.generation + 1));
    }

    /// From now on new connections are served.
    pub(crate) fn speak_again(&self) {
        self.state.send_modify(|state| {
            (state.is_silent, state.generation) = (false, state.generation + 1);
        });
    }
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>, generation: u64) {
    let mut chunk = vec![0; 64 << 10];
    while let Ok(read) = from.read(&mut chunk).await {
        // Neither bytes nor an end come through; only the end of the test lets go of the sockets.
        if state.wait_for(|state| !state.is_silent && state.generation == generation).await.is_err() {
            return;
        }
        let delay = state.borrow().delay;
        if delay > Duration::ZERO {
            tokio::time::sleep(delay).await;
        }
        if read == 0 || to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}

//! Makes things go wrong with NATS: it is silent, slow, hangs up, is killed, and comes back with or without what it held.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use async_nats::jetstream::{self, Context, stream};
use futures::TryStreamExt;
use server::store::Store;
use tokio::{sync::oneshot, task::JoinHandle, time::sleep};

use domain::{RuntimeId, VersionState};

use super::{
    nats::Nats,
    nodes::Nodes,
    proxy::Proxy,
    reference_model::{RUNTIMES, VERSIONS},
    test_rng::TestRng,
};

/// Streams of somebody else, called as ours begin, or as ours of another version would be.
const THEIRS: [&str; 3] = ["left_one_Greeting", "left_one_Greet_x", "right"];

/// A NATS of which the server sees only what comes through.
pub(crate) struct FaultyNats {
    addr: SocketAddr,
    context: Context,
    _nodes: Nodes,
    end: oneshot::Sender<()>,
    weather: JoinHandle<(Nats, Proxy)>,
}

/// The same, when nothing goes wrong any more.
pub(crate) struct CalmNats {
    context: Context,
    _nodes: Nodes,
    _nats: Nats,
    _proxy: Proxy,
}

impl FaultyNats {
    pub(crate) async fn new(seed: u64) -> Self {
        let nats = Nats::start().await;
        let proxy = Proxy::to(nats.addr()).await;
        let context = jetstream::new(nats.client().await);
        let nodes = Nodes::listening(nats.client().await);
        make_theirs(&context).await;
        let (end, ended) = oneshot::channel();
        let addr = proxy.addr();
        let weather = tokio::spawn(weather(nats, proxy, context.clone(), TestRng::of(seed, "nats", 0), ended));
        Self { addr, context, _nodes: nodes, end, weather }
    }

    /// As the server reaches it.
    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.addr)
    }

    /// From now on all goes well.
    pub(crate) async fn calm(self) -> CalmNats {
        let Self { context, _nodes, end, weather, .. } = self;
        drop(end);
        let (nats, proxy) = weather.await.unwrap();
        CalmNats { context, _nodes, _nats: nats, _proxy: proxy }
    }
}

impl CalmNats {
    /// What NATS holds that is not as it was asked.
    pub(crate) async fn mismatches(&self, store: &Store) -> Vec<String> {
        let mut mismatches = Vec::new();
        // It may have come back a moment ago.
        let Ok(held) = names(&self.context).await else { return vec!["NATS does not answer".to_owned()] };
        let mut known: BTreeSet<String> = THEIRS.iter().map(|name| (*name).to_owned()).collect();
        mismatches.extend(known.iter().filter(|name| !held.contains(*name)).map(|name| format!("{name} is gone")));
        for runtime in RUNTIMES {
            let id: RuntimeId = runtime.parse().unwrap();
            for version in VERSIONS {
                let record = store.version(&id, &version.parse().unwrap()).await.unwrap().unwrap();
                let c = record.generation_of_runners().is_c();
                let stream =
                    if c { format!("{runtime}_{version}_Greet") } else { format!("{runtime}-{version}-Greet") };
                let bucket = format!("KV_key-store_{runtime}_{version}");
                let buckets = [bucket.clone(), format!("{bucket}_greeting"), format!("{bucket}_greeting_greeter")];
                let runs = matches!(record.state(), VersionState::Started | VersionState::Published);
                let wanted = runs.then_some(stream).into_iter().chain(buckets.iter().filter(|_| runs && c).cloned());
                for name in wanted {
                    if !held.contains(&name) {
                        mismatches.push(format!("NATS lacks {name}"));
                    }
                    known.insert(name);
                }
                // They stay until it is archived.
                known.extend(buckets);
            }
        }
        mismatches.extend(held.difference(&known).map(|name| format!("NATS has {name}, which nobody wants")));
        mismatches
    }
}

async fn names(context: &Context) -> Result<BTreeSet<String>, async_nats::Error> {
    Ok(context.stream_names().try_collect().await?)
}

async fn make_theirs(context: &Context) {
    for name in THEIRS {
        let subjects = vec![format!("{name}.theirs")];
        let config = stream::Config { name: name.to_owned(), subjects, ..stream::Config::default() };
        // It may have come back a moment ago.
        while context.create_stream(config.clone()).await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn weather(
    mut nats: Nats,
    proxy: Proxy,
    context: Context,
    mut rng: TestRng,
    mut ended: oneshot::Receiver<()>,
) -> (Nats, Proxy) {
    loop {
        tokio::select! {
            _ = &mut ended => return (nats, proxy),
            () = sleep(rng.millis(100..1200)) => {}
        }
        match rng.below(6) {
            0 => {
                proxy.fall_silent();
                sleep(rng.millis(100..1500)).await;
                proxy.speak_again();
            }
            1 => {
                proxy.slow_down(rng.millis(5..80));
                sleep(rng.millis(200..1500)).await;
                proxy.slow_down(Duration::ZERO);
            }
            2 => {
                proxy.refuse(true);
                sleep(rng.millis(100..1000)).await;
                proxy.refuse(false);
            }
            3 | 4 => {
                nats.kill();
                sleep(rng.millis(0..800)).await;
                nats.start_again().await;
            }
            _ => {
                nats.kill();
                nats.start_again_empty().await;
                make_theirs(&context).await;
            }
        }
    }
}

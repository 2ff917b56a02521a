//! Nodes that only listen: the sandbox's pods do not really run, so somebody has to stand in for what is in them.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{
    Client,
    jetstream::{self, Context, consumer},
};
use futures::{StreamExt, TryStreamExt, stream::select_all};
use tokio::{sync::mpsc, task::JoinSet};

/// Listens to every durable push consumer that there is, as its node would, until dropped.
pub(crate) struct Nodes {
    listen: Arc<AtomicBool>,
    messages: mpsc::UnboundedReceiver<String>,
    // Ends with its last owner.
    _tasks: JoinSet<()>,
}

impl Nodes {
    pub(crate) fn listening(client: Client) -> Self {
        Self::new(client, true)
    }

    /// Until they are told to listen.
    pub(crate) fn silent(client: Client) -> Self {
        Self::new(client, false)
    }

    fn new(client: Client, listen: bool) -> Self {
        let listen = Arc::new(AtomicBool::new(listen));
        let (sender, messages) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(run(client, listen.clone(), sender));
        Self { listen, messages, _tasks: tasks }
    }

    pub(crate) fn listen(&self) {
        self.listen.store(true, Ordering::SeqCst);
    }

    /// The text of the next message that any of them gets.
    pub(crate) async fn message(&mut self) -> String {
        tokio::time::timeout(super::server::MAX_WAIT, self.messages.recv()).await.expect("a message").unwrap()
    }
}

async fn run(client: Client, listen: Arc<AtomicBool>, messages: mpsc::UnboundedSender<String>) {
    let context = jetstream::new(client.clone());
    let mut known = BTreeSet::new();
    let mut listeners = JoinSet::new();
    loop {
        // NATS may be away just now.
        if listen.load(Ordering::SeqCst)
            && let Ok(found) = deliveries(&context).await
        {
            for (subject, group) in found {
                if !known.insert(subject.clone()) {
                    continue;
                }
                let Ok(subscription) = client.queue_subscribe(subject, group).await else { continue };
                let (client, messages) = (client.clone(), messages.clone());
                listeners.spawn(async move {
                    let mut subscription = select_all([subscription]);
                    while let Some(message) = subscription.next().await {
                        let _ = messages.send(String::from_utf8_lossy(&message.payload).into_owned());
                        if let Some(reply) = message.reply {
                            let _ = client.publish(reply, "+ACK".into()).await;
                        }
                    }
                });
            }
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Where the messages of each durable push consumer go, with its group.
async fn deliveries(context: &Context) -> Result<Vec<(String, String)>, async_nats::Error> {
    let mut found = Vec::new();
    let names: Vec<String> = context.stream_names().try_collect().await?;
    for name in names {
        let stream = context.get_stream(name).await?;
        let consumers: Vec<consumer::Info> = stream.consumers().try_collect().await?;
        for consumer in consumers {
            let config = consumer.config;
            if let (Some(_), Some(subject), Some(group)) =
                (config.durable_name, config.deliver_subject, config.deliver_group)
            {
                found.push((subject, group));
            }
        }
    }
    Ok(found)
}

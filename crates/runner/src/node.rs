//! A node: one durable push consumer with a queue group for each input, and the handler for what comes.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use async_nats::jetstream::{
    Message,
    consumer::{AckPolicy, Consumer, DeliverPolicy, push},
    stream::Stream,
};
use futures::{StreamExt as _, future::try_join_all};
use tokio::net::TcpStream;
use tracing::{error, info, warn};

use crate::{
    bus::Bus,
    config::{Generation, Language, Node},
    handler::Handler,
    measurements::Measurements,
    message::KreMessage,
    payload::Types,
    script,
};

const ACK_WAIT: Duration = Duration::from_hours(22);
/// How long a Go node tries to reach MongoDB.
const MONGO_WAIT: Duration = Duration::from_secs(120);

pub(crate) async fn run(config: Node) -> Result<()> {
    let source = config.base_path.join(&config.handler);
    let text = fs::read(&source).with_context(|| format!("the handler {} cannot be read", source.display()))?;
    let actions = script::parse(&String::from_utf8_lossy(&text)).context("the handler")?;
    let sends = actions.iter().any(|action| matches!(action, script::Action::Send { .. }));
    if config.generation == Generation::B && sends {
        bail!("with krtVersion v1 a handler returns its message; it has no `send`");
    }
    let types = Types::below(&config.base_path)?;
    info!("the handler {} has {} lines", config.handler.display(), actions.len());

    if config.language == Language::Go {
        ping_mongo(&config.mongo_uri).await?;
    }
    let bus = Bus::connect(&format!("{}-{}", config.version, config.name), &config.nats).await?;
    let stream = bus.jetstream.get_stream(&config.stream).await;
    let stream = stream.with_context(|| format!("the stream {} is not there", config.stream))?;
    if let Some(store) = &config.object_store {
        let found = bus.jetstream.get_object_store(store).await;
        found.with_context(|| format!("the object store {store} is not there"))?;
    }
    let mut buckets = Vec::new();
    for bucket in &config.buckets {
        let found = bus.jetstream.get_key_value(bucket).await;
        buckets.push(found.with_context(|| format!("the key-value bucket {bucket} is not there"))?);
    }
    let measurements = Measurements::start(&config)?;
    let config = Arc::new(config);
    let handler = Handler {
        config: config.clone(),
        actions: Arc::new(actions),
        types: Arc::new(types),
        bus,
        buckets,
        measurements,
        gathered: Arc::default(),
    };
    let mut consumers = Vec::new();
    for input in &config.inputs {
        let messages = consumer(&handler, &stream, input).await?.messages().await?;
        info!("listens to {input}");
        consumers.push((input, messages));
    }
    try_join_all(consumers.into_iter().map(|(input, mut messages)| {
        let handler = handler.clone();
        async move {
            while let Some(message) = messages.next().await {
                match message {
                    Ok(message) => process(&handler, message).await,
                    Err(error) => warn!("{input}: {error}"),
                }
            }
            // As the originals: the process lives on, and nothing reaches it any more.
            error!("{input}: the connection to NATS has ended");
            std::future::pending::<Result<()>>().await
        }
    }))
    .await?;
    Ok(())
}

async fn process(handler: &Handler, message: Message) {
    let begin = Instant::now();
    match KreMessage::from_wire(&message.payload) {
        Ok(request) => {
            let outcome = handler.handle(&request).await;
            info!("a message of {} handled in {:?}", request.from_node, begin.elapsed());
            handler.measurements.elapsed(&request.from_node, begin.elapsed(), outcome.is_ok());
            if let Err(error) = outcome {
                error!("the handler failed: {error:#}");
                if let Err(error) = handler.send_error(&request, &error).await {
                    error!("nobody could be told: {error:#}");
                }
            }
        }
        Err(error) => error!("{error:#}"),
    }
    if let Err(error) = message.ack().await {
        error!("a message could not be acknowledged: {error}");
    }
}

/// Takes the durable that is there, or makes it.
async fn consumer(handler: &Handler, stream: &Stream, input: &str) -> Result<Consumer<push::Config>> {
    let config = &handler.config;
    let (name, group) = match (config.generation, config.language) {
        (Generation::B, Language::Python) => {
            let name = format!("{}-{}", config.version, config.name);
            (name.clone(), name)
        }
        (Generation::B, Language::Go) => (config.name.clone(), config.stream.clone()),
        _ => {
            let name = format!("{}-{}", input.replace('.', "-"), config.name);
            (name.clone(), name)
        }
    };
    let found = match stream.get_consumer::<push::Config>(&name).await {
        Ok(found) => found,
        Err(_) => {
            let wanted = push::Config {
                durable_name: Some(name.clone()),
                deliver_subject: handler.bus.client.new_inbox(),
                deliver_group: Some(group.clone()),
                deliver_policy: DeliverPolicy::New,
                ack_policy: AckPolicy::Explicit,
                ack_wait: ACK_WAIT,
                max_ack_pending: -1,
                filter_subject: input.to_owned(),
                ..push::Config::default()
            };
            match stream.create_consumer(wanted).await {
                Ok(made) => made,
                // Another replica was first.
                Err(error) => {
                    let found = stream.get_consumer::<push::Config>(&name).await;
                    found.map_err(|_| error).with_context(|| format!("cannot make the consumer {name}"))?
                }
            }
        }
    };
    let of = &found.cached_info().config;
    ensure!(
        of.deliver_group.as_deref() == Some(&group),
        "the consumer {name} has another deliver group: {:?}",
        of.deliver_group
    );
    ensure!(of.filter_subject == input, "the consumer {name} is for {}", of.filter_subject);
    ensure!(
        config.language == Language::Python || of.ack_wait == ACK_WAIT,
        "the consumer {name} has another ack_wait: {:?}",
        of.ack_wait
    );
    Ok(found)
}

/// Whether anybody listens there; what a Go node asks before anything else.
async fn ping_mongo(uri: &str) -> Result<()> {
    let host = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let host = host.rsplit_once('@').map_or(host, |(_, rest)| rest);
    let host = host.split(['/', ',', '?']).next().unwrap_or_default();
    let addr = if host.contains(':') { host.to_owned() } else { format!("{host}:27017") };
    let end = Instant::now() + MONGO_WAIT;
    while let Err(error) = TcpStream::connect(&addr).await {
        ensure!(Instant::now() < end, "MongoDB at {addr} cannot be reached: {error}");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    Ok(())
}

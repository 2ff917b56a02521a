//! The entrypoint: serves the version's rpcs by gRPC, with reflection, on port 9000.
//!
//! As the original it compiles `public_input.proto` at each start, knows only a service that is called `Entrypoint`, opens
//! its port before it is connected to NATS, and stays up without it.

use std::{collections::BTreeMap, fs, future::Future, pin::Pin, sync::Arc, time::Instant};

use anyhow::{Context as _, Result, bail};
use axum::{body::Body, extract::Request, response::Response};
use bytes::{Buf as _, BufMut as _, Bytes};
use prost_reflect::MethodDescriptor;
use serde::Deserialize;
use tokio::{net::TcpListener, sync::OnceCell};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    server::{Grpc, UnaryService},
    service::Routes,
    transport::Server,
};
use tracing::{error, info};

use crate::{
    bus::Bus,
    config::{Entrypoint, Generation},
    exchange::{Exchange, make_stream},
};

const PROTO: &str = "public_input.proto";
const SERVICE: &str = "Entrypoint";

/// What the subjects file says of one rpc: generation B's is a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Subjects {
    First(String),
    Both { stream: String, input_subject: String, output_subject: String },
}

struct Gateway {
    /// By path.
    rpcs: BTreeMap<String, Rpc>,
    bus: OnceCell<Bus>,
    config: Entrypoint,
}

struct Rpc {
    method: MethodDescriptor,
    exchange: Exchange,
}

pub(crate) async fn run(config: Entrypoint) -> Result<()> {
    let mut compiler = protox::Compiler::new([&config.files])?;
    let compiled = compiler.include_imports(true).open_file(config.files.join(PROTO));
    compiled.with_context(|| format!("{PROTO} does not compile"))?;
    let pool = compiler.descriptor_pool();
    let Some(service) = pool.services().find(|service| service.name() == SERVICE) else {
        bail!("{PROTO} has no service {SERVICE}");
    };
    let subjects = fs::read(&config.subjects_file).context("the file of subjects cannot be read")?;
    let subjects: BTreeMap<String, Subjects> = serde_json::from_slice(&subjects).context("the file of subjects")?;
    let mut rpcs = BTreeMap::new();
    let mut streams = Vec::new();
    for (rpc, subjects) in subjects {
        let exchange = exchange(&config, &rpc, subjects)?;
        streams.push(exchange.stream.clone());
        let method = service.methods().find(|method| method.name() == rpc);
        let method = method.with_context(|| format!("the service has no rpc {rpc}"))?;
        rpcs.insert(format!("/{}/{rpc}", service.full_name()), Rpc { method, exchange });
    }

    let reflection = || {
        let descriptors = compiler.file_descriptor_set();
        tonic_reflection::server::Builder::configure().register_file_descriptor_set(descriptors)
    };
    let listener =
        TcpListener::bind(&config.addr).await.with_context(|| format!("cannot listen on {}", config.addr))?;
    info!("serves gRPC on {}", listener.local_addr()?);
    let makes_streams = config.generation == Generation::B;
    let gateway = Arc::new(Gateway { rpcs, bus: OnceCell::new(), config });
    let called = gateway.clone();
    let router = Routes::new(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .into_axum_router()
        .fallback(move |request: Request| answer(called.clone(), request));
    let serves = async {
        let incoming = TcpListenerStream::new(listener);
        Server::builder().add_routes(Routes::from(router)).serve_with_incoming(incoming).await.context("gRPC ended")
    };
    let connects = async {
        match Bus::connect(&gateway.config.name, &gateway.config.nats).await {
            Ok(bus) => {
                if makes_streams {
                    for stream in &streams {
                        make_stream(&bus, stream).await?;
                    }
                }
                let _ = gateway.bus.set(bus);
            }
            // As the original it lives on, its port open, and never serves.
            Err(error) => error!("{error:#}"),
        }
        std::future::pending::<Result<()>>().await
    };
    tokio::select! {
        ended = serves => ended,
        failed = connects => failed,
    }
}

fn exchange(config: &Entrypoint, rpc: &str, subjects: Subjects) -> Result<Exchange> {
    let timeout = config.request_timeout;
    Ok(match (config.generation, subjects) {
        (Generation::B, Subjects::First(sends_to)) => {
            let stream = format!("{}-{}-{rpc}", config.runtime, config.version);
            let listens_to = format!("{stream}.{}", config.name);
            Exchange { stream, sends_to, listens_to, timeout }
        }
        (Generation::C1 | Generation::C2, Subjects::Both { stream, input_subject, output_subject }) => {
            Exchange { stream, sends_to: output_subject, listens_to: input_subject, timeout }
        }
        _ => bail!("the subjects of {rpc} are of another generation"),
    })
}

async fn answer(gateway: Arc<Gateway>, request: Request) -> Response {
    if !gateway.rpcs.contains_key(request.uri().path()) {
        return Status::unimplemented(format!("there is no rpc {}", request.uri().path())).into_http();
    }
    let path = request.uri().path().to_owned();
    let response = Grpc::new(Raw).unary(Call { gateway, path }, request).await;
    response.map(Body::new)
}

struct Call {
    gateway: Arc<Gateway>,
    path: String,
}

impl UnaryService<Bytes> for Call {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let (gateway, path) = (self.gateway.clone(), self.path.clone());
        Box::pin(async move {
            let begin = Instant::now();
            let rpc = gateway.rpcs.get(&path).ok_or_else(|| Status::unimplemented("no such rpc"))?;
            let bus = gateway.bus.get().ok_or_else(|| Status::internal("not connected to NATS"))?;
            let answer = rpc.exchange.perform(bus, &rpc.method, request.into_inner()).await;
            match &answer {
                Ok(_) => info!("{path}: answered after {:?}", begin.elapsed()),
                Err(status) => error!("{path}: {status}"),
            }
            answer.map(tonic::Response::new)
        })
    }
}

/// Messages as the bytes that they are on the wire.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

//! Streams and consumers in a NATS that the tests start themselves. Its nodes are played by the tests.

mod connection;
mod generation;
mod lifecycle;
mod live;
mod outage;
mod scene;

//! The sandbox as its clients see it: through a Kubernetes client, and through kubectl. One module per behaviour.

#![expect(clippy::unwrap_used, reason = "what a test does not expect fails it")]

mod apply;
mod common;
mod deletion;
mod endpoints;
mod failures;
mod kubectl;
mod limits;
mod protocol;
mod rollout;
mod watching;

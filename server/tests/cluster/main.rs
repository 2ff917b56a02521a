//! The lifecycle on the cluster that KUBECONFIG names: what `make test-cluster` runs.
//!
//! Pods have to reach this machine at KAI_TEST_HOST (10.244.0.1 unless set), and the cluster needs the images
//! `konstellation/kre-py:latest`, `konstellation/kre-entrypoint:latest`, `busybox:1.37`, `nats:2` and those of `make image`.
#![expect(clippy::unwrap_used, reason = "a test that meets an error fails by it, in helpers too")]

mod calls;
mod drift;
mod messaging;
mod on_cluster;
mod outage;
mod real_files;
mod support;

use on_cluster::on_cluster;
use support::suite::lifecycle_suite;

lifecycle_suite!(on_cluster().await);

//! What others do to our objects, on a real cluster.

use crate::{
    on_cluster::{on_cluster, on_cluster_with},
    support::drift::drift_suite,
};

drift_suite!(on_cluster().await, on_cluster_with(|settings| settings.ingress_preview = true).await);

//! The lifecycle on the sandbox.

use crate::support::{stage::Stage, suite::lifecycle_suite};

lifecycle_suite!(Stage::sandbox().await);

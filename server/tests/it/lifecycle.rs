//! The lifecycle on the sandbox.

use crate::support::{fixture::Fixture, suite::lifecycle_suite};

lifecycle_suite!(Fixture::sandbox().await);

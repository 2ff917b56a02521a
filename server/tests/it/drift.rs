//! What others do to our objects, on the sandbox.

use crate::support::{drift::drift_suite, fixture::Fixture};

drift_suite!(Fixture::sandbox().await, Fixture::sandbox_with(|settings| settings.ingress_preview = true).await);

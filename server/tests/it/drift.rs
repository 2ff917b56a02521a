//! What others do to our objects, on the sandbox.

use crate::support::{drift::drift_suite, stage::Stage};

drift_suite!(Stage::sandbox().await, Stage::sandbox_with(|settings| settings.ingress_preview = true).await);

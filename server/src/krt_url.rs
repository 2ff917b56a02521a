//! Where the internal listener serves the KRT file of a version: `http` serves it there, and `reconciler` tells pods.

use domain::{RuntimeId, VersionName};

pub(crate) const ROUTE: &str = "/krt/{runtime}/{version}";

/// The path of a version's file. The request needs the header `Authorization: Bearer <the file's download token>`.
pub fn krt_path(runtime: &RuntimeId, version: &VersionName) -> String {
    format!("/krt/{runtime}/{version}")
}

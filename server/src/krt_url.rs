//! What the internal listener serves to pods: `http` serves it there, and `reconciler` tells pods where.

use domain::{RuntimeId, VersionName};

pub(crate) const ROUTE: &str = "/krt/{runtime}/{version}";
/// InfluxDB's own path comes last: its clients append it to the URL that they are given.
pub(crate) const MEASUREMENTS_ROUTE: &str = "/measurements/{runtime}/{version}/{token}/api/v2/write";
/// The variable by which a pod learns where to send what it measures.
pub(crate) const MEASUREMENTS_VARIABLE: &str = "KRT_INFLUX_URI";

/// The path of a version's file. The request needs the header `Authorization: Bearer <the file's download token>`.
pub fn krt_path(runtime: &RuntimeId, version: &VersionName) -> String {
    format!("/krt/{runtime}/{version}")
}

/// The path under which a version's pods find an InfluxDB. The credential is in it, because the runners' clients send an
/// empty one in the header.
pub fn measurements_path(runtime: &RuntimeId, version: &VersionName, token: &str) -> String {
    format!("/measurements/{runtime}/{version}/{token}")
}

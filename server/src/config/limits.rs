//! Limits that have no flag. They are fields, so that tests can shorten them.

use std::time::Duration;

/// Limits for the clients of the listeners.
#[derive(Debug, Clone, Copy)]
pub struct ClientLimits {
    /// Connections to the public listener. A browser keeps one open for live events, and opens others now and then.
    pub public_connections: usize,
    pub internal_connections: usize,
    pub sandbox_connections: usize,
    /// For the head of a request, counted from the start of the connection or the end of the previous request. So it is
    /// also the timeout of an idle connection.
    pub header_timeout: Duration,
    /// For the whole body of a request other than an upload.
    pub body_timeout: Duration,
    /// How long a client may read nothing of its response.
    pub write_timeout: Duration,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            public_connections: 4096,
            internal_connections: 1024,
            sandbox_connections: 512,
            header_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
        }
    }
}

impl ClientLimits {
    /// The same with fewer connections where the process may open few files: the rest is for the database, uploads and the
    /// cluster.
    #[must_use]
    pub fn within(self, open_files: u64) -> Self {
        let share = |wanted: usize, part: u64| wanted.min(usize::try_from(open_files / part).unwrap_or(wanted)).max(1);
        Self {
            public_connections: share(self.public_connections, 2),
            internal_connections: share(self.internal_connections, 8),
            sandbox_connections: share(self.sandbox_connections, 16),
            ..self
        }
    }
}

/// After how long a request to the file store fails, by its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileTimeouts {
    /// A request without content: look up, create or remove a file, read a page of a list.
    pub request: Duration,
    /// Content in transfer: until the next part can be sent, and between two chunks of a download.
    pub transfer: Duration,
    /// Work of the store itself on a whole file: to assemble its parts, or to copy it. S3 takes minutes for a large one.
    pub completion: Duration,
}

impl FileTimeouts {
    pub const DEFAULT: Self = Self {
        request: Duration::from_secs(15),
        transfer: Duration::from_secs(60),
        completion: Duration::from_secs(5 * 60),
    };
}

/// What the measurements of versions may cost.
#[derive(Debug, Clone, Copy)]
pub struct MeasurementLimits {
    /// Between two writes to the database; so much is lost when the server is killed. Nothing is written when nothing came.
    pub flush_interval: Duration,
    /// How long they are kept, in minutes.
    pub retention_minutes: i64,
    /// How far a pod's clock may be ahead.
    pub ahead_minutes: i64,
    /// Of one body, as it is sent.
    pub body_bytes: usize,
    /// Of one body, unpacked.
    pub unpacked_bytes: usize,
    /// Bodies that are read or counted at once, of all versions.
    pub bodies: usize,
    /// The same, of one version.
    pub bodies_per_version: usize,
    /// Points of one version in ten seconds. A body that has been begun is counted to its end.
    pub points_per_ten_seconds: u64,
    /// Series of a version's own numbers; one that was not written for an hour makes room for another.
    pub series_per_version: usize,
    /// Series times minutes of one version that wait to be stored.
    pub waiting_per_version: usize,
    /// The same, of all versions.
    pub waiting: usize,
    /// How long a credential that was found right is not looked up again.
    pub credential_cached: Duration,
    /// How long the answer to a call by hand waits for the measurements of the nodes that it went through. Clients of
    /// InfluxDB send what they have every second.
    pub call_wait: Duration,
}

impl Default for MeasurementLimits {
    fn default() -> Self {
        Self {
            flush_interval: Duration::from_secs(10),
            retention_minutes: 6 * 60 + 5,
            ahead_minutes: 1,
            body_bytes: 1 << 20,
            unpacked_bytes: 4 << 20,
            bodies: 64,
            bodies_per_version: 8,
            points_per_ten_seconds: 100_000,
            series_per_version: 100,
            waiting_per_version: 20_000,
            waiting: 200_000,
            credential_cached: Duration::from_secs(5),
            call_wait: Duration::from_millis(1500),
        }
    }
}

/// How long what signs somebody in lasts.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    /// Of a session that is not used.
    pub idle: Duration,
    /// Of any session.
    pub absolute: Duration,
    /// Of a link by which somebody chooses a password.
    pub link: Duration,
    /// How often it is asked whether another process has changed something, and whether those who read a stream still may.
    /// Somebody who is disabled is out within twice that.
    pub check_interval: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        Self { idle: hours(8), absolute: hours(24), link: hours(7 * 24), check_interval: Duration::from_secs(14) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_open_files_for_everything_else() {
        let usual = ClientLimits::default();
        let few = usual.within(1024);
        assert_eq!((few.public_connections, few.internal_connections, few.sandbox_connections), (512, 128, 64));
        let many = usual.within(u64::MAX);
        assert_eq!(many.public_connections, usual.public_connections);
        assert_eq!(usual.within(0).internal_connections, 1);
    }
}

//! Where a version is reached, by its state (docs/lifecycle.md §3.3).

use domain::{Address, GrpcTarget, Reach, VersionState};

use super::{
    ENTRYPOINT_PORT, ObjectSettings,
    objects::{ACTIVE_SERVICE, own_service},
};
use crate::store::VersionRecord;

impl ObjectSettings {
    /// Where the version answers just now, the most private first; nowhere unless it is started or published.
    pub fn addresses(&self, version: &VersionRecord) -> Vec<Address> {
        let in_cluster = |service: &str| Address {
            reach: Reach::Cluster,
            at: format!("{service}.{}:{ENTRYPOINT_PORT}", self.namespace(&version.runtime)),
        };
        match version.state() {
            VersionState::Started | VersionState::Publishing => {
                let preview =
                    || Address { reach: Reach::Preview, at: self.preview_host(&version.runtime, &version.name) };
                let own = in_cluster(&own_service(&version.name));
                [own].into_iter().chain(self.ingress_preview.then(preview)).collect()
            }
            VersionState::Published => {
                vec![in_cluster(ACTIVE_SERVICE), Address { reach: Reach::Public, at: self.host(&version.runtime) }]
            }
            VersionState::Stopped | VersionState::Starting | VersionState::Stopping | VersionState::Archived => {
                Vec::new()
            }
        }
    }

    /// Where a person's own client calls the version, now or once it runs.
    pub fn grpc_target(&self, version: &VersionRecord) -> GrpcTarget {
        match version.state() {
            VersionState::Published => {
                GrpcTarget::public(&self.host(&version.runtime), self.ingress_tls_secret.is_some())
            }
            _ => GrpcTarget::forwarded(&self.namespace(&version.runtime), &own_service(&version.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Desired, Role};

    use super::*;
    use crate::reconciler::fixture;

    #[test]
    fn a_version_is_reached_by_its_own_name_until_it_is_published_and_nowhere_while_it_does_not_run() {
        let mut settings = fixture::settings();
        let mut version = fixture::version(1, "v1");
        let addresses = |settings: &ObjectSettings, version: &VersionRecord| -> Vec<String> {
            settings.addresses(version).into_iter().map(|address| address.at).collect()
        };
        assert!(addresses(&settings, &version).is_empty());
        version.desired = Desired::Started;
        assert_eq!(addresses(&settings, &version), ["v1-entrypoint.kai-demo:9000"]);
        settings.ingress_preview = true;
        assert_eq!(addresses(&settings, &version), ["v1-entrypoint.kai-demo:9000", "v1.demo.example.org"]);
        version.role = Role::Serving;
        assert_eq!(addresses(&settings, &version), ["active-entrypoint.kai-demo:9000", "demo.example.org"]);
        (version.role, version.settled) = (Role::None, false);
        assert!(addresses(&settings, &version).is_empty(), "starting");
    }
}

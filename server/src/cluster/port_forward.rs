//! A port of a pod, through the API server (`kubectl port-forward`): so a pod is reached from outside of the cluster, too.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::Portforwarder};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::timeout,
};

use super::{Cluster, error_message};

/// How long after a connection broke the API server may take to say why.
const REASON_TIMEOUT: Duration = Duration::from_millis(500);

/// Why a port could not be forwarded; for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct PortForwardError(String);

/// A forwarded port. Ends when it is dropped, and all that goes through it with it, whether the other side answers or not.
pub(crate) struct PortForward {
    forwarder: Portforwarder,
    port: u16,
    resets: watch::Receiver<u64>,
}

impl Cluster {
    /// Asks the API server to connect to the pod's port. Nobody may listen there; [`PortForward::failure`] says so later.
    ///
    /// # Errors
    /// What the API server answers instead, or that it does not answer within the time of a request.
    pub(crate) async fn port_forward(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
    ) -> Result<PortForward, PortForwardError> {
        let resets = self.resets();
        let pods = Api::<Pod>::namespaced(self.client(), namespace);
        let forwarder =
            pods.portforward(pod, &[port]).await.map_err(|error| PortForwardError(error_message(&error)))?;
        Ok(PortForward { forwarder, port, resets })
    }

    /// Why the pod's port cannot be reached, if the API server says so. A connection that breaks while it is written to may
    /// lose what was said last; so this opens another one and writes nothing.
    pub(crate) async fn port_failure(&self, namespace: &str, pod: &str, port: u16) -> Option<PortForwardError> {
        match self.port_forward(namespace, pod, port).await {
            Ok(mut port) => reason(port.failure()).await,
            Err(error) => Some(error),
        }
    }
}

impl PortForward {
    /// What is written goes to the port, and what is read comes from there. None the second time.
    pub(crate) fn take_stream(&mut self) -> Option<impl AsyncRead + AsyncWrite + Unpin + Send + use<>> {
        self.forwarder.take_stream(self.port)
    }

    /// Waits until the port cannot be used any more and says why, if anybody does: nobody listens there, or the API server
    /// does not respond any more. Never ends otherwise.
    pub(crate) async fn failure(&mut self) -> PortForwardError {
        let said = self.forwarder.take_error(self.port);
        let said = async {
            match said {
                Some(said) => said.await,
                None => None,
            }
        };
        tokio::select! {
            Some(reason) = said => PortForwardError(reason.trim().to_owned()),
            Ok(()) = self.resets.changed() => {
                PortForwardError("the connection was dropped because the cluster does not respond".to_owned())
            }
            else => std::future::pending().await,
        }
    }
}

/// What a [`PortForward::failure`] that runs beside a connection says when that has broken, which may be a moment later.
pub(crate) async fn reason(failure: impl Future<Output = PortForwardError>) -> Option<PortForwardError> {
    timeout(REASON_TIMEOUT, failure).await.ok()
}

impl Drop for PortForward {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

//! The one model as screens show it, in the words that cross the wire.

use domain::{ConfigKind, FileContent, NodeStatus, NodeView, WantedValue, WorkflowView};

use crate::model::{Manifest, Node, Workflow};

impl Manifest {
    /// What a file with this manifest holds.
    pub fn content(&self) -> FileContent {
        let wanted = |names: &[String], kind| -> Vec<WantedValue> {
            names.iter().map(|name| WantedValue { name: name.clone(), kind }).collect()
        };
        FileContent {
            version: self.version.clone(),
            description: self.description.clone(),
            krt_version: self.krt_version,
            entrypoint: self.entrypoint_view(),
            workflows: self.workflows.iter().map(Workflow::view).collect(),
            config: [
                wanted(&self.config.variables, ConfigKind::Variable),
                wanted(&self.config.files, ConfigKind::File),
            ]
            .concat(),
        }
    }

    /// The entrypoint of a version that is stopped.
    pub fn entrypoint_view(&self) -> NodeView {
        NodeView {
            name: "entrypoint".to_owned(),
            image: self.entrypoint.image.clone(),
            src: None,
            gpu: false,
            subscriptions: Vec::new(),
            status: NodeStatus::Stopped,
            replicas: 1,
            ready_replicas: 0,
            message: None,
        }
    }
}

impl Workflow {
    /// As one of a version that is stopped. The nodes are in the manifest's order.
    pub fn view(&self) -> WorkflowView {
        WorkflowView {
            name: self.name.clone(),
            entrypoint: self.entrypoint.clone(),
            exitpoint: self.exitpoint.clone(),
            nodes: self.nodes.iter().map(Node::view).collect(),
        }
    }
}

impl Node {
    fn view(&self) -> NodeView {
        NodeView {
            name: self.name.to_string(),
            image: self.image.clone(),
            src: Some(self.src.clone()),
            gpu: self.gpu,
            subscriptions: self.subscriptions.iter().map(ToString::to_string).collect(),
            status: NodeStatus::Stopped,
            replicas: self.replicas,
            ready_replicas: 0,
            message: None,
        }
    }
}

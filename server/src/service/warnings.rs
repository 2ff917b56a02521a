//! What is doubtful about a version on this server: what its file does not say, but the settings.

use domain::{ClusterKind, Generation, Problem};
use krt::Runner;

use crate::{reconciler::RunnerSettings, store::VersionRecord};

/// Beside those of its file.
pub(super) fn of_settings(version: &VersionRecord, runners: &RunnerSettings, cluster: ClusterKind) -> Vec<Problem> {
    let mut warnings = Vec::new();
    // In the sandbox nothing runs.
    if !runners.messaging && cluster != ClusterKind::Sandbox {
        let message = "this server does not know NATS, so the nodes of a version cannot exchange messages, and no request is \
                       answered; set KAI_NATS_URL";
        warnings.push(Problem::warning("", message));
    }
    let generation = version.generation_of_runners();
    let wants_mongo = |name: &String| name == "KRT_MONGO_URI";
    let has_mongo = runners.has_mongo() || version.manifest.config.variables.iter().any(wants_mongo);
    for (at, workflow) in version.manifest.workflows.iter().enumerate() {
        let path = |node: usize| format!("workflows[{at}].nodes[{node}].image");
        for (index, node) in workflow.nodes.iter().enumerate() {
            if krt::runner(&node.image) == Some(Runner::Go) && !has_mongo {
                let message = format!(
                    "the node `{}` is a Go runner, which ends two minutes after its start if it does not reach MongoDB; set \
                     KAI_MONGO_URI",
                    node.name
                );
                warnings.push(Problem::warning(path(index), message));
            }
            let other = krt::generation_of_image(&node.image).filter(|of_image| !go_together(generation, *of_image));
            if let Some(other) = other {
                let message = format!(
                    "the image of `{}` is of generation {other}, and the version is run as generation {generation}: its nodes \
                     will not understand each other",
                    node.name
                );
                warnings.push(Problem::warning(path(index), message));
            }
        }
        if !generation.is_c() && !is_chain(workflow) {
            let message = format!(
                "images of generation {generation} know only one node after another, and `{}` branches; only its first path is \
                 used",
                workflow.name
            );
            warnings.push(Problem::warning(format!("workflows[{at}]"), message));
        }
    }
    warnings
}

/// Images of C1 do with what those of C2 need.
fn go_together(version: Generation, image: Generation) -> bool {
    version == image || (version == Generation::C2 && image == Generation::C1)
}

/// Each node listens to one other, and no two to the same.
fn is_chain(workflow: &krt::model::Workflow) -> bool {
    let mut heard = std::collections::BTreeSet::new();
    workflow.nodes.iter().all(|node| match node.subscriptions.as_slice() {
        [one] => heard.insert(one.to_string()),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use krt::model::Subscription;

    use super::*;
    use crate::reconciler::fixture;

    fn said(version: &VersionRecord, runners: &RunnerSettings, cluster: ClusterKind) -> Vec<String> {
        of_settings(version, runners, cluster).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn without_nats_a_version_on_a_real_cluster_says_that_its_nodes_cannot_exchange_messages() {
        let (version, mut runners) = (fixture::version(1, "v1"), RunnerSettings::default());
        assert_eq!(said(&version, &runners, ClusterKind::Sandbox), Vec::<String>::new());
        let found = said(&version, &runners, ClusterKind::InCluster);
        assert!(found.len() == 1 && found[0].contains("KAI_NATS_URL"), "{found:?}");
        runners.messaging = true;
        assert_eq!(said(&version, &runners, ClusterKind::Kubeconfig), Vec::<String>::new());
    }

    #[test]
    fn a_go_node_needs_mongodb() {
        let (mut version, mut runners) = (fixture::version(1, "v1"), RunnerSettings::default());
        version.manifest.workflows[0].nodes[1].image = "mirror/kre-go:4.3.0".to_owned();
        let found = said(&version, &runners, ClusterKind::Sandbox);
        assert!(found.len() == 1 && found[0].starts_with("workflows[0].nodes[1].image: "), "{found:?}");
        assert!(found[0].contains("KAI_MONGO_URI"), "{found:?}");
        runners.env.insert("KRT_MONGO_URI".to_owned(), "mongodb://db".into());
        assert_eq!(said(&version, &runners, ClusterKind::Sandbox), Vec::<String>::new());
    }

    #[test]
    fn images_of_another_generation_and_branches_that_it_does_not_know_are_told_of() {
        let (mut version, runners) = (fixture::version(1, "v1"), RunnerSettings::default());
        version.manifest.workflows[0].nodes[0].image = "konstellation/kre-py:3.1.0".to_owned();
        assert_eq!(said(&version, &runners, ClusterKind::Sandbox), Vec::<String>::new(), "C1 goes with C2");
        version.chosen_generation = Some(Generation::B);
        let found = said(&version, &runners, ClusterKind::Sandbox);
        assert!(found.len() == 1 && found[0].contains("is of generation C1"), "{found:?}");
        let workflow = &mut version.manifest.workflows[0];
        workflow.nodes[0].image = "konstellation/kre-py:2.1.0".to_owned();
        workflow.nodes[1].subscriptions.push(Subscription::Entrypoint);
        let found = said(&version, &runners, ClusterKind::Sandbox);
        assert!(found.len() == 1 && found[0].contains("`work` branches"), "{found:?}");
    }
}

//! KRT v1 (docs/krt.md §3), read as the v2 workflows that it means (§5).

use std::collections::{HashMap, HashSet};

use super::{
    entrypoint::{KnownRpcs, read_workflow_entrypoint},
    fields::{Fields, Item},
    nodes::{NodeNames, NodeParts, read_parts},
    report::Report,
    v2::{WORKFLOWS, check_workflow_names},
};
use crate::{
    model::{Node, Subscription, Workflow},
    problems::shown,
};

/// Fields that only v2 has, each with its message.
const V2_FIELDS: [(&str, &str); 4] = [
    ("nodes", "in a workflow belongs to krtVersion v2; in v1 the nodes are listed beside the workflows"),
    ("exitpoint", "belongs to krtVersion v2; in v1 the last node of `sequential` is the exitpoint"),
    ("replicas", "belongs to krtVersion v2; in v1 every node has one replica"),
    ("objectStore", "belongs to krtVersion v2"),
];
const SUBSCRIPTIONS: (&str, &str) =
    ("subscriptions", "belongs to krtVersion v2; in v1 the order in `sequential` says which node listens to which");

pub(super) fn workflows(root: &Fields<'_>, rpcs: Option<&KnownRpcs>, report: &mut Report<'_>) -> Option<Vec<Workflow>> {
    let node_items = root
        .require("nodes", "list the nodes that the workflows use, each with `name`, `image` and `src`", report)
        .and_then(|item| item.list("a list of nodes", report));
    let nodes_are_read = node_items.is_some();
    let node_items = node_items.unwrap_or_default();
    let names = NodeNames::read(&node_items, report);
    let mut nodes: HashMap<String, NodeParts> = HashMap::new();
    for item in &node_items {
        if let Some(parts) = read_node(item, report) {
            nodes.entry(parts.name.to_string()).or_insert(parts);
        }
    }

    let items = root.require("workflows", WORKFLOWS, report)?.list("a list of workflows", report)?;
    check_workflow_names(root, &items, report);
    let errors_before = report.error_count();
    let mut used = HashSet::new();
    let known = nodes_are_read.then_some(&names);
    let workflows: Vec<Option<Workflow>> =
        items.iter().map(|item| read_workflow(item, rpcs, &nodes, known, &mut used, report)).collect();
    // With a wrong list in a workflow, unused nodes are no finding of their own.
    let node_items = if report.error_count() == errors_before { node_items } else { Vec::new() };
    for item in &node_items {
        if let Some(name) = item.peek_fields().and_then(|fields| fields.get("name"))
            && name.raw().is_some_and(|raw| !raw.is_empty() && !used.contains(raw))
        {
            let message = format!("no workflow uses the node `{}`", shown(name.raw().unwrap_or_default()));
            report.warn(name.at, &name.path, message);
        }
    }
    workflows.into_iter().collect()
}

fn read_node(item: &Item<'_>, report: &mut Report<'_>) -> Option<NodeParts> {
    let fields = item.fields("a node: a mapping with `name`, `image` and `src`", report)?;
    let mut of_v2 = V2_FIELDS.to_vec();
    of_v2.push(SUBSCRIPTIONS);
    fields.warn_of_unknown(&["name", "image", "src", "gpu"], &of_v2, report);
    read_parts(&fields, report)
}

fn read_workflow<'n>(
    item: &Item<'n>,
    rpcs: Option<&KnownRpcs>,
    nodes: &HashMap<String, NodeParts>,
    known: Option<&NodeNames<'n>>,
    used: &mut HashSet<&'n str>,
    report: &mut Report<'_>,
) -> Option<Workflow> {
    let fields = item.fields("a workflow: a mapping with `name`, `entrypoint` and `sequential`", report)?;
    fields.warn_of_unknown(&["name", "entrypoint", "sequential"], &V2_FIELDS, report);
    let name = fields
        .require("name", "name the workflow, such as `name: greeting`", report)
        .and_then(|i| i.name("greeting", report));
    let entrypoint = read_workflow_entrypoint(&fields, rpcs, report);
    let sequence = fields
        .require("sequential", "list the workflow's nodes in their order", report)
        .and_then(|item| read_sequence(&item, known, used, report));
    let (name, entrypoint, sequence) = (name?, entrypoint?, sequence?);

    let mut before: Option<domain::NodeName> = None;
    let mut chain = Vec::new();
    for node in sequence {
        // Absent if the node itself has an error.
        let parts = nodes.get(node)?;
        let subscription = match before.replace(parts.name.clone()) {
            None => Subscription::Entrypoint,
            Some(node) => Subscription::Node { node, subtopic: None },
        };
        chain.push(Node {
            name: parts.name.clone(),
            image: parts.image.clone(),
            src: parts.src.clone(),
            gpu: parts.gpu,
            replicas: 1,
            subscriptions: vec![subscription],
            object_store: None,
        });
    }
    Some(Workflow { name, entrypoint, exitpoint: before?, nodes: chain })
}

/// The names in `sequential`: at least one, each defined, none twice.
fn read_sequence<'n>(
    item: &Item<'n>,
    known: Option<&NodeNames<'n>>,
    used: &mut HashSet<&'n str>,
    report: &mut Report<'_>,
) -> Option<Vec<&'n str>> {
    let items = item.list("a list of nodes' names", report)?;
    if items.is_empty() {
        item.error("`sequential` is empty; a workflow needs at least one node", report);
        return None;
    }
    if !report.claim_nodes(items.len(), item) {
        return None;
    }
    let mut sequence = Vec::new();
    let mut seen = HashSet::new();
    for item in &items {
        let Some(name) = item.text(report) else { continue };
        used.insert(name);
        if let Some(known) = known
            && !known.contains(name)
        {
            known.report_unknown(name, &format!("there is no node `{}`", shown(name)), item, report);
        } else if !seen.insert(name) {
            item.error(format!("`{}` is already in this workflow; a node may be in it once", shown(name)), report);
        } else {
            sequence.push(name);
        }
    }
    (sequence.len() == items.len()).then_some(sequence)
}

//! KRT v2 (docs/krt.md §4): workflows whose nodes subscribe to each other.

use std::collections::HashMap;

use domain::NodeName;

use super::{
    entrypoint::{KnownRpcs, read_workflow_entrypoint},
    fields::{Fields, Item},
    graph,
    nodes::{NodeNames, read_parts},
    report::Report,
};
use crate::{
    limits::{MAX_SUBSCRIPTIONS, MAX_SUBTOPIC_LEN, MAX_WORKFLOWS},
    model::{Node, ObjectStore, ObjectStoreScope, Subscription, Workflow},
    problems::shown,
};

pub(super) const WORKFLOWS: &str = "add a list with at least one workflow";

pub(super) fn workflows(root: &Fields<'_>, rpcs: Option<&KnownRpcs>, report: &mut Report<'_>) -> Option<Vec<Workflow>> {
    let items = root.require("workflows", WORKFLOWS, report)?.list("a list of workflows", report)?;
    check_workflow_names(root, &items, report);
    let workflows: Vec<Option<Workflow>> = items.iter().map(|item| read_workflow(item, rpcs, report)).collect();
    workflows.into_iter().collect()
}

/// At least one workflow, and no name or rpc twice (docs/krt.md §2.1).
pub(super) fn check_workflow_names(root: &Fields<'_>, items: &[Item<'_>], report: &mut Report<'_>) {
    if items.is_empty()
        && let Some(item) = root.get("workflows")
    {
        item.error("`workflows` is empty; a version needs at least one workflow", report);
    }
    if items.len() > MAX_WORKFLOWS
        && let Some(item) = root.get("workflows")
    {
        let message = format!("there are {} workflows; a version has at most {MAX_WORKFLOWS}", items.len());
        item.error(message, report);
    }
    let mut lines: HashMap<&str, u32> = HashMap::new();
    for item in items.iter().filter_map(|item| item.peek_fields()?.get("name")) {
        let Some(name) = item.raw().filter(|name| !name.is_empty()) else { continue };
        if let Some(line) = lines.get(name) {
            item.error(
                format!("a workflow named `{}` is already at line {line}; names are unique", shown(name)),
                report,
            );
        } else {
            lines.insert(name, item.at.line);
        }
    }
    let mut lines: HashMap<&str, u32> = HashMap::new();
    for item in items.iter().filter_map(|item| item.peek_fields()?.get("entrypoint")) {
        let Some(rpc) = item.raw().filter(|rpc| !rpc.is_empty()) else { continue };
        if let Some(line) = lines.get(rpc) {
            let rpc = shown(rpc);
            item.error(
                format!(
                    "the rpc `{rpc}` already triggers the workflow at line {line}; both would answer each request, so give \
                     each workflow an rpc of its own"
                ),
                report,
            );
        } else {
            lines.insert(rpc, item.at.line);
        }
    }
}

fn read_workflow(item: &Item<'_>, rpcs: Option<&KnownRpcs>, report: &mut Report<'_>) -> Option<Workflow> {
    let errors_before = report.error_count();
    let fields = item.fields("a workflow: a mapping with `name`, `entrypoint`, `exitpoint` and `nodes`", report)?;
    let of_v1 = [("sequential", "belongs to krtVersion v1; in v2 each node has `subscriptions`")];
    fields.warn_of_unknown(&["name", "entrypoint", "exitpoint", "nodes"], &of_v1, report);
    let name = fields
        .require("name", "name the workflow, such as `name: greeting`", report)
        .and_then(|item| item.name("greeting", report));
    let entrypoint = read_workflow_entrypoint(&fields, rpcs, report);
    let exitpoint = fields.require("exitpoint", "name the node whose output is the workflow's answer", report);
    let node_items = fields
        .require("nodes", "list the workflow's nodes, each with `name`, `image`, `src` and `subscriptions`", report)
        .and_then(|item| read_node_list(&item, report));

    let names = NodeNames::read(node_items.as_deref().unwrap_or_default(), report);
    let exitpoint_name =
        exitpoint.as_ref().and_then(|item| read_exitpoint(item, node_items.is_some().then_some(&names), report));
    let nodes: Option<Vec<Option<Node>>> =
        node_items.as_ref().map(|items| items.iter().map(|item| read_node(item, &names, report)).collect());
    let workflow = Workflow {
        name: name?,
        entrypoint: entrypoint?,
        exitpoint: exitpoint_name?,
        nodes: nodes?.into_iter().collect::<Option<Vec<Node>>>()?,
    };
    // With a wrong subscription, unreachable nodes are no finding of their own.
    if report.error_count() == errors_before {
        warn_of_unreached(&workflow, exitpoint.as_ref(), node_items.as_deref().unwrap_or_default(), report);
        warn_of_shared_consumers(&workflow, node_items.as_deref().unwrap_or_default(), report);
    }
    Some(workflow)
}

fn read_node_list<'n>(item: &Item<'n>, report: &mut Report<'_>) -> Option<Vec<Item<'n>>> {
    let items = item.list("a list of nodes", report)?;
    if items.is_empty() {
        item.error("`nodes` is empty; a workflow needs at least one node", report);
        return None;
    }
    if !report.claim_nodes(items.len(), item) {
        return None;
    }
    Some(items)
}

fn read_exitpoint(item: &Item<'_>, names: Option<&NodeNames<'_>>, report: &mut Report<'_>) -> Option<NodeName> {
    let text = item.text(report)?;
    if let Some(names) = names
        && !names.contains(text)
    {
        names.report_unknown(text, &format!("there is no node `{}`", shown(text)), item, report);
        return None;
    }
    // A node with a wrong name has been reported.
    text.parse().ok()
}

fn read_node(item: &Item<'_>, names: &NodeNames<'_>, report: &mut Report<'_>) -> Option<Node> {
    let fields = item.fields("a node: a mapping with `name`, `image`, `src` and `subscriptions`", report)?;
    let known = ["name", "image", "src", "gpu", "replicas", "subscriptions", "objectStore"];
    fields.warn_of_unknown(&known, &[], report);
    let parts = read_parts(&fields, report);
    let replicas = match fields.optional("replicas") {
        None => Some(1).filter(|count| report.claim_replicas(*count, item)),
        Some(item) => item.count(report).filter(|count| report.claim_replicas(*count, &item)),
    };
    let own_name = fields.get("name").and_then(|item| item.raw()).unwrap_or_default();
    let subscriptions = fields
        .require("subscriptions", "say what the node listens to: `entrypoint` or the names of nodes", report)
        .and_then(|item| read_subscriptions(&item, own_name, names, report));
    let object_store = match fields.optional("objectStore") {
        None => Some(None),
        Some(item) => read_object_store(&item, report).map(Some),
    };
    let parts = parts?;
    Some(Node {
        name: parts.name,
        image: parts.image,
        src: parts.src,
        gpu: parts.gpu,
        replicas: replicas?,
        subscriptions: subscriptions?,
        object_store: object_store?,
    })
}

fn read_subscriptions(
    item: &Item<'_>,
    own_name: &str,
    names: &NodeNames<'_>,
    report: &mut Report<'_>,
) -> Option<Vec<Subscription>> {
    let items = item.list("a list of `entrypoint` and nodes' names", report)?;
    if items.is_empty() {
        item.error("`subscriptions` is empty; a node must listen to `entrypoint` or to another node", report);
        return None;
    }
    if items.len() > MAX_SUBSCRIPTIONS {
        let message = format!("there are {} subscriptions; a node has at most {MAX_SUBSCRIPTIONS}", items.len());
        item.error(message, report);
        return None;
    }
    let mut subscriptions = Vec::new();
    let mut complete = true;
    for item in &items {
        match read_subscription(item, own_name, names, report) {
            None => complete = false,
            Some(twice) if subscriptions.contains(&twice) => {
                report.warn(
                    item.at,
                    &item.path,
                    format!("the node already listens to `{}`", shown(&twice.to_string())),
                );
            }
            Some(subscription) => subscriptions.push(subscription),
        }
    }
    complete.then_some(subscriptions)
}

/// `entrypoint`, `node` or `node.subtopic`.
fn read_subscription(
    item: &Item<'_>,
    own_name: &str,
    names: &NodeNames<'_>,
    report: &mut Report<'_>,
) -> Option<Subscription> {
    let text = item.text(report)?;
    if text == "entrypoint" {
        return Some(Subscription::Entrypoint);
    }
    let (node, subtopic) = match text.split_once('.') {
        Some((node, subtopic)) => (node, Some(subtopic)),
        None => (text, None),
    };
    if node == "entrypoint" {
        item.error(format!("`{}`: the entrypoint has no subtopics; write `entrypoint`", shown(text)), report);
        return None;
    }
    if node == own_name {
        item.error("a node cannot listen to itself; name another node, or `entrypoint`", report);
        return None;
    }
    if !names.contains(node) {
        let said = match own_name {
            "" => format!("there is no node `{}` in this workflow", shown(node)),
            own => format!("node `{}` subscribes to `{}`, which this workflow does not have", shown(own), shown(node)),
        };
        // `entrypoint` is not a node, but a candidate too. The node itself never is.
        let close = report.did_you_mean(node, names.without(own_name).chain(["entrypoint"]));
        item.error(format!("{said}{}", if close.is_empty() { names.listed(own_name) } else { close }), report);
        return None;
    }
    if let Some(subtopic) = subtopic
        && !is_subtopic(subtopic)
    {
        item.error(
            format!(
                "`{}` is not a subtopic; use letters, digits, `-` and `_`, such as `{}.done`",
                shown(subtopic),
                shown(node)
            ),
            report,
        );
        return None;
    }
    if let Some(length) = subtopic.map(str::len).filter(|length| *length > MAX_SUBTOPIC_LEN) {
        item.error(format!("the subtopic has {length} characters; it has at most {MAX_SUBTOPIC_LEN}"), report);
        return None;
    }
    // A node with a wrong name has been reported.
    Some(Subscription::Node { node: node.parse().ok()?, subtopic: subtopic.map(str::to_owned) })
}

/// Words between dots. Anything else is a wildcard or an invalid subject for the message broker.
fn is_subtopic(text: &str) -> bool {
    text.split('.')
        .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')))
}

fn read_object_store(item: &Item<'_>, report: &mut Report<'_>) -> Option<ObjectStore> {
    let fields = item.fields("a mapping with `name` and `scope`", report)?;
    fields.warn_of_unknown(&["name", "scope"], &[], report);
    let name = fields
        .require("name", "name the object store, such as `name: emails`", report)
        .and_then(|item| item.text(report));
    let scope = match fields.optional("scope") {
        None => Some(ObjectStoreScope::Workflow),
        Some(item) => match item.raw() {
            Some("workflow") => Some(ObjectStoreScope::Workflow),
            Some("project") => Some(ObjectStoreScope::Project),
            _ => item.wrong("`workflow` or `project`", report),
        },
    };
    Some(ObjectStore { name: name?.to_owned(), scope: scope? })
}

fn warn_of_unreached(workflow: &Workflow, exitpoint: Option<&Item<'_>>, items: &[Item<'_>], report: &mut Report<'_>) {
    for ((node, item), reached) in workflow.nodes.iter().zip(items).zip(graph::reached(&workflow.nodes)) {
        if reached {
            continue;
        }
        if node.name == workflow.exitpoint
            && let Some(exitpoint) = exitpoint
        {
            let message = format!(
                "no path leads from the entrypoint to the exitpoint `{}`; the workflow will never answer",
                node.name
            );
            report.warn(exitpoint.at, &exitpoint.path, message);
        } else if let Some(name) = item.peek_fields().and_then(|fields| fields.get("name")) {
            let message =
                format!("no path leads from the entrypoint to the node `{}`; it will never get a message", node.name);
            report.warn(name.at, &name.path, message);
        }
    }
}

/// A node's consumer is called as its subject and the node, joined by `-` (docs/runners.md §4), so those of two nodes may
/// have one name.
fn warn_of_shared_consumers(workflow: &Workflow, items: &[Item<'_>], report: &mut Report<'_>) {
    let mut consumers: HashMap<String, (&str, String)> = HashMap::new();
    for (node, item) in workflow.nodes.iter().zip(items) {
        for subscription in &node.subscriptions {
            let subscription = subscription.to_string();
            let consumer = format!("{}-{}", subscription.replace('.', "-"), node.name);
            let Some((other, theirs)) = consumers.get(&consumer) else {
                consumers.insert(consumer, (node.name.as_str(), subscription));
                continue;
            };
            if let Some(name) = item.peek_fields().and_then(|fields| fields.get("name")) {
                let message = format!(
                    "listening to `{}` as `{}` and to `{}` as `{other}` makes one consumer, `…-{}`, so that one of the two nodes \
                     gets no messages; rename a node",
                    shown(&subscription),
                    node.name,
                    shown(theirs),
                    shown(&consumer)
                );
                report.warn(name.at, &name.path, message);
            }
        }
    }
}

//! What a graph says in words: to a screen reader in full, in the picture in short.

use domain::{GraphEdge, GraphPart, NodeView};

/// All that a box shows, and what leads to it, as its accessible name. `doing` is what it does just now.
pub(super) fn box_name(node: &NodeView, exitpoint: bool, states: bool, doing: Option<&str>) -> String {
    let mut parts = Vec::new();
    match (states, node.replicas) {
        (true, wanted) => {
            parts.push(format!(
                "{}, {} of {wanted} {} ready",
                node.status.as_str(),
                node.ready_replicas,
                replicas(wanted)
            ));
        }
        (false, wanted) => parts.push(format!("{wanted} {}", replicas(wanted))),
    }
    parts.extend(doing.map(str::to_owned));
    if exitpoint {
        parts.push("exitpoint".to_owned());
    }
    if node.gpu {
        parts.push("needs a GPU".to_owned());
    }
    if !node.subscriptions.is_empty() {
        parts.push(format!("subscribes to {}", node.subscriptions.join(", ")));
    }
    format!("{}: {}", node.name, parts.join("; "))
}

/// What is explained on hover: what the name leaves out for brevity is in here, too.
pub(super) fn explanation(node: &NodeView, exitpoint: bool, states: bool, doing: Option<&str>) -> String {
    let mut lines = vec![box_name(node, exitpoint, states, doing)];
    lines.extend(node.message.iter().filter(|_| states).cloned());
    lines.push(format!("image {}", node.image));
    lines.extend(node.src.iter().map(|src| format!("runs {src}")));
    lines.join("\n")
}

/// The second line of a box.
pub(super) fn subtitle(node: &NodeView, exitpoint: bool, rpc: Option<&str>, states: bool) -> String {
    let mut words: Vec<String> = Vec::new();
    if states {
        words.push(node.status.as_str().to_owned());
    }
    words.extend(rpc.map(|rpc| format!("rpc {rpc}")));
    if exitpoint {
        words.push("exitpoint".to_owned());
    }
    if node.gpu {
        words.push("GPU".to_owned());
    }
    cut(&words.join(" · "), SUBTITLE_CHARS)
}

/// `2/3`, or without states `×3`, which one alone need not say.
pub(super) fn badge(node: &NodeView, states: bool) -> Option<String> {
    match (states, node.replicas) {
        (true, wanted) => Some(format!("{}/{wanted}", node.ready_replicas)),
        (false, 1) => None,
        (false, wanted) => Some(format!("×{wanted}")),
    }
}

/// As the manifest writes it; none for the answer.
pub(super) fn subscription(edge: &GraphEdge) -> Option<String> {
    match (&edge.from, &edge.subtopic) {
        (GraphPart::Entrypoint, _) => Some("entrypoint".to_owned()),
        (GraphPart::Node(from), Some(subtopic)) => Some(format!("{from}.{subtopic}")),
        (GraphPart::Node(from), None) => Some(from.to_string()),
        (GraphPart::Answer, _) => None,
    }
}

pub(super) fn edge_explanation(edge: &GraphEdge) -> String {
    match (&edge.from, &edge.to, &edge.subtopic) {
        (GraphPart::Node(from), GraphPart::Node(to), Some(subtopic)) => {
            format!("{to} subscribes to {from}.{subtopic}")
        }
        (GraphPart::Node(from), GraphPart::Node(to), None) => format!("{to} subscribes to {from}"),
        (_, GraphPart::Node(to), _) => format!("{to} subscribes to the entrypoint"),
        (GraphPart::Node(from), _, _) => format!("{from} sends the response"),
        _ => String::new(),
    }
}

/// At most so many characters, with a mark where something was left out.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

const SUBTITLE_CHARS: usize = 27;

fn replicas(count: u32) -> &'static str {
    if count == 1 { "replica" } else { "replicas" }
}

#[cfg(test)]
mod tests {
    use domain::NodeStatus;

    use super::*;

    fn node() -> NodeView {
        NodeView {
            name: "sentiment".to_owned(),
            image: "runner:1".to_owned(),
            src: Some("src/main.py".to_owned()),
            gpu: true,
            subscriptions: vec!["etl".to_owned(), "topics.low".to_owned()],
            status: NodeStatus::Starting,
            replicas: 3,
            ready_replicas: 2,
            message: Some("its container is being created".to_owned()),
        }
    }

    #[test]
    fn a_box_says_all_that_it_shows() {
        assert_eq!(
            box_name(&node(), true, true, Some("3 messages per second")),
            "sentiment: starting, 2 of 3 replicas ready; 3 messages per second; exitpoint; needs a GPU; subscribes to etl, topics.low"
        );
        assert_eq!(badge(&node(), true).as_deref(), Some("2/3"));
        assert_eq!(subtitle(&node(), true, None, true), "starting · exitpoint · GPU");
        assert!(explanation(&node(), true, true, None).contains("its container is being created\nimage runner:1"));
    }

    #[test]
    fn a_file_says_nothing_of_states() {
        let one = NodeView { replicas: 1, ..node() };
        assert_eq!(
            box_name(&one, false, false, None),
            "sentiment: 1 replica; needs a GPU; subscribes to etl, topics.low"
        );
        assert_eq!((badge(&one, false), badge(&node(), false)), (None, Some("×3".to_owned())));
        assert!(!explanation(&node(), false, false, None).contains("created"));
        assert_eq!(subtitle(&one, false, Some("Rate"), false), "rpc Rate · GPU");
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!((cut("abc", 3).as_str(), cut("abcd", 3).as_str()), ("abc", "ab…"));
    }
}

use std::collections::BTreeMap;

use domain::{GraphPoint, NodeStatus, NodeView};

use super::*;

fn node(name: &str, subscriptions: &[&str]) -> NodeView {
    NodeView {
        name: name.to_owned(),
        image: "runner:1".to_owned(),
        src: None,
        gpu: false,
        subscriptions: subscriptions.iter().map(|text| (*text).to_owned()).collect(),
        status: NodeStatus::Stopped,
        replicas: 1,
        ready_replicas: 0,
        message: None,
    }
}

fn workflow(exitpoint: &str, nodes: Vec<NodeView>) -> WorkflowView {
    WorkflowView {
        name: "flow".parse().unwrap(),
        entrypoint: "Go".to_owned(),
        exitpoint: exitpoint.parse().unwrap(),
        nodes,
    }
}

/// Numbers that only look random: the same on every machine and in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// A workflow of so many nodes in which any node may listen to any other, so that there are circles, double
/// subscriptions, parts that nothing leads to, and several ways.
fn any_workflow(seed: u64, nodes: usize) -> WorkflowView {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let all = (0..nodes).map(|index| {
        let mut subscriptions = Vec::new();
        for _ in 0..=dice.below(3) {
            let from = dice.below(nodes + 1);
            subscriptions.push(match (from, dice.below(3)) {
                (0, _) => "entrypoint".to_owned(),
                (from, 0) => format!("n{}.alerts-{}", from - 1, dice.below(4)),
                (from, _) => format!("n{}", from - 1),
            });
        }
        let subscriptions: Vec<&str> = subscriptions.iter().map(String::as_str).collect();
        node(&format!("n{index}"), &subscriptions)
    });
    let all = all.collect();
    workflow(&format!("n{}", dice.below(nodes)), all)
}

/// Forty nodes as people build them: stages one after the other, each of several nodes, some with a short cut.
fn forty() -> WorkflowView {
    let nodes = (0..40).map(|index| {
        let (stage, place) = (index / 5, index % 5);
        let mut subscriptions = match stage {
            0 => vec!["entrypoint".to_owned()],
            _ => vec![format!("s{}-n{place}", stage - 1), format!("s{}-n{}.done", stage - 1, (place + 1) % 5)],
        };
        if stage > 2 && place == 0 {
            subscriptions.push("s0-n4".to_owned());
        }
        let subscriptions: Vec<&str> = subscriptions.iter().map(String::as_str).collect();
        node(&format!("s{stage}-n{place}"), &subscriptions)
    });
    workflow("s7-n0", nodes.collect())
}

fn boxes(layout: &GraphLayout) -> BTreeMap<String, GraphBox> {
    layout.boxes.iter().map(|one| (key(&one.part).to_owned(), one.clone())).collect()
}

fn overlap(a: &GraphBox, b: &GraphBox) -> bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

/// Whether the level part between two points runs through the inside of the box. The slanted parts lie between layers.
fn runs_through(points: &[GraphPoint], one: &GraphBox) -> bool {
    points.windows(2).any(|pair| {
        let [a, b] = [pair[0], pair[1]];
        let (left, right) = (a.x.min(b.x), a.x.max(b.x));
        let (top, bottom) = (a.y.min(b.y), a.y.max(b.y));
        left < one.x + one.width && one.x < right && top < one.y + one.height && one.y < bottom.max(top + 1)
    })
}

/// What holds for every picture.
fn check(workflow: &WorkflowView) -> GraphLayout {
    let layout = lay_out(workflow).unwrap();
    assert_eq!(layout.boxes.len(), workflow.nodes.len() + 2);
    for (index, one) in layout.boxes.iter().enumerate() {
        assert!(one.x >= 0 && one.y >= 0, "{one:?} is outside");
        assert!(one.x + one.width <= layout.width && one.y + one.height <= layout.height, "{one:?} is outside");
        for other in &layout.boxes[index + 1..] {
            assert!(!overlap(one, other), "{one:?} lies on {other:?}");
        }
    }
    let boxes = boxes(&layout);
    for edge in &layout.edges {
        let (from, to) = (&boxes[key(&edge.from)], &boxes[key(&edge.to)]);
        let (first, last) = (edge.points.first().unwrap(), edge.points.last().unwrap());
        assert_eq!(edge.back, to.x < from.x, "{edge:?}");
        if edge.back {
            assert_eq!((first.x, last.x), (from.x, to.x + to.width), "{edge:?}");
            assert!(edge.points.windows(2).all(|pair| pair[0].x >= pair[1].x), "{edge:?}");
        } else {
            assert_eq!((first.x, last.x), (from.x + from.width, to.x), "{edge:?}");
            assert!(edge.points.windows(2).all(|pair| pair[0].x <= pair[1].x), "{edge:?}");
        }
        assert_eq!(edge.label.is_some(), edge.subtopic.is_some());
        for other in layout.boxes.iter().filter(|other| other.part != edge.from && other.part != edge.to) {
            assert!(!runs_through(&edge.points, other), "{edge:?} runs over {other:?}");
        }
        if let Some(at) = edge.label {
            let over = |one: &GraphBox| {
                (one.x..one.x + one.width).contains(&at.x) && (one.y..one.y + one.height).contains(&at.y)
            };
            assert!(!layout.boxes.iter().any(over), "{edge:?}: its label lies on a box");
        }
    }
    layout
}

#[test]
fn a_single_node_stands_between_the_entrypoint_and_the_answer() {
    let layout = check(&workflow("only", vec![node("only", &["entrypoint"])]));
    let order: Vec<&str> = layout.boxes.iter().map(|one| key(&one.part)).collect();
    assert_eq!(order, [">entrypoint", "only", "answer>"]);
    assert_eq!(layout.edges.len(), 2);
    assert!(layout.boxes.windows(2).all(|pair| pair[0].x + pair[0].width < pair[1].x));
}

#[test]
fn a_branching_workflow_goes_from_left_to_right_and_names_its_subtopics() {
    let layout = check(&workflow(
        "join",
        vec![
            node("clean", &["entrypoint"]),
            node("score", &["clean"]),
            node("alert", &["clean.low", "score"]),
            node("join", &["score", "alert"]),
        ],
    ));
    assert!(layout.edges.iter().all(|edge| !edge.back));
    let labels: Vec<&str> = layout.edges.iter().filter_map(|edge| edge.subtopic.as_deref()).collect();
    assert_eq!(labels, ["low"]);
    let boxes = boxes(&layout);
    let at = |name: &str| boxes[name].x;
    assert!(at("clean") < at("score") && at("score") < at("alert") && at("alert") < at("join"));
}

#[test]
fn a_circle_is_closed_by_one_edge_that_leads_back() {
    let nodes = vec![node("a", &["entrypoint", "c.again"]), node("b", &["a"]), node("c", &["b"])];
    let layout = check(&workflow("c", nodes));
    let back: Vec<_> =
        layout.edges.iter().filter(|edge| edge.back).map(|edge| (key(&edge.from), key(&edge.to))).collect();
    assert_eq!(back, [("c", "a")]);
}

#[test]
fn forty_nodes_overlap_nowhere_and_are_not_much_wider_than_their_stages() {
    let layout = check(&forty());
    assert!(layout.edges.iter().all(|edge| !edge.back));
    // Ten layers: the entrypoint, eight stages, the answer.
    let layers: BTreeSet<i32> = layout.boxes.iter().map(|one| one.x).collect();
    assert_eq!(layers.len(), 10);
}

#[test]
fn any_workflow_has_a_picture_in_which_nothing_lies_on_a_box() {
    for seed in 1..=150 {
        check(&any_workflow(seed, 1 + usize::try_from(seed % 24).unwrap()));
    }
    check(&any_workflow(7, 40));
}

#[test]
fn the_same_workflow_has_the_same_picture() {
    for workflow in [forty(), any_workflow(3, 25)] {
        assert_eq!(lay_out(&workflow), lay_out(&workflow));
    }
}

#[test]
fn what_names_nothing_and_what_is_said_twice_is_left_out() {
    let layout = check(&workflow("a", vec![node("a", &["entrypoint", "entrypoint", "ghost", "a"])]));
    assert_eq!(layout.edges.len(), 2);
}

#[test]
fn a_workflow_too_large_to_be_read_has_no_picture() {
    let nodes = |count: usize| (0..count).map(|index| node(&format!("n{index}"), &["entrypoint"])).collect();
    assert!(lay_out(&workflow("n0", nodes(MAX_NODES - 2))).is_some());
    assert!(lay_out(&workflow("n0", nodes(MAX_NODES - 1))).is_none());
}

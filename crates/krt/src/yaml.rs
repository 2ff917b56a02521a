//! YAML with positions: a tree of values that each know their line and column.
//!
//! A loop over the parser's events builds it, so no nesting overflows the stack. Depth, number of values and expanded
//! aliases are bounded. Merge keys (`<<`) are supported.

mod causes;
mod scalar;

use std::collections::{HashMap, HashSet};

use domain::{Problem, Severity};
use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError};

use crate::limits::{MAX_ALIAS_BYTES, MAX_YAML_DEPTH, MAX_YAML_NODES};
pub(crate) use causes::cause;
pub(crate) use scalar::{ScalarKind, kind_of};

/// A position in the text; both numbers from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Position {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

impl From<&Marker> for Position {
    fn from(marker: &Marker) -> Self {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { line: number(marker.line()), column: number(marker.col().saturating_add(1)) }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    /// In the order of the text; a key may be there twice.
    Map(Vec<Field>),
}

#[derive(Debug, Clone)]
pub(crate) struct Scalar {
    /// Without quotes, escapes resolved.
    pub(crate) text: String,
    pub(crate) kind: ScalarKind,
}

#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) key: String,
    pub(crate) key_at: Position,
    pub(crate) value: Node,
}

/// The type of a text if it were written without quotes.
pub(crate) fn plain_kind(text: &str) -> ScalarKind {
    kind_of(text, ScalarStyle::Plain, None)
}

/// Reads the only document of the text; none if it is empty.
pub(crate) fn parse(text: &str) -> Result<Option<Node>, Problem> {
    let options = granit_parser::options! { emit_comments: false };
    let mut loader = Loader::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| broken(&error))?;
        loader.handle(event, Position::from(&span.start))?;
    }
    Ok(loader.root)
}

/// A problem of the document as a whole.
pub(crate) fn problem(at: Position, message: impl Into<String>) -> Problem {
    Problem {
        severity: Severity::Error,
        line: Some(at.line),
        column: Some(at.column),
        path: String::new(),
        message: message.into(),
    }
}

fn broken(error: &ScanError) -> Problem {
    let at = Position::from(error.marker());
    if *error.kind() == ErrorKind::RecursionLimitExceeded {
        return too_deep(at);
    }
    let what = error.info();
    problem(
        at,
        format!("this is not valid YAML: {what}; check the indentation and the quotes here and in the line before"),
    )
}

fn too_deep(at: Position) -> Problem {
    problem(at, format!("lists and mappings are nested more than {MAX_YAML_DEPTH} deep"))
}

#[derive(Default)]
struct Loader {
    root: Option<Node>,
    documents: usize,
    open: Vec<OpenCollection>,
    anchors: HashMap<usize, AnchoredNode>,
    nodes: usize,
    alias_bytes: usize,
}

/// A list or mapping whose end has not been read.
struct OpenCollection {
    at: Position,
    anchor: usize,
    what: CollectionKind,
}

enum CollectionKind {
    List(Vec<Node>),
    Map {
        fields: Vec<Field>,
        /// The name of the field whose value comes next.
        key: Option<Key>,
        /// The mappings of `<<`; the mapping's own fields take precedence.
        merged: Vec<(Position, Node)>,
    },
}

struct Key {
    text: String,
    at: Position,
    /// It is the merge key `<<`.
    is_merge_key: bool,
}

struct AnchoredNode {
    node: Node,
    size: Size,
}

#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    depth: usize,
    bytes: usize,
}

impl Loader {
    fn handle(&mut self, event: Event<'_>, at: Position) -> Result<(), Problem> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(problem(
                        at,
                        "a second YAML document begins here; a manifest is one document, without `---` inside",
                    ));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let kind = kind_of(&text, style, tag.as_deref());
                let is_merge_key = style == ScalarStyle::Plain && text == "<<";
                let node = Node { at, value: Value::Scalar(Scalar { text: text.into_owned(), kind }) };
                self.count(1, at)?;
                self.anchor(anchor, &node);
                self.place(node, is_merge_key)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(at, anchor, CollectionKind::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                self.begin(at, anchor, CollectionKind::Map { fields: Vec::new(), key: None, merged: Vec::new() })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(OpenCollection { at, anchor, what }) = self.open.pop() else { return Ok(()) };
                let value = match what {
                    CollectionKind::List(items) => Value::List(items),
                    CollectionKind::Map { fields, merged, .. } => Value::Map(merge(fields, merged)?),
                };
                let node = Node { at, value };
                self.anchor(anchor, &node);
                self.place(node, false)
            }
            Event::Alias(id) => {
                let node = self.repeat(id, at)?;
                self.place(node, false)
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, at: Position, anchor: usize, what: CollectionKind) -> Result<(), Problem> {
        if let Some(OpenCollection { what: CollectionKind::Map { key: None, .. }, .. }) = self.open.last() {
            return Err(problem(at, "a field's name must be a plain word; found a list or mapping"));
        }
        self.count(1, at)?;
        self.check_depth(1, at)?;
        self.open.push(OpenCollection { at, anchor, what });
        Ok(())
    }

    fn place(&mut self, node: Node, is_merge_key: bool) -> Result<(), Problem> {
        match self.open.last_mut().map(|open| &mut open.what) {
            None => self.root = Some(node),
            Some(CollectionKind::List(items)) => items.push(node),
            Some(CollectionKind::Map { fields, key, merged }) => match key.take() {
                Some(key) if key.is_merge_key => merged.push((key.at, node)),
                Some(Key { text, at, .. }) => fields.push(Field { key: text, key_at: at, value: node }),
                None => match node.value {
                    Value::Scalar(scalar) => *key = Some(Key { text: scalar.text, at: node.at, is_merge_key }),
                    _ => {
                        return Err(problem(node.at, "a field's name must be a plain word; found a list or mapping"));
                    }
                },
            },
        }
        Ok(())
    }

    fn anchor(&mut self, id: usize, node: &Node) {
        if id > 0 {
            self.anchors.insert(id, AnchoredNode { node: node.clone(), size: size_of(node) });
        }
    }

    /// A copy of the alias's value, at the alias's position. The values in it keep their positions.
    fn repeat(&mut self, id: usize, at: Position) -> Result<Node, Problem> {
        let Some(AnchoredNode { node, size }) = self.anchors.get(&id) else {
            return Err(problem(at, "this alias refers to a value that contains it; write the values out"));
        };
        let (mut node, size) = (node.clone(), *size);
        node.at = at;
        self.count(size.nodes, at)?;
        self.check_depth(size.depth, at)?;
        self.alias_bytes = self.alias_bytes.saturating_add(size.bytes);
        if self.alias_bytes > MAX_ALIAS_BYTES {
            return Err(problem(at, "the aliases in this manifest repeat too much text; write it with fewer of them"));
        }
        Ok(node)
    }

    fn count(&mut self, nodes: usize, at: Position) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_YAML_NODES {
            return Err(problem(
                at,
                format!("a manifest has at most {MAX_YAML_NODES} values, with its aliases expanded"),
            ));
        }
        Ok(())
    }

    fn check_depth(&self, deeper: usize, at: Position) -> Result<(), Problem> {
        if self.open.len() + deeper > MAX_YAML_DEPTH {
            return Err(too_deep(at));
        }
        Ok(())
    }
}

/// Adds the fields of mappings, or of lists of mappings, that are absent; the first one wins.
fn merge(mut fields: Vec<Field>, merged: Vec<(Position, Node)>) -> Result<Vec<Field>, Problem> {
    if merged.is_empty() {
        return Ok(fields);
    }
    let mut names: HashSet<String> = fields.iter().map(|field| field.key.clone()).collect();
    for (key_at, node) in merged {
        let sources = match node.value {
            Value::List(items) => items,
            value => vec![Node { at: node.at, value }],
        };
        for source in sources {
            let Value::Map(more) = source.value else {
                return Err(problem(key_at, "`<<` needs a mapping to merge, such as `<<: *defaults`"));
            };
            fields.extend(more.into_iter().filter(|field| names.insert(field.key.clone())));
        }
    }
    Ok(fields)
}

/// Bounded in depth by the loader.
fn size_of(node: &Node) -> Size {
    let within = |size: Size, node: &Node| {
        let inner = size_of(node);
        Size {
            nodes: size.nodes + inner.nodes,
            depth: size.depth.max(inner.depth + 1),
            bytes: size.bytes + inner.bytes,
        }
    };
    match &node.value {
        Value::Scalar(scalar) => Size { nodes: 1, depth: 0, bytes: scalar.text.len() },
        Value::List(items) => items.iter().fold(Size { nodes: 1, depth: 1, bytes: 0 }, within),
        Value::Map(fields) => fields.iter().fold(Size { nodes: 1, depth: 1, bytes: 0 }, |size, field| {
            let size = within(size, &field.value);
            Size { bytes: size.bytes + field.key.len(), ..size }
        }),
    }
}

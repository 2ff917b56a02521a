//! What a node does, read from the lines of its source that begin with `#:`. In Python they are comments.
//!
//! ```text
//! #: as MESSAGE                     becomes that message of the proto files; fields of the same name stay
//! #: set FIELD VALUE                VALUE is JSON; {field} and {$VARIABLE} in it are replaced
//! #: append FIELD VALUE             to a text or a list
//! #: send [SUBTOPIC]                to the node's subject, or its subtopic (krtVersion v2)
//! #: reply-early                    answers the caller, and goes on
//! #: exit-early                     answers the caller, and ends here
//! #: forward                        passes on a message that is an error or an early answer, as an exitpoint does
//! #: gather NODE NODE…              waits until these nodes have sent, puts their messages together, and goes on once
//! #: fail TEXT                      the handler's error
//! #: sleep 500ms
//! #: crash
//! #: log TEXT
//! #: measure NAME FIELD=NUMBER…     saves a measurement
//! #: put SCOPE KEY FIELD            into the key-value bucket of the project, workflow or node
//! #: get SCOPE KEY FIELD
//! #: store                          by the mongo writer
//! #: when FIELD is TEXT: …          one of the above, only then; `has` looks for a part of it
//! #: from NODE: …                   one of the above, only for messages of that node
//! ```
//!
//! With krtVersion v1 the message goes on by itself when the lines are through: it is what a handler returns.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};

const MARK: &str = "#:";

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    As(String),
    Set { field: String, value: String },
    Append { field: String, value: String },
    Send { subtopic: Option<String> },
    ReplyEarly,
    ExitEarly,
    Forward,
    Gather(Vec<String>),
    Fail(String),
    Sleep(Duration),
    Crash,
    Log(String),
    Measure { name: String, fields: Vec<(String, f64)> },
    Put { scope: Scope, key: String, field: String },
    Get { scope: Scope, key: String, field: String },
    Store,
    When { field: String, test: Test, then: Box<Action> },
    From { node: String, then: Box<Action> },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Is(String),
    Has(String),
}

/// Of a key-value bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Project = 0,
    Workflow = 1,
    Node = 2,
}

/// Reads a source.
///
/// # Errors
/// With the line that it does not understand.
pub(crate) fn parse(source: &str) -> Result<Vec<Action>> {
    let lines = source.lines().enumerate();
    let marked = lines.filter_map(|(at, line)| Some((at + 1, line.trim_start().strip_prefix(MARK)?.trim())));
    marked.map(|(at, text)| action(text).with_context(|| format!("line {at}: {MARK} {text}"))).collect()
}

fn action(text: &str) -> Result<Action> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let words: Vec<&str> = rest.split_whitespace().collect();
    Ok(match (word, words.as_slice()) {
        ("as", [name]) => Action::As((*name).to_owned()),
        ("set", [_, _, ..]) => {
            let (field, value) = first(rest)?;
            Action::Set { field, value }
        }
        ("append", [_, _, ..]) => {
            let (field, value) = first(rest)?;
            Action::Append { field, value }
        }
        ("send", []) => Action::Send { subtopic: None },
        ("send", [subtopic]) => Action::Send { subtopic: Some((*subtopic).to_owned()) },
        ("reply-early", []) => Action::ReplyEarly,
        ("exit-early", []) => Action::ExitEarly,
        ("forward", []) => Action::Forward,
        ("gather", [_, ..]) => Action::Gather(words.iter().map(|node| (*node).to_owned()).collect()),
        ("fail", [_, ..]) => Action::Fail(rest.to_owned()),
        ("sleep", [time]) => Action::Sleep(humantime::parse_duration(time)?),
        ("crash", []) => Action::Crash,
        ("log", [_, ..]) => Action::Log(rest.to_owned()),
        ("measure", [name, fields @ ..]) if !fields.is_empty() => {
            let field = |field: &&str| -> Result<(String, f64)> {
                let (name, value) = field.split_once('=').context("a field is NAME=NUMBER")?;
                Ok((name.to_owned(), value.parse()?))
            };
            Action::Measure { name: (*name).to_owned(), fields: fields.iter().map(field).collect::<Result<_>>()? }
        }
        ("put", [in_scope, key, field]) => {
            Action::Put { scope: scope(in_scope)?, key: (*key).to_owned(), field: (*field).to_owned() }
        }
        ("get", [in_scope, key, field]) => {
            Action::Get { scope: scope(in_scope)?, key: (*key).to_owned(), field: (*field).to_owned() }
        }
        ("store", []) => Action::Store,
        ("when", [field, how, ..]) => {
            let (condition, then) = rest.split_once(": ").context("a condition ends with a colon")?;
            let (_, wanted) = condition.split_once(&format!(" {how} ")).context("a condition compares")?;
            let wanted = wanted.trim().to_owned();
            let test = match *how {
                "is" => Test::Is(wanted),
                "has" => Test::Has(wanted),
                _ => bail!("a condition is `when FIELD is TEXT:` or `when FIELD has TEXT:`"),
            };
            Action::When { field: (*field).to_owned(), test, then: Box::new(action(then.trim())?) }
        }
        ("from", [_, _, ..]) => {
            let (node, then) = rest.split_once(": ").context("a condition ends with a colon")?;
            Action::From { node: node.trim().to_owned(), then: Box::new(action(then.trim())?) }
        }
        _ => bail!("this is nothing that a node can do"),
    })
}

fn first(rest: &str) -> Result<(String, String)> {
    let (field, value) = rest.split_once(char::is_whitespace).ok_or_else(|| anyhow!("a value is missing"))?;
    Ok((field.to_owned(), value.trim().to_owned()))
}

fn scope(word: &str) -> Result<Scope> {
    Ok(match word {
        "project" => Scope::Project,
        "workflow" => Scope::Workflow,
        "node" => Scope::Node,
        _ => bail!("a scope is project, workflow or node"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marked_lines_are_read() -> Result<()> {
        let source = "# a comment\nimport os\n    #: set score 0.5\n#: when text has very good: set score 1\n#: send\n";
        let set = |value: &str| Action::Set { field: "score".into(), value: value.into() };
        let when = Action::When { field: "text".into(), test: Test::Has("very good".into()), then: Box::new(set("1")) };
        assert_eq!(parse(source)?, [set("0.5"), when, Action::Send { subtopic: None }]);
        Ok(())
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        for line in ["#: dance", "#: sleep long", "#: set score", "#: put everywhere a b", "#: when a is b set c 1"] {
            let error = parse(&format!("\n{line}\n")).expect_err(line);
            assert!(error.to_string().starts_with("line 2:"), "{error}");
        }
    }
}

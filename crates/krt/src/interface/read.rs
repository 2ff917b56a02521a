//! From the text of a proto file to its [`Interface`].

use std::collections::{BTreeMap, BTreeSet};

use super::{Interface, Member, Rpc, Side, Type};
use crate::proto::Tokens;

/// Deeper nesting is not followed: no caller's message needs it, and a hostile file would end the stack.
const MAX_DEPTH: usize = 32;

/// Reads what is well-formed; what is not is passed over.
pub fn read(text: &str) -> Interface {
    let mut tokens = Tokens::new(text);
    let mut words = Vec::new();
    while let Some(word) = tokens.next_token() {
        words.push(word);
    }
    let mut reader = Reader { words: &words, at: 0, package: String::new(), found: Interface::default() };
    reader.file();
    resolved(reader.found)
}

struct Reader<'w, 't> {
    words: &'w [&'t str],
    at: usize,
    package: String,
    found: Interface,
}

impl<'t> Reader<'_, 't> {
    fn next(&mut self) -> Option<&'t str> {
        let word = self.words.get(self.at).copied();
        self.at += 1;
        word
    }

    fn peek(&self) -> &'t str {
        self.words.get(self.at).copied().unwrap_or_default()
    }

    fn file(&mut self) {
        while let Some(word) = self.next() {
            match word {
                "package" => {
                    self.package = self.peek().to_owned();
                    self.statement();
                }
                "message" => self.message(&self.package.clone(), 0),
                "enum" => self.enumeration(&self.package.clone()),
                "service" => self.service(),
                "{" => self.block(),
                _ => {}
            }
        }
    }

    /// Past the statement's end, and past the block that ends it if there is one.
    fn statement(&mut self) {
        while let Some(word) = self.next() {
            match word {
                ";" => return,
                "{" => return self.block(),
                "}" => {
                    // The end of what is around; a semicolon is missing.
                    self.at -= 1;
                    return;
                }
                _ => {}
            }
        }
    }

    /// Past the end of a block whose `{` was read.
    fn block(&mut self) {
        let mut depth = 1usize;
        while depth > 0 {
            match self.next() {
                Some("{") => depth += 1,
                Some("}") => depth -= 1,
                Some(_) => {}
                None => return,
            }
        }
    }

    fn service(&mut self) {
        let own = self.next().unwrap_or_default();
        let name = joined(&self.package, own);
        if self.next() != Some("{") {
            return;
        }
        while let Some(word) = self.next() {
            match word {
                "}" => return,
                "rpc" => {
                    let rpc = self.next().unwrap_or_default();
                    let request = self.side();
                    let returns = self.next();
                    let response = self.side();
                    if let (Some(request), Some("returns"), Some(response)) = (request, returns, response) {
                        self.found.rpcs.insert(format!("{name}/{rpc}"), Rpc { request, response });
                    }
                    self.statement();
                }
                ";" => {}
                _ => self.statement(),
            }
        }
    }

    /// `(stream Type)`. The type is resolved later.
    fn side(&mut self) -> Option<Side> {
        if self.peek() != "(" {
            return None;
        }
        self.next();
        let mut of = self.next()?;
        let stream = of == "stream" && self.peek() != ")";
        if stream {
            of = self.next()?;
        }
        (self.next()? == ")").then(|| Side { stream, of: of.to_owned() })
    }

    fn message(&mut self, scope: &str, depth: usize) {
        let name = joined(scope, self.next().unwrap_or_default());
        if self.next() != Some("{") {
            return;
        }
        if depth >= MAX_DEPTH {
            return self.block();
        }
        let members = self.fields(&name, depth);
        self.found.types.insert(name, Type { is_enum: false, members });
    }

    /// To the end of the block; those of a `oneof` count as the message's.
    fn fields(&mut self, scope: &str, depth: usize) -> BTreeMap<i64, Member> {
        let mut members = BTreeMap::new();
        while let Some(word) = self.next() {
            match word {
                "}" => break,
                ";" => {}
                "message" if self.words.get(self.at + 1) == Some(&"{") => self.message(scope, depth + 1),
                "enum" if self.words.get(self.at + 1) == Some(&"{") => self.enumeration(scope),
                "oneof" if self.words.get(self.at + 1) == Some(&"{") && depth < MAX_DEPTH => {
                    self.at += 2;
                    members.extend(self.fields(scope, depth + 1));
                }
                "option" | "reserved" | "extensions" | "extend" => self.statement(),
                first => {
                    members.extend(self.field(first));
                    self.statement();
                }
            }
        }
        members
    }

    /// `repeated Type name = 1`, `map<K, V> name = 2`.
    fn field(&mut self, first: &'t str) -> Option<(i64, Member)> {
        let label = matches!(first, "repeated" | "required" | "optional").then_some(first);
        let of = if label.is_some() { self.next()? } else { first };
        let (of, uses) = if of == "map" && self.peek() == "<" {
            self.next();
            let (key, comma, value) = (self.next()?, self.next()?, self.next()?);
            if comma != "," || self.next()? != ">" {
                return None;
            }
            (format!("map<{key}, {value}>"), value)
        } else {
            (of.to_owned(), of)
        };
        let name = self.next()?.to_owned();
        if self.next()? != "=" {
            return None;
        }
        let number = self.number()?;
        // Whether a single field is written `optional` makes no difference to who reads it.
        let of = match label {
            Some(label @ ("repeated" | "required")) => format!("{label} {of}"),
            _ => of,
        };
        let uses = (!is_scalar(uses)).then(|| uses.to_owned());
        Some((number, Member { name, of, uses }))
    }

    fn enumeration(&mut self, scope: &str) {
        let name = joined(scope, self.next().unwrap_or_default());
        if self.next() != Some("{") {
            return;
        }
        let mut members = BTreeMap::new();
        while let Some(word) = self.next() {
            match word {
                "}" => break,
                ";" => {}
                "option" | "reserved" => self.statement(),
                value => {
                    if self.next() == Some("=")
                        && let Some(number) = self.number()
                    {
                        members.insert(number, Member { name: value.to_owned(), of: String::new(), uses: None });
                    }
                    self.statement();
                }
            }
        }
        self.found.types.insert(name, Type { is_enum: true, members });
    }

    fn number(&mut self) -> Option<i64> {
        let sign = if self.peek() == "-" { -1 } else { 1 };
        if sign < 0 {
            self.next();
        }
        let digits = self.next()?;
        let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(hex) => i64::from_str_radix(hex, 16).ok()?,
            None => digits.parse().ok()?,
        };
        Some(sign * number)
    }
}

fn joined(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}

fn is_scalar(of: &str) -> bool {
    matches!(
        of,
        "double"
            | "float"
            | "int32"
            | "int64"
            | "uint32"
            | "uint64"
            | "sint32"
            | "sint64"
            | "fixed32"
            | "fixed64"
            | "sfixed32"
            | "sfixed64"
            | "bool"
            | "string"
            | "bytes"
    )
}

/// Gives every type its full name, looking outwards from where it is used as protobuf does.
fn resolved(mut found: Interface) -> Interface {
    let known: BTreeSet<String> = found.types.keys().cloned().collect();
    let full = |of: &str, scope: &str| -> String {
        if let Some(absolute) = of.strip_prefix('.') {
            return absolute.to_owned();
        }
        let mut scope = scope;
        loop {
            let name = joined(scope, of);
            if known.contains(&name) {
                return name;
            }
            match scope.rsplit_once('.') {
                Some((outer, _)) => scope = outer,
                None if scope.is_empty() => return of.to_owned(),
                None => scope = "",
            }
        }
    };
    for (name, rpc) in &mut found.rpcs {
        let scope = name.split('/').next().unwrap_or_default().to_owned();
        for side in [&mut rpc.request, &mut rpc.response] {
            side.of = full(&side.of, &scope);
        }
    }
    for (scope, of) in &mut found.types {
        for member in of.members.values_mut() {
            if let Some(uses) = &mut member.uses {
                let name = full(uses, scope);
                member.of = member.of.replace(&*uses, &name);
                *uses = name;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_file_s_rpcs_and_types_have_their_full_names() {
        let found = read(
            r#"
            syntax = "proto3";
            package shop.v1;
            import "google/protobuf/empty.proto";
            option go_package = "x;y";
            // message Hidden { string a = 1; }
            message Order {
              reserved 4, 9 to 11; reserved "old";
              message Item { string name = 1 [deprecated = true]; Kind kind = 0x2; }
              enum Kind { option allow_alias = true; NONE = 0; SOME = -1 [x = {a: 1}]; }
              repeated Item items = 1;
              map<string, Order.Item> by_name = 2;
              oneof payment { string card = 3; .shop.v1.Cash cash = 5; }
              optional int32 count = 6;
              extensions 100 to max;
            }
            message Cash {}
            service Shop {
              option (x) = { a: "}" };
              rpc Buy (Order) returns (stream Cash) { option (http) = { get: "/x" }; };
              rpc Rest(stream .shop.v1.Order) returns (google.protobuf.Empty);
            }
            "#,
        );
        assert_eq!(found.rpcs.keys().collect::<Vec<_>>(), ["shop.v1.Shop/Buy", "shop.v1.Shop/Rest"]);
        let buy = &found.rpcs["shop.v1.Shop/Buy"];
        assert_eq!((buy.request.stream, buy.request.of.as_str()), (false, "shop.v1.Order"));
        assert_eq!((buy.response.stream, buy.response.of.as_str()), (true, "shop.v1.Cash"));
        assert_eq!(found.rpcs["shop.v1.Shop/Rest"].response.of, "google.protobuf.Empty");
        let order = &found.types["shop.v1.Order"];
        let fields: Vec<_> = order.members.iter().map(|(n, m)| (*n, m.name.as_str(), m.of.as_str())).collect();
        assert_eq!(
            fields,
            [
                (1, "items", "repeated shop.v1.Order.Item"),
                (2, "by_name", "map<string, shop.v1.Order.Item>"),
                (3, "card", "string"),
                (5, "cash", "shop.v1.Cash"),
                (6, "count", "int32"),
            ]
        );
        let item = &found.types["shop.v1.Order.Item"];
        assert_eq!(item.members[&2].uses.as_deref(), Some("shop.v1.Order.Kind"));
        assert!(found.types["shop.v1.Order.Kind"].members.contains_key(&-1));
    }

    #[test]
    fn what_is_broken_is_passed_over() {
        let deep = "message A {".repeat(5000);
        for text in
            ["", "message", "message A", "message A {", "service S { rpc", "enum E { A", "}}}}", "rpc = ;", &deep]
        {
            assert!(read(text).rpcs.is_empty(), "{text:.20}");
        }
        let found = read("message A { string a 1; string b = x; string c = 3 } service S { rpc R (A) returns (A) }");
        assert_eq!(found.types["A"].members.len(), 1);
        assert_eq!(found.rpcs.len(), 1);
    }
}

//! The names of the rpcs that a proto file defines. A tolerant scan, not a compiler: it exists to say which names a
//! workflow's entrypoint may have, and a file that it reads wrongly costs a needless warning at most.

/// The rpcs of all services in the text, in its order.
pub fn rpcs(text: &str) -> Vec<&str> {
    let mut tokens = Tokens { rest: text };
    let mut found = Vec::new();
    let mut depth = 0usize;
    // The depth inside the service's braces, while in one.
    let mut service: Option<usize> = None;
    // The last tokens: `service X {` and `rpc X (` are seen when their third one is.
    let (mut before, mut last) = ("", "");
    while let Some(token) = tokens.next_token() {
        match token {
            "{" => {
                depth += 1;
                if depth == 1 && before == "service" {
                    service = Some(depth);
                }
            }
            "}" => {
                depth = depth.saturating_sub(1);
                if service.is_some_and(|inside| depth < inside) {
                    service = None;
                }
            }
            "(" if before == "rpc" && service == Some(depth) => found.push(last),
            _ => {}
        }
        (before, last) = (last, token);
    }
    found
}

pub(crate) struct Tokens<'t> {
    rest: &'t str,
}

impl<'t> Tokens<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { rest: text }
    }

    /// The next word or sign; comments are passed over, and a string is one token without meaning.
    pub(crate) fn next_token(&mut self) -> Option<&'t str> {
        loop {
            self.rest = self.rest.trim_start();
            let first = self.rest.chars().next()?;
            if self.rest.starts_with("//") {
                self.skip_past("\n");
            } else if self.rest.starts_with("/*") {
                self.rest = &self.rest[2..];
                self.skip_past("*/");
            } else if first == '"' || first == '\'' {
                self.skip_string(first);
                return Some("\"");
            } else {
                let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
                let end = if is_word(first) {
                    self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len())
                } else {
                    first.len_utf8()
                };
                let (token, rest) = self.rest.split_at(end);
                self.rest = rest;
                return Some(token);
            }
        }
    }

    fn skip_past(&mut self, end: &str) {
        self.rest = self.rest.split_once(end).map_or("", |(_, rest)| rest);
    }

    fn skip_string(&mut self, quote: char) {
        let mut escaped = false;
        for (at, c) in self.rest.char_indices().skip(1) {
            match c {
                // A string ends with its line; one that does not is broken, and the rest may still be read.
                '\n' => {
                    self.rest = &self.rest[at..];
                    return;
                }
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                c if c == quote => {
                    self.rest = &self.rest[at + c.len_utf8()..];
                    return;
                }
                _ => {}
            }
        }
        self.rest = "";
    }
}

#[cfg(test)]
mod tests {
    use super::rpcs;

    #[test]
    fn rpcs_of_every_service_are_found_in_order() {
        let text = r#"
            syntax = "proto3";
            message rpc { string service = 1; }
            service Entrypoint {
              option (x) = "rpc Hidden (";
              rpc Greet (Request) returns (Response) { option deprecated = true; };
              rpc Salute(stream Request)returns(stream Response);
            }
            service Other{rpc Third(A)returns(B){}}
        "#;
        assert_eq!(rpcs(text), ["Greet", "Salute", "Third"]);
    }

    #[test]
    fn comments_and_strings_define_nothing() {
        let text = "
            // service A { rpc X (R) returns (R); }
            /* service A { rpc Y (R) returns (R); } */
            service A { // rpc Z (
              rpc Real /* { */ (R) returns (R);
            }
            option a = 'service B { rpc Q (';
            option b = \"\\\" service B { rpc P (\";
        ";
        assert_eq!(rpcs(text), ["Real"]);
    }

    #[test]
    fn what_is_outside_of_a_service_defines_nothing() {
        assert!(rpcs("message M { message service { } rpc X (R); } rpc Y (R) returns (R);").is_empty());
        for broken in ["", "service", "service A {", "service A { rpc", "}}}} service", "/*", "\"", "'\\", "é{(}"] {
            assert!(rpcs(broken).is_empty(), "{broken}");
        }
    }
}

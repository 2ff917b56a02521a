//! YAML bodies, converted to JSON.

use bytes::Bytes;
use serde_json::Value;
use serde_saphyr::{from_slice_with_options, options};

use crate::status::Failure;

/// Reads one document.
pub(crate) fn parse(body: &Bytes) -> Result<Value, Failure> {
    // As in YAML 1.2, `yes` is a text.
    let options = options! { strict_booleans: true, with_snippet: false };
    from_slice_with_options(body, options)
        .map_err(|error| Failure::bad_request(format!("the body is not valid YAML: {error}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_the_json_that_it_means() {
        let body = "a: 1\nb: [true, yes, ~, 1.5, '2', 0x10]\nc: {d: \"x\\ty\", 3: four}\ne: |\n  one\n  two\nf: &f {g: h}\ni: *f\n";
        let expected = json!({
            "a": 1, "b": [true, "yes", null, 1.5, "2", 16], "c": { "d": "x\ty", "3": "four" },
            "e": "one\ntwo\n", "f": { "g": "h" }, "i": { "g": "h" },
        });
        assert_eq!(parse(&Bytes::from_static(body.as_bytes())).unwrap(), expected);
        assert_eq!(parse(&Bytes::from_static(b"---\na: 1\n")).unwrap(), json!({ "a": 1 }));
    }

    #[test]
    fn what_json_cannot_say_is_refused() {
        for body in ["a: .nan", "[1]: a", "a: 1\n---\nb: 2", "a: [", "a: 1\na: 2", "a: \u{1}"] {
            assert!(parse(&Bytes::copy_from_slice(body.as_bytes())).is_err(), "{body}");
        }
        assert!(parse(&Bytes::from_static(b"a: \xff")).is_err());
    }
}

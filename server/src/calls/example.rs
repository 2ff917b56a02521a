//! A request to begin with: every field that the message has, with a value of its type.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, SerializeOptions, Value};

/// How many values an example has at most; what does not fit is left out.
const MAX_VALUES: usize = 300;
/// How deep messages are nested in it.
const MAX_DEPTH: usize = 8;

impl super::Rpc {
    /// A request with all fields, as JSON with line breaks. Of a oneof it has the first field, and a message that is
    /// within itself is left out.
    pub(crate) fn example(&self) -> String {
        let message = Filling { within: Vec::new(), left: MAX_VALUES }.message(&self.request());
        let options = SerializeOptions::new().skip_default_fields(false).stringify_64_bit_integers(false);
        let mut json = serde_json::Serializer::pretty(Vec::new());
        // Values of the right types always serialize; if one did not, nothing is there to begin with.
        match message.serialize_with_options(&mut json, &options).map_err(drop) {
            Ok(()) => String::from_utf8(json.into_inner()).unwrap_or_default(),
            Err(()) => "{}".to_owned(),
        }
    }
}

struct Filling {
    /// The messages around, by full name.
    within: Vec<String>,
    left: usize,
}

impl Filling {
    fn message(&mut self, of: &MessageDescriptor) -> DynamicMessage {
        let mut message = DynamicMessage::new(of.clone());
        if of.full_name().starts_with("google.protobuf.") {
            // Their values in JSON are their own, and all but this one have one when they are empty.
            if of.full_name() == "google.protobuf.Value" {
                message.set_field_by_name("null_value", Value::EnumNumber(0));
            }
            return message;
        }
        self.within.push(of.full_name().to_owned());
        for field in of.fields() {
            let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
            if oneof.is_some_and(|oneof| oneof.fields().any(|other| message.has_field(&other))) {
                continue;
            }
            if let Some(value) = self.field(&field) {
                message.set_field(&field, value);
            }
        }
        self.within.pop();
        message
    }

    fn field(&mut self, field: &FieldDescriptor) -> Option<Value> {
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else { return None };
            let key = map_key(&entry.map_entry_key_field().kind())?;
            let value = self.value(&entry.map_entry_value_field().kind())?;
            return Some(Value::Map([(key, value)].into()));
        }
        let value = self.value(&field.kind())?;
        Some(if field.is_list() { Value::List(vec![value]) } else { value })
    }

    /// None of what is within itself, or has no room any more.
    fn value(&mut self, kind: &Kind) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        let Kind::Message(of) = kind else { return Some(Value::default_value(kind)) };
        let is_within_itself = self.within.iter().any(|around| around == of.full_name());
        // What it holds is named by a URL that nobody can guess.
        let is_any = of.full_name() == "google.protobuf.Any";
        let fits = !is_within_itself && !is_any && self.within.len() < MAX_DEPTH;
        fits.then(|| Value::Message(self.message(of)))
    }
}

fn map_key(kind: &Kind) -> Option<MapKey> {
    match Value::default_value(kind) {
        Value::String(_) => Some(MapKey::String("key".to_owned())),
        other => other.into_map_key(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::calls::{Rpc, read_request, schema::tests::schema};

    fn rpc(messages: &str) -> Rpc {
        let text = format!(
            "syntax = 'proto3';
             import 'google/protobuf/any.proto'; import 'google/protobuf/duration.proto'; import 'google/protobuf/empty.proto';
             import 'google/protobuf/field_mask.proto'; import 'google/protobuf/struct.proto';
             import 'google/protobuf/timestamp.proto'; import 'google/protobuf/wrappers.proto';
             {messages} service Entrypoint {{ rpc Call (In) returns (In); }}"
        );
        schema(&[("a.proto", &text)]).unwrap().rpcs()[0].clone()
    }

    /// The example, which has to be a request that may be sent as it is.
    #[track_caller]
    fn example(messages: &str) -> Value {
        let rpc = rpc(messages);
        let text = rpc.example();
        read_request(rpc.request(), &text).unwrap_or_else(|problem| panic!("{problem}: {text}"));
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn every_field_has_a_value_of_its_type() {
        let found = example(
            "enum Color { COLOR_UNSPECIFIED = 0; RED = 1; }
             message Inner { string inner_name = 1; }
             message In {
               string text = 1; int64 large = 2; double ratio = 3; bool yes = 4; bytes data = 5; Color color = 6;
               Inner inner = 7; repeated Inner many = 8; repeated int32 numbers = 9;
               map<string, Inner> by_name = 10; map<int64, string> by_number = 11; map<bool, Color> by_flag = 12;
               optional string maybe = 13; string renamed = 14 [json_name = 'other'];
             }",
        );
        let expected = json!({
            "text": "", "large": 0, "ratio": 0.0, "yes": false, "data": "", "color": "COLOR_UNSPECIFIED",
            "inner": { "innerName": "" }, "many": [{ "innerName": "" }], "numbers": [0],
            "byName": { "key": { "innerName": "" } }, "byNumber": { "0": "" }, "byFlag": { "false": "COLOR_UNSPECIFIED" },
            "maybe": "", "other": "",
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn of_a_oneof_there_is_the_first_field() {
        let found =
            example("message In { oneof kind { string a = 1; int32 b = 2; } oneof other { In c = 3; bool d = 4; } }");
        assert_eq!(found, json!({ "a": "", "d": false }), "what is within itself is no choice");
    }

    #[test]
    fn what_is_within_itself_is_left_out() {
        assert_eq!(
            example(
                "message In { string name = 1; In next = 2; repeated In more = 3; Other other = 4; }
                     message Other { map<string, In> back = 1; int32 n = 2; }"
            ),
            json!({ "name": "", "more": [], "other": { "back": {}, "n": 0 } })
        );
    }

    #[test]
    fn well_known_types_are_as_their_json_is() {
        let found = example(
            "message In {
               google.protobuf.Timestamp at = 1; google.protobuf.Duration length = 2; google.protobuf.Struct object = 3;
               google.protobuf.Value anything = 4; google.protobuf.ListValue list = 5; google.protobuf.FieldMask mask = 6;
               google.protobuf.StringValue text = 7; google.protobuf.Int64Value number = 8; google.protobuf.Any any = 9;
               google.protobuf.Empty nothing = 10; google.protobuf.NullValue null = 11;
             }",
        );
        let expected = json!({
            "at": "1970-01-01T00:00:00Z", "length": "0s", "object": {}, "anything": null, "list": [], "mask": "",
            "text": "", "number": 0, "nothing": {}, "null": null,
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_message_that_would_be_endless_is_cut() {
        let messages: String = (0..30)
            .map(|at| {
                let next = at + 1;
                let fields: String = (1..=9).map(|n| format!("M{next} f{n} = {n};")).collect();
                format!("message M{at} {{ {fields} }}")
            })
            .collect();
        let found = example(&format!("message In {{ M0 m = 1; string last = 2; }} {messages} message M30 {{}}"));
        assert!(found.to_string().len() < 20_000);
    }

    #[test]
    fn what_is_wrong_with_a_request_is_said_with_its_place() {
        let rpc = rpc(
            "enum Color { NONE = 0; RED = 1; } message In { string name = 1; int32 count = 2; Color color = 3; In in = 4; }",
        );
        let problem = |text: &str| {
            let problem = read_request(rpc.request(), text).unwrap_err();
            assert_eq!(problem.path, "request");
            (problem.line, problem.column, problem.message)
        };
        for (text, line, words) in [
            ("{\n  \"name\": \"a\",\n  \"nam\": 1\n}", 3, "nam"),
            ("{\n  \"name\": 1\n}", 2, "string"),
            ("{\n\"count\": 3000000000 }", 2, ""),
            ("{\n\n\"color\": \"BLUE\" }", 3, "BLUE"),
            ("{ \"in\": {\n \"count\": \"x\" } }", 2, ""),
            ("{ \"name\": \"a\" ", 1, "EOF"),
            ("{}\n{}", 2, "trailing"),
            ("[]", 1, "map"),
        ] {
            let (found, column, message) = problem(text);
            assert!(found == Some(line) && column.is_some(), "{text}: {found:?} {column:?}");
            assert!(message.contains(words) && !message.contains(" at line "), "{text}: {message}");
        }
        // As canonical JSON allows it, by either name.
        for right in ["{}", r#"{"count":"7"}"#, r#"{"color":1,"in":null}"#] {
            assert!(read_request(rpc.request(), right).is_ok(), "{right}");
        }
    }
}

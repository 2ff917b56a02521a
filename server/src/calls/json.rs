//! Requests and answers as JSON, in protobuf's canonical mapping.

use domain::{Problem, Severity};
use prost::Message as _;
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions};

/// The request that a text means, as protobuf.
///
/// # Errors
/// What is wrong with the text, with its line and column.
pub(crate) fn read_request(of: MessageDescriptor, text: &str) -> Result<Vec<u8>, Problem> {
    let mut json = serde_json::Deserializer::from_str(text);
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let read = DynamicMessage::deserialize_with_options(of, &mut json, &options);
    let read = read.and_then(|message| json.end().map(|()| message));
    read.map(|message| message.encode_to_vec()).map_err(|error| {
        // Lines begin with 1; what is noticed before the first column is of the first.
        let place = |number: usize| u32::try_from(number.max(1)).ok();
        let text = error.to_string();
        // serde_json appends the place, which the problem has in fields of its own.
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message).to_owned();
        let (line, column) = (place(error.line()), place(error.column()));
        Problem { severity: Severity::Error, line, column, path: "request".to_owned(), message }
    })
}

/// The answer as JSON with line breaks.
///
/// # Errors
/// Why the bytes are not this message.
pub(crate) fn write_answer(of: MessageDescriptor, bytes: &[u8]) -> Result<String, String> {
    let message = DynamicMessage::decode(of, bytes).map_err(|error| error.to_string())?;
    let mut json = serde_json::Serializer::pretty(Vec::new());
    let options = SerializeOptions::new().skip_default_fields(false);
    message.serialize_with_options(&mut json, &options).map_err(|error| error.to_string())?;
    String::from_utf8(json.into_inner()).map_err(|error| error.to_string())
}

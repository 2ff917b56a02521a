//! YAML bodies, which are JSON in other words.

use bytes::Bytes;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Number, Value};

use crate::status::Failure;

/// Reads one document.
pub(crate) fn parse(body: &Bytes) -> Result<Value, Failure> {
    let wrong = |why: &str| Failure::bad_request(format!("the body is not valid YAML: {why}"));
    let text = std::str::from_utf8(body).map_err(|_| wrong("it is not UTF-8"))?;
    let documents = Yaml::load_from_str(text).map_err(|error| wrong(&error.to_string()))?;
    match &documents[..] {
        [document] => convert(document).ok_or_else(|| wrong("it has something that JSON cannot say")),
        _ => Err(wrong("it must hold exactly one document")),
    }
}

fn convert(yaml: &Yaml) -> Option<Value> {
    Some(match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => Value::Bool(*value),
        Yaml::Value(Scalar::Integer(value)) => Value::from(*value),
        Yaml::Value(Scalar::FloatingPoint(value)) => Value::Number(Number::from_f64(value.into_inner())?),
        Yaml::Value(Scalar::String(text)) => Value::from(text.as_ref()),
        Yaml::Sequence(items) => Value::Array(items.iter().map(convert).collect::<Option<_>>()?),
        Yaml::Mapping(fields) => {
            let mut map = Map::new();
            for (key, value) in fields {
                let key = match key {
                    Yaml::Value(Scalar::String(text)) => text.to_string(),
                    other => convert(other).filter(|k| !k.is_object() && !k.is_array())?.to_string(),
                };
                map.insert(key, convert(value)?);
            }
            Value::Object(map)
        }
        _ => return None,
    })
}

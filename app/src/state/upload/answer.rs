//! What is said of a file without looking into it, and what the server answers.

use domain::{Problem, VersionName};
use serde::Deserialize;

use crate::error::sentence;

/// Why a file need not even be read.
pub(super) fn refusal(name: &str, size_bytes: u64) -> Option<String> {
    if !name.to_ascii_lowercase().ends_with(".krt") {
        return Some("The file name must end in .krt.".to_owned());
    }
    (size_bytes == 0).then(|| "The file is empty.".to_owned())
}

/// The name of the version that was added, or why none was: a sentence, and the problems of the file.
pub(super) fn read_answer(status: u16, body: &str) -> Result<VersionName, (String, Vec<Problem>)> {
    #[derive(Deserialize)]
    struct Added {
        name: VersionName,
    }
    #[derive(Deserialize)]
    struct Refused {
        error: RefusedError,
    }
    #[derive(Deserialize)]
    struct RefusedError {
        message: String,
        #[serde(default)]
        problems: Vec<Problem>,
    }

    if (200..300).contains(&status) {
        return match serde_json::from_str::<Added>(body) {
            Ok(added) => Ok(added.name),
            Err(_) => {
                Err(("The server's response could not be read. Reload the page to see the version.".into(), vec![]))
            }
        };
    }
    match serde_json::from_str::<Refused>(body) {
        Ok(refused) => Err((sentence(&refused.error.message), refused.error.problems)),
        Err(_) => Err((format!("The server answered with status {status}."), Vec::new())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_a_krt_is_not_sent() {
        assert_eq!(refusal("greeter.krt", 12), None);
        assert_eq!(refusal("GREETER.KRT", 12), None);
        assert!(refusal("greeter.zip", 12).unwrap().contains(".krt"));
        assert!(refusal("greeter.krt", 0).unwrap().contains("empty"));
    }

    #[test]
    fn the_answer_names_the_version_or_every_problem() {
        assert_eq!(read_answer(201, r#"{"name":"v1","state":"stopped"}"#).unwrap().as_str(), "v1");
        let body = r#"{"error":{"code":"invalid_krt","message":"the file is not a valid KRT: 2 problems","problems":[
            {"severity":"error","line":3,"column":5,"path":"workflows[0].name","message":"a"},
            {"severity":"error","line":null,"column":null,"path":"","message":"b"}]}}"#;
        let (message, problems) = read_answer(422, body).unwrap_err();
        assert_eq!(message, "The file is not a valid KRT: 2 problems.");
        assert_eq!((problems.len(), problems[0].line), (2, Some(3)));
        let (message, problems) = read_answer(502, "<html>").unwrap_err();
        assert!(message.contains("502") && problems.is_empty());
    }
}

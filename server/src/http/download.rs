//! Sends a stored KRT file, byte for byte, whole or in part: the public API and the pods' listener alike.
//!
//! A file never changes, so its SHA-256 is its strong entity tag, and a client that has the beginning of it can request the
//! rest (RFC 9110 §13 and §14). Several ranges at once are answered with the whole file, as the RFC allows.

use std::ops::Range;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::ApiError;

use crate::{files::Files, service::from_files, store::StoredFile};

/// The answer to a GET or HEAD for this file. With `name` a browser saves it under that name, which must need no
/// quoting beyond quotes.
///
/// # Errors
/// `Unavailable` when the file store does not have the file or does not answer.
pub(super) async fn send(
    files: &Files,
    file: &StoredFile,
    name: Option<&str>,
    (method, headers): (&Method, &HeaderMap),
) -> Result<Response, ApiError> {
    let tag = format!("\"{}\"", file.sha256);
    let requested = match requested(headers, method, &tag, file.size_bytes) {
        RequestedRange::NotModified => return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()),
        RequestedRange::PreconditionFailed => return Ok(StatusCode::PRECONDITION_FAILED.into_response()),
        RequestedRange::Unsatisfiable => {
            let (range, length) = (format!("bytes */{}", file.size_bytes), "0".to_owned());
            let headers = [(header::CONTENT_RANGE, range), (header::CONTENT_LENGTH, length), (header::ETAG, tag)];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response());
        }
        RequestedRange::Full => None,
        RequestedRange::Partial(range) => Some(range),
    };
    let status = if requested.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let range = requested.clone().unwrap_or(0..file.size_bytes);
    let body = match *method {
        // The headers alone: nothing is opened for it.
        Method::HEAD => Body::empty(),
        _ => Body::from_stream(files.read(&file.object, requested).await.map_err(from_files)?),
    };
    let mut response = (status, body).into_response();
    let mut set = |name: HeaderName, value: String| {
        // Digits, hexadecimal digits and resource names always make a header.
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, "application/gzip".to_owned());
    set(header::CONTENT_LENGTH, (range.end - range.start).to_string());
    set(header::ACCEPT_RANGES, "bytes".to_owned());
    set(header::ETAG, tag);
    if status == StatusCode::PARTIAL_CONTENT {
        set(header::CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end - 1, file.size_bytes));
    }
    if let Some(name) = name {
        set(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""));
    }
    Ok(response)
}

/// The part of a file that a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RequestedRange {
    Full,
    Partial(Range<u64>),
    /// A range that begins after the file's end.
    Unsatisfiable,
    /// The client has it already.
    NotModified,
    /// The client wants another file than this.
    PreconditionFailed,
}

fn requested(headers: &HeaderMap, method: &Method, tag: &str, size: u64) -> RequestedRange {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(only) = text(header::IF_MATCH)
        && !lists(only, tag)
    {
        return RequestedRange::PreconditionFailed;
    }
    // A proxy may have made the tag a weak one.
    if let Some(known) = text(header::IF_NONE_MATCH)
        && lists(&known.replace("W/", ""), tag)
    {
        return RequestedRange::NotModified;
    }
    let Some(range) = text(header::RANGE).filter(|_| *method == Method::GET) else { return RequestedRange::Full };
    // Of another file the rest would not fit to what the client has; a date is no proof that it is the same.
    match text(header::IF_RANGE) {
        Some(known) if known != tag => RequestedRange::Full,
        Some(_) | None => part(range, size),
    }
}

fn lists(tags: &str, tag: &str) -> bool {
    tags.split(',').map(str::trim).any(|listed| listed == tag || listed == "*")
}

/// A header that is malformed, of another unit or of several ranges asks for the whole file.
fn part(range: &str, size: u64) -> RequestedRange {
    let Some((unit, spec)) = range.split_once('=') else { return RequestedRange::Full };
    let Some((first, last)) = spec.trim().split_once('-') else { return RequestedRange::Full };
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        // A number that is too large for the type is larger than any file.
        is_number.then(|| digits.parse::<u64>().unwrap_or(u64::MAX))
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return RequestedRange::Full;
    }
    match (first, number(first), last, number(last)) {
        ("", _, _, Some(0)) => RequestedRange::Unsatisfiable,
        ("", _, _, Some(_)) if size == 0 => RequestedRange::Unsatisfiable,
        ("", _, _, Some(count)) => RequestedRange::Partial(size.saturating_sub(count)..size),
        (_, Some(from), "", _) if from < size => RequestedRange::Partial(from..size),
        (_, Some(from), _, Some(to)) if from <= to && from < size => {
            RequestedRange::Partial(from..to.saturating_add(1).min(size))
        }
        (_, Some(_), "", _) => RequestedRange::Unsatisfiable,
        (_, Some(from), _, Some(to)) if from <= to => RequestedRange::Unsatisfiable,
        _ => RequestedRange::Full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"abc\"";

    fn ask(headers: &[(HeaderName, &'static str)]) -> RequestedRange {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        requested(&headers, &Method::GET, TAG, 100)
    }

    #[test]
    fn one_range_of_bytes_is_a_part_and_whatever_else_the_whole_file() {
        for (range, expected) in [
            ("bytes=0-9", RequestedRange::Partial(0..10)),
            ("bytes=0-0", RequestedRange::Partial(0..1)),
            ("bytes=99-99", RequestedRange::Partial(99..100)),
            ("bytes=90-", RequestedRange::Partial(90..100)),
            ("bytes=90-1000", RequestedRange::Partial(90..100)),
            ("bytes=90-99999999999999999999999", RequestedRange::Partial(90..100)),
            ("bytes=-10", RequestedRange::Partial(90..100)),
            ("bytes=-1000", RequestedRange::Partial(0..100)),
            ("Bytes= 5-6", RequestedRange::Partial(5..7)),
            ("bytes=100-", RequestedRange::Unsatisfiable),
            ("bytes=100-200", RequestedRange::Unsatisfiable),
            ("bytes=99999999999999999999999-", RequestedRange::Unsatisfiable),
            ("bytes=-0", RequestedRange::Unsatisfiable),
            ("bytes=9-5", RequestedRange::Full),
            ("bytes=0-1,5-6", RequestedRange::Full),
            ("bytes=", RequestedRange::Full),
            ("bytes=-", RequestedRange::Full),
            ("bytes=a-b", RequestedRange::Full),
            ("bytes=+1-2", RequestedRange::Full),
            ("pages=0-1", RequestedRange::Full),
            ("0-1", RequestedRange::Full),
            ("", RequestedRange::Full),
        ] {
            assert_eq!(part(range, 100), expected, "{range}");
        }
        assert_eq!(part("bytes=-5", 0), RequestedRange::Unsatisfiable);
        assert_eq!(part("bytes=0-", 0), RequestedRange::Unsatisfiable);
    }

    #[test]
    fn a_range_counts_only_for_the_file_that_the_client_has_begun() {
        let part = RequestedRange::Partial(5..100);
        for (if_range, expected) in
            [(TAG, part), ("\"other\"", RequestedRange::Full), ("W/\"abc\"", RequestedRange::Full)]
        {
            assert_eq!(ask(&[(header::RANGE, "bytes=5-"), (header::IF_RANGE, if_range)]), expected, "{if_range}");
        }
        let date = "Mon, 23 Nov 2026 07:00:00 GMT";
        assert_eq!(ask(&[(header::RANGE, "bytes=5-"), (header::IF_RANGE, date)]), RequestedRange::Full);
    }

    #[test]
    fn conditions_are_held_against_the_tag() {
        for (name, value, expected) in [
            (header::IF_NONE_MATCH, "\"x\", W/\"abc\"", RequestedRange::NotModified),
            (header::IF_NONE_MATCH, "*", RequestedRange::NotModified),
            (header::IF_NONE_MATCH, "\"x\"", RequestedRange::Full),
            (header::IF_MATCH, "\"abc\"", RequestedRange::Full),
            (header::IF_MATCH, "\"x\"", RequestedRange::PreconditionFailed),
            (header::IF_MATCH, "W/\"abc\"", RequestedRange::PreconditionFailed),
        ] {
            assert_eq!(ask(&[(name.clone(), value)]), expected, "{name}: {value}");
        }
    }
}

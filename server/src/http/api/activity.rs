//! `GET /activity` and `GET /activity.csv`: what happened on the whole server.

use std::{fmt::Write as _, str::FromStr, sync::Arc};

use app::backend::Backend;
use axum::{
    Json,
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::IntoResponse,
};
use bytes::Bytes;
use domain::{
    Action, ActivityEntry, ActivityFilter, ApiError, Caller, HistoryPage, Outcome, OutcomeKind, Problem, VersionName,
};
use futures::stream;
use serde::Deserialize;

use crate::{
    http::{Public, auth::SignedIn, error::Answer},
    service::Service,
};

/// Kept as text, so that all that is wrong is answered at once.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ActivityParams {
    /// Of this runtime.
    runtime: Option<String>,
    /// Of versions of this name.
    version: Option<String>,
    /// The whole name of whoever did it.
    who: Option<String>,
    #[param(value_type = Option<Action>, inline)]
    action: Option<String>,
    #[param(value_type = Option<OutcomeKind>, inline)]
    outcome: Option<String>,
    /// Not before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
    /// The id of an entry: what comes after it in the list.
    #[param(value_type = Option<i64>)]
    before: Option<String>,
    /// How many; 100 to a page by default, and never more than 500. The CSV has all by default.
    #[param(value_type = Option<u32>, minimum = 1)]
    limit: Option<String>,
}

type ActivityQuery = Result<Query<ActivityParams>, QueryRejection>;

/// Lists what happened on the whole server, a page at a time, newest first.
///
/// The next page is asked for with `before`, the last entry's id. An empty parameter counts as absent.
#[utoipa::path(
    get, path = "/activity", operation_id = "list_activity", tag = "Activity",
    params(ActivityParams),
    responses((status = 200, body = Vec<ActivityEntry>)),
)]
pub(super) async fn list(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    params: ActivityQuery,
) -> Answer<Json<Vec<ActivityEntry>>> {
    Ok(Json(parts.service.activity(&caller, &filter(params)?).await?))
}

/// Exports all that happened as CSV (RFC 4180).
///
/// When it cannot go on, its connection breaks off.
#[utoipa::path(
    get, path = "/activity.csv", operation_id = "export_activity", tag = "Activity",
    params(ActivityParams),
    responses((status = 200, body = String, content_type = "text/csv")),
)]
pub(super) async fn csv(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    params: ActivityQuery,
) -> Answer<impl IntoResponse> {
    let params = filter(params)?;
    let left = params.limit;
    let page = ActivityFilter { limit: Some(ActivityFilter::MAX_LIMIT), ..params };
    // The first page before the answer begins: an error can still be one then.
    let first = parts.service.activity(&caller, &page).await?;
    let export = Export { service: parts.service.clone(), caller, page, first: Some(first), left, has_begun: false };
    // An error breaks the answer off, so that nobody takes it for whole.
    let body = Body::from_stream(stream::try_unfold(export, |mut export| async move {
        Ok::<_, ApiError>(export.next().await?.map(|text| (text, export)))
    }));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"activity.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body))
}

/// How far an export is.
struct Export {
    service: Arc<Service>,
    caller: Caller,
    page: ActivityFilter,
    first: Option<Vec<ActivityEntry>>,
    left: Option<u32>,
    has_begun: bool,
}

impl Export {
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        if !std::mem::replace(&mut self.has_begun, true) {
            return Ok(Some(Bytes::from_static(COLUMNS.as_bytes())));
        }
        let mut entries = match self.first.take() {
            Some(entries) => entries,
            None => self.service.activity(&self.caller, &self.page).await?,
        };
        if let Some(left) = &mut self.left {
            entries.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left = left.saturating_sub(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        }
        let Some(last) = entries.last() else { return Ok(None) };
        self.page.before = Some(last.entry.id);
        Ok(Some(entries.iter().map(row).collect::<String>().into()))
    }
}

const COLUMNS: &str = "id,at,runtime,version,who,action,comment,outcome,reason,finished_at,seconds\r\n";

/// One line (RFC 4180).
fn row(activity: &ActivityEntry) -> String {
    let ActivityEntry { runtime, version, entry, .. } = activity;
    let reason = match &entry.outcome {
        Outcome::Failed { reason } => reason.as_str(),
        _ => "",
    };
    let took = entry.finished_at.map(|end| end.duration_since(entry.at));
    let seconds = took.map(|took| format!("{:.3}", took.as_secs_f64().max(0.0))).unwrap_or_default();
    let mut line = entry.id.to_string();
    let cells: [&str; 10] = [
        &entry.at.to_string(),
        runtime.as_str(),
        version.as_ref().map_or("", VersionName::as_str),
        &entry.who.to_string(),
        entry.action.as_str(),
        entry.comment.as_deref().unwrap_or(""),
        entry.outcome.kind().as_str(),
        reason,
        &entry.finished_at.map(|at| at.to_string()).unwrap_or_default(),
        &seconds,
    ];
    for cell in cells {
        // Writing to a text cannot fail.
        let _ = write!(line, ",{}", quoted(cell));
    }
    line + "\r\n"
}

/// A text that a spreadsheet would take for a formula gets an apostrophe before it, which makes it a text there.
pub(super) fn quoted(cell: &str) -> String {
    let cell = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

fn filter(params: ActivityQuery) -> Result<ActivityFilter, ApiError> {
    let Query(params) = params.map_err(invalid)?;
    let mut problems = Vec::new();
    let filter = ActivityFilter {
        runtime: parsed("runtime", params.runtime, &mut problems),
        version: parsed("version", params.version, &mut problems),
        who: params.who.filter(|who| !who.is_empty()),
        action: one_of("action", params.action, &Action::ALL, Action::as_str, &mut problems),
        outcome: one_of("outcome", params.outcome, &OutcomeKind::ALL, OutcomeKind::as_str, &mut problems),
        from: parsed("from", params.from, &mut problems),
        to: parsed("to", params.to, &mut problems),
        before: parsed("before", params.before, &mut problems),
        limit: parsed("limit", params.limit, &mut problems),
    };
    at_least_one(filter.limit, &mut problems);
    if problems.is_empty() { Ok(filter) } else { Err(ApiError::InvalidInput { problems }) }
}

/// Which part of a version's history is asked for, as of the activity.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryParams {
    /// The id of an entry: what comes after it in the list.
    #[param(value_type = Option<i64>)]
    before: Option<String>,
    /// How many; 100 by default, and never more than 500.
    #[param(value_type = Option<u32>, minimum = 1)]
    limit: Option<String>,
}

pub(super) fn history_page(params: Result<Query<HistoryParams>, QueryRejection>) -> Result<HistoryPage, ApiError> {
    let Query(params) = params.map_err(invalid)?;
    let mut problems = Vec::new();
    let page = HistoryPage {
        before: parsed("before", params.before, &mut problems),
        limit: parsed("limit", params.limit, &mut problems),
    };
    at_least_one(page.limit, &mut problems);
    if problems.is_empty() { Ok(page) } else { Err(ApiError::InvalidInput { problems }) }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
pub(super) fn invalid(rejection: QueryRejection) -> ApiError {
    ApiError::InvalidInput { problems: vec![Problem::error("", rejection.body_text())] }
}

pub(super) fn at_least_one(limit: Option<u32>, problems: &mut Vec<Problem>) {
    if limit == Some(0) {
        problems.push(Problem::error("limit", "enter at least 1"));
    }
}

/// A form sends its empty fields too; they count as absent.
pub(super) fn parsed<T>(name: &str, text: Option<String>, problems: &mut Vec<Problem>) -> Option<T>
where
    T: FromStr<Err: std::fmt::Display>,
{
    match text.filter(|text| !text.is_empty())?.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            problems.push(Problem::error(name, error.to_string()));
            None
        }
    }
}

pub(super) fn one_of<T: Copy>(
    name: &str,
    text: Option<String>,
    all: &[T],
    wire_name: impl Fn(T) -> &'static str,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let text = text.filter(|text| !text.is_empty())?;
    let found = all.iter().copied().find(|value| wire_name(*value) == text);
    if found.is_none() {
        let words = all.iter().map(|value| format!("`{}`", wire_name(*value))).collect::<Vec<_>>().join(", ");
        problems.push(Problem::error(name, format!("`{text}` is not one of {words}")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_has_to_be_and_never_a_formula() {
        let cells = ["", "plain", "a,b", "say \"hi\"", "two\nlines", "=1+1", "+1", "-1", "@a", "=a,\"b\""];
        let written = cells.map(quoted);
        let expected = [
            "",
            "plain",
            "\"a,b\"",
            "\"say \"\"hi\"\"\"",
            "\"two\nlines\"",
            "'=1+1",
            "'+1",
            "'-1",
            "'@a",
            "\"'=a,\"\"b\"\"\"",
        ];
        assert_eq!(written, expected);
    }
}

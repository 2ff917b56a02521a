//! `GET /audit` and `GET /audit.csv`: sign-ins, refusals, and changes of accounts and rights.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{Query, State, rejection::QueryRejection},
    http::header,
    response::IntoResponse,
};
use domain::{ApiError, AuditAction, AuditEntry, AuditFilter, Caller, RuntimeId};
use futures::stream;
use serde::Deserialize;

use super::activity::{at_least_one, invalid, one_of, parsed, quoted};
use crate::{
    accounts::Accounts,
    http::{Public, auth::SignedIn, error::Answer},
};

/// Kept as text, so that all that is wrong is answered at once.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditParams {
    /// Whoever did it; a person's name finds their tokens, too.
    who: Option<String>,
    #[param(value_type = Option<AuditAction>, inline)]
    action: Option<String>,
    /// Of this runtime.
    runtime: Option<String>,
    /// Not before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
    /// The id of an entry: what comes after it in the list.
    #[param(value_type = Option<i64>)]
    before: Option<String>,
    /// How many; 50 to a page by default, and never more than 200. The CSV has all by default.
    #[param(value_type = Option<u32>, minimum = 1)]
    limit: Option<String>,
}

type AuditQuery = Result<Query<AuditParams>, QueryRejection>;

/// Lists sign-ins, refusals, and changes of accounts and rights, a page at a time, newest first.
///
/// The next page is asked for with `before`, the last entry's id. An empty parameter counts as absent.
#[utoipa::path(
    get, path = "/audit", operation_id = "list_audit", tag = "People",
    params(AuditParams),
    responses((status = 200, body = Vec<AuditEntry>)),
)]
pub(super) async fn list(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    params: AuditQuery,
) -> Answer<Json<Vec<AuditEntry>>> {
    Ok(Json(parts.logins.accounts().audit(&caller, &filter(params)?).await?))
}

/// Exports all of the audit log as CSV (RFC 4180).
///
/// When it cannot go on, its connection breaks off.
#[utoipa::path(
    get, path = "/audit.csv", operation_id = "export_audit", tag = "People",
    params(AuditParams),
    responses((status = 200, body = String, content_type = "text/csv")),
)]
pub(super) async fn csv(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    params: AuditQuery,
) -> Answer<impl IntoResponse> {
    let params = filter(params)?;
    let left = params.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let page = AuditFilter { limit: Some(AuditFilter::MAX_LIMIT), ..params };
    // The first page before the answer begins: an error can still be one then.
    let accounts = parts.logins.accounts().clone();
    let first = accounts.audit(&caller, &page).await?;
    let export = Export { accounts, caller, page, next: Some(first), left };
    // An error breaks the answer off, so that nobody takes it for whole.
    let rest = stream::try_unfold(export, |mut export| async move {
        Ok::<_, ApiError>(export.next().await?.map(|text| (text, export)))
    });
    let columns = stream::once(async { Ok(Bytes::from_static(COLUMNS.as_bytes())) });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(futures::StreamExt::chain(columns, rest))))
}

/// How far an export is.
struct Export {
    accounts: Accounts,
    caller: Caller,
    page: AuditFilter,
    next: Option<Vec<AuditEntry>>,
    left: usize,
}

impl Export {
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let mut entries = match self.next.take() {
            Some(entries) => entries,
            None if self.left == 0 => return Ok(None),
            None => self.accounts.audit(&self.caller, &self.page).await?,
        };
        entries.truncate(self.left);
        self.left -= entries.len();
        let Some(last) = entries.last() else { return Ok(None) };
        self.page.before = Some(last.id);
        Ok(Some(entries.iter().map(row).collect::<String>().into()))
    }
}

const COLUMNS: &str = "id,at,who,action,subject,runtime,detail,address\r\n";

/// One line (RFC 4180).
fn row(entry: &AuditEntry) -> String {
    let cells: [&str; 8] = [
        &entry.id.to_string(),
        &entry.at.to_string(),
        &entry.who.to_string(),
        entry.action.as_str(),
        entry.subject.as_deref().unwrap_or(""),
        entry.runtime.as_ref().map_or("", RuntimeId::as_str),
        entry.detail.as_deref().unwrap_or(""),
        entry.address.as_deref().unwrap_or(""),
    ];
    cells.map(quoted).join(",") + "\r\n"
}

fn filter(params: AuditQuery) -> Result<AuditFilter, ApiError> {
    let Query(params) = params.map_err(invalid)?;
    let mut problems = Vec::new();
    let filter = AuditFilter {
        who: params.who.filter(|who| !who.is_empty()),
        action: one_of("action", params.action, &AuditAction::ALL, AuditAction::as_str, &mut problems),
        runtime: parsed("runtime", params.runtime, &mut problems),
        from: parsed("from", params.from, &mut problems),
        to: parsed("to", params.to, &mut problems),
        before: parsed("before", params.before, &mut problems),
        limit: parsed("limit", params.limit, &mut problems),
    };
    at_least_one(filter.limit, &mut problems);
    if problems.is_empty() { Ok(filter) } else { Err(ApiError::InvalidInput { problems }) }
}

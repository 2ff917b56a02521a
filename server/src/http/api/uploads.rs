//! `POST /runtimes/{id}/versions`: a KRT file becomes a version.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{Query, Request, State},
    http::{StatusCode, header},
    response::IntoResponse,
};
use domain::{ApiError, Problem, VersionView};
use utoipa::ToSchema;

use crate::{
    http::{Public, auth::SignedIn, error::Answer, extract::RuntimePath},
    intake::UploadRequest,
    store::InheritConfig,
};

#[derive(ToSchema)]
#[expect(dead_code, reason = "only described")]
struct KrtForm {
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Read by [`inherit_config`].
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described")]
struct UploadParams {
    /// Names, separated by commas, whose values the version does not inherit; may be given several times.
    fresh: Option<String>,
    /// `false`: the version inherits no value.
    #[param(default = true)]
    carry_over: Option<bool>,
}

/// Adds a version: uploads its KRT file.
///
/// The file is the body, or the field `file` of a form. The version inherits the configuration values that the runtime's
/// newest versions have of the same names.
#[utoipa::path(
    post, path = "/runtimes/{id}/versions", operation_id = "add_version", tag = "Versions",
    params(RuntimePath, UploadParams),
    request_body(content(("application/gzip"), (KrtForm = "multipart/form-data"))),
    responses(
        (status = 201, body = VersionView, headers(("location" = String, description = "Where it is."))),
        (status = 409)
    ),
)]
pub(super) async fn add(
    State(parts): State<Public>,
    SignedIn(caller): SignedIn,
    RuntimePath(runtime): RuntimePath,
    Query(parameters): Query<Vec<(String, String)>>,
    request: Request,
) -> Answer<impl IntoResponse> {
    let inherit_config = inherit_config(parameters)?;
    let added = parts.intake.receive(UploadRequest { caller, runtime, inherit_config }, request).await?;
    let location = format!("/api/v1/runtimes/{}/versions/{}", added.summary.runtime, added.summary.name);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(added)))
}

/// Names may be given in one `fresh` or in several. A name that is no configuration name leaves out nothing.
fn inherit_config(parameters: Vec<(String, String)>) -> Result<InheritConfig, ApiError> {
    let mut skip = BTreeSet::new();
    let mut inherit = true;
    let mut problems = Vec::new();
    for (name, value) in parameters {
        match (name.as_str(), value.as_str()) {
            ("fresh", names) => skip.extend(names.split(',').filter(|name| !name.is_empty()).map(str::to_owned)),
            ("carry_over", "true") => inherit = true,
            ("carry_over", "false") => inherit = false,
            ("carry_over", other) => {
                problems.push(Problem::error("carry_over", format!("enter `true` or `false` instead of `{other}`")));
            }
            (other, _) => {
                let message = format!("unknown parameter `{other}`; known parameters are `fresh` and `carry_over`");
                problems.push(Problem::error(other, message));
            }
        }
    }
    match (problems.is_empty(), inherit, skip.is_empty()) {
        (false, ..) => Err(ApiError::InvalidInput { problems }),
        (true, false, _) => Ok(InheritConfig::None),
        (true, true, true) => Ok(InheritConfig::All),
        (true, true, false) => Ok(InheritConfig::Except(skip)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inherited_follows_from_the_query() {
        let without = |names: &[&str]| InheritConfig::Except(names.iter().map(|name| (*name).to_owned()).collect());
        for (parameters, expected) in [
            (&[][..], InheritConfig::All),
            (&[("carry_over", "true")], InheritConfig::All),
            (&[("carry_over", "false")], InheritConfig::None),
            (&[("carry_over", "false"), ("fresh", "A")], InheritConfig::None),
            (&[("fresh", "")], InheritConfig::All),
            (&[("fresh", "A")], without(&["A"])),
            (&[("fresh", "A,b.json,"), ("fresh", "C")], without(&["A", "b.json", "C"])),
        ] {
            assert_eq!(inherit_config(owned(parameters)), Ok(expected), "{parameters:?}");
        }
        for (name, value) in [("carry_over", "no"), ("frsh", "A")] {
            match inherit_config(owned(&[(name, value)])) {
                Err(ApiError::InvalidInput { problems }) => assert_eq!(problems[0].path, name),
                other => panic!("{name}={value}: {other:?}"),
            }
        }
    }

    fn owned(parameters: &[(&str, &str)]) -> Vec<(String, String)> {
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }
}

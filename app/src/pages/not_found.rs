//! What is shown at an address that leads nowhere.

use leptos::prelude::*;

use crate::{AppError, features::error_panel::ErrorPanel};

#[component]
pub fn NotFound() -> impl IntoView {
    view! { <ErrorPanel error=AppError::not_found("page at this address") retry=Callback::new(|()| {})/> }.into_any()
}

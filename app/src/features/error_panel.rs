//! A page, or a part of it, that could not be loaded: what is missing, and what to do.

use domain::{ApiError, ServerEvent};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_location;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    AppError,
    error::{respond_with_status, sentence},
    state::live::use_live,
    ui::inline_code::render_inline_code,
};

/// The page's content once it is loaded, or why it could not be.
pub fn when_loaded<T, V>(
    loaded: Resource<Result<T, AppError>>,
    show: impl Fn(T) -> V + Copy + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    V: IntoView + Send + 'static,
{
    view! {
        <Transition fallback=LoadingPanel>
            {move || Suspend::new(async move {
                match loaded.await {
                    Ok(content) => Either::Left(show(content)),
                    Err(error) => {
                        let retry = Callback::new(move |()| loaded.refetch());
                        Either::Right(view! { <ErrorPanel error retry/> })
                    }
                }
            })}
        </Transition>
    }
}

/// In place of a whole page. `retry` is offered when asking again may help.
#[component]
pub fn ErrorPanel(error: AppError, retry: Callback<()>) -> impl IntoView {
    respond_with_status(&error);
    let missing = matches!(error, AppError::Api(ApiError::NotFound { .. }));
    let runtime = use_location().pathname.with_untracked(|path| runtime_above(path)).filter(|_| missing);
    // Whatever was down may be back when the stream of events is.
    use_live().on_event(move |event| {
        if !missing && matches!(event, ServerEvent::Hello { .. }) {
            retry.run(());
        }
    });
    let title = if missing { "Not found" } else { "This page could not be loaded" };
    view! {
        <Title text=title/>
        <section class="blank" role="alert">
            <h1>{title}</h1>
            <p>{render_inline_code(&sentence(&error))}</p>
            <p class="blank__actions">
                {(!missing).then(|| view! {
                    <button type="button" class="button" on:click=move |_| retry.run(())>"Try again"</button>
                })}
                {runtime.map(|runtime| view! {
                    <a class="button" href=format!("/runtimes/{runtime}")>{format!("Runtime {runtime}")}</a>
                })}
                <a class="button" href="/">"All runtimes"</a>
            </p>
        </section>
    }
    .into_any()
}

/// The runtime that a version's address names: where its other versions are.
fn runtime_above(path: &str) -> Option<String> {
    match path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().as_slice() {
        ["runtimes", runtime, "versions", ..] => Some((*runtime).to_owned()),
        _ => None,
    }
}

/// While a page that the browser goes to is loaded; pages that the server renders never show it.
#[component]
pub fn LoadingPanel() -> impl IntoView {
    view! { <p class="loading" role="status">"Loading…"</p> }.into_any()
}

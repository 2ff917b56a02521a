//! What is sent: the rpc, and its request as JSON, which the server checks while it is written.

use std::time::Duration;

use domain::{CallableRpc, Problem, RuntimeId, VersionName};
use leptos::{
    ev::{KeyboardEvent, SubmitEvent},
    prelude::*,
    task::spawn_local,
};

use crate::{
    api, platform,
    ui::{
        icon::{Icon, Shape},
        problems::ProblemList,
    },
};

/// How long nobody has to have typed before a request is checked.
const PAUSE: Duration = Duration::from_millis(300);

#[component]
pub fn RequestForm(
    all: StoredValue<Vec<CallableRpc>>,
    chosen: RwSignal<String>,
    text: RwSignal<String>,
    sending: RwSignal<bool>,
    off: Memo<Option<String>>,
    ids: StoredValue<(RuntimeId, VersionName)>,
    on_choose: Callback<String>,
    on_reset: Callback<()>,
    on_send: Callback<()>,
) -> impl IntoView {
    let rpc = Memo::new(move |_| {
        chosen.with(|chosen| all.with_value(|all| all.iter().find(|rpc| rpc.name == *chosen).cloned()))
    });
    let rpc_off = Memo::new(move |_| rpc.with(|rpc| rpc.as_ref().and_then(|rpc| rpc.off.clone())));
    let problem = check_while_typing(chosen, text, ids);
    let cannot = move || off.with(Option::is_some) || rpc_off.with(Option::is_some);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if !cannot() {
            on_send.run(());
        }
    };
    let keys = move |event: KeyboardEvent| {
        if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) && !cannot() {
            event.prevent_default();
            on_send.run(());
        }
    };
    let option = move |rpc: CallableRpc| {
        let label = if rpc.off.is_some() { format!("{} (off)", rpc.name) } else { rpc.name.clone() };
        let selected = chosen.with_untracked(|chosen| *chosen == rpc.name);
        view! { <option value=rpc.name selected=selected>{label}</option> }
    };
    view! {
        <form class="try-it__part" aria-label="Request" on:submit=submit>
            <h2>"Request"</h2>
            <div class="field">
                <label class="field__label" for="try-it-rpc">"Rpc"</label>
                <select
                    id="try-it-rpc"
                    class="input"
                    prop:value=move || chosen.get()
                    on:change=move |event| on_choose.run(event_target_value(&event))
                >
                    {all.get_value().into_iter().map(option).collect_view()}
                </select>
                <p class="field__hint">{move || rpc.with(|rpc| rpc.as_ref().map(about))}</p>
            </div>
            {move || rpc_off.get().map(|reason| view! {
                <p class="notice" data-tone="warn"><Icon shape=Shape::Warning/><span>{reason}</span></p>
            })}
            <div class="field">
                <label class="field__label" for="try-it-request">"Request as JSON"</label>
                <textarea
                    id="try-it-request"
                    class="input input--code try-it__request"
                    rows="12"
                    spellcheck="false"
                    autocapitalize="off"
                    autocomplete="off"
                    aria-describedby="try-it-hint"
                    aria-invalid=move || problem.with(Option::is_some).then_some("true")
                    prop:value=move || text.get()
                    on:input=move |event| text.set(event_target_value(&event))
                    on:keydown=keys
                >
                    {text.get_untracked()}
                </textarea>
                <p class="field__hint" id="try-it-hint">"Ctrl Enter sends it. The history keeps the rpc and the outcome alone."</p>
                <div aria-live="polite">
                    {move || problem.get().map(|problem| view! { <ProblemList problems=vec![problem]/> })}
                </div>
            </div>
            <p class="form__buttons">
                <button type="submit" class="button button--primary" disabled=move || sending.get() || cannot()>
                    {move || if sending.get() { "Waiting for the answer…" } else { "Send" }}
                </button>
                <button type="button" class="button" on:click=move |_| on_reset.run(())>"Reset to the example"</button>
            </p>
        </form>
    }
    .into_any()
}

/// `demo.Request → demo.Response, workflow greeting`.
fn about(rpc: &CallableRpc) -> String {
    let messages = format!("{} → {}", rpc.request, rpc.response);
    match &rpc.workflow {
        Some(workflow) => format!("{messages}, workflow {workflow}"),
        None => format!("{messages}, no workflow: nobody answers it"),
    }
}

/// What is wrong with the text; none while that is not known.
fn check_while_typing(
    chosen: RwSignal<String>,
    text: RwSignal<String>,
    ids: StoredValue<(RuntimeId, VersionName)>,
) -> RwSignal<Option<Problem>> {
    let problem = RwSignal::new(None::<Problem>);
    // Counts the changes: only the answer to the newest counts.
    let changes = StoredValue::new(0_u32);
    Effect::new(move |before: Option<(String, String)>| {
        let now = (chosen.get(), text.get());
        if before.is_none_or(|before| before == now) {
            return now;
        }
        let Some(change) = changes.try_update_value(|changes| {
            *changes = changes.wrapping_add(1);
            *changes
        }) else {
            return now;
        };
        let ((runtime, version), (rpc, request)) = (ids.get_value(), now.clone());
        spawn_local(async move {
            platform::pause(PAUSE).await;
            if changes.try_get_value() != Some(change) {
                return;
            }
            // Where the server does not answer, sending it will say so.
            let found = api::check_request(runtime, version, rpc, request).await.unwrap_or_default();
            if changes.try_get_value() == Some(change) {
                problem.try_set(found);
            }
        });
        now
    });
    problem
}

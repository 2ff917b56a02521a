//! The entrypoint by hand: an rpc is chosen, its request is edited and sent, and the answers of this tab are kept.

pub mod answer;
pub mod commands;
pub mod request;

use std::collections::HashMap;

use domain::{CallAnswer, CallableRpc, CallableRpcs, RuntimeId, VersionName};
use leptos::{prelude::*, task::spawn_local};

use crate::{AppError, api};
use answer::{Answer, MadeCalls};
use commands::Commands;
use request::RequestForm;

/// How many calls a tab keeps.
const MAX_KEPT: usize = 20;

/// A call that this tab made.
#[derive(Debug, Clone, PartialEq)]
pub struct MadeCall {
    /// Counts the tab's calls.
    pub number: u32,
    /// As it was sent.
    pub request: String,
    /// What came of it, or why it was not made.
    pub answer: Result<CallAnswer, AppError>,
    /// `package.Service/Rpc`.
    pub rpc: String,
}

/// The calls that this tab made, newest first.
pub type Calls = RwSignal<Vec<MadeCall>>;

/// `off` says why nothing can be sent just now.
#[component]
pub fn TryIt(
    rpcs: RwSignal<CallableRpcs>,
    off: Memo<Option<String>>,
    shown: (RuntimeId, VersionName),
    calls: Calls,
) -> impl IntoView {
    let all = StoredValue::new(rpcs.with_untracked(|rpcs| rpcs.rpcs.clone()));
    let first = all.with_value(|all| all.iter().find(|rpc| rpc.off.is_none()).or(all.first()).cloned());
    let target = Memo::new(move |_| rpcs.with(|rpcs| rpcs.target.clone()));
    let Some(first) = first else { return view! { <Commands target call=Signal::stored(None)/> }.into_any() };

    let chosen = RwSignal::new(first.name.clone());
    let text = RwSignal::new(first.example);
    let sending = RwSignal::new(false);
    // Which of the tab's calls is shown in full.
    let open = RwSignal::new(calls.with_untracked(|calls| calls.first().map(|call| call.number)));
    let ids = StoredValue::new(shown);
    // What was written for each rpc, for whoever comes back to it.
    let drafts = StoredValue::new(HashMap::<String, String>::new());
    let rpc = move |name: &str| -> Option<CallableRpc> {
        all.with_value(|all| all.iter().find(|rpc| rpc.name == name).cloned())
    };
    let choose = Callback::new(move |name: String| {
        let Some(rpc) = rpc(&name) else { return };
        drafts.update_value(|drafts| {
            drafts.insert(chosen.get_untracked(), text.get_untracked());
            text.set(drafts.remove(&name).unwrap_or(rpc.example));
        });
        chosen.set(name);
    });
    let reset = Callback::new(move |()| {
        if let Some(rpc) = rpc(&chosen.get_untracked()) {
            text.set(rpc.example);
        }
    });
    let send = Callback::new(move |()| {
        // Set at once, so that a second click, however quick, finds it.
        if sending.get_untracked() || off.get_untracked().is_some() {
            return;
        }
        sending.set(true);
        let ((runtime, version), name, request) = (ids.get_value(), chosen.get_untracked(), text.get_untracked());
        spawn_local(async move {
            let answer = api::call(runtime, version, name.clone(), request.clone()).await;
            calls.try_update(|calls| {
                let number = calls.first().map_or(1, |last| last.number + 1);
                calls.insert(0, MadeCall { number, request, answer, rpc: name });
                calls.truncate(MAX_KEPT);
                open.try_set(Some(number));
            });
            sending.try_set(false);
        });
    });
    let again = Callback::new(move |call: MadeCall| {
        choose.run(call.rpc);
        text.set(call.request);
    });
    let call = Signal::derive(move || Some((chosen.get(), text.get())));
    view! {
        <div class="try-it">
            <RequestForm all chosen text sending off ids on_choose=choose on_reset=reset on_send=send/>
            <Answer calls open/>
        </div>
        <Commands target call/>
        <MadeCalls calls open on_again=again/>
    }
    .into_any()
}

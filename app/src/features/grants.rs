//! Who has which role, on one runtime or on all, and the form that gives one.

use domain::{Grant, RuntimeId, Subject, SubjectKind, access::Role};
use leptos::{ev::SubmitEvent, prelude::*};

use crate::{
    api::accounts,
    features::{
        doing::{Doing, DoingError},
        time::RelativeTime,
    },
};

/// `runtime` is none for roles on all runtimes. A grant from elsewhere is shown, and changed where it is.
#[component]
pub fn Grants(
    #[prop(into)] grants: Signal<Vec<Grant>>,
    runtime: Option<RuntimeId>,
    reload: Callback<()>,
) -> impl IntoView {
    let doing = Doing::new(reload);
    let own = StoredValue::new(runtime);
    let row = move |grant: Grant| {
        let (subject, at) = (grant.subject.clone(), grant.runtime.clone());
        let is_own = own.with_value(|own| *own == at);
        let remove = move |_| doing.run(accounts::remove_grant(subject.clone(), at.clone()), drop);
        let place = match &grant.runtime {
            Some(runtime) => {
                view! { <a href=format!("/runtimes/{runtime}/access")>{runtime.to_string()}</a> }.into_any()
            }
            None => "all runtimes".into_any(),
        };
        let who = shown(&grant);
        view! {
            <tr>
                <th scope="row" data-label="Who" translate="no">{who.clone()}</th>
                <td data-label="Role">{grant.role.as_str()}</td>
                <td data-label="On" translate="no">{place}</td>
                <td data-label="Given"><span><RelativeTime at=grant.created_at/>{format!(" by {}", grant.created_by)}</span></td>
                <td data-label="Actions">
                    {is_own.then(|| view! {
                        <button type="button" class="button button--small" aria-label=format!("Take away from {who}") on:click=remove.clone()>
                            "Take away"
                        </button>
                    })}
                </td>
            </tr>
        }
        .into_any()
    };
    view! {
        <div class="table-box"><table class="table">
            <thead>
                <tr>
                    <th scope="col">"Who"</th>
                    <th scope="col">"Role"</th>
                    <th scope="col">"On"</th>
                    <th scope="col">"Given"</th>
                    <th scope="col">"Actions"</th>
                </tr>
            </thead>
            <tbody>{move || grants.get().into_iter().map(row).collect_view()}</tbody>
        </table></div>
        <GiveRole doing own/>
    }
    .into_any()
}

#[component]
fn GiveRole(doing: Doing, own: StoredValue<Option<RuntimeId>>) -> impl IntoView {
    let (kind, name, role) =
        (RwSignal::new("person".to_owned()), RwSignal::new(String::new()), RwSignal::new("viewer".to_owned()));
    let is_everyone = Memo::new(move |_| kind.get() == "everyone");
    let give = move |event: SubmitEvent| {
        event.prevent_default();
        let to = match kind.get_untracked().as_str() {
            "everyone" => SubjectKind::Everyone,
            "group" => SubjectKind::Group,
            _ => SubjectKind::Person,
        };
        let role = role.with_untracked(|role| Role::ALL.into_iter().find(|known| known.as_str() == role));
        let work = accounts::give_role(to, name.get_untracked(), own.get_value(), role.unwrap_or(Role::Viewer));
        doing.run(work, move |()| {
            name.try_set(String::new());
        });
    };
    let roles = Role::ALL.map(|role| view! { <option value=role.as_str()>{role.as_str()}</option> });
    view! {
        <form class="filter" aria-label="Give a role" on:submit=give>
            <span class="filter__field">
                <label for="grant-kind">"To"</label>
                <select class="input" id="grant-kind" on:change=move |event| kind.set(event_target_value(&event))>
                    <option value="person">"person"</option>
                    <option value="group">"group"</option>
                    <option value="everyone">"everyone"</option>
                </select>
            </span>
            <span class="filter__field">
                <label for="grant-name">"Name"</label>
                <input
                    class="input" id="grant-name" type="text" autocomplete="off" maxlength="256"
                    required=move || !is_everyone.get()
                    disabled=move || is_everyone.get()
                    prop:value=move || name.get()
                    on:input=move |event| name.set(event_target_value(&event))
                />
            </span>
            <span class="filter__field">
                <label for="grant-role">"Role"</label>
                <select class="input" id="grant-role" on:change=move |event| role.set(event_target_value(&event))>{roles}</select>
            </span>
            <button type="submit" class="button button--primary" disabled=move || doing.is_busy()>"Give role"</button>
        </form>
        <DoingError doing/>
    }
    .into_any()
}

fn shown(grant: &Grant) -> String {
    match (&grant.subject, &grant.name) {
        (Subject::Person(_), Some(name)) => name.to_string(),
        (Subject::Group(name), _) => format!("group {name}"),
        (subject, _) => subject.to_string(),
    }
}

//! `/audit`: sign-ins, refusals, and changes of people and rights. What is listed is in the address.

use domain::{AuditAction, AuditEntry, AuditFilter};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{hooks::use_query_map, params::ParamsMap};

use crate::{
    AppError,
    api::{accounts, resource::resource},
    features::{error_panel::when_loaded, time::RelativeTime},
    route::{param, parse_enum},
    state::live_query::single_flight,
    ui::notice::StaleNotice,
};

/// What the address asks for: `?who=` and `?action=`.
fn asked_for(query: &ParamsMap) -> AuditFilter {
    AuditFilter {
        who: param(query, "who"),
        action: param(query, "action").and_then(|action| parse_enum(&action)),
        ..AuditFilter::default()
    }
}

#[component]
pub fn AuditPage() -> impl IntoView {
    let query = use_query_map();
    let loaded = resource(
        move || query.with(asked_for),
        |filter| async move { Ok::<_, AppError>((filter.clone(), accounts::audit(filter).await?)) },
    );
    view! {
        <Title text="Audit log"/>
        {when_loaded(loaded, |(filter, entries)| view! { <Audit filter entries/> })}
    }
    .into_any()
}

#[component]
fn Audit(filter: AuditFilter, entries: Vec<AuditEntry>) -> impl IntoView {
    let page = AuditFilter::DEFAULT_LIMIT as usize;
    let more = RwSignal::new(entries.len() >= page);
    let shown = RwSignal::new(entries);
    let failed = RwSignal::new(None::<AppError>);
    let mut query = ParamsMap::new();
    for (name, value) in [("who", filter.who.clone()), ("action", filter.action.map(|a| a.as_str().to_owned()))] {
        if let Some(value) = value {
            query.insert(name, value);
        }
    }
    let csv = format!("/api/v1/audit.csv{}", query.to_query_string());
    let (who, action) = (filter.who.clone().unwrap_or_default(), filter.action);
    let asked = StoredValue::new(filter);
    let show_more = single_flight(move || async move {
        let before = shown.with_untracked(|shown| shown.last().map(|entry| entry.id));
        match accounts::audit(AuditFilter { before, ..asked.get_value() }).await {
            Ok(older) => {
                more.try_set(older.len() >= page);
                shown.try_update(|shown| shown.extend(older));
            }
            Err(error) => {
                failed.try_set(Some(error));
            }
        }
    });
    let actions = AuditAction::ALL.map(|known| {
        view! { <option value=known.as_str() selected=action == Some(known)>{words(known)}</option> }
    });
    view! {
        <div class="page">
            <header class="page__head">
                <div>
                    <h1>"Audit log"</h1>
                    <p class="quiet">"Sign-ins, refusals, and changes of people and rights, newest first."</p>
                </div>
                // A file: not for the router.
                <a class="button" href=csv rel="external" download="audit.csv">"Export as CSV"</a>
            </header>
            <form class="filter" method="get" action="/audit" role="search" aria-label="Filter">
                <span class="filter__field">
                    <label for="audit-who">"By"</label>
                    <input class="input" id="audit-who" name="who" type="text" value=who/>
                </span>
                <span class="filter__field">
                    <label for="audit-action">"Action"</label>
                    <select class="input" id="audit-action" name="action"><option value="">"any"</option>{actions}</select>
                </span>
                <button type="submit" class="button">"Filter"</button>
            </form>
            <StaleNotice error=failed/>
            <div class="table-box"><table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Time"</th>
                        <th scope="col">"By"</th>
                        <th scope="col">"Action"</th>
                        <th scope="col">"On"</th>
                        <th scope="col">"Detail"</th>
                        <th scope="col">"From"</th>
                    </tr>
                </thead>
                <tbody><For each=move || shown.get() key=|entry| entry.id children=row/></tbody>
            </table></div>
            <p class="more" class:hidden=move || !more.get()>
                <button type="button" class="button" on:click=move |_| show_more.run(())>"Show more"</button>
            </p>
        </div>
    }
    .into_any()
}

fn words(action: AuditAction) -> String {
    action.as_str().replace('_', " ")
}

fn row(entry: AuditEntry) -> AnyView {
    let on: Vec<_> = entry.subject.into_iter().chain(entry.runtime.map(|id| format!("runtime {id}"))).collect();
    view! {
        <tr>
            <td data-label="Time"><RelativeTime at=entry.at/></td>
            <td data-label="By"><span class="row__who" title=entry.who.to_string()>{entry.who.to_string()}</span></td>
            <th scope="row" data-label="Action">{words(entry.action)}</th>
            <td data-label="On" translate="no">{on.join(", ")}</td>
            <td data-label="Detail" class="row__text">{entry.detail}</td>
            <td data-label="From">{entry.address}</td>
        </tr>
    }
    .into_any()
}

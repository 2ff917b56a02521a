//! `/people`: who can sign in, and who has which role.

use domain::{Grant, Person};
use leptos::{ev::SubmitEvent, prelude::*};
use leptos_meta::Title;

use crate::{
    AppError,
    api::{accounts, resource::resource},
    features::{
        doing::{Doing, DoingError, ShownOnce},
        error_panel::when_loaded,
        grants::Grants,
        time::RelativeTime,
    },
};

async fn load() -> Result<(Vec<Person>, Vec<Grant>), AppError> {
    Ok((accounts::people().await?, accounts::grants(None).await?))
}

#[component]
pub fn PeoplePage() -> impl IntoView {
    let loaded = resource(|| (), |()| load());
    let reload = Callback::new(move |()| loaded.refetch());
    // It outlives the list, which is made anew after each change.
    let link = RwSignal::new(None::<String>);
    view! {
        <Title text="People"/>
        {when_loaded(loaded, move |(people, grants)| view! {
            <div class="page">
                <header class="page__head">
                    <div>
                        <h1>"People"</h1>
                        <p class="quiet">"Who can sign in. Somebody new chooses a password by a link that you send them."</p>
                    </div>
                    <a class="button" href="/audit">"Audit log"</a>
                </header>
                <People people link reload/>
                <section aria-labelledby="grants-title">
                    <h2 id="grants-title">"Roles"</h2>
                    <p class="quiet">"The highest counts. Roles on one runtime are given on its own page."</p>
                    <Grants grants=grants runtime=None reload/>
                </section>
            </div>
        })}
    }
    .into_any()
}

#[component]
fn People(people: Vec<Person>, link: RwSignal<Option<String>>, reload: Callback<()>) -> impl IntoView {
    let doing = Doing::new(reload);
    let name = RwSignal::new(String::new());
    let show = move |invitation: domain::Invitation| {
        link.try_set(Some(invitation.link));
    };
    let invite = move |event: SubmitEvent| {
        event.prevent_default();
        doing.run(accounts::invite(name.get_untracked(), None), show);
    };
    let row = move |person: Person| {
        let (id, is_disabled) = (person.id, person.disabled_at.is_some());
        let name = person.name.to_string();
        let renew = move |_| doing.run(accounts::renew_link(id), show);
        let switch = move |_| doing.run(accounts::set_disabled(id, !is_disabled), drop);
        let how = match (&person.issuer, person.has_password) {
            (Some(issuer), _) => issuer.clone(),
            (None, true) => "password".to_owned(),
            (None, false) => "has not chosen a password".to_owned(),
        };
        let verb = if is_disabled { "Enable" } else { "Disable" };
        view! {
            <tr>
                <th scope="row" data-label="Name" translate="no">{name.clone()}</th>
                <td data-label="Signs in by">{how}</td>
                <td data-label="Groups" translate="no">{person.groups.join(", ")}</td>
                <td data-label="Added"><RelativeTime at=person.created_at/></td>
                <td data-label="State">{if is_disabled { "disabled" } else { "active" }}</td>
                <td data-label="Actions">
                    <span class="row__actions">
                        {(!is_disabled).then(|| view! {
                            <button type="button" class="button button--small" aria-label=format!("New link for {name}") on:click=renew>"New link"</button>
                        })}
                        <button type="button" class="button button--small" aria-label=format!("{verb} {name}") on:click=switch>{verb}</button>
                    </span>
                </td>
            </tr>
        }
        .into_any()
    };
    view! {
        <ShownOnce what="Send this link to the person. It works once, within a week." text=link/>
        <form class="filter" aria-label="Invite somebody" on:submit=invite>
            <span class="filter__field">
                <label for="person-name">"Name"</label>
                <input class="input" id="person-name" type="text" required=true maxlength="64" autocomplete="off"
                    prop:value=move || name.get() on:input=move |event| name.set(event_target_value(&event))/>
            </span>
            <button type="submit" class="button button--primary" disabled=move || doing.is_busy()>"Invite"</button>
        </form>
        <DoingError doing/>
        <div class="table-box"><table class="table">
            <thead>
                <tr>
                    <th scope="col">"Name"</th>
                    <th scope="col">"Signs in by"</th>
                    <th scope="col">"Groups"</th>
                    <th scope="col">"Added"</th>
                    <th scope="col">"State"</th>
                    <th scope="col">"Actions"</th>
                </tr>
            </thead>
            <tbody>{people.into_iter().map(row).collect_view()}</tbody>
        </table></div>
    }
    .into_any()
}

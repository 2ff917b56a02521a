//! `/account`: where somebody is signed in, and their API tokens.

use domain::{NewToken, RuntimeSummary, Session, Token, access::Role};
use leptos::{ev::SubmitEvent, prelude::*};
use leptos_meta::Title;

use crate::{
    AppError,
    api::{self, accounts, resource::resource},
    features::{
        doing::{Doing, DoingError, ShownOnce},
        error_panel::when_loaded,
        time::RelativeTime,
    },
    state::access::use_access,
};

type Loaded = (Vec<Session>, Vec<Token>, Vec<RuntimeSummary>);

async fn load() -> Result<Loaded, AppError> {
    Ok((accounts::sessions().await?, accounts::tokens().await?, api::runtimes().await?))
}

#[component]
pub fn AccountPage() -> impl IntoView {
    let loaded = resource(|| (), |()| load());
    let reload = Callback::new(move |()| loaded.refetch());
    // It outlives the list, which is made anew after each change.
    let secret = RwSignal::new(None::<String>);
    view! {
        <Title text="Account"/>
        {when_loaded(loaded, move |(sessions, tokens, runtimes)| view! {
            <Account sessions tokens runtimes secret reload/>
        })}
    }
    .into_any()
}

#[component]
fn Account(
    sessions: Vec<Session>,
    tokens: Vec<Token>,
    runtimes: Vec<RuntimeSummary>,
    secret: RwSignal<Option<String>>,
    reload: Callback<()>,
) -> impl IntoView {
    let access = use_access();
    view! {
        <div class="page">
            <header class="page__head">
                <div>
                    <h1>"Account"</h1>
                    <p class="quiet">"Signed in as "<strong translate="no">{move || access.name()}</strong></p>
                </div>
                <p class="form__buttons">
                    <a class="button" href="/password" rel="external">"Change password"</a>
                </p>
                <form method="post" action="/sign-out"><button class="button button--primary">"Sign out"</button></form>
            </header>
            <Sessions sessions reload/>
            <Tokens tokens runtimes secret reload/>
        </div>
    }
    .into_any()
}

#[component]
fn Sessions(sessions: Vec<Session>, reload: Callback<()>) -> impl IntoView {
    let doing = Doing::new(reload);
    let row = move |session: Session| {
        let end = move |_| doing.run(accounts::end_sessions(Some(session.id)), drop);
        view! {
            <tr>
                <th scope="row" data-label="Browser" class="row__text">{session.agent}</th>
                <td data-label="Address">{session.address}</td>
                <td data-label="Signed in"><RelativeTime at=session.created_at/></td>
                <td data-label="Last used"><RelativeTime at=session.seen_at/></td>
                <td data-label="Actions">{match session.is_current {
                    true => "this one".into_any(),
                    false => view! { <button type="button" class="button button--small" on:click=end>"End"</button> }.into_any(),
                }}</td>
            </tr>
        }
        .into_any()
    };
    view! {
        <section aria-labelledby="sessions-title">
            <h2 id="sessions-title">"Sessions"</h2>
            <div class="table-box"><table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Browser"</th>
                        <th scope="col">"Address"</th>
                        <th scope="col">"Signed in"</th>
                        <th scope="col">"Last used"</th>
                        <th scope="col">"Actions"</th>
                    </tr>
                </thead>
                <tbody>{sessions.into_iter().map(row).collect_view()}</tbody>
            </table></div>
            <p class="more">
                <button type="button" class="button" on:click=move |_| doing.run(accounts::end_sessions(None), drop)>
                    "End all, this one too"
                </button>
            </p>
            <DoingError doing/>
        </section>
    }
    .into_any()
}

#[component]
fn Tokens(
    tokens: Vec<Token>,
    runtimes: Vec<RuntimeSummary>,
    secret: RwSignal<Option<String>>,
    reload: Callback<()>,
) -> impl IntoView {
    let doing = Doing::new(reload);
    let row = move |token: Token| {
        let (id, name) = (token.id, token.name.to_string());
        let revoke = move |_| doing.run(accounts::revoke_token(id), drop);
        let place = token.runtime.map_or_else(|| "all runtimes".to_owned(), |runtime| runtime.to_string());
        view! {
            <tr>
                <th scope="row" data-label="Name" translate="no">{name.clone()}</th>
                <td data-label="Role">{format!("{} on {place}", token.role)}</td>
                <td data-label="Created"><RelativeTime at=token.created_at/></td>
                <td data-label="Expires">{crate::format::second(token.expires_at)}</td>
                <td data-label="Last used">{match token.used_at {
                    Some(at) => view! { <RelativeTime at/> }.into_any(),
                    None => view! { <span class="quiet">"never"</span> }.into_any(),
                }}</td>
                <td data-label="Actions">
                    <button type="button" class="button button--small" aria-label=format!("Revoke {name}") on:click=revoke>"Revoke"</button>
                </td>
            </tr>
        }
        .into_any()
    };
    let none = tokens.is_empty();
    view! {
        <section aria-labelledby="tokens-title">
            <h2 id="tokens-title">"API tokens"</h2>
            <p class="quiet">"A program sends one in place of your password. It may do no more than its role, and no more than you."</p>
            <ShownOnce what="Your new token." text=secret/>
            {(!none).then(|| view! {
                <div class="table-box"><table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            <th scope="col">"Role"</th>
                            <th scope="col">"Created"</th>
                            <th scope="col">"Expires"</th>
                            <th scope="col">"Last used"</th>
                            <th scope="col">"Actions"</th>
                        </tr>
                    </thead>
                    <tbody>{tokens.into_iter().map(row).collect_view()}</tbody>
                </table></div>
            })}
            <CreateToken doing runtimes secret/>
            <DoingError doing/>
        </section>
    }
    .into_any()
}

#[component]
fn CreateToken(doing: Doing, runtimes: Vec<RuntimeSummary>, secret: RwSignal<Option<String>>) -> impl IntoView {
    let (name, days) = (RwSignal::new(String::new()), RwSignal::new(NewToken::DEFAULT_DAYS.to_string()));
    let (runtime, role) = (RwSignal::new(String::new()), RwSignal::new("viewer".to_owned()));
    let create = move |event: SubmitEvent| {
        event.prevent_default();
        let role = role.with_untracked(|role| Role::ALL.into_iter().find(|known| known.as_str() == role));
        let new = NewToken {
            name: name.get_untracked(),
            runtime: runtime.get_untracked().parse().ok(),
            role: role.unwrap_or(Role::Viewer),
            days: days.get_untracked().trim().parse().unwrap_or(0),
        };
        doing.run(accounts::create_token(new), move |created| {
            secret.try_set(Some(created.secret));
        });
    };
    let roles = Role::ALL.map(|role| view! { <option value=role.as_str()>{role.as_str()}</option> });
    let runtimes =
        runtimes.into_iter().map(|runtime| view! { <option value=runtime.id.to_string()>{runtime.name}</option> });
    view! {
        <form class="filter" aria-label="Create a token" on:submit=create>
            <span class="filter__field">
                <label for="token-name">"Name"</label>
                <input class="input" id="token-name" type="text" required=true maxlength="64" autocomplete="off"
                    prop:value=move || name.get() on:input=move |event| name.set(event_target_value(&event))/>
            </span>
            <span class="filter__field">
                <label for="token-runtime">"For"</label>
                <select class="input" id="token-runtime" on:change=move |event| runtime.set(event_target_value(&event))>
                    <option value="">"all runtimes"</option>
                    {runtimes.collect_view()}
                </select>
            </span>
            <span class="filter__field">
                <label for="token-role">"Role"</label>
                <select class="input" id="token-role" on:change=move |event| role.set(event_target_value(&event))>{roles}</select>
            </span>
            <span class="filter__field">
                <label for="token-days">"Days"</label>
                <input class="input" id="token-days" type="number" min="1" max=NewToken::MAX_DAYS.to_string() required=true
                    prop:value=move || days.get() on:input=move |event| days.set(event_target_value(&event))/>
            </span>
            <button type="submit" class="button button--primary" disabled=move || doing.is_busy()>"Create token"</button>
        </form>
    }
    .into_any()
}

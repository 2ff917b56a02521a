//! On every page: where one is, which cluster it is about, and whether the page follows the server.

use domain::{ClusterInfo, ClusterKind, Reachability, access::Permission};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::{
    error::sentence,
    format,
    state::{
        access::use_access,
        lazy::Loading,
        live::{Connection, use_live},
    },
    ui::icon::{Icon, Shape},
};

#[component]
pub fn Header(palette: RwSignal<bool>, help: RwSignal<bool>) -> impl IntoView {
    let (live, access) = (use_live(), use_access());
    let loading: Loading = expect_context();
    let path = use_location().pathname;
    view! {
            <header class="header">
                <a class="header__home" href="/" aria-label="KAI Server, all runtimes">
                    <svg class="header__mark" viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
                        <path d="M5 2.5v11M11.5 2.5 5.5 8l6 5.5"></path>
                    </svg>
                    "KAI Server"
                </a>
                <nav class="breadcrumb" aria-label="Breadcrumb" translate="no">
                    <ol>{move || crumbs(&path.get()).into_iter().map(crumb).collect_view()}</ol>
                </nav>
                <div class="header__tools">
                    <button
                        type="button"
                        class="button button--quiet"
                        aria-haspopup="dialog"
                        on:click=move |_| palette.set(true)
                    >
                        <Icon shape=Shape::Search/>"Go to"<kbd class="header__key" aria-hidden="true">"Ctrl K"</kbd>
                    </button>
                    <a class="button button--quiet" href="/activity">"Activity"</a>
                    {move || access.may(Permission::ManagePeople, None).then(|| view! {
                        <a class="button button--quiet" href="/people">"People"</a>
                    })}
                    {move || access.name().map(|name| view! {
                        <a class="button button--quiet header__person" href="/account" translate="no">{name}</a>
                    })}
                    <button
                        type="button"
                        class="button button--quiet header__help"
                        aria-haspopup="dialog"
                        aria-label="Keyboard shortcuts"
                        title="Keyboard shortcuts (?)"
                        on:click=move |_| help.set(true)
                    >
                        <Icon shape=Shape::Question/>
                    </button>
                </div>
                <div class="header__state">
                    {move || cluster_badge(&live.cluster.get())}
                    <ConnectionMark connection=live.connection/>
                </div>
                <div class="header__loading" role="progressbar" aria-label="Loading" hidden=move || !loading.is_loading()></div>
            </header>
        {move || loading.has_failed.get().then(|| view! {
            <p class="banner" data-tone="warn" role="alert">
                <Icon shape=Shape::Warning/>
                "A part of this page could not be loaded. The server may have been upgraded: reload the page."
            </p>
        })}
        {move || unreachable_notice(&live.cluster.get())}
        {move || (live.connection.get() == Connection::SignedOut).then(|| view! {
            <p class="banner" data-tone="warn" role="alert">
                <Icon shape=Shape::Warning/>
                "Your session has ended. What is on this page stays. "
                <a href="/sign-in" target="_blank" rel="external">"Sign in in another tab"</a>
                " and go on here."
            </p>
        })}
        {move || (live.connection.get() == Connection::Lost).then(|| view! {
            <p class="banner" data-tone="warn" role="status">
                <Icon shape=Shape::Unplug/>
                "Connection lost – data may be out of date. Reconnecting…"
            </p>
        })}
    }
    .into_any()
}

#[component]
fn ConnectionMark(#[prop(into)] connection: Signal<Connection>) -> impl IntoView {
    let state = move || match connection.get() {
        Connection::Connecting => ("quiet", "Connecting"),
        Connection::Live => ("good", "Live"),
        Connection::SignedOut => ("warn", "Signed out"),
        Connection::Lost => ("warn", "Offline"),
    };
    view! { <span class="connection" data-tone=move || state().0>{move || state().1}</span> }.into_any()
}

fn cluster_badge(cluster: &ClusterInfo) -> impl IntoView + use<> {
    let text = match cluster.kind {
        ClusterKind::Sandbox => "Sandbox – nothing really runs here".to_owned(),
        ClusterKind::Kubeconfig => cluster.name.clone(),
        ClusterKind::InCluster => format!("This cluster ({})", cluster.name),
    };
    let (tone, shape, state) = match (&cluster.reachability, cluster.kind) {
        (Reachability::Connecting, _) => ("quiet", Shape::Question, "connecting"),
        (Reachability::Unreachable { .. }, _) => ("bad", Shape::Unplug, "unreachable"),
        (Reachability::Forbidden { .. }, _) => ("bad", Shape::Unplug, "access denied"),
        (Reachability::Reachable, ClusterKind::Sandbox) => ("accent", Shape::Box, "reachable"),
        (Reachability::Reachable, _) => ("good", Shape::Check, "reachable"),
    };
    let title = format!("Cluster: {text} ({state})");
    view! {
        <span class="badge cluster" data-tone=tone title=title>
            <Icon shape/>
            <span class="visually-hidden">"Cluster: "</span>
            <span class="cluster__name">{text}</span>
            <span class="visually-hidden">" ("{state}")"</span>
        </span>
    }
    .into_any()
}

fn unreachable_notice(cluster: &ClusterInfo) -> Option<impl IntoView + use<>> {
    let (since, reason, problem, end) = match &cluster.reachability {
        Reachability::Unreachable { since, reason } => {
            (since, reason, "has been unreachable since", "Commands run as soon as it is reachable again.")
        }
        Reachability::Forbidden { since, reason } => {
            (since, reason, "has denied access since", "Nothing is changed there until access is granted.")
        }
        Reachability::Connecting | Reachability::Reachable => return None,
    };
    let text = format!("The cluster {} {problem} {}: {} {end}", cluster.name, format::minute(*since), sentence(reason));
    Some(view! { <p class="banner" data-tone="bad" role="status"><Icon shape=Shape::Unplug/>{text}</p> })
}

/// The places from the first page to the one of this path: text, and where it leads; the last leads nowhere.
fn crumbs(path: &str) -> Vec<(String, Option<String>)> {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    if let [page @ ("activity" | "people" | "audit" | "account")] = parts.as_slice() {
        let page = if *page == "audit" { "Audit log".to_owned() } else { capitalised(page) };
        return vec![(page, None)];
    }
    if parts == ["runtimes", "new"] {
        return vec![("Runtimes".to_owned(), Some("/".to_owned())), ("New runtime".to_owned(), None)];
    }
    let mut crumbs = vec![("Runtimes".to_owned(), "/".to_owned())];
    if let ["runtimes", runtime, rest @ ..] = parts.as_slice() {
        let runtime_path = format!("/runtimes/{runtime}");
        crumbs.push(((*runtime).to_owned(), runtime_path.clone()));
        if let ["versions", version, rest @ ..] = rest {
            let version_path = format!("{runtime_path}/versions/{version}");
            crumbs.push(((*version).to_owned(), version_path.clone()));
            if let [screen] = rest {
                crumbs.push((capitalised(screen), format!("{version_path}/{screen}")));
            }
        } else if let [screen] = rest {
            crumbs.push((capitalised(screen), format!("{runtime_path}/{screen}")));
        }
    }
    let last = crumbs.len() - 1;
    crumbs.into_iter().enumerate().map(|(at, (text, href))| (text, (at < last).then_some(href))).collect()
}

/// The screens of a version are called as the last part of their paths, which is ASCII; the table of all capitals of
/// Unicode would come with every first load.
fn capitalised(word: &str) -> String {
    let mut word = word.replace('-', " ");
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    word
}

fn crumb((text, href): (String, Option<String>)) -> impl IntoView {
    match href {
        Some(href) => leptos::either::Either::Left(view! { <li><a href=href>{text}</a></li> }),
        None => leptos::either::Either::Right(view! { <li><span aria-current="page">{text}</span></li> }),
    }
}

#[cfg(test)]
mod tests {
    use super::crumbs;

    #[test]
    fn the_breadcrumb_leads_to_every_page_above() {
        let link = |text: &str, href: &str| (text.to_owned(), Some(href.to_owned()));
        let here = |text: &str| (text.to_owned(), None);
        let home = link("Runtimes", "/");
        let demo = link("demo", "/runtimes/demo");
        assert_eq!(crumbs("/"), [here("Runtimes")]);
        assert_eq!(crumbs("/activity"), [here("Activity")]);
        assert_eq!(crumbs("/runtimes/new"), [home.clone(), here("New runtime")]);
        assert_eq!(crumbs("/runtimes/demo"), [home.clone(), here("demo")]);
        assert_eq!(crumbs("/runtimes/demo/versions/v1/"), [home.clone(), demo.clone(), here("v1")]);
        let version = link("v1", "/runtimes/demo/versions/v1");
        assert_eq!(crumbs("/runtimes/demo/versions/v1/history"), [home, demo, version, here("History")]);
    }
}

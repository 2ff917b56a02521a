//! Where a version is reached, to copy.

use domain::{Address, Reach};
use leptos::prelude::*;

use crate::{
    platform,
    ui::icon::{Icon, Shape},
};

/// One address with a button that copies it.
#[component]
pub fn CopyAddress(#[prop(into)] at: String) -> impl IntoView {
    let said = RwSignal::new("");
    let copied = at.clone();
    let copy = move |_| {
        platform::copy(&copied, move |done| said.set(if done { "Copied" } else { "Select and copy it by hand" }))
    };
    let name = format!("Copy {at}");
    view! {
        <span class="address">
            <code>{at}</code>
            <button type="button" class="button button--quiet button--small" aria-label=name on:click=copy>
                <Icon shape=Shape::Copy/>"Copy"
            </button>
            <span class="quiet" role="status">{move || said.get()}</span>
        </span>
    }
    .into_any()
}

/// All addresses of a version, each with who reaches it; nothing while it has none.
#[component]
pub fn Addresses(addresses: Memo<Vec<Address>>) -> impl IntoView {
    let row = |address: Address| {
        view! { <div><dt>{who(address.reach)}</dt><dd><CopyAddress at=address.at/></dd></div> }
    };
    move || {
        let addresses = addresses.get();
        (!addresses.is_empty()).then(|| {
            view! {
                <dl class="facts" aria-label="Addresses">{addresses.into_iter().map(row).collect_view()}</dl>
            }
        })
    }
}

fn who(reach: Reach) -> &'static str {
    match reach {
        Reach::Cluster => "Inside the cluster",
        Reach::Preview => "Preview from outside",
        Reach::Public => "From outside",
    }
}

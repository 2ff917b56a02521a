//! A version's documentation, as its file brings it, with a table of contents.

use domain::{DocumentationPage, Heading};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::VersionContext;
use crate::{
    api::{self, resource::resource},
    features::error_panel::when_loaded,
    platform,
};

#[component]
pub fn DocumentationScreen() -> impl IntoView {
    let shown: VersionContext = expect_context();
    let (runtime, name) = shown.ids();
    let query = use_query_map();
    let asked = Memo::new(move |_| query.with(|query| query.get("page")));
    let loaded =
        resource(move || (shown.ids(), asked.get()), |((runtime, name), page)| api::documentation(runtime, name, page));
    view! {
        <Title text=format!("Documentation · {name} · {runtime}")/>
        {when_loaded(loaded, |page| match page {
            Some(page) => Either::Left(view! { <Page page/> }),
            None => Either::Right(view! { <Nothing/> }),
        })}
    }
    .into_any()
}

#[component]
fn Page(page: DocumentationPage) -> impl IntoView {
    let DocumentationPage { path, html, contents } = page;
    // The router looks for the heading when the address changes, and this page is there only later. Of a page that the
    // server has rendered the browser has found it, or is where the person was before.
    let rendered = Owner::current_shared_context().is_some_and(|shared| shared.during_hydration());
    Effect::new(move |_| {
        if !rendered {
            platform::show_target();
        }
    });
    // Of a single heading there is nothing to choose from.
    let contents = (contents.len() > 1).then(|| {
        view! {
            <nav class="docs__contents" aria-labelledby="docs-contents">
                <h2 id="docs-contents">"On this page"</h2>
                {list(&contents)}
            </nav>
        }
    });
    view! {
        <div class="screen screen--wide">
            <header class="screen__head">
                <h1>"Documentation"</h1>
                <p class="quiet"><code>{path}</code></p>
            </header>
            <div class="docs">
                {contents}
                // The server has made it of elements and links that it knows; there is nothing of the file's own in it.
                <article class="docs__text" inner_html=html></article>
            </div>
        </div>
    }
    .into_any()
}

/// Headings with those below them.
fn list(headings: &[Heading]) -> AnyView {
    let mut items = Vec::new();
    let mut rest = headings;
    while let Some((first, after)) = rest.split_first() {
        let below = after.iter().take_while(|heading| heading.level > first.level).count();
        let (below, after) = after.split_at(below);
        let href = format!("#{}", first.id);
        let text = first.text.clone();
        let below = (!below.is_empty()).then(|| list(below));
        items.push(view! { <li><a href=href>{text}</a>{below}</li> }.into_any());
        rest = after;
    }
    view! { <ol>{items}</ol> }.into_any()
}

#[component]
fn Nothing() -> impl IntoView {
    view! {
        <div class="screen">
            <header class="screen__head"><h1>"Documentation"</h1></header>
            <div class="blank">
                <p>"This version has no documentation."</p>
                <p>
                    "Put Markdown into the KRT file as "<code>"docs/README.md"</code>
                    ", and pictures beside it: they are shown here. Versions that were added before the server kept \
                    documentation have none either."
                </p>
            </div>
        </div>
    }
    .into_any()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn headings_lie_below_those_that_they_belong_to() {
        let heading = |level, id: &str| Heading { level, id: format!("doc-{id}"), text: id.to_owned() };
        let html =
            list(&[heading(1, "a"), heading(2, "b"), heading(3, "c"), heading(2, "d"), heading(1, "e")]).to_html();
        let bare: String = html.replace("<!>", "").replace("<!--hot-reload-->", "");
        let nesting: Vec<_> = bare.split('<').filter_map(|tag| tag.split(['>', ' ']).next()).collect();
        let depth = |id: &str| {
            let at = bare.find(&format!("#doc-{id}")).expect("a link");
            let open = bare[..at].matches("<ol").count();
            open - bare[..at].matches("</ol").count()
        };
        assert_eq!(["a", "b", "c", "d", "e"].map(depth), [1, 2, 3, 2, 1], "{nesting:?}");
    }
}

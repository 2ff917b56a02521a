//! The pieces that wait, in the order in which they are taken over.

use std::{cell::RefCell, mem, sync::Arc, time::Duration};

use any_spawner::Executor;
use hydration_context::{HydrateSharedContext, SharedContext};
use leptos::{
    prelude::*,
    tachys::{dom::body, hydration::Cursor, renderer::types, view::PositionState},
    wasm_bindgen::JsCast,
    web_sys,
};

use crate::browser;

thread_local! {
    static WAITING: RefCell<Waiting> = const {
        RefCell::new(Waiting { is_complete: false, next: 0, pieces: Vec::new(), then: Vec::new() })
    };
}

struct Waiting {
    is_complete: bool,
    next: u32,
    pieces: Vec<Waits>,
    then: Vec<Box<dyn FnOnce()>>,
}

struct Waits {
    number: u32,
    element: types::Element,
    take: Box<dyn FnOnce()>,
}

/// Takes over the page that the server has rendered; what it consists of is what `app` shows.
pub fn take_over_page<V: IntoView>(app: impl FnOnce() -> V + 'static) {
    // What has been made ready before is ready.
    let _ = Executor::init_wasm_bindgen();
    let context = Arc::new(HydrateSharedContext::new());
    let owner = Owner::new_root(Some(context.clone()));
    let view = owner.with(|| {
        let body = Cursor::new(body().unchecked_into());
        app().into_view().hydrate::<true>(&body, &PositionState::default())
    });
    // Pieces find what the server has loaded for them, too.
    when_complete(move || context.hydration_complete());
    // They live as long as the page.
    mem::forget((owner, view));
}

/// Calls it when the whole page is taken over; at once when it is.
pub fn when_complete(call: impl FnOnce() + 'static) {
    WAITING.with_borrow_mut(|waiting| waiting.then.push(Box::new(call)));
    go_on();
}

/// Calls what waits for the whole page, when that is taken over.
fn go_on() {
    let then = WAITING.with_borrow_mut(|waiting| {
        waiting.is_complete = waiting.pieces.is_empty();
        if waiting.is_complete { mem::take(&mut waiting.then) } else { Vec::new() }
    });
    then.into_iter().for_each(|call| call());
}

pub(super) fn is_complete() -> bool {
    WAITING.with_borrow(|waiting| waiting.is_complete)
}

/// Takes over the piece of this number, unless that has been done or is not wanted any more.
fn take_over(number: u32) {
    if let Some(take) = forget(number) {
        take();
        go_on();
    }
}

/// Takes over what a person's doing may concern.
fn take_over_for(event: &web_sys::Event) {
    // The header's buttons open what is beside the page's content, and change nothing in it.
    let content = browser::is_on_header_button(event).then(browser::content).flatten();
    let is_concerned = |piece: &&Waits| content.as_ref().is_none_or(|content| !content.contains(Some(&piece.element)));
    let concerned =
        || WAITING.with_borrow(|waiting| waiting.pieces.iter().find(is_concerned).map(|piece| piece.number));
    while let Some(number) = concerned() {
        take_over(number);
    }
}

fn forget(number: u32) -> Option<Box<dyn FnOnce()>> {
    WAITING.with_borrow_mut(|waiting| {
        let at = waiting.pieces.iter().position(|piece| piece.number == number)?;
        Some(waiting.pieces.remove(at).take)
    })
}

/// Leaves it for later. It is forgotten when what it is part of is gone by then.
pub(super) fn wait(element: types::Element, take: impl FnOnce() + 'static) {
    let number = WAITING.with_borrow_mut(|waiting| {
        let number = waiting.next;
        waiting.next += 1;
        waiting.pieces.push(Waits { number, element, take: Box::new(take) });
        number
    });
    if number == 0 {
        browser::before_events(take_over_for);
    }
    on_cleanup(move || {
        if forget(number).is_some() {
            go_on();
        }
    });
    set_timeout(move || take_over(number), Duration::ZERO);
}

//! Taking a page over from the server, piece by piece.
//!
//! A browser that takes a page over in one go answers nobody meanwhile; most of that time goes by with compiling what
//! is called for the first time. So what is cut off by [`piece`] is taken over in a task of its own. Until then it is as
//! the server made it, so nothing that it shows may change: whatever changes it by itself waits for [`when_complete`],
//! and a person who is faster has the rest taken over at once.

use leptos::prelude::*;

#[cfg(feature = "hydrate")]
pub use waiting::{Piece, take_over_page, when_complete};

/// A single element, with nothing beside it, that is taken over by itself. No markup in it is changed by an effect outside
/// of it (a property may be: it is set in any case), and only one of several pieces beside each other has resources: these
/// are told apart by their order.
#[cfg(feature = "hydrate")]
pub fn piece(show: impl FnOnce() -> AnyView + Send + 'static) -> Piece {
    Piece::new(show)
}

#[cfg(not(feature = "hydrate"))]
pub fn piece(show: impl FnOnce() -> AnyView + Send + 'static) -> AnyView {
    show()
}

/// Effects are what calls it, and the server has none.
#[cfg(not(feature = "hydrate"))]
pub fn when_complete(_: impl FnOnce() + 'static) {}

/// Whether the rest of what somebody goes to inside of the application is to be built: not at first, but in a task of its
/// own, so that neither keeps them waiting. What is taken over is all there, and so is to be from the beginning.
pub fn the_rest() -> ReadSignal<bool> {
    #[cfg(feature = "hydrate")]
    let is_there = !waiting::is_complete();
    #[cfg(not(feature = "hydrate"))]
    let is_there = true;
    let (rest, set_rest) = signal(is_there);
    if !is_there {
        let build = move || {
            // Nothing when they have gone on meanwhile.
            set_rest.try_set(true);
        };
        set_timeout(build, std::time::Duration::ZERO);
    }
    rest
}

#[cfg(feature = "hydrate")]
mod waiting {
    use std::{cell::RefCell, mem, rc::Rc, sync::Arc, time::Duration};

    use any_spawner::Executor;
    use hydration_context::{HydrateSharedContext, SharedContext};
    use leptos::{
        attr::{Attribute, any_attribute::AnyAttribute},
        prelude::*,
        tachys::{
            dom::body,
            hydration::Cursor,
            renderer::{CastFrom, types},
            view::{Position, PositionState, any_view::AnyViewState},
        },
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
        let is_concerned =
            |piece: &&Waits| content.as_ref().is_none_or(|content| !content.contains(Some(&piece.element)));
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
    fn wait(element: types::Element, take: impl FnOnce() + 'static) {
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

    /// See [`super::piece`].
    pub struct Piece(Box<dyn FnOnce() -> AnyView + Send>);

    impl Piece {
        pub(super) fn new(show: impl FnOnce() -> AnyView + Send + 'static) -> Self {
            Self(Box::new(show))
        }

        fn show(self) -> AnyView {
            (self.0)()
        }
    }

    enum Stage {
        /// As the server made it.
        Waiting(types::Element),
        TakenOver(AnyViewState),
    }

    impl Stage {
        fn mountable(&self) -> &dyn Mountable {
            match self {
                Self::Waiting(element) => element,
                Self::TakenOver(view) => view,
            }
        }

        fn mountable_mut(&mut self) -> &mut dyn Mountable {
            match self {
                Self::Waiting(element) => element,
                Self::TakenOver(view) => view,
            }
        }
    }

    pub struct PieceState(Rc<RefCell<Stage>>);

    impl Mountable for PieceState {
        fn unmount(&mut self) {
            self.0.borrow_mut().mountable_mut().unmount();
        }

        fn mount(&mut self, parent: &types::Element, marker: Option<&types::Node>) {
            self.0.borrow_mut().mountable_mut().mount(parent, marker);
        }

        fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
            self.0.borrow().mountable().insert_before_this(child)
        }

        fn elements(&self) -> Vec<types::Element> {
            self.0.borrow().mountable().elements()
        }
    }

    impl Render for Piece {
        type State = PieceState;

        fn build(self) -> PieceState {
            PieceState(Rc::new(RefCell::new(Stage::TakenOver(self.show().build()))))
        }

        fn rebuild(self, state: &mut PieceState) {
            let mut stage = state.0.borrow_mut();
            match &mut *stage {
                Stage::TakenOver(view) => self.show().rebuild(view),
                Stage::Waiting(_) => {
                    let mut view = self.show().build();
                    stage.mountable().insert_before_this(&mut view);
                    mem::replace(&mut *stage, Stage::TakenOver(view)).mountable_mut().unmount();
                }
            }
        }
    }

    impl AddAnyAttr for Piece {
        type Output<A: Attribute> = Self;

        fn add_any_attr<A: Attribute>(self, attribute: A) -> Self {
            let attribute = attribute.into_cloneable_owned();
            Self::new(move || self.show().add_any_attr(attribute).into_any())
        }
    }

    impl RenderHtml for Piece {
        type AsyncOutput = Self;
        type Owned = Self;

        const MIN_LENGTH: usize = 0;

        fn dry_resolve(&mut self) {}

        async fn resolve(self) -> Self {
            self
        }

        fn to_html_with_buf(
            self,
            buf: &mut String,
            position: &mut Position,
            escape: bool,
            mark_branches: bool,
            extra_attrs: Vec<AnyAttribute>,
        ) {
            self.show().to_html_with_buf(buf, position, escape, mark_branches, extra_attrs);
        }

        fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> PieceState {
            match position.get() {
                Position::FirstChild => cursor.child(),
                Position::Current => {}
                _ => cursor.sibling(),
            }
            position.set(Position::NextChild);
            let element = types::Element::cast_from(cursor.current());
            let (Some(element), Some(owner)) = (element, Owner::current()) else {
                position.set(Position::Current);
                let view = self.show().hydrate::<FROM_SERVER>(cursor, position);
                return PieceState(Rc::new(RefCell::new(Stage::TakenOver(view))));
            };
            let stage = Rc::new(RefCell::new(Stage::Waiting(element.clone())));
            let state = PieceState(Rc::clone(&stage));
            // Held by what it is part of: when that is gone, so is this.
            let owner = owner.downgrade();
            wait(element.clone(), move || {
                let Some(owner) = owner.upgrade().filter(|_| matches!(*stage.borrow(), Stage::Waiting(_))) else {
                    return;
                };
                let view = owner.with(|| {
                    let here = PositionState::new(Position::Current);
                    self.show().hydrate::<FROM_SERVER>(&Cursor::new(element), &here)
                });
                *stage.borrow_mut() = Stage::TakenOver(view);
            });
            state
        }

        fn into_owned(self) -> Self {
            self
        }
    }
}

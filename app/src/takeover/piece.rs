//! The view around a piece: the element as the server made it, then what has taken it over.

use std::{
    cell::RefCell,
    mem,
    rc::{Rc, Weak},
};

use leptos::{
    attr::{Attribute, any_attribute::AnyAttribute},
    prelude::*,
    reactive::{computed::ScopedFuture, owner::WeakOwner},
    tachys::{
        hydration::Cursor,
        renderer::{CastFrom, Rndr, types},
        view::{Position, PositionState, any_view::AnyViewState},
    },
    task::spawn_local,
};

use super::waiting::wait;
use crate::{
    browser,
    parts::{Loading, NotLoaded},
};

/// See [`super::piece`] and [`super::late_piece`].
pub enum Piece {
    Here(Box<dyn FnOnce() -> AnyView + Send>),
    Late(Late),
}

/// What is loaded when it is wanted.
pub struct Late {
    wanted: Signal<bool>,
    load: Box<dyn FnOnce() -> Loading<AnyView> + Send>,
}

impl Piece {
    pub(super) fn here(show: impl FnOnce() -> AnyView + Send + 'static) -> Self {
        Self::Here(Box::new(show))
    }

    pub(super) fn late(wanted: Signal<bool>, load: impl FnOnce() -> Loading<AnyView> + Send + 'static) -> Self {
        Self::Late(Late { wanted, load: Box::new(load) })
    }
}

enum Stage {
    /// As the server made it.
    Waiting(types::Element),
    /// Where it will be, when the server made none.
    Missing(types::Placeholder),
    TakenOver(AnyViewState),
}

impl Stage {
    fn mountable(&self) -> &dyn Mountable {
        match self {
            Self::Waiting(element) => element,
            Self::Missing(place) => place,
            Self::TakenOver(view) => view,
        }
    }

    fn mountable_mut(&mut self) -> &mut dyn Mountable {
        match self {
            Self::Waiting(element) => element,
            Self::Missing(place) => place,
            Self::TakenOver(view) => view,
        }
    }
}

/// Held by what the piece is part of: when that is gone, so is this.
pub struct PieceState(Rc<RefCell<Stage>>);

impl PieceState {
    fn new(stage: Stage) -> Self {
        Self(Rc::new(RefCell::new(stage)))
    }

    /// Puts in its place what `take` makes of the content, once that is wanted and loaded.
    fn when_loaded(&self, late: Late, take: impl FnOnce(AnyView) -> AnyViewState + 'static) {
        let Some(owner) = Owner::current().map(|owner| owner.downgrade()) else { return };
        let (wanted, stage) = (late.wanted, Rc::downgrade(&self.0));
        let mut late = Some((late.load, take));
        Effect::new(move |_| {
            let Some((load, take)) = late.take_if(|_| wanted.get()) else { return };
            let (stage, weak) = (stage.clone(), owner.clone());
            // Not the effect's own: what that owns goes when it runs again.
            let Some(owner) = owner.upgrade() else { return };
            let loading = owner.with(|| ScopedFuture::new_untracked(load()));
            spawn_local(async move {
                match loading.await {
                    Ok(content) => take_over(&stage, &weak, || take(content)),
                    Err(NotLoaded) => browser::admit_being_incomplete(),
                }
            });
        });
    }
}

/// Does it, unless what the piece is part of is gone, or it was done already.
fn take_over(stage: &Weak<RefCell<Stage>>, owner: &WeakOwner, take: impl FnOnce() -> AnyViewState) {
    let (Some(stage), Some(owner)) = (stage.upgrade(), owner.upgrade()) else { return };
    let is_there = matches!(*stage.borrow(), Stage::TakenOver(_));
    if !is_there {
        let view = owner.with(take);
        *stage.borrow_mut() = Stage::TakenOver(view);
    }
}

/// Takes an element over that the server has made of the same content.
fn hydrate<const FROM_SERVER: bool>(content: AnyView, element: types::Element) -> AnyViewState {
    content.hydrate::<FROM_SERVER>(&Cursor::new(element), &PositionState::new(Position::Current))
}

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
        match self {
            Self::Here(show) => PieceState::new(Stage::TakenOver(show().build())),
            Self::Late(late) => {
                let mut place = Rndr::create_placeholder();
                let state = PieceState::new(Stage::Missing(place.clone()));
                state.when_loaded(late, move |content| {
                    let mut view = content.build();
                    place.insert_before_this(&mut view);
                    place.unmount();
                    view
                });
                state
            }
        }
    }

    fn rebuild(self, state: &mut PieceState) {
        let instead = match (self, &mut *state.0.borrow_mut()) {
            (Self::Here(show), Stage::TakenOver(view)) => return show().rebuild(view),
            (instead, _) => instead,
        };
        let mut instead = instead.build();
        state.insert_before_this(&mut instead);
        mem::replace(state, instead).unmount();
    }
}

impl AddAnyAttr for Piece {
    type Output<A: Attribute> = Self;

    fn add_any_attr<A: Attribute>(self, attribute: A) -> Self {
        let attribute = attribute.into_cloneable_owned();
        match self {
            Self::Here(show) => Self::here(move || show().add_any_attr(attribute).into_any()),
            Self::Late(Late { wanted, load }) => Self::late(wanted, move || {
                let loading = load();
                Box::pin(async move { Ok(loading.await?.add_any_attr(attribute).into_any()) })
            }),
        }
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

    /// Nobody calls it: a server has no pieces.
    fn to_html_with_buf(self, _: &mut String, _: &mut Position, _: bool, _: bool, _: Vec<AnyAttribute>) {}

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
            return match self {
                Self::Here(show) => PieceState::new(Stage::TakenOver(show().hydrate::<FROM_SERVER>(cursor, position))),
                late => late.build(),
            };
        };
        let state = PieceState::new(Stage::Waiting(element.clone()));
        match self {
            Self::Here(show) => {
                let (stage, owner) = (Rc::downgrade(&state.0), owner.downgrade());
                wait(element.clone(), move || take_over(&stage, &owner, || hydrate::<FROM_SERVER>(show(), element)));
            }
            Self::Late(late) => state.when_loaded(late, move |content| hydrate::<FROM_SERVER>(content, element)),
        }
        state
    }

    fn into_owned(self) -> Self {
        self
    }
}

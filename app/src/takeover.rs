//! Taking a page over from the server, piece by piece.
//!
//! A browser that takes a page over in one go answers nobody meanwhile; most of that time goes by with compiling what
//! is called for the first time. So what is cut off by [`piece`] is taken over in a task of its own. Until then it is as
//! the server made it, so nothing that it shows may change: whatever changes it by itself waits for [`when_complete`],
//! and a person who is faster has the rest taken over at once.

use leptos::prelude::*;

#[cfg(feature = "hydrate")]
use crate::parts::Loading;

#[cfg(feature = "hydrate")]
mod piece;
#[cfg(feature = "hydrate")]
mod waiting;

#[cfg(feature = "hydrate")]
pub use piece::Piece;
#[cfg(feature = "hydrate")]
pub use waiting::{take_over_page, when_complete};

/// A single element, with nothing beside it, that is taken over by itself. No markup in it is changed by an effect outside
/// of it (a property may be: it is set in any case), and only one of several pieces beside each other has resources: these
/// are told apart by their order.
#[cfg(feature = "hydrate")]
pub fn piece(show: impl FnOnce() -> AnyView + Send + 'static) -> Piece {
    Piece::here(show)
}

#[cfg(not(feature = "hydrate"))]
pub fn piece(show: impl FnOnce() -> AnyView + Send + 'static) -> AnyView {
    show()
}

/// A piece that nobody needs to begin with: it stays as the server made it until it is `wanted` and its code is there.
/// Where the page was made without the server, it is not there before. It has no resources.
#[cfg(feature = "hydrate")]
pub fn late_piece(wanted: Signal<bool>, load: impl FnOnce() -> Loading<AnyView> + Send + 'static) -> Piece {
    Piece::late(wanted, load)
}

/// Whether what is made from now on is made without the server.
pub fn is_complete() -> bool {
    #[cfg(feature = "hydrate")]
    return waiting::is_complete();
    #[cfg(not(feature = "hydrate"))]
    false
}

/// Effects are what calls it, and the server has none.
#[cfg(not(feature = "hydrate"))]
pub fn when_complete(_: impl FnOnce() + 'static) {}

/// Whether the rest of what somebody goes to inside of the application is to be built: not at first, but in a task of its
/// own, so that neither keeps them waiting. What is taken over is all there, and so is to be from the beginning.
pub fn the_rest() -> ReadSignal<bool> {
    let is_there = !is_complete();
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

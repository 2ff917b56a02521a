//! What the components of a page share, in their context: live events, the clock, commands, the upload.

pub mod access;
pub mod clock;
pub mod commands;
pub mod deletable;
pub mod lazy;
pub mod live;
pub mod live_list;
pub mod live_query;
pub mod shortcuts;
pub mod toasts;
pub mod upload;

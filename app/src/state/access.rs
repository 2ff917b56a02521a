//! Who looks at the pages, and what they may do. The server decides; what somebody may not do is off here, and says why.

use domain::{
    Actor, Me, RuntimeId, ServerEvent,
    access::{self, Permission, Rights},
};
use leptos::prelude::*;

use crate::{error::sentence, state::live::Live};

/// In every component's context.
#[derive(Clone, Copy)]
pub struct Access {
    me: RwSignal<Me>,
}

impl Access {
    /// Why somebody may not do this to the runtime, which is none for what is about the whole server. Tracked.
    pub fn why_not(self, permission: Permission, runtime: Option<&RuntimeId>) -> Option<String> {
        let checked = self.me.with(|me| access::check(&me.rights, permission, runtime));
        checked.err().map(|denied| sentence(&denied))
    }

    /// Tracked.
    pub fn may(self, permission: Permission, runtime: Option<&RuntimeId>) -> bool {
        self.me.with(|me| access::check(&me.rights, permission, runtime)).is_ok()
    }

    /// The name of whoever has signed in; none where nobody does. Tracked.
    pub fn name(self) -> Option<String> {
        self.me.with(|me| me.logins.then(|| me.who.to_string()))
    }
}

/// Provides [`Access`], which follows what the server says.
pub fn provide_access(live: Live) -> Access {
    let access = Access { me: RwSignal::new(SharedValue::new(initial).into_inner()) };
    live.on_event(move |event| {
        if let ServerEvent::Hello { rights: Some(rights), .. } = event
            && access.me.with_untracked(|me| me.rights != *rights)
        {
            access.me.update(|me| me.rights = rights.clone());
        }
    });
    provide_context(access);
    access
}

pub fn use_access() -> Access {
    expect_context()
}

/// Only the server knows; the browser gets its answer with the page.
fn initial() -> Me {
    #[cfg(feature = "ssr")]
    if let Some(caller) = use_context::<domain::Caller>() {
        return caller.me();
    }
    Me { who: Actor::Local, person: None, rights: Rights::default(), logins: false }
}

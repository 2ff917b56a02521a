//! How many calls there are at once: one of each person, and so many of all.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{Actor, ApiError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

#[derive(Clone)]
pub(crate) struct Turns {
    people: Arc<Mutex<HashSet<String>>>,
    all: Arc<Semaphore>,
}

/// Permission to make one call, until it is dropped.
pub(crate) struct Turn {
    person: String,
    people: Arc<Mutex<HashSet<String>>>,
    _one_of_all: OwnedSemaphorePermit,
}

impl Turns {
    pub(crate) fn new(at_once: usize) -> Self {
        Self { people: Arc::default(), all: Arc::new(Semaphore::new(at_once)) }
    }

    /// # Errors
    /// `Busy` while this person's last call lasts, or too many calls of others do.
    pub(crate) fn take(&self, actor: &Actor) -> Result<Turn, ApiError> {
        let busy = |reason: &str| ApiError::Busy { reason: reason.to_owned(), retry_after_secs: 5 };
        let one_of_all =
            self.all.clone().try_acquire_owned().map_err(|_| busy("too many calls are made from here at once"))?;
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let person = person(actor);
        if !people.insert(person.clone()) {
            return Err(busy("your last call still waits for its answer"));
        }
        Ok(Turn { person, people: self.people.clone(), _one_of_all: one_of_all })
    }
}

/// Whoever uses a token is its owner.
fn person(actor: &Actor) -> String {
    match actor {
        Actor::Local | Actor::Server | Actor::Person(_) => actor.to_string(),
        Actor::Token { owner, .. } => owner.to_string(),
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.people.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.person);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_person_makes_one_call_at_a_time_and_all_together_no_more_than_their_number() {
        let turns = Turns::new(2);
        let person = |name: &str| Actor::Person(name.parse().unwrap());
        let first = turns.take(&person("mira")).unwrap();
        let refused = turns.take(&person("mira")).err().unwrap();
        assert!(refused.to_string().starts_with("your last call still waits"), "{refused}");
        let by_token = Actor::Token { owner: "mira".parse().unwrap(), token: "deploy".parse().unwrap() };
        assert!(turns.take(&by_token).is_err(), "a token is its owner's");
        let _second = turns.take(&person("ben")).unwrap();
        let refused = turns.take(&person("ada")).err().unwrap();
        assert!(refused.to_string().starts_with("too many calls"), "{refused}");
        drop(first);
        turns.take(&person("mira")).unwrap();
    }
}

//! People, their sessions and tokens, who has which role, and the audit log.

use std::time::Duration;

use domain::{
    Actor, AuditAction, AuditFilter, Caller, Identity, NewGrant, PersonId, Subject, Timestamp,
    access::{Rights, Role},
};
use server::{
    secret::Secret,
    store::{
        Deletion, NewSession, NewTokenRecord, ProviderIdentity, SecretDigest, Store, StoreError, TokenRecord,
        WhichSessions,
    },
};

use super::{Db, samples::*};

const LIFETIME: (Duration, Duration) = (Duration::from_secs(100), Duration::from_secs(1000));

pub(super) fn person_id(caller: &Caller) -> PersonId {
    let Identity::Person { id, .. } = caller.identity() else { panic!("no person: {caller:?}") };
    *id
}

/// From now on nobody sees anything by being able to sign in.
pub(super) async fn without_default_grant(store: &Store) {
    store.remove_grant(&Caller::local(), &Subject::Everyone, None, at(0)).await.unwrap();
}

fn digest(secret: &str) -> SecretDigest {
    SecretDigest::of(&Secret::from(secret))
}

async fn open_session(store: &Store, caller: &Caller, secret: &str, at: Timestamp) {
    let (agent, address) = ("Browser".to_owned(), "192.0.2.1".to_owned());
    let new = NewSession { digest: digest(secret), person: person_id(caller), at, agent, address };
    store.open_session(&new, "password").await.unwrap();
}

async fn is_open(store: &Store, secret: &str, at: Timestamp) -> bool {
    store.session(&digest(secret), LIFETIME, at).await.unwrap().is_some()
}

async fn add_token(store: &Store, owner: &Caller, name: &str, runtime: Option<&str>, role: Role) -> TokenRecord {
    let new = NewTokenRecord {
        digest: digest(name),
        owner: person_id(owner),
        name: name.parse().unwrap(),
        runtime: runtime.map(id),
        role,
        at: at(0),
        expires_at: at(500),
    };
    store.create_token(owner, new).await.unwrap()
}

async fn rights_of_token(store: &Store, name: &str) -> Option<Rights> {
    store.token(&digest(name), at(10)).await.unwrap().map(|found| found.rights)
}

fn grant(subject: Subject, runtime: Option<&str>, role: Role) -> NewGrant {
    NewGrant { subject, runtime: runtime.map(id), role }
}

async fn audited(store: &Store, filter: AuditFilter) -> Vec<String> {
    let entries = store.audit(&filter).await.unwrap();
    let line = |entry: domain::AuditEntry| {
        let about = entry.subject.unwrap_or_default();
        format!("{} {} {about}", entry.who, entry.action.as_str()).trim_end().to_owned()
    };
    entries.into_iter().map(line).collect()
}

pub(super) async fn a_link_sets_a_password_once_and_ends_what_was_before(db: Db) {
    let store = &*db.store;
    let ana = add_person(store, "ana", None).await;
    open_session(store, &ana, "before", at(1)).await;
    let (link, hash) = (digest("link of ana"), Secret::from("hash"));
    assert!(store.link(&link, at(100)).await.unwrap().is_none(), "it has expired");
    assert_eq!(store.link(&link, at(99)).await.unwrap().unwrap().name.as_str(), "ana");
    assert!(store.use_link(&digest("other"), &hash, at(2), None).await.unwrap().is_none());
    assert!(is_open(store, "before", at(2)).await);
    assert!(store.use_link(&link, &hash, at(2), None).await.unwrap().is_some());
    assert!(store.use_link(&link, &"another".into(), at(2), None).await.unwrap().is_none(), "it was used");
    assert!(!is_open(store, "before", at(2)).await);
    let ana = store.person(person_id(&ana)).await.unwrap().unwrap();
    assert_eq!(ana.password.unwrap().expose(), "hash");

    let renewed = (digest("renewed"), at(200));
    store.renew_link(&mira(), ana.id, renewed.clone(), at(3)).await.unwrap();
    store.set_disabled(&mira(), ana.id, true, at(4)).await.unwrap();
    assert!(store.link(&renewed.0, at(5)).await.unwrap().is_none(), "whoever is disabled has no link");
    assert!(matches!(store.renew_link(&mira(), ana.id, renewed, at(5)).await, Err(StoreError::NotFound(_))));
}

pub(super) async fn a_session_ends_by_time_by_its_owner_and_with_its_person(db: Db) {
    let store = &*db.store;
    let ana = add_person(store, "ana", Some(Role::Operator)).await;
    for secret in ["one", "two", "three"] {
        open_session(store, &ana, secret, at(0)).await;
    }
    let found = store.session(&digest("one"), LIFETIME, at(99)).await.unwrap().unwrap();
    assert_eq!((found.person.name.as_str(), found.rights.all), ("ana", Some(Role::Operator)));
    assert!(!is_open(store, "one", at(100)).await, "it was not used");
    for second in (50..1000).step_by(50) {
        store.touch_session(&digest("one"), at(second)).await.unwrap();
    }
    assert!(is_open(store, "one", at(999)).await);
    assert!(!is_open(store, "one", at(1000)).await, "it is too old");

    store.end_session(&ana, &digest("one"), at(10)).await.unwrap();
    assert!(!is_open(store, "one", at(10)).await);
    let two = store.session(&digest("two"), LIFETIME, at(10)).await.unwrap().unwrap().session.id;
    store.end_sessions(&ana, person_id(&ana), WhichSessions::AllBut(Some(two)), at(11)).await.unwrap();
    assert_eq!((is_open(store, "two", at(11)).await, is_open(store, "three", at(11)).await), (true, false));
    store.set_disabled(&mira(), person_id(&ana), true, at(12)).await.unwrap();
    assert!(!is_open(store, "two", at(12)).await);
    let (agent, address) = (String::new(), String::new());
    let new = NewSession { digest: digest("four"), person: person_id(&ana), at: at(13), agent, address };
    assert!(matches!(store.open_session(&new, "password").await, Err(StoreError::NotFound(_))));
    store.set_disabled(&mira(), person_id(&ana), false, at(14)).await.unwrap();
    assert!(!is_open(store, "two", at(14)).await, "it does not come back");
    store.sweep_sessions((at(0), at(0)), at(1000)).await.unwrap();
    assert!(store.sessions(person_id(&ana)).await.unwrap().is_empty());
}

pub(super) async fn nobody_ends_or_disables_what_is_not_theirs_to(db: Db) {
    let store = &*db.store;
    let (ana, ben) = (add_person(store, "ana", Some(Role::Publisher)).await, add_person(store, "ben", None).await);
    open_session(store, &ben, "ben's", at(0)).await;
    let token = add_token(store, &ben, "deploy", None, Role::Viewer).await.id;
    let (of_ana, of_ben) = (person_id(&ana), person_id(&ben));
    for refused in [
        store.end_sessions(&ana, of_ben, WhichSessions::AllBut(None), at(1)).await,
        store.revoke_token(&ana, of_ben, token, at(1)).await,
        store.set_disabled(&ana, of_ben, true, at(1)).await,
        store.set_grant(&ana, &grant(Subject::Person(of_ana), None, Role::Admin), at(1)).await,
        store.renew_link(&ana, of_ben, (digest("x"), at(9)), at(1)).await.map(drop),
    ] {
        assert!(matches!(refused, Err(StoreError::Denied(_))), "{refused:?}");
    }
    assert!(matches!(store.revoke_token(&ana, of_ana, token, at(1)).await, Err(StoreError::NotFound(_))));
    let session = store.session(&digest("ben's"), LIFETIME, at(1)).await.unwrap().unwrap().session.id;
    let one = WhichSessions::One(session);
    assert!(matches!(store.end_sessions(&ana, of_ana, one, at(1)).await, Err(StoreError::NotFound(_))));
    assert!(is_open(store, "ben's", at(1)).await);
    assert!(matches!(store.set_disabled(&mira(), person_id(&mira()), true, at(1)).await, Err(StoreError::Oneself)));
    store.revoke_token(&mira(), of_ben, token, at(1)).await.unwrap();
    store.end_sessions(&mira(), of_ben, one, at(1)).await.unwrap();
    assert!(!is_open(store, "ben's", at(1)).await);
}

pub(super) async fn a_token_may_do_no_more_than_its_owner_at_present(db: Db) {
    let store = &*db.store;
    for runtime in ["demo", "other"] {
        store.create_runtime(new_runtime(runtime)).await.unwrap();
    }
    let ana = add_person(store, "ana", Some(Role::Operator)).await;
    add_token(store, &ana, "all", None, Role::Operator).await;
    let one = add_token(store, &ana, "one", Some("demo"), Role::Operator).await;
    assert_eq!(rights_of_token(store, "all").await.unwrap(), Rights::of([(None, Role::Operator)]));
    assert_eq!(rights_of_token(store, "one").await.unwrap(), Rights::of([(Some(&id("demo")), Role::Operator)]));
    store.set_grant(&mira(), &grant(Subject::Person(person_id(&ana)), None, Role::Admin), at(1)).await.unwrap();
    assert_eq!(rights_of_token(store, "all").await.unwrap().all, Some(Role::Operator), "no more than it was made for");
    store.remove_grant(&mira(), &Subject::Person(person_id(&ana)), None, at(2)).await.unwrap();
    assert_eq!(rights_of_token(store, "all").await.unwrap().all, Some(Role::Viewer), "no more than its owner");

    let (_, as_token) = {
        let found = store.token(&digest("one"), at(10)).await.unwrap().unwrap();
        let (id, name) = (found.token.id, found.token.name);
        let identity = Identity::Token { id, name, owner: found.token.owner, owner_name: found.owner_name };
        (id, Caller::known(identity, Rights::admin()))
    };
    let refused =
        store.create_runtime(server::store::NewRuntimeRecord { caller: as_token, ..new_runtime("more") }).await;
    assert!(matches!(refused, Err(StoreError::Denied(_))), "the transaction asks anew: {refused:?}");

    assert!(store.token(&digest("all"), at(500)).await.unwrap().is_none(), "it has expired");
    store.revoke_token(&ana, person_id(&ana), one.id, at(3)).await.unwrap();
    assert_eq!(rights_of_token(store, "one").await, None);
    store.set_disabled(&mira(), person_id(&ana), true, at(4)).await.unwrap();
    assert_eq!(rights_of_token(store, "all").await, None);
}

pub(super) async fn the_highest_grant_of_a_person_their_groups_and_everyone_counts(db: Db) {
    let store = &*db.store;
    for runtime in ["demo", "other"] {
        store.create_runtime(new_runtime(runtime)).await.unwrap();
    }
    let identity = ProviderIdentity { issuer: "https://login.example".to_owned(), subject: "1".to_owned() };
    let (name, groups) = ("ana".parse().unwrap(), ["ops".to_owned()]);
    let ana = store.person_of_provider(&identity, &name, &groups, at(0)).await.unwrap().unwrap();
    let ana = Caller::known(Identity::Person { id: ana.id, name: ana.name }, Rights::default());
    open_session(store, &ana, "ana's", at(0)).await;
    let rights = async || store.session(&digest("ana's"), LIFETIME, at(1)).await.unwrap().unwrap().rights;
    assert_eq!(rights().await.all, Some(Role::Viewer), "everyone sees everything at first");
    for (subject, runtime, role) in [
        (Subject::Group("ops".to_owned()), Some("demo"), Role::Publisher),
        (Subject::Person(person_id(&ana)), Some("demo"), Role::Operator),
        (Subject::Group("others".to_owned()), None, Role::Admin),
    ] {
        store.set_grant(&mira(), &grant(subject, runtime, role), at(1)).await.unwrap();
    }
    assert_eq!(
        (rights().await.role(&id("demo")), rights().await.role(&id("other"))),
        (Some(Role::Publisher), Some(Role::Viewer))
    );
    without_default_grant(store).await;
    assert_eq!((rights().await.role(&id("demo")), rights().await.role(&id("other"))), (Some(Role::Publisher), None));
    store.person_of_provider(&identity, &name, &[], at(2)).await.unwrap();
    assert_eq!(rights().await.role(&id("demo")), Some(Role::Operator), "out of the group");
    let listed = store.grants(Some(&id("demo"))).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|g| (g.subject.to_string(), g.name.as_ref().map(|n| n.as_str()))).collect();
    assert!(listed.contains(&(Subject::Person(person_id(&ana)).to_string(), Some("ana"))), "{listed:?}");
    let nobody = grant(Subject::Person(PersonId(99)), None, Role::Viewer);
    assert!(matches!(store.set_grant(&mira(), &nobody, at(3)).await, Err(StoreError::NotFound(_))));
}

pub(super) async fn grants_and_tokens_go_with_their_runtime(db: Db) {
    let store = &*db.store;
    without_default_grant(store).await;
    store.create_runtime(new_runtime("demo")).await.unwrap();
    let ana = add_person(store, "ana", None).await;
    store.set_grant(&mira(), &grant(Subject::Person(person_id(&ana)), Some("demo"), Role::Admin), at(1)).await.unwrap();
    add_token(store, &ana, "deploy", Some("demo"), Role::Admin).await;
    let deletion = Deletion { caller: ana.clone(), comment: None, detail: None, at: at(2) };
    store.delete_runtime(&id("demo"), deletion).await.unwrap();
    store.create_runtime(new_runtime("demo")).await.unwrap();
    assert_eq!(rights_of_token(store, "deploy").await, None);
    let refused = store.set_grant(&ana, &grant(Subject::Everyone, Some("demo"), Role::Admin), at(3)).await;
    assert!(matches!(refused, Err(StoreError::NotFound(_))), "{refused:?}");
}

pub(super) async fn each_change_is_seen_by_its_revision_and_in_the_audit_log(db: Db) {
    let store = &*db.store;
    store.create_runtime(new_runtime("demo")).await.unwrap();
    let mut known = store.access_revision().await.unwrap();
    let mut moved = async || std::mem::replace(&mut known, store.access_revision().await.unwrap()) != known;
    let ana = add_person(store, "ana", Some(Role::Viewer)).await;
    assert!(moved().await);
    assert!(!moved().await, "nothing has changed");
    open_session(store, &ana, "s", at(1)).await;
    let token = add_token(store, &ana, "deploy", None, Role::Viewer).await;
    assert!(moved().await);
    store.revoke_token(&ana, person_id(&ana), token.id, at(1)).await.unwrap();
    assert!(moved().await);
    store.remove_grant(&mira(), &Subject::Person(person_id(&ana)), None, at(1)).await.unwrap();
    assert!(moved().await);
    store.change_password(person_id(&ana), &"hash".into(), 0, at(1), None).await.unwrap();
    assert!(moved().await);
    store.set_disabled(&mira(), person_id(&ana), true, at(1)).await.unwrap();
    assert!(moved().await);
    let said = audited(store, AuditFilter::default()).await;
    assert_eq!(
        said,
        [
            "mira person_disabled ana",
            "ana password_set",
            "mira grant_removed ana",
            "ana token_revoked deploy",
            "ana token_created deploy",
            "ana signed_in",
            "local grant_set ana",
            "local person_invited ana",
            "local runtime_created",
            "local grant_set mira",
            "local person_invited mira",
        ]
    );
}

pub(super) async fn a_part_of_the_audit_log_is_found(db: Db) {
    let store = &*db.store;
    let ana = add_person(store, "ana", Some(Role::Admin)).await;
    let before = store.audit(&AuditFilter::default()).await.unwrap()[0].id;
    let after = AuditFilter { from: Some(at(1)), ..AuditFilter::default() };
    for second in 1..=3 {
        open_session(store, &ana, &second.to_string(), at(second)).await;
    }
    store.end_session(&ana, &digest("1"), at(4)).await.unwrap();
    assert_eq!(audited(store, after.clone()).await.len(), 4);
    let signed_in = AuditFilter { action: Some(AuditAction::SignedIn), ..after.clone() };
    assert_eq!(audited(store, signed_in).await, ["ana signed_in"; 3]);
    assert!(audited(store, AuditFilter { who: Some("mira".to_owned()), ..after.clone() }).await.is_empty());
    assert_eq!(audited(store, AuditFilter { to: Some(at(3)), ..after.clone() }).await.len(), 2);
    let page = store.audit(&AuditFilter { limit: Some(2), ..after.clone() }).await.unwrap();
    assert_eq!(
        page.iter().map(|entry| entry.action).collect::<Vec<_>>(),
        [AuditAction::SignedOut, AuditAction::SignedIn]
    );
    let next = AuditFilter { before: Some(page[1].id), ..after };
    assert_eq!(audited(store, next).await, ["ana signed_in"; 2]);
    assert!(page.iter().all(|entry| entry.id > before));
    assert_eq!(page[1].who, Actor::Person("ana".parse().unwrap()));
    assert_eq!(page[1].address.as_deref(), Some("192.0.2.1"));
}

pub(super) async fn whom_a_provider_knows_is_found_again_by_its_word_alone(db: Db) {
    let store = &*db.store;
    let local = person_id(&add_person(store, "Ana", None).await);
    let found = async |issuer: &str, subject: &str, name: &str| {
        let identity = ProviderIdentity { issuer: issuer.to_owned(), subject: subject.to_owned() };
        store.person_of_provider(&identity, &name.parse().unwrap(), &[], at(0)).await.unwrap()
    };
    let ana = found("https://one", "1", "ana").await.unwrap();
    assert_ne!(ana.id, local, "a name alone makes nobody somebody else");
    assert_eq!(ana.name.as_str(), "ana 2");
    assert_eq!(found("https://one", "1", "another name").await.unwrap().id, ana.id);
    assert_ne!(found("https://one/", "1", "ana").await.unwrap().id, ana.id);
    assert_ne!(found("https://one", "2", "ana").await.unwrap().id, ana.id);
    store.set_disabled(&mira(), ana.id, true, at(1)).await.unwrap();
    assert_eq!(found("https://one", "1", "ana").await, None);
}

pub(super) async fn an_administrator_is_one_who_can_sign_in(db: Db) {
    let store = &*db.store;
    assert!(!store.has_administrator().await.unwrap(), "mira has not chosen a password");
    store.use_link(&digest("link of mira"), &"hash".into(), at(1), None).await.unwrap();
    assert!(store.has_administrator().await.unwrap());
    store.set_disabled(&Caller::local(), person_id(&mira()), true, at(2)).await.unwrap();
    assert!(!store.has_administrator().await.unwrap());
}

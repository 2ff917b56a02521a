use domain::{Action, Command, HistoryPage, Outcome, Role, VersionState};
use server::store::{Store, StoreError, VersionRecord};

use super::{Db, samples::*};

const STEPS: usize = 300;

/// Numbers that look random and are the same in each run.
struct TestRng(u64);

impl TestRng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// People and the reconciler do things in no order, also such as do not apply.
pub(super) async fn whatever_happens_the_invariants_hold(db: Db) {
    let store = &*db.store;
    let versions = demo(store, ["v1", "v2", "v3"]).await;
    let mut rng = TestRng(7);
    let (mut revision, mut published) = (0, 0);
    for step in 0..STEPS {
        let version = &versions[usize::try_from(rng.below(3)).unwrap()];
        do_something(store, version, &mut rng).await;
        let intent = store.intent(&version.runtime).await.unwrap().unwrap();
        assert!(intent.runtime.revision >= revision, "step {step}");
        revision = intent.runtime.revision;
        let serving = intent.versions.iter().filter(|v| v.state() == VersionState::Published).count();
        assert_eq!(serving, usize::from(intent.runtime.publication.serving.is_some()), "step {step}");
        published += serving;
        for version in &intent.versions {
            assert!(version.revision <= revision, "step {step}");
            let history = store.history(&version.runtime, &version.name, &HistoryPage::default()).await.unwrap();
            let (newest, older) = history.split_first().unwrap();
            assert!(older.iter().all(|entry| entry.outcome != Outcome::Pending), "step {step}: {history:?}");
            let under_way = match (version.state(), newest.action) {
                (VersionState::Published, action) => action == Action::Unpublish && version.role == Role::Outgoing,
                (VersionState::Starting | VersionState::Publishing | VersionState::Stopping, _) => true,
                (VersionState::Stopped | VersionState::Started | VersionState::Archived, _) => false,
            };
            assert_eq!(newest.outcome == Outcome::Pending, under_way, "step {step}: {version:?} {history:?}");
        }
    }
    assert!(published > STEPS / 10, "the walk has to come by what it is about: {published}");
}

async fn do_something(store: &Store, version: &VersionRecord, rng: &mut TestRng) {
    let commands = [Command::Start, Command::Stop, Command::Publish, Command::Unpublish];
    let now = now(store, version).await;
    let target = store.runtime(&version.runtime).await.unwrap().unwrap().publication.target;
    match rng.below(10) {
        0..4 => {
            let command = commands[usize::try_from(rng.below(4)).unwrap()];
            match try_command(store, version, command).await {
                Ok(_) | Err(StoreError::Refused { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
        4..6 => {
            let applied = store.settle(version.key, now.generation, at(20)).await.unwrap();
            assert_eq!(applied, !now.settled);
        }
        6 => {
            let applied = store.fail_start(version.key, now.generation, failure("random"), at(500)).await.unwrap();
            assert_eq!(applied, now.state() == VersionState::Starting);
        }
        7..9 => {
            let applied = store.settle_publication(&version.runtime, target, at(30)).await.unwrap();
            assert_eq!(applied, now.switching);
        }
        _ => {
            let applied = store.fail_publish(&version.runtime, version.key, failure("random")).await.unwrap();
            assert_eq!(applied, now.state() == VersionState::Publishing);
        }
    }
}

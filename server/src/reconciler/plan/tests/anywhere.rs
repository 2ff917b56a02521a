//! From any state of the cluster plans lead to what was asked, and no step leads requests astray.
//!
//! Each step of ours is checked by the world itself: what somebody else does to the published entrypoint is not ours to
//! prevent, but no plan may make it worse.

use domain::{Command, VersionState};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::world::World;
use crate::reconciler::{objects::ACTIVE_SERVICE, plan::Kind};

#[test]
fn any_state_of_the_cluster_becomes_what_was_asked_and_stays_so() {
    for seed in 0..150 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut world = World::anywhere(&mut random);
        for _ in 0..random.random_range(0..80) {
            match random.random_range(0..20) {
                0..=9 => world.one_step(),
                10..=13 => world.some_effect(&mut random),
                14 | 15 => world.remove_finalizers(),
                16 => world.edit_something(&mut random),
                17 => world.all_names().choose(&mut random).into_iter().for_each(|name| world.remove_object(name)),
                18 => world.pass_time(random.random_range(1..100)),
                _ => {
                    let version = random.random_range(0..3);
                    world.try_command(version, *Command::ALL[..4].choose(&mut random).unwrap());
                }
            }
        }
        let what = format!("seed {seed}");
        world.reachable_since = Some(world.now);
        world.settle();
        world.assert_as_asked(&what);
        assert_eq!(world.settle(), Vec::<String>::new(), "{what}: a second plan is not empty");
    }
}

#[test]
fn what_is_not_ours_holds_up_its_own_version_alone_and_is_asked_for_again_when_it_is_gone() {
    for foreign in [
        "Secret v0-config",
        "ConfigMap v0-subjects",
        "Deployment v0-entrypoint",
        "Service v0-entrypoint",
        "Ingress v0-preview",
    ] {
        let mut world = World::new(2);
        world.settings.ingress_preview = true;
        world.foreign.insert(foreign.to_owned());
        for version in [0, 1] {
            world.command(version, Command::Start);
        }
        world.settle();
        assert_eq!(world.state(1), VersionState::Started, "{foreign}");
        if !foreign.starts_with("Ingress") {
            assert_eq!(world.state(0), VersionState::Starting, "{foreign}");
            world.pass_time(600);
            world.settle();
            assert_eq!(world.state(0), VersionState::Stopped, "{foreign}");
            assert!(world.failure(0).is_some_and(|reason| reason.contains(foreign)), "{:?}", world.failure(0));
            world.foreign.clear();
            world.command(0, Command::Start);
        }
        world.foreign.clear();
        world.settle();
        world.assert_as_asked(foreign);
    }
}

#[test]
fn a_foreign_service_in_the_place_of_the_published_one_is_left_alone_and_the_publish_fails_with_the_reason() {
    let mut world = World::new(1);
    world.foreign.insert(format!("Service {ACTIVE_SERVICE}"));
    world.command(0, Command::Start);
    world.settle();
    world.command(0, Command::Publish);
    world.settle();
    assert_eq!(world.state(0), VersionState::Publishing);
    world.pass_time(600);
    world.settle();
    assert_eq!(world.state(0), VersionState::Started);
    assert!(world.failure(0).is_some_and(|reason| reason.contains(ACTIVE_SERVICE)), "{:?}", world.failure(0));
}

#[test]
fn what_is_published_is_kept_so_while_another_one_is_not_ready_to_take_over() {
    for lost in [ACTIVE_SERVICE, "entrypoint"] {
        let mut world = published_and_another();
        world.make_unready("v1-entrypoint");
        world.command(1, Command::Publish);
        world.work();
        world.remove_object(lost);
        world.work();
        assert_eq!(world.observed.active_selects(), Some("v0"), "without {lost}");
        assert!(world.is_reached() && world.all_names().iter().any(|name| name == lost), "without {lost}");
        assert_eq!(world.state(1), VersionState::Publishing);
        world.settle();
        assert_eq!(world.state(1), VersionState::Published);
        world.assert_as_asked(lost);
    }
}

#[test]
fn a_preview_is_there_while_a_version_is_started_and_goes_before_its_service() {
    let mut world = World::new(1);
    world.settings.ingress_preview = true;
    world.command(0, Command::Start);
    world.work();
    assert!(!world.observed.ingresses.contains_key("v0-preview"), "not started yet");
    world.settle();
    let of = |world: &World| world.observed.ingresses.keys().cloned().collect::<Vec<_>>();
    assert_eq!(of(&world), ["v0-preview"]);
    world.command(0, Command::Publish);
    let done = world.settle();
    let expected = ["apply active-entrypoint", "apply entrypoint", "delete v0-preview", "delete v0-entrypoint"];
    assert_eq!((done, of(&world)), (expected.map(str::to_owned).to_vec(), vec!["entrypoint".to_owned()]));
    world.command(0, Command::Unpublish);
    world.settle();
    assert_eq!(of(&world), ["v0-preview"]);

    world.holds_on = true;
    world.command(0, Command::Stop);
    world.work();
    assert!(world.observed.services["v0-entrypoint"].metadata.deletion_timestamp.is_none(), "its Ingress is there");
    world.settle();
    assert!(world.is_empty(), "{:?}", world.all_names());

    world.command(0, Command::Start);
    world.settle();
    world.settings.ingress_preview = false;
    assert_eq!(world.settle(), ["delete v0-preview"], "the setting was turned off");
}

#[test]
fn nothing_is_planned_for_a_namespace_that_is_being_deleted_and_all_is_made_anew_after_it() {
    let mut world = published_and_another();
    world.observed.namespace_closed = Some("namespace kai-demo is being deleted".to_owned());
    while let Some(name) = world.all_names().first().cloned() {
        world.remove_object(&name);
        assert_eq!(world.work(), Vec::<String>::new(), "{name}");
    }
    world.observed.namespace_closed = None;
    world.settle();
    assert_eq!((world.state(0), world.state(1)), (VersionState::Published, VersionState::Started));
    world.assert_as_asked("after the namespace");
}

#[test]
fn a_start_for_which_the_namespace_does_not_go_in_time_fails_with_that_reason() {
    let mut world = World::new(1);
    world.observed.namespace_closed = Some("namespace kai-demo is being deleted".to_owned());
    world.command(0, Command::Start);
    world.pass_time(600);
    world.settle();
    assert_eq!(world.state(0), VersionState::Stopped);
    assert!(
        world.failure(0).is_some_and(|reason| reason.contains("kai-demo is being deleted")),
        "{:?}",
        world.failure(0)
    );
}

/// The world's own checks see what they are for.
#[test]
#[should_panic(expected = "goes before the Ingress")]
fn a_service_that_goes_before_its_ingress_is_seen() {
    let mut world = published_and_another();
    world.delete_by_someone_else(Kind::Service, ACTIVE_SERVICE);
}

/// `v0` is published, `v1` started.
fn published_and_another() -> World {
    let mut world = World::new(2);
    for version in [0, 1] {
        world.command(version, Command::Start);
    }
    world.settle();
    world.command(0, Command::Publish);
    world.settle();
    world
}

//! Plans carried out against a world of our own making, one thing at a time and in any order.

mod anywhere;
mod contested;
mod messages;
mod world;

use domain::{Command, Desired, Timestamp, VersionState};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use world::World;

use crate::reconciler::objects::{ACTIVE_SERVICE, INGRESS};

#[test]
fn a_version_is_started_only_when_all_of_it_is_ready() {
    let mut world = World::new(1);
    world.command(0, Command::Start);
    world.work();
    assert_eq!(world.state(0), VersionState::Starting);
    let pending = world.names("Deployment");
    assert_eq!(pending.len(), 3);
    for name in &pending[1..] {
        world.make_ready(name);
        world.work();
        assert_eq!(world.state(0), VersionState::Starting, "{name}");
    }
    world.make_ready(&pending[0]);
    world.work();
    assert_eq!(world.state(0), VersionState::Started);
    assert!(world.names("Service").contains(&"v0-entrypoint".to_owned()));
}

#[test]
fn publishing_and_unpublishing_rename_the_service_and_bring_the_ingress_last_and_take_it_first() {
    let mut world = World::new(1);
    world.command(0, Command::Start);
    world.settle();
    world.command(0, Command::Publish);
    let done = world.settle();
    assert_eq!(world.state(0), VersionState::Published);
    assert_eq!(done, ["apply active-entrypoint", "apply entrypoint", "delete v0-entrypoint"]);
    world.command(0, Command::Unpublish);
    let done = world.settle();
    assert_eq!(world.state(0), VersionState::Started);
    assert_eq!(done, ["apply v0-entrypoint", "delete entrypoint", "delete active-entrypoint"]);
}

#[test]
fn publishing_another_changes_the_service_in_place_after_the_old_one_has_its_own_back() {
    for publication_first in [false, true] {
        let mut world = World::new(2);
        world.publication_first = publication_first;
        for version in [0, 1] {
            world.command(version, Command::Start);
        }
        world.settle();
        world.command(0, Command::Publish);
        world.settle();
        world.command(1, Command::Publish);
        let done = world.settle();
        assert_eq!(
            done,
            ["apply v0-entrypoint", "apply active-entrypoint", "apply entrypoint", "delete v1-entrypoint"]
        );
        assert_eq!((world.state(0), world.state(1)), (VersionState::Started, VersionState::Published));
    }
}

#[test]
fn a_version_keeps_its_own_service_until_its_pods_alone_are_seen_behind_the_published_one() {
    let mut world = World::new(2);
    for version in [0, 1] {
        world.command(version, Command::Start);
    }
    world.settle();
    world.command(0, Command::Publish);
    world.settle();
    world.slow_endpoints = true;
    world.command(1, Command::Publish);
    assert_eq!(world.work(), ["apply v0-entrypoint", "apply active-entrypoint"]);
    assert_eq!(world.state(1), VersionState::Publishing);
    assert!(world.names("Service").contains(&"v1-entrypoint".to_owned()));
    assert_eq!(world.settle(), ["apply entrypoint", "delete v1-entrypoint"]);
    assert_eq!(world.state(1), VersionState::Published);
}

#[test]
fn what_is_not_ready_does_not_get_the_entrypoint_and_the_old_one_keeps_it() {
    let mut world = World::new(2);
    for version in [0, 1] {
        world.command(version, Command::Start);
    }
    world.settle();
    world.command(0, Command::Publish);
    world.settle();
    world.make_unready("v1-entrypoint");
    world.command(1, Command::Publish);
    world.work();
    assert_eq!(world.observed.active_selects(), Some("v0"));
    assert_eq!((world.state(0), world.state(1)), (VersionState::Published, VersionState::Publishing));
    world.pass_time(600);
    world.work();
    assert_eq!((world.state(0), world.state(1)), (VersionState::Published, VersionState::Started));
    assert!(world.failure(1).is_some_and(|reason| reason.contains("timed out")));
}

#[test]
fn a_start_that_takes_too_long_ends_stopped_with_the_reason_and_nothing_left() {
    let mut world = World::new(1);
    world.command(0, Command::Start);
    world.work();
    world.pass_time(600);
    world.work();
    assert_eq!(world.state(0), VersionState::Stopped);
    assert!(world.failure(0).is_some());
    assert!(world.is_empty());
}

#[test]
fn the_time_of_an_outage_is_no_reason_to_fail() {
    let mut world = World::new(1);
    world.command(0, Command::Start);
    world.pass_time(600);
    world.reachable_since = Some(world.now);
    world.settle();
    assert_eq!(world.state(0), VersionState::Started);
}

#[test]
fn what_nobody_could_try_before_its_time_ran_out_is_tried_when_the_server_is_back() {
    let mut world = World::new(1);
    world.command(0, Command::Start);
    world.pass_time(600);
    world.up_since = Some(world.now);
    world.settle();
    assert_eq!((world.state(0), world.failure(0)), (VersionState::Started, None));
    world.command(0, Command::Publish);
    world.pass_time(600);
    world.up_since = Some(world.now);
    world.settle();
    assert_eq!((world.state(0), world.failure(0)), (VersionState::Published, None));
}

#[test]
fn a_start_that_is_tried_late_has_its_time_from_then_and_no_restart_makes_that_longer() {
    let mut world = World::new(1);
    world.command(0, Command::Start);
    world.pass_time(600);
    world.up_since = Some(world.now);
    world.work();
    world.pass_time(290);
    world.up_since = Some(world.now);
    world.work();
    assert_eq!(world.state(0), VersionState::Starting);
    world.pass_time(20);
    world.up_since = Some(world.now);
    world.work();
    assert_eq!(world.state(0), VersionState::Stopped);
}

#[test]
fn a_start_that_was_tried_in_time_gets_no_more_by_a_restart() {
    let mut world = World::new(1);
    world.command(0, Command::Start);
    world.work();
    world.pass_time(600);
    world.up_since = Some(world.now);
    world.work();
    assert_eq!(world.state(0), VersionState::Stopped);
}

#[test]
fn an_unpublished_runtime_and_a_stopped_version_leave_nothing() {
    let mut world = World::new(1);
    for command in [Command::Start, Command::Publish, Command::Unpublish, Command::Stop] {
        world.command(0, command);
        world.settle();
    }
    assert!(world.is_empty(), "{:?}", world.all_names());
}

#[test]
fn what_somebody_deletes_comes_back_and_what_nobody_changed_is_not_written() {
    let mut world = World::new(1);
    world.command(0, Command::Start);
    world.settle();
    world.command(0, Command::Publish);
    world.settle();
    assert!(world.settle().is_empty(), "a second plan is empty");
    for name in world.all_names() {
        world.remove_object(&name);
        let done = world.settle();
        assert!(done.iter().any(|step| step == &format!("apply {name}")), "{name}: {done:?}");
    }
}

/// Any order of commands, effects and losses leads to what was last asked, and requests are never led astray.
#[test]
fn from_anywhere_plans_lead_to_what_was_asked() {
    for seed in 0..300 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut world = World::new(3);
        world.slow_endpoints = random.random();
        world.publication_first = random.random();
        for _ in 0..60 {
            match random.random_range(0..10) {
                0..=2 => {
                    let (version, command) =
                        (random.random_range(0..3), *Command::ALL[..4].choose(&mut random).unwrap());
                    world.try_command(version, command);
                }
                3..=5 => world.one_step(),
                6 | 7 => world.some_effect(&mut random),
                8 => {
                    if let Some(name) = world.all_names().choose(&mut random) {
                        // Somebody who deletes the published Service causes an outage; that is not ours to prevent.
                        if name != ACTIVE_SERVICE && name != INGRESS {
                            world.remove_object(name);
                        }
                    }
                }
                _ => world.pass_time(random.random_range(1..200)),
            }
            world.assert_safe(seed);
        }
        world.reachable_since = Some(world.now);
        world.settle();
        world.assert_safe(seed);
        assert!(!world.intent.runtime.publication.switching(), "seed {seed}");
        for (index, version) in world.intent.versions.iter().enumerate() {
            assert!(version.settled, "seed {seed}: v{index} is {}", version.state());
            let there = world.count_objects(&version.name);
            assert_eq!(there > 0, version.desired == Desired::Started, "seed {seed}: v{index} has {there} objects");
        }
        let now: Timestamp = world.now;
        assert!(world.settle().is_empty(), "seed {seed}: at {now} a second plan is not empty");
    }
}

//! Streams and consumers: made before Deployments, kept, removed after the pods, and never another's.

use std::sync::Arc;

use domain::{Command, Desired, Generation, Timestamp, VersionState};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::world::World;
use crate::{
    messaging::{Mark, ObservedConsumer, ObservedStream},
    reconciler::observed::ObservedMessaging,
    store::InstallationId,
};

const STARTS_WITH_STREAMS: [Generation; 3] = [Generation::B, Generation::C1, Generation::C2];

fn is_before(done: &[String], first: &str, then: &str) -> bool {
    let at =
        |start: &str| done.iter().position(|did| did.starts_with(start)).unwrap_or_else(|| panic!("{start}: {done:?}"));
    at(first) < at(then)
}

#[test]
fn a_version_is_started_when_its_nodes_listen_to_streams_that_were_there_before_them() {
    for generation in STARTS_WITH_STREAMS {
        let mut world = World::with_messages(1, generation);
        world.command(0, Command::Start);
        let done = world.work();
        let stream = world.wanted_streams(0)[0].name();
        assert!(is_before(&done, &format!("create {stream}"), "apply v0-work-first"), "{generation}: {done:?}");
        for deployment in world.names("Deployment") {
            world.make_ready(&deployment);
        }
        world.work();
        assert_eq!(world.state(0), VersionState::Starting, "{generation}: nobody listens yet");
        world.settle();
        assert_eq!(world.state(0), VersionState::Started, "{generation}");
        assert_eq!(world.work(), Vec::<String>::new());
    }
}

#[test]
fn the_streams_of_each_generation_are_those_that_its_images_expect() {
    for (generation, expected) in [
        (Generation::A, vec![]),
        (Generation::B, vec!["demo-v0-Work"]),
        (Generation::C1, vec!["demo_v0_Work"]),
        (
            Generation::C2,
            vec![
                "KV_key-store_demo_v0",
                "KV_key-store_demo_v0_work",
                "KV_key-store_demo_v0_work_first",
                "KV_key-store_demo_v0_work_last",
                "demo_v0_Work",
            ],
        ),
    ] {
        let mut world = World::with_messages(1, generation);
        world.command(0, Command::Start);
        world.settle();
        assert_eq!(world.stream_names(), expected, "{generation}");
    }
}

#[test]
fn a_stop_removes_streams_after_the_pods_and_an_archive_the_buckets() {
    let mut world = World::with_messages(2, Generation::C2);
    for index in 0..2 {
        world.command(index, Command::Start);
        world.settle();
    }
    world.command(0, Command::Stop);
    let done = world.settle();
    assert!(is_before(&done, "delete v0-work-first", "delete demo_v0_Work"), "{done:?}");
    assert_eq!(world.state(0), VersionState::Stopped);
    let of_first: Vec<_> = world.stream_names().into_iter().filter(|name| name.contains("v0")).collect();
    assert!(!of_first.is_empty() && of_first.iter().all(|name| name.starts_with("KV_")), "{of_first:?}");
    world.command(0, Command::Archive);
    // An intent does not hold archived ones.
    world.intent.versions.retain(|version| version.desired != Desired::Archived);
    world.settle();
    let left = world.stream_names();
    assert!(!left.is_empty() && left.iter().all(|name| name.contains("v1")), "{left:?}");
}

#[test]
fn of_generation_b_the_consumers_carry_the_mark_and_the_stream_goes_with_the_version() {
    let mut world = World::with_messages(1, Generation::B);
    world.command(0, Command::Start);
    world.settle();
    let live = world.streams()["demo-v0-Work"].clone();
    assert!(live.is_plain && live.mark.is_none());
    let marks = live.consumers.iter().flatten().map(|consumer| consumer.mark().is_some());
    assert_eq!(marks.collect::<Vec<_>>(), [true, true]);
    world.command(0, Command::Stop);
    world.settle();
    assert_eq!((world.state(0), world.stream_names()), (VersionState::Stopped, vec![]));
}

/// What else may be called as a stream of ours.
fn anothers(world: &World, name: &str) -> Vec<ObservedStream> {
    let spec = world.wanted_streams(0).into_iter().find(|spec| spec.name() == name).unwrap();
    let ours = ObservedStream::made_by(&spec);
    let plain = ObservedStream { mark: None, is_plain: true, ..ours.clone() };
    let described = ObservedStream { is_plain: false, ..plain.clone() };
    let of = |mark: Mark| ObservedStream { mark: Some(mark), ..ours.clone() };
    let consumers = spec.consumers.values().map(|consumer| ObservedConsumer::made_by(consumer, None)).collect();
    vec![
        ObservedStream { messages: 3, ..plain.clone() },
        ObservedStream { consumers: Some(consumers), ..plain.clone() },
        plain,
        described,
        of(Mark { installation: InstallationId::random(), ..spec.mark.clone() }),
        of(Mark { runtime: "other".parse().unwrap(), ..spec.mark.clone() }),
    ]
}

#[test]
fn what_is_called_as_ours_and_is_not_stands_in_the_way_and_stays_as_it_is() {
    for (generation, name) in
        [(Generation::B, "demo-v0-Work"), (Generation::C2, "demo_v0_Work"), (Generation::C2, "KV_key-store_demo_v0")]
    {
        let count = anothers(&World::with_messages(1, generation), name).len();
        for at in 0..count {
            let mut world = World::with_messages(1, generation);
            let theirs = anothers(&world, name).swap_remove(at);
            world.streams().insert(name.to_owned(), Arc::new(theirs.clone()));
            world.command(0, Command::Start);
            world.settle();
            assert_eq!(world.names("Deployment"), Vec::<String>::new(), "{generation} {theirs:?}");
            world.pass_time(1000);
            world.settle();
            let title = name.trim_start_matches("KV_");
            let failure = world.failure(0).unwrap_or_default();
            assert!(failure.contains(title), "{failure}");
            assert_eq!(world.state(0), VersionState::Stopped, "{generation} {theirs:?}");
            assert_eq!(*world.streams()[name], theirs);
        }
    }
}

#[test]
fn a_stream_that_the_entrypoint_made_again_while_it_runs_becomes_ours() {
    let mut world = World::with_messages(1, Generation::B);
    world.command(0, Command::Start);
    world.settle();
    let spec = world.wanted_streams(0).remove(0);
    let plain = ObservedStream { mark: None, is_plain: true, ..ObservedStream::made_by(&spec) };
    world.streams().insert(spec.name(), Arc::new(plain));
    world.settle();
    assert!(world.streams()[&spec.name()].consumers.iter().flatten().all(|consumer| consumer.mark().is_some()));
    world.command(0, Command::Stop);
    world.settle();
    assert_eq!(world.stream_names(), Vec::<String>::new());
}

#[test]
fn a_consumer_of_ours_that_somebody_changed_is_made_anew_and_anothers_is_told_of() {
    let mut world = World::with_messages(1, Generation::C1);
    world.command(0, Command::Start);
    world.settle();
    let change = |world: &mut World, mark: bool| {
        let live = world.streams().get_mut("demo_v0_Work").map(Arc::make_mut).unwrap();
        let consumer = &mut live.consumers.as_mut().unwrap()[0];
        consumer.config.ack_wait = 5;
        if !mark {
            consumer.config.description = None;
        }
    };
    change(&mut world, true);
    assert_eq!(world.settle().len(), 2, "deleted and made");
    change(&mut world, false);
    assert_eq!(world.settle(), Vec::<String>::new());
}

#[test]
fn without_nats_a_start_waits_and_fails_with_that_and_a_stop_waits() {
    let mut world = World::with_messages(1, Generation::C2);
    let known = world.observed.messaging.clone();
    let away = ObservedMessaging::Unreachable { since: Timestamp::UNIX_EPOCH, reason: "cannot connect".to_owned() };
    world.observed.messaging = away.clone();
    world.command(0, Command::Start);
    world.settle();
    assert_eq!((world.state(0), world.names("Deployment")), (VersionState::Starting, vec![]));
    world.pass_time(1000);
    world.work();
    let failure = world.failure(0).unwrap_or_default();
    assert_eq!(failure, "the start timed out: messaging unreachable since 00:00:00 UTC: cannot connect");
    world.observed.messaging = known;
    world.settle();
    world.command(0, Command::Start);
    world.settle();
    assert_eq!(world.state(0), VersionState::Started);
    let known = std::mem::replace(&mut world.observed.messaging, away);
    world.command(0, Command::Stop);
    world.settle();
    assert_eq!((world.state(0), world.names("Deployment")), (VersionState::Stopping, vec![]));
    world.observed.messaging = known;
    world.settle();
    assert_eq!(world.state(0), VersionState::Stopped);
}

#[test]
fn whatever_is_lost_and_whenever_the_server_ends_all_becomes_as_it_was_asked() {
    for seed in 0..300 {
        let mut random = StdRng::seed_from_u64(seed);
        let generation = STARTS_WITH_STREAMS[random.random_range(0..3)];
        let mut world = World::with_messages(2, generation);
        for _ in 0..random.random_range(1..40) {
            match random.random_range(0..6) {
                0 => world.some_loss(&mut random),
                1 => world.some_effect(&mut random),
                2 => {
                    let command = Command::ALL[random.random_range(0..4)];
                    let index = random.random_range(0..2);
                    world.try_command(index, command);
                }
                3 => drop(world.settle()),
                _ => world.one_step(),
            }
        }
        world.settle();
        assert_eq!(world.work(), Vec::<String>::new(), "seed {seed}: nothing differs");
        for index in 0..2 {
            let wanted: Vec<String> = world.wanted_streams(index).iter().map(|spec| spec.name()).collect();
            let streams = world.stream_names();
            let name = &world.intent.versions[index].name;
            match world.state(index) {
                VersionState::Started | VersionState::Published => {
                    assert!(wanted.iter().all(|name| streams.contains(name)), "seed {seed}: {streams:?}");
                }
                VersionState::Stopped => {
                    let left = wanted.iter().find(|name| streams.contains(name) && !name.starts_with("KV_"));
                    assert_eq!(left, None, "seed {seed}: {name} is stopped");
                }
                other => panic!("seed {seed}: {name} is {other}"),
            }
        }
    }
}

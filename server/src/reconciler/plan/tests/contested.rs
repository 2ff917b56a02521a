//! What somebody else changes of objects of ours, or has changed for good.

use std::sync::Arc;

use domain::{Command, VersionState};
use jiff::SignedDuration;
use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt;

use super::world::World;
use crate::reconciler::{
    backoff::{Delay, object_key},
    objects::version_objects,
    repairs::fingerprint,
};

const ENTRYPOINT: &str = "v0-entrypoint";

fn started() -> World {
    let mut world = World::new(1);
    world.command(0, Command::Start);
    world.settle();
    world
}

fn edit(world: &mut World, name: &str, edit: impl FnOnce(&mut Deployment)) {
    edit(Arc::make_mut(world.observed.deployments.get_mut(name).unwrap()));
}

/// Not applied again for a minute, though some fields of it are overridden.
fn delay(world: &mut World, name: &str, overridden: &[&str]) {
    let wanted = version_objects(&world.intent.versions[0], &world.settings).deployments;
    let wanted = wanted.iter().find(|wanted| wanted.name_any() == name).unwrap();
    let delay = Delay {
        fingerprint: fingerprint(wanted).unwrap(),
        until: world.now + SignedDuration::from_secs(60),
        overridden: overridden.iter().map(|field| (*field).to_owned()).collect(),
        reason: format!("{name} is changed back"),
    };
    world.delays.insert(object_key("Deployment", name), delay);
}

#[test]
fn what_is_changed_back_each_time_is_applied_only_when_its_time_has_come() {
    let mut world = started();
    edit(&mut world, ENTRYPOINT, |live| live.spec.as_mut().unwrap().replicas = Some(3));
    delay(&mut world, ENTRYPOINT, &[]);
    assert_eq!(world.work(), [""; 0]);
    world.pass_time(60);
    assert_eq!(world.work(), ["apply v0-entrypoint"]);
}

#[test]
fn a_delay_of_something_else_that_was_wanted_delays_nothing() {
    let mut world = started();
    edit(&mut world, ENTRYPOINT, |live| live.spec.as_mut().unwrap().replicas = Some(3));
    delay(&mut world, ENTRYPOINT, &[]);
    world.delays.values_mut().for_each(|delay| delay.fingerprint = "of another".to_owned());
    assert_eq!(world.work(), ["apply v0-entrypoint"]);
}

#[test]
fn a_start_does_not_wait_for_what_admission_changes_and_does_for_what_else_differs() {
    for (is_overridden, state) in [(true, VersionState::Started), (false, VersionState::Starting)] {
        let mut world = World::new(1);
        world.command(0, Command::Start);
        world.work();
        let mirrored = |live: &mut Deployment| {
            let spec = live.spec.as_mut().unwrap().template.spec.as_mut().unwrap();
            spec.containers[0].image = Some("mirror.example.org/runner:1".to_owned());
        };
        edit(&mut world, ENTRYPOINT, mirrored);
        let overridden = ["spec.template.spec.containers[entrypoint].image"];
        delay(&mut world, ENTRYPOINT, &overridden[..usize::from(is_overridden)]);
        for name in world.names("Deployment") {
            world.make_ready(&name);
        }
        world.work();
        assert_eq!(world.state(0), state);
    }
}

#[test]
fn a_secret_that_was_made_immutable_and_differs_is_made_anew() {
    let mut world = started();
    let live = Arc::make_mut(world.observed.secrets.get_mut("v0-config").unwrap());
    live.immutable = Some(true);
    assert_eq!(world.work(), [""; 0], "it is as it should be");
    Arc::make_mut(world.observed.secrets.get_mut("v0-config").unwrap()).data = None;
    assert_eq!(world.work(), ["delete v0-config", "apply v0-config"]);
}

#[test]
fn a_publish_that_runs_out_of_time_names_the_node_that_held_it_up() {
    let mut world = started();
    let last = world.names("Deployment").into_iter().find(|name| name.contains("-last-")).unwrap();
    // As with a Deployment that somebody paused: its pods are ready, and of an older template.
    edit(&mut world, &last, |live| live.status.as_mut().unwrap().updated_replicas = Some(0));
    world.command(0, Command::Publish);
    world.work();
    assert_eq!(world.state(0), VersionState::Publishing);
    world.pass_time(600);
    world.work();
    let failure = world.intent.versions[0].failure.clone().unwrap();
    assert_eq!(failure.node.as_deref(), Some("work/last"));
    let reason = "the publication timed out: 0 of 1 replicas have the current configuration";
    assert_eq!(failure.reason, reason);
}

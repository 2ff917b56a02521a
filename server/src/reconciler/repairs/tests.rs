use std::time::Duration;

use domain::Publication;
use k8s_openapi::api::core::v1::Service;

use super::*;
use crate::{
    reconciler::{ObjectSettings, fixture, objects, plan::StepScope},
    store::VersionRecord,
};

fn started(role: Role) -> VersionRecord {
    VersionRecord { desired: Desired::Started, settled: true, role, ..fixture::version(1, "v1") }
}

fn intent(version: VersionRecord) -> RuntimeIntent {
    let mut intent = fixture::intent(vec![version]);
    let serving = (intent.versions[0].role == Role::Serving).then_some(1);
    intent.runtime.publication = Publication { target: serving, serving };
    intent
}

fn observed(services: &[&Service]) -> Observed {
    let mut observed = Observed::default();
    for service in services {
        let live: Service = serde_json::from_value(stamped(*service).unwrap()).unwrap();
        observed.services.insert(live.name_any(), Arc::new(live));
    }
    observed
}

fn found(intent: &RuntimeIntent, observed: &Observed, wanted: &Service) -> Option<String> {
    let step = Step::Apply(Object::Service(Box::new(wanted.clone())));
    let plan = Plan { steps: BTreeMap::from([(StepScope::Version(1), vec![step])]), ..Plan::default() };
    let mut repairs = of_plan(intent, observed, &Previews::default(), &plan);
    repairs.remove(&1).map(|mut repairs| repairs.remove(0).what)
}

#[test]
fn an_object_that_is_gone_is_a_repair_only_where_it_has_been() {
    let own = |version: &VersionRecord| objects::own_service_object(version, &fixture::settings());
    for (role, is_repair) in [(Role::None, true), (Role::Incoming, true), (Role::Outgoing, false)] {
        let version = started(role);
        let wanted = own(&version);
        let said = found(&intent(version), &Observed::default(), &wanted);
        assert_eq!(said, is_repair.then(|| "Service v1-entrypoint was missing".to_owned()), "{role:?}");
    }
    let starting = VersionRecord { settled: false, ..started(Role::None) };
    let wanted = own(&starting);
    assert_eq!(found(&intent(starting), &Observed::default(), &wanted), None, "it has never been there");
}

#[test]
fn the_published_entrypoint_is_put_back_for_the_version_that_is_served() {
    for (role, said) in [(Role::Serving, Some("Service active-entrypoint was missing")), (Role::Incoming, None)] {
        let version = started(role);
        let wanted = objects::active_service_object(&version, &fixture::settings());
        assert_eq!(found(&intent(version), &Observed::default(), &wanted).as_deref(), said, "{role:?}");
    }
}

#[test]
fn what_somebody_edited_is_a_repair_and_what_we_want_otherwise_is_none() {
    let version = started(Role::None);
    let wanted = objects::own_service_object(&version, &fixture::settings());
    let intent = intent(version.clone());

    let mut seen = observed(&[&wanted]);
    let live = Arc::make_mut(seen.services.get_mut("v1-entrypoint").unwrap());
    live.spec.as_mut().unwrap().selector.as_mut().unwrap().insert("type".to_owned(), "node".to_owned());
    assert_eq!(found(&intent, &seen, &wanted).as_deref(), Some("Service v1-entrypoint was edited: spec.selector.type"));

    let before = objects::own_service_object(
        &version,
        &ObjectSettings { namespace_prefix: "old-".to_owned(), ..fixture::settings() },
    );
    assert_eq!(found(&intent, &observed(&[&before]), &wanted), None, "this program wants it otherwise now");

    let mut unstamped = Observed::default();
    unstamped.services.insert("v1-entrypoint".to_owned(), Arc::new(before));
    assert_eq!(found(&intent, &unstamped, &wanted), None, "nobody knows what was applied");
}

#[test]
fn what_is_applied_again_after_a_delay_is_one_repair_with_the_reason() {
    let version = started(Role::Serving);
    let wanted = objects::active_service_object(&version, &fixture::settings());
    // It differs from what was delayed by what it is based on.
    let mut guarded = wanted.clone();
    guarded.metadata.resource_version = Some("7".to_owned());
    let object = |service: &Service| Object::Service(Box::new(service.clone()));
    let plan = Plan {
        steps: BTreeMap::from([(StepScope::Publication, vec![Step::Apply(object(&guarded))])]),
        delayed: vec![(StepScope::Publication, object(&wanted), "it is changed back".to_owned())],
        ..Plan::default()
    };
    let found = of_plan(&intent(version), &Observed::default(), &Previews::default(), &plan);
    let what = "it is changed back".to_owned();
    assert_eq!(found[&1], [Repair { object: "Service active-entrypoint".to_owned(), what }]);
}

#[test]
fn what_an_apply_is_based_on_makes_no_other_fingerprint() {
    let wanted = objects::active_service_object(&started(Role::Serving), &fixture::settings());
    let mut guarded = wanted.clone();
    guarded.metadata.resource_version = Some("7".to_owned());
    assert_eq!(fingerprint(&wanted).unwrap(), fingerprint(&guarded).unwrap());
    let sent: Service = serde_json::from_value(stamped(&guarded).unwrap()).unwrap();
    assert_eq!(sent.metadata.resource_version.as_deref(), Some("7"));
    let other = ObjectSettings { node_min_ready: Duration::from_secs(9), ..fixture::settings() };
    let mut version = started(Role::None);
    version.config.insert("A".to_owned(), "1".into());
    let deployments = objects::version_objects(&version, &fixture::settings()).deployments;
    let others = objects::version_objects(&version, &other).deployments;
    assert_ne!(fingerprint(&deployments[0]).unwrap(), fingerprint(&others[0]).unwrap());
}

#[test]
fn the_history_changes_when_something_begins_or_ends_to_be_put_back() {
    let mut intent = intent(started(Role::None));
    let one = Repair { object: "Secret v1-config".to_owned(), what: "Secret v1-config was missing".to_owned() };
    let none = BTreeMap::new();
    let some = BTreeMap::from([(1, vec![one.clone()])]);
    assert_eq!(changed(&intent, &none).count(), 0);
    assert_eq!(changed(&intent, &some).collect::<Vec<_>>(), [(1, 1, vec![one.clone()])]);
    intent.repairs.insert(1, BTreeSet::from([one]));
    assert_eq!(changed(&intent, &some).count(), 0, "it is known");
    assert_eq!(changed(&intent, &none).collect::<Vec<_>>(), [(1, 1, vec![])]);
}

#[test]
fn a_preview_that_is_gone_is_a_repair_once_it_has_been_seen() {
    let settings = ObjectSettings { ingress_preview: true, ..fixture::settings() };
    let version = started(Role::None);
    let preview = objects::preview_ingress_object(&version, &settings);
    let intent = intent(version);
    let there = Observed {
        ingresses: BTreeMap::from([(preview.name_any(), Arc::new(preview.clone()))]),
        ..Observed::default()
    };
    let mut previews = Previews::default();
    let mut said = |observations: &[(&Observed, &ObjectSettings)]| {
        observations.iter().for_each(|(observed, settings)| previews.observe(&intent, observed, settings));
        let steps =
            BTreeMap::from([(StepScope::Version(1), vec![Step::Apply(Object::Ingress(Box::new(preview.clone())))])]);
        let plan = Plan { steps, ..Plan::default() };
        let mut found = of_plan(&intent, &Observed::default(), &previews, &plan);
        found.remove(&1).map(|mut repairs| repairs.remove(0).what)
    };
    let gone = Observed::default();
    assert_eq!(said(&[(&gone, &settings)]), None, "it has not been made yet");
    assert_eq!(said(&[(&there, &settings), (&gone, &settings)]).as_deref(), Some("Ingress v1-preview was missing"));
    assert_eq!(said(&[(&gone, &fixture::settings()), (&gone, &settings)]), None, "it was not to be there meanwhile");
}

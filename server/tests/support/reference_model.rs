//! What was asked over a run, and whether it became so: every version where it was last asked to be, the cluster with
//! exactly the objects of what runs, and one outcome for each action in the history.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use domain::{Action, Command, HistoryEntry, HistoryPage, Outcome, RuntimeId, VersionName, VersionState};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, ReplicaSet},
        core::v1::{ConfigMap, Pod, Secret, Service},
        networking::v1::Ingress,
    },
};
use kube::{Api, Client, Resource, ResourceExt, api::ListParams};
use serde::de::DeserializeOwned;
use server::store::Store;

use super::test_rng::TestRng;

/// Each version has the workflow `greeting` of one node, `greeter`.
pub(crate) const NODE: &str = "greeting-greeter";
/// The version whose node's image cannot be pulled.
pub(crate) const BROKEN: &str = "broken";
pub(crate) const BROKEN_IMAGE: &str = "sandbox/fail-pull:1";
pub(crate) const VERSIONS: [&str; 4] = ["one", "two", "three", BROKEN];
pub(crate) const RUNTIMES: [&str; 2] = ["left", "right"];

/// What was asked, one thing after another. Each has a number, which its history entry has as its comment.
#[derive(Default)]
pub(crate) struct ReferenceModel {
    asked: u64,
    accepted: BTreeSet<u64>,
    /// Asked, and never answered.
    unknown: BTreeSet<u64>,
}

/// What became of one thing that was asked.
struct Line {
    number: u64,
    version: VersionName,
    entry: HistoryEntry,
}

impl ReferenceModel {
    /// The next number, and the comment that says it.
    pub(crate) fn next(&mut self) -> (u64, String) {
        self.asked += 1;
        (self.asked, format!("#{}", self.asked))
    }

    pub(crate) fn accept(&mut self, number: u64) {
        self.accepted.insert(number);
    }

    pub(crate) fn unanswered(&mut self, number: u64) {
        self.unknown.insert(number);
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.len()
    }

    /// Everything that is not as it was asked; nothing when all is.
    pub(crate) async fn mismatches(&self, store: &Store, kube: &Client) -> Vec<String> {
        let mut mismatches = Vec::new();
        let mut found = Vec::new();
        for runtime in RUNTIMES {
            let id: RuntimeId = runtime.parse().unwrap();
            let lines = lines(store, &id).await;
            found.extend(lines.iter().map(|line| line.number));
            let wanted = replay(&lines, &mut mismatches);
            states(store, &id, &wanted, &mut mismatches).await;
            let (held, due) = (held(kube, runtime).await, due(&wanted));
            for extra in held.iter().filter(|name| !due.contains(name)) {
                mismatches.push(format!("{runtime}: the cluster has {extra}, which nobody wants"));
            }
            for missing in due.iter().filter(|name| !held.contains(name)) {
                mismatches.push(format!("{runtime}: the cluster lacks {missing}"));
            }
            if held.len() > held.iter().collect::<BTreeSet<_>>().len() {
                mismatches.push(format!("{runtime}: the cluster has something twice: {held:?}"));
            }
        }
        let distinct: BTreeSet<u64> = found.iter().copied().collect();
        if distinct.len() < found.len() {
            mismatches.push(format!("the history has an action twice: {found:?}"));
        }
        for lost in self.accepted.difference(&distinct) {
            mismatches.push(format!("#{lost} was accepted and is not in the history"));
        }
        for number in distinct.iter().filter(|number| !self.accepted.contains(number) && !self.unknown.contains(number))
        {
            mismatches.push(format!("#{number} was refused and is in the history"));
        }
        mismatches
    }
}

/// Page by page, for a long run makes more entries than one page has.
async fn whole_history(store: &Store, runtime: &RuntimeId, version: &VersionName) -> Vec<HistoryEntry> {
    let mut whole: Vec<HistoryEntry> = Vec::new();
    loop {
        let page = HistoryPage { before: whole.last().map(|entry| entry.id), limit: None };
        let read = store.history(runtime, version, &page).await.unwrap();
        if read.is_empty() {
            return whole;
        }
        whole.extend(read);
    }
}

/// The lines of all the runtime's versions, in the order in which they were asked for.
async fn lines(store: &Store, runtime: &RuntimeId) -> Vec<Line> {
    let mut lines = Vec::new();
    for version in VERSIONS {
        let version: VersionName = version.parse().unwrap();
        for entry in whole_history(store, runtime, &version).await {
            // The server may have lines of its own in between.
            if let Some(number) = entry.comment.as_deref().and_then(|comment| comment.strip_prefix('#')) {
                lines.push(Line { number: number.parse().unwrap(), version: version.clone(), entry });
            }
        }
    }
    lines.sort_by_key(|line| line.number);
    lines
}

/// Where each version has to be after this.
fn replay(lines: &[Line], mismatches: &mut Vec<String>) -> BTreeMap<String, VersionState> {
    let mut states: BTreeMap<String, VersionState> =
        VERSIONS.iter().map(|version| ((*version).to_owned(), VersionState::Stopped)).collect();
    for Line { number, version, entry } in lines {
        let mismatch = format!("#{number}, {} of {version}: {:?}", entry.action.as_str(), entry.outcome);
        let failed = match &entry.outcome {
            Outcome::Pending => {
                mismatches.push(mismatch);
                false
            }
            // Only what cannot work may fail.
            Outcome::Failed { .. } => {
                if (entry.action, version.as_str()) != (Action::Start, BROKEN) {
                    mismatches.push(mismatch);
                }
                true
            }
            Outcome::Reached | Outcome::Cancelled | Outcome::Superseded => false,
        };
        let state = match entry.action {
            Action::Start if failed => VersionState::Stopped,
            Action::Start | Action::Unpublish => VersionState::Started,
            Action::Publish => VersionState::Published,
            _ => VersionState::Stopped,
        };
        if state == VersionState::Published {
            states.values_mut().filter(|state| **state == VersionState::Published).for_each(|state| {
                *state = VersionState::Started;
            });
        }
        states.insert(version.to_string(), state);
    }
    states
}

async fn states(
    store: &Store,
    runtime: &RuntimeId,
    wanted: &BTreeMap<String, VersionState>,
    mismatches: &mut Vec<String>,
) {
    for version in store.versions(runtime).await.unwrap() {
        let (name, state, wanted) = (&version.name, version.state(), wanted[version.name.as_str()]);
        if state != wanted || version.switching {
            mismatches.push(format!("{runtime}/{name} is {state} and should be {wanted}"));
        }
        let history = whole_history(store, runtime, name).await;
        let last_start = history.iter().find(|entry| entry.action == Action::Start).map(|entry| &entry.outcome);
        let has_failed = matches!(last_start, Some(Outcome::Failed { .. }));
        if has_failed != version.failure.is_some() {
            mismatches.push(format!("{runtime}/{name}: {:?} after {last_start:?}", version.failure));
        }
    }
}

/// What the cluster should hold of a runtime (docs/lifecycle.md §3.2).
fn due(states: &BTreeMap<String, VersionState>) -> Vec<String> {
    let mut due = Vec::new();
    for (version, state) in states {
        if !matches!(state, VersionState::Started | VersionState::Published) {
            continue;
        }
        for node in ["entrypoint", NODE] {
            for kind in ["Deployment", "ReplicaSet", "Pod"] {
                due.push(format!("{kind} {version}-{node} of {version}"));
            }
        }
        due.push(format!("Secret {version}-config of {version}"));
        due.push(format!("ConfigMap {version}-subjects of {version}"));
        if *state == VersionState::Published {
            due.push(format!("Service active-entrypoint of {version}, selecting {version}"));
            due.push(format!("Ingress entrypoint of {version}"));
        } else {
            due.push(format!("Service {version}-entrypoint of {version}, selecting {version}"));
        }
    }
    due.sort();
    due
}

/// What it does hold.
async fn held(kube: &Client, runtime: &str) -> Vec<String> {
    let mut held = Vec::new();
    held.extend(list::<Deployment>(kube, runtime, |_| String::new()).await);
    held.extend(list::<ReplicaSet>(kube, runtime, |_| String::new()).await);
    held.extend(list::<Pod>(kube, runtime, unready).await);
    held.extend(list::<Secret>(kube, runtime, |_| String::new()).await);
    held.extend(list::<ConfigMap>(kube, runtime, |_| String::new()).await);
    held.extend(list::<Ingress>(kube, runtime, |_| String::new()).await);
    held.extend(list::<Service>(kube, runtime, |service| format!(", selecting {}", selected(service))).await);
    held.sort();
    held
}

async fn list<K>(kube: &Client, runtime: &str, more: impl Fn(&K) -> String) -> Vec<String>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=kai-server");
    let list = Api::<K>::namespaced(kube.clone(), &format!("kai-{runtime}")).list(&ours).await.unwrap();
    let said = |object: &K| {
        let label = |name: &str| object.labels().get(name).cloned().unwrap_or_default();
        let (kind, version) = (K::kind(&()), label("version-name"));
        let ending = if object.meta().deletion_timestamp.is_some() { ", ending" } else { "" };
        // What a Deployment makes has a name made up for it; a node's own ends with a hash.
        let name = match label("type").as_str() {
            "" => object.name_any(),
            "entrypoint" => format!("{version}-entrypoint"),
            _ => format!("{version}-{}-{}", label("workflow-name"), label("node-name")),
        };
        format!("{kind} {name} of {version}{ending}{}", more(object))
    };
    list.items.iter().map(said).collect()
}

fn unready(pod: &Pod) -> String {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let ready = conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    if ready { String::new() } else { ", not ready".to_owned() }
}

/// The version that a Service leads to.
pub(crate) fn selected(service: &Service) -> String {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    selector.and_then(|selector| selector.get("version-name")).cloned().unwrap_or_default()
}

/// A command that the state allows, more often than not; then rather to publish than to stop, so that requests are led
/// from one version to another. Archiving ends a version's story, so it is never asked for.
pub(crate) fn a_command(rng: &mut TestRng, state: VersionState) -> Command {
    const COMMANDS: [Command; 4] = [Command::Start, Command::Stop, Command::Publish, Command::Unpublish];
    let allowed = match state {
        VersionState::Stopped => Command::Start,
        VersionState::Started if rng.below(5) > 0 => Command::Publish,
        VersionState::Published if rng.one_in(4) => Command::Unpublish,
        _ => *rng.pick(&COMMANDS),
    };
    if rng.one_in(4) { *rng.pick(&COMMANDS) } else { allowed }
}

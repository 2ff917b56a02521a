//! A server with a cluster that is looked into from the side, as `kubectl` would.

use std::{fmt::Debug, time::Duration};

use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, ReplicaSet},
        core::v1::{ConfigMap, Namespace, Pod, Secret, Service},
        networking::v1::Ingress,
    },
};
use kube::{
    Api, Client, Config, Resource, ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use server::config::Settings;

use super::{krt::Krt, server::TestServer};

/// How long a real cluster may take for what has to come: a crash loop backs off for most of a minute before it counts.
const MAX_WAIT: Duration = Duration::from_secs(180);

pub(crate) struct Fixture {
    pub(crate) server: TestServer,
    pub(crate) kube: Client,
    prefix: String,
    is_real: bool,
}

impl Fixture {
    pub(crate) async fn sandbox() -> Self {
        Self::sandbox_with(|_| {}).await
    }

    pub(crate) async fn sandbox_with(change: impl FnOnce(&mut Settings)) -> Self {
        let server = TestServer::start_with(|settings| {
            // Long enough for whoever asks now and then to see that a pod is missing.
            settings.sandbox_ready_after = Duration::from_millis(1500);
            // Long enough for a container that crashes to be seen crashing.
            settings.node_min_ready = Duration::from_secs(2);
            change(settings);
        })
        .await;
        let address = format!("http://{}", server.sandbox_addr().unwrap()).parse().unwrap();
        Self::new(server, Client::try_from(Config::new(address)).unwrap(), false)
    }

    pub(crate) fn new(server: TestServer, kube: Client, is_real: bool) -> Self {
        let prefix = server.settings().namespace_prefix.clone();
        Self { server, kube, prefix, is_real }
    }

    pub(crate) fn is_real(&self) -> bool {
        self.is_real
    }

    /// A KRT file whose images the cluster has.
    pub(crate) fn krt(version: &str) -> Krt {
        Krt::new(version).images("konstellation/kre-py:latest", "konstellation/kre-entrypoint:latest")
    }

    pub(crate) fn api<K>(&self, runtime: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.kube.clone(), &format!("{}{runtime}", self.prefix))
    }

    /// Adds a runtime and these versions to it, and sets all that they want to `x`.
    pub(crate) async fn add(&self, runtime: &str, files: Vec<Vec<u8>>) -> Vec<String> {
        self.server.add_runtime(runtime).await;
        let mut names = Vec::new();
        for file in files {
            let version = self.server.upload(runtime, file).await.expect(201);
            let name = version["name"].as_str().unwrap().to_owned();
            let view = self.view(runtime, &name).await;
            let wanted = view["config"].as_array().unwrap().iter();
            let values: Value = wanted.map(|entry| (entry["name"].as_str().unwrap().to_owned(), json!("x"))).collect();
            if values.as_object().is_some_and(|values| !values.is_empty()) {
                self.configure(runtime, &name, values).await;
            }
            names.push(name);
        }
        names
    }

    pub(crate) fn namespace(&self, runtime: &str) -> String {
        format!("{}{runtime}", self.prefix)
    }

    pub(crate) async fn create_namespace(&self, runtime: &str) {
        let name = self.namespace(runtime);
        let namespace = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
        Api::<Namespace>::all(self.kube.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    }

    pub(crate) async fn configure(&self, runtime: &str, version: &str, values: Value) {
        let path = format!("/api/v1/runtimes/{runtime}/versions/{version}/config");
        self.server.put(&path, json!({ "values": values })).await.expect(200);
    }

    pub(crate) async fn view(&self, runtime: &str, version: &str) -> Value {
        self.server.get(&format!("/api/v1/runtimes/{runtime}/versions/{version}")).await.expect(200)
    }

    pub(crate) async fn history(&self, runtime: &str, version: &str) -> Vec<Value> {
        let history = self.server.get(&format!("/api/v1/runtimes/{runtime}/versions/{version}/history")).await;
        history.expect(200).as_array().unwrap().clone()
    }

    pub(crate) async fn act(&self, runtime: &str, version: &str, action: &str) {
        let path = format!("/api/v1/runtimes/{runtime}/versions/{version}/{action}");
        self.server.post(&path, json!({ "comment": format!("to {action}") })).await.expect(202);
    }

    /// Acts, and waits until the state is reached and nothing is under way any more.
    pub(crate) async fn reach(&self, runtime: &str, version: &str, action: &str, state: &str) {
        self.act(runtime, version, action).await;
        self.wait(runtime, version, state).await;
    }

    pub(crate) async fn wait(&self, runtime: &str, version: &str, state: &str) -> Value {
        self.until(runtime, version, state, |view| view["state"] == state && view["switching"] == false).await
    }

    pub(crate) async fn until(
        &self,
        runtime: &str,
        version: &str,
        what: &str,
        holds: impl Fn(&Value) -> bool,
    ) -> Value {
        let end = tokio::time::Instant::now() + MAX_WAIT;
        loop {
            let view = self.view(runtime, version).await;
            if holds(&view) {
                return view;
            }
            assert!(tokio::time::Instant::now() < end, "not {what}: {view:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for something to hold in the cluster.
    pub(crate) async fn until_cluster<F: Future<Output = bool>>(&self, what: &str, holds: impl Fn() -> F) {
        let end = tokio::time::Instant::now() + MAX_WAIT;
        while !holds().await {
            assert!(tokio::time::Instant::now() < end, "never seen: {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn names<K>(&self, runtime: &str) -> Vec<String>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        let ours = ListParams::default().labels("app.kubernetes.io/managed-by=kai-server");
        let list = self.api::<K>(runtime).list(&ours).await.unwrap();
        list.items.iter().map(ResourceExt::name_any).collect()
    }

    /// All that the cluster holds of a version, whatever its kind.
    pub(crate) async fn belongings(&self, runtime: &str, version: &str) -> Vec<String> {
        let mut all = Vec::new();
        all.extend(self.of_version::<Deployment>(runtime, version).await);
        all.extend(self.of_version::<ReplicaSet>(runtime, version).await);
        all.extend(self.of_version::<Pod>(runtime, version).await);
        all.extend(self.of_version::<Service>(runtime, version).await);
        all.extend(self.of_version::<Secret>(runtime, version).await);
        all.extend(self.of_version::<ConfigMap>(runtime, version).await);
        all.extend(self.of_version::<Ingress>(runtime, version).await);
        all
    }

    async fn of_version<K>(&self, runtime: &str, version: &str) -> Vec<String>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        let params = ListParams::default().labels(&format!("version-name={version}"));
        let list = self.api::<K>(runtime).list(&params).await.unwrap();
        list.items.iter().map(|object| format!("{} {}", K::kind(&()), object.name_any())).collect()
    }

    /// The version that the published entrypoint's Service selects.
    pub(crate) async fn selected(&self, runtime: &str) -> Option<String> {
        let service = self.api::<Service>(runtime).get_opt("active-entrypoint").await.unwrap()?;
        service.spec?.selector?.get("version-name").cloned()
    }

    /// Leaves nothing in the cluster.
    pub(crate) async fn clear(self, runtimes: &[&str]) {
        let Self { server, kube, prefix, .. } = self;
        server.shut_down().await;
        for runtime in runtimes {
            let namespaces = Api::<Namespace>::all(kube.clone());
            match namespaces.delete(&format!("{prefix}{runtime}"), &DeleteParams::default()).await {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                // The sandbox ends with its server.
                Err(error) => assert!(matches!(error, kube::Error::Service(_) | kube::Error::HyperError(_)), "{error}"),
            }
        }
    }
}

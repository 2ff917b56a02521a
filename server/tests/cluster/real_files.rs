//! KRT files made by others with the original tool chain, from the file to running pods and back.

use k8s_openapi::api::core::v1::Pod;
use kube::{
    ResourceExt,
    api::{ListParams, LogParams},
};

use crate::{on_cluster::on_cluster, support::fixture::Fixture};

#[tokio::test(flavor = "multi_thread")]
async fn files_made_by_the_original_tool_chain_run_with_what_is_in_them() {
    let fixture = on_cluster().await;
    let runtime = "original";
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/krt");
    let mut files: Vec<Vec<u8>> = Vec::new();
    if let Ok(entries) = std::fs::read_dir(folder) {
        let paths =
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "krt"));
        files.extend(paths.map(|path| std::fs::read(path).unwrap()));
    } else {
        println!("no such files beside this checkout; two of our own are used");
        files.extend([Fixture::krt("one").bytes(), Fixture::krt("two").variable("API_KEY").bytes()]);
    }
    let versions = fixture.add(runtime, files).await;
    assert_eq!(versions.len(), 2);

    for version in &versions {
        fixture.reach(runtime, version, "start", "started").await;
        let pods = fixture.api::<Pod>(runtime);
        let params = ListParams::default().labels(&format!("version-name={version},type=node"));
        for pod in pods.list(&params).await.unwrap() {
            // The runner's first line counts the files that it found.
            let log = pods.logs(&pod.name_any(), &LogParams::default()).await.unwrap();
            let count = log.split("files=").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse::<u32>().ok());
            assert!(count.is_some_and(|count| count > 1), "{}: {log}", pod.name_any());
        }
    }
    for version in &versions {
        fixture.reach(runtime, version, "publish", "published").await;
        assert_eq!(fixture.selected(runtime).await.as_ref(), Some(version));
    }
    fixture.reach(runtime, &versions[1], "unpublish", "started").await;
    for version in &versions {
        fixture.reach(runtime, version, "stop", "stopped").await;
        assert!(fixture.belongings(runtime, version).await.is_empty());
    }
    fixture.clear(&[runtime]).await;
}

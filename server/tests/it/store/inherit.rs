use domain::{Caller, ConfigKind, HistoryPage, InheritedValue, Severity};
use krt::{Document, FileDigest, Protos};
use server::store::{CONFIG_MAX_BYTES, Content, InheritConfig, NewVersion, VersionRecord};

use super::{Db, samples::*};

/// Adds a version at this second that wants these, with values for some.
async fn add(db: &Db, (name, second): (&str, i64), wants: (&[&str], &[&str]), set: &[(&str, &str)]) -> VersionRecord {
    let new = NewVersion { at: at(second), ..wanting(new_version("demo", name), wants.0, wants.1) };
    let new = NewVersion { inherit_config: InheritConfig::None, ..new };
    let version = db.store.create_version(new).await.unwrap();
    let set: Vec<_> = set.iter().map(|(name, value)| (*name, Some(*value))).collect();
    db.store.set_config(&version.runtime, &version.name, values(&set), &Caller::local(), None, at(5)).await.unwrap()
}

async fn add_inheriting(
    db: &Db,
    name: &str,
    wants: (&[&str], &[&str]),
    inherit_config: InheritConfig,
) -> VersionRecord {
    let new = NewVersion { at: at(9), inherit_config, ..wanting(new_version("demo", name), wants.0, wants.1) };
    db.store.create_version(new).await.unwrap()
}

fn config(version: &VersionRecord) -> Vec<(&str, &str)> {
    version.config.iter().map(|(name, value)| (name.as_str(), value.expose())).collect()
}

pub(super) async fn for_each_name_the_newest_value_is_inherited(db: Db) {
    db.store.create_runtime(new_runtime("demo")).await.unwrap();
    db.store.create_runtime(new_runtime("other")).await.unwrap();
    add(&db, ("newest", 3), (&["A", "B"], &[]), &[("A", "3")]).await;
    add(&db, ("oldest", 1), (&["A", "B"], &["c"]), &[("A", "1"), ("B", "1"), ("c", "1")]).await;
    add(&db, ("middle", 2), (&["A", "B"], &["c"]), &[("A", "2"), ("B", "2")]).await;

    let offered = db.store.inheritable_config(&id("demo")).await.unwrap();
    let carried =
        |name: &str, kind, from| InheritedValue { name: name.to_owned(), kind, from: super::samples::name(from) };
    assert_eq!(
        offered,
        [
            carried("A", ConfigKind::Variable, "newest"),
            carried("B", ConfigKind::Variable, "middle"),
            carried("c", ConfigKind::File, "oldest"),
        ]
    );
    assert_eq!(db.store.inheritable_config(&id("other")).await.unwrap(), []);

    let all = add_inheriting(&db, "all", (&["A", "B", "D"], &["c"]), InheritConfig::All).await;
    assert_eq!(config(&all), [("A", "3"), ("B", "2"), ("c", "1")]);
    assert_eq!(now(&db.store, &all).await, all);
    let history = db.store.history(&all.runtime, &all.name, &HistoryPage::default()).await.unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].comment.as_deref(), Some("inherited B from middle; A from newest; c from oldest"));

    let elsewhere = wanting(new_version("other", "v1"), &["A"], &[]);
    assert!(db.store.create_version(elsewhere).await.unwrap().config.is_empty(), "of another runtime");
}

pub(super) async fn what_is_skipped_and_what_is_of_another_kind_is_not_inherited(db: Db) {
    db.store.create_runtime(new_runtime("demo")).await.unwrap();
    add(&db, ("v1", 1), (&["A", "B"], &["c"]), &[("A", "1"), ("B", "1"), ("c", "1")]).await;

    let fresh = InheritConfig::Except(["A".to_owned()].into());
    assert_eq!(config(&add_inheriting(&db, "fresh", (&["A"], &["c"]), fresh).await), [("c", "1")]);
    let nothing = add_inheriting(&db, "nothing", (&["A"], &["c"]), InheritConfig::None).await;
    assert!(nothing.config.is_empty());
    let history = db.store.history(&nothing.runtime, &nothing.name, &HistoryPage::default()).await.unwrap();
    assert_eq!(history[0].comment, None);
    let turned = add_inheriting(&db, "turned", (&["c"], &["A"]), InheritConfig::All).await;
    assert!(turned.config.is_empty(), "a variable is not a file: {:?}", turned.config.keys());
}

pub(super) async fn no_more_is_inherited_than_there_is_room_for(db: Db) {
    db.store.create_runtime(new_runtime("demo")).await.unwrap();
    let large = "x".repeat(CONFIG_MAX_BYTES / 2);
    add(&db, ("v1", 1), (&[], &["a.txt"]), &[("a.txt", &large)]).await;
    add(&db, ("v2", 2), (&[], &["b.txt"]), &[("b.txt", &large)]).await;
    add(&db, ("v3", 3), (&["c"], &[]), &[("c", "small")]).await;
    let all = add_inheriting(&db, "all", (&["c"], &["a.txt", "b.txt"]), InheritConfig::All).await;
    assert_eq!(all.config.keys().collect::<Vec<_>>(), ["a.txt", "c"]);
    let [warning] = &all.warnings[..] else { panic!("{:?}", all.warnings) };
    assert_eq!((warning.path.as_str(), warning.severity), ("b.txt", Severity::Warning));
    assert_eq!(
        warning.message,
        "not inherited from version `v2`: the value has 460800 bytes; all values of a version together hold at most 921600"
    );
}

pub(super) async fn a_variable_too_large_for_an_environment_is_not_inherited_and_a_warning_says_so(db: Db) {
    db.store.create_runtime(new_runtime("demo")).await.unwrap();
    let (fits, exceeds) = ("x".repeat(131_071 - "KEY=".len()), "x".repeat(131_072 - "KEY=".len()));
    let (names, file) = (&["KEY", "OLD"], &["a.txt"]);
    add(&db, ("v1", 1), (names, file), &[("KEY", &fits), ("OLD", &fits), ("a.txt", &exceeds)]).await;
    let all = add_inheriting(&db, "all", (names, file), InheritConfig::All).await;
    assert_eq!(all.config.keys().collect::<Vec<_>>(), ["KEY", "OLD", "a.txt"], "as large as it may be");

    add(&db, ("v2", 10), (names, file), &[("KEY", &exceeds)]).await;
    let new = NewVersion { at: at(11), ..wanting(new_version("demo", "v3"), names, file) };
    let v3 = db.store.create_version(new).await.unwrap();
    assert_eq!(v3.config.keys().collect::<Vec<_>>(), ["OLD", "a.txt"]);
    let [warning] = &v3.warnings[..] else { panic!("{:?}", v3.warnings) };
    assert_eq!((warning.path.as_str(), warning.severity), ("KEY", Severity::Warning));
    assert_eq!(
        warning.message,
        "not inherited from version `v2`: the value has 131068 bytes; an environment variable holds at most 131071, \
         including `KEY=`"
    );
    assert_eq!(now(&db.store, &v3).await, v3, "it is kept");
}

pub(super) async fn what_is_kept_of_a_file_comes_with_its_version(db: Db) {
    let store = &*db.store;
    store.create_runtime(new_runtime("demo")).await.unwrap();
    let digests = vec![FileDigest { path: "src/echo.py".to_owned(), size_bytes: 3, sha256: "a".repeat(64) }];
    let texts = [("p.proto".to_owned(), "syntax = \"proto3\"; // é\u{0}".to_owned())].into();
    let protos = Some(Protos { texts, ..Protos::default() });
    let content = Content { digests, protos, proto_text: None };
    let document = |path: &str, content: &[u8]| Document { path: path.to_owned(), content: content.to_vec() };
    let documents = vec![document("docs/b.png", &[0, 255, 1]), document("docs/README.md", b"# R")];
    let new = NewVersion { content: content.clone(), documents, ..new_version("demo", "v1") };
    let sha256 = new.file.sha256.clone();
    store.create_version(new.clone()).await.unwrap();

    assert_eq!(store.content(&id("demo"), &name("v1")).await.unwrap(), Some(content));
    assert_eq!(store.content(&id("demo"), &name("v2")).await.unwrap(), None);
    assert_eq!(store.documents(&sha256).await.unwrap(), ["docs/README.md", "docs/b.png"]);
    assert_eq!(store.document(&sha256, "docs/b.png").await.unwrap(), Some(vec![0, 255, 1]));
    assert_eq!(store.document(&sha256, "docs/a.png").await.unwrap(), None);
    assert_eq!(store.document(&"f".repeat(64), "docs/b.png").await.unwrap(), None);

    // The same file again, and one that is refused.
    let mut again = new.clone();
    again.manifest.version = name("v2");
    again.file.download_token = "another".into();
    store.create_version(again).await.unwrap();
    let mut refused = new;
    refused.file.sha256 = "f".repeat(64);
    assert!(store.create_version(refused).await.is_err());
    assert!(store.documents(&"f".repeat(64)).await.unwrap().is_empty());
}

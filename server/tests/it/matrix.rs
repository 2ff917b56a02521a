//! Who may ask what: every route of the API, every server function and every page, asked by everybody. What is not listed
//! here fails.

use std::collections::BTreeSet;

use domain::{
    Subject, Timestamp,
    access::{Permission, Role},
};
use reqwest::Method;
use server::http::openapi::{Route, document};

use crate::support::{
    krt::Krt,
    server::{Answer, TestServer},
    team::{As, Member, add_grant, add_member, remove_default_grant, secret_of, with_logins},
};

/// Who may do it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Needs {
    /// Everybody, known or not: nothing in it is anybody's.
    Nothing,
    /// Everybody who has signed in; each gets what they may see.
    SignIn,
    /// Somebody who has the permission on the runtime `R`.
    On(Permission),
    /// Somebody who has the permission on the whole server.
    Server(Permission),
    /// Nobody does it to somebody else.
    Oneself,
    /// What is one's own, for who has signed in and not for a token.
    InPerson,
}
use Needs::{InPerson, Nothing, On, Oneself, Server, SignIn};
use Permission::{
    Archive, Call, Configure, CreateRuntime, DeleteRuntime, DeleteVersion, ManageGrants, ManagePeople, Publish, Reveal,
    Start, Stop, Unpublish, Upload, View, ViewAudit,
};

/// What is asked. `R` stands for a runtime and `P` for a person.
struct Entry {
    /// As the source names it.
    route: &'static str,
    needs: Needs,
    path: &'static str,
    body: &'static str,
}

const fn entry(route: &'static str, needs: Needs, path: &'static str, body: &'static str) -> Entry {
    Entry { route, needs, path, body }
}

const API: &[Entry] = &[
    entry("GET /healthz", Nothing, "/healthz", ""),
    entry("GET /readyz", Nothing, "/readyz", ""),
    entry("GET /openapi.json", Nothing, "/openapi.json", ""),
    entry("GET /runtimes", SignIn, "/runtimes", ""),
    entry("POST /runtimes", Server(CreateRuntime), "/runtimes", r#"{"id":"new1","name":"New"}"#),
    entry("GET /runtimes/{id}", On(View), "/runtimes/R", ""),
    entry("GET /runtimes/{id}/carry-over", On(Upload), "/runtimes/R/carry-over", ""),
    entry("GET /runtimes/{id}/versions", On(View), "/runtimes/R/versions", ""),
    entry("POST /runtimes/{id}/versions", On(Upload), "/runtimes/R/versions", "no KRT"),
    entry("GET /runtimes/{id}/versions/{name}", On(View), "/runtimes/R/versions/v1", ""),
    entry("POST /runtimes/{id}/versions/{name}/start", On(Start), "/runtimes/R/versions/v1/start", ""),
    entry("POST /runtimes/{id}/versions/{name}/publish", On(Publish), "/runtimes/R/versions/v1/publish", ""),
    entry("POST /runtimes/{id}/versions/{name}/unpublish", On(Unpublish), "/runtimes/R/versions/v1/unpublish", ""),
    entry("POST /runtimes/{id}/versions/{name}/stop", On(Stop), "/runtimes/R/versions/v1/stop", ""),
    entry("POST /runtimes/{id}/versions/{name}/archive", On(Archive), "/runtimes/R/versions/v2/archive", ""),
    entry(
        "PUT /runtimes/{id}/versions/{name}/config",
        On(Configure),
        "/runtimes/R/versions/v1/config",
        r#"{"values":{}}"#,
    ),
    entry("PUT /runtimes/{id}/versions/{name}/generation", On(Configure), "/runtimes/R/versions/v1/generation", "{}"),
    entry("GET /runtimes/{id}/versions/{name}/history", On(View), "/runtimes/R/versions/v1/history", ""),
    entry("GET /runtimes/{id}/versions/{name}/logs", On(View), "/runtimes/R/versions/v1/logs", ""),
    entry("GET /runtimes/{id}/versions/{name}/entrypoint", On(View), "/runtimes/R/versions/v1/entrypoint", ""),
    entry(
        "GET /runtimes/{id}/versions/{name}/nodes/{workflow}/{node}",
        On(View),
        "/runtimes/R/versions/v1/nodes/greeting/greeter",
        "",
    ),
    entry("GET /runtimes/{id}/versions/{name}/metrics", On(View), "/runtimes/R/versions/v1/metrics", ""),
    entry("GET /runtimes/{id}/versions/{name}/live", On(View), "/runtimes/R/versions/v1/live", ""),
    entry("GET /runtimes/{id}/versions/{name}/krt", On(View), "/runtimes/R/versions/v1/krt", ""),
    entry("GET /runtimes/{id}/versions/{name}/manifest", On(View), "/runtimes/R/versions/v1/manifest", ""),
    entry("GET /runtimes/{id}/versions/{name}/documentation", On(View), "/runtimes/R/versions/v1/documentation", ""),
    entry("GET /runtimes/{id}/versions/{name}/docs/{path}", On(View), "/runtimes/R/versions/v1/docs/a.png", ""),
    entry("GET /runtimes/{id}/versions/{name}/compare", On(View), "/runtimes/R/versions/v1/compare?with=v2", ""),
    entry("GET /runtimes/{id}/versions/{name}/rpcs", On(View), "/runtimes/R/versions/v1/rpcs", ""),
    entry(
        "POST /runtimes/{id}/versions/{name}/calls",
        On(Call),
        "/runtimes/R/versions/v1/calls",
        r#"{"rpc":"greeting.Greeter/Greet","request":{}}"#,
    ),
    entry("GET /activity", SignIn, "/activity", ""),
    entry("GET /activity.csv", SignIn, "/activity.csv", ""),
    entry("GET /events", SignIn, "/events", ""),
    entry("GET /me", SignIn, "/me", ""),
    entry("GET /people", Server(ManagePeople), "/people", ""),
    entry("POST /people", Server(ManagePeople), "/people", r#"{"name":"somebody new"}"#),
    entry("POST /people/{person}/link", Server(ManagePeople), "/people/P/link", ""),
    entry("GET /people/{person}/sessions", Server(ManagePeople), "/people/P/sessions", ""),
    entry("DELETE /people/{person}/sessions/{id}", Server(ManagePeople), "/people/P/sessions/1", ""),
    entry("DELETE /people/{person}/sessions", Server(ManagePeople), "/people/P/sessions", ""),
    entry("GET /people/{person}/tokens", Server(ManagePeople), "/people/P/tokens", ""),
    entry("POST /people/{person}/tokens", Oneself, "/people/P/tokens", r#"{"name":"x","role":"viewer"}"#),
    entry("DELETE /people/{person}/tokens/{id}", Server(ManagePeople), "/people/P/tokens/1", ""),
    entry("POST /people/{person}/disable", Server(ManagePeople), "/people/P/disable", ""),
    entry("POST /people/{person}/enable", Server(ManagePeople), "/people/P/enable", ""),
    entry("GET /grants", On(ManageGrants), "/grants?runtime=R", ""),
    entry("PUT /grants", On(ManageGrants), "/grants", r#"{"subject":"group:x","runtime":"R","role":"viewer"}"#),
    entry("DELETE /grants", On(ManageGrants), "/grants?runtime=R&subject=group:x", ""),
    entry("GET /grants", Server(ManagePeople), "/grants", ""),
    entry("PUT /grants", Server(ManagePeople), "/grants", r#"{"subject":"group:x","role":"viewer"}"#),
    entry("DELETE /grants", Server(ManagePeople), "/grants?subject=group:x", ""),
    entry("GET /audit", Server(ViewAudit), "/audit", ""),
    entry("GET /audit.csv", Server(ViewAudit), "/audit.csv", ""),
    entry("DELETE /runtimes/{id}/versions/{name}", On(DeleteVersion), "/runtimes/R/versions/v2", ""),
    entry("DELETE /runtimes/{id}", On(DeleteRuntime), "/runtimes/R", ""),
];

const V1: &str = r#"{"runtime":"R","version":"v1"}"#;

/// Of each server function its name, and what is sent to it.
const FUNCTIONS: &[(&str, Needs, &str)] = &[
    ("runtimes", SignIn, "{}"),
    ("runtime", On(View), r#"{"id":"R"}"#),
    ("create_runtime", Server(CreateRuntime), "id=new2&name=New2&description="),
    ("versions", On(View), r#"{"runtime":"R"}"#),
    ("version_page", On(View), r#"{"runtime":"R","query":QUERY}"#),
    ("find", SignIn, r#"{"text":"secret"}"#),
    ("version", On(View), V1),
    ("command", On(Stop), r#"{"runtime":"R","version":"v1","command":"stop","comment":null}"#),
    ("set_config", On(Configure), r#"{"runtime":"R","version":"v1","values":{},"comment":null}"#),
    ("choose_generation", On(Configure), r#"{"runtime":"R","version":"v1","chosen":null}"#),
    ("config_value", On(Reveal), r#"{"runtime":"R","version":"v1","name":"KEY"}"#),
    ("manifest", On(View), V1),
    ("documentation", On(View), r#"{"runtime":"R","version":"v1","page":null}"#),
    ("compare", On(View), r#"{"runtime":"R","from":"v1","to":"v2"}"#),
    ("compare_with", On(View), r#"{"runtime":"R","version":"v1","with":"v2"}"#),
    ("carry_over", On(Upload), r#"{"runtime":"R"}"#),
    ("graphs", On(View), V1),
    ("node_detail", On(View), r#"{"runtime":"R","version":"v1","workflow":"greeting","node":"greeter"}"#),
    ("metrics", On(View), r#"{"runtime":"R","version":"v1","range":"1h"}"#),
    ("live_numbers", On(View), V1),
    ("name_taken", SignIn, V1),
    ("rpcs", On(View), V1),
    ("check_request", On(View), r#"{"runtime":"R","version":"v1","rpc":"a.B/C","request":"{}"}"#),
    ("call", On(Call), r#"{"runtime":"R","version":"v1","rpc":"a.B/C","request":"{}"}"#),
    ("history", On(View), r#"{"runtime":"R","version":"v1","page":{"before":null,"limit":null}}"#),
    ("activity", SignIn, r#"{"filter":FILTER}"#),
    ("people", Server(ManagePeople), "{}"),
    ("invite", Server(ManagePeople), r#"{"name":"somebody else","role":null}"#),
    ("renew_link", Server(ManagePeople), r#"{"person":"P"}"#),
    ("set_disabled", Server(ManagePeople), r#"{"person":"P","disabled":true}"#),
    ("tokens", InPerson, "{}"),
    ("create_token", InPerson, r#"{"new":{"name":"mine","runtime":null,"role":"viewer","days":1}}"#),
    ("revoke_token", InPerson, r#"{"id":0}"#),
    ("grants", On(ManageGrants), r#"{"runtime":"R"}"#),
    ("give_role", On(ManageGrants), r#"{"kind":"group","name":"x","runtime":"R","role":"viewer"}"#),
    ("remove_grant", On(ManageGrants), r#"{"subject":"group:x","runtime":"R"}"#),
    ("audit", Server(ViewAudit), r#"{"filter":AUDIT}"#),
    ("sessions", InPerson, "{}"),
    ("end_sessions", InPerson, r#"{"one":0}"#),
    ("delete_version", On(DeleteVersion), r#"{"runtime":"R","version":"v2","comment":null}"#),
    ("delete_runtime", On(DeleteRuntime), r#"{"runtime":"R","comment":null}"#),
];

/// Of each page the pattern in the source, and an address.
const PAGES: &[(&str, Needs, &str)] = &[
    ("/", SignIn, "/"),
    ("/activity", SignIn, "/activity"),
    ("/runtimes/new", SignIn, "/runtimes/new"),
    ("/runtimes/:runtime", On(View), "/runtimes/R"),
    ("/runtimes/:runtime/access", On(ManageGrants), "/runtimes/R/access"),
    ("/account", InPerson, "/account"),
    ("/people", Server(ManagePeople), "/people"),
    ("/audit", Server(ViewAudit), "/audit"),
    ("/runtimes/:runtime/versions/:version", On(View), "/runtimes/R/versions/v1"),
    ("", On(View), "/runtimes/R/versions/v1"),
    ("metrics", On(View), "/runtimes/R/versions/v1/metrics"),
    ("documentation", On(View), "/runtimes/R/versions/v1/documentation"),
    ("manifest", On(View), "/runtimes/R/versions/v1/manifest"),
    ("compare", On(View), "/runtimes/R/versions/v1/compare?with=v2"),
    ("configuration", On(View), "/runtimes/R/versions/v1/configuration"),
    ("history", On(View), "/runtimes/R/versions/v1/history"),
    ("try-it", On(View), "/runtimes/R/versions/v1/try-it"),
];

/// One request of the matrix.
#[derive(Debug, Clone)]
struct Asked {
    name: String,
    needs: Needs,
    method: Method,
    path: String,
    content_type: &'static str,
    body: String,
}

impl Asked {
    fn of(&self, runtime: &str, person: &str) -> Self {
        let body = self.body.replace("\"R\"", &format!("\"{runtime}\"")).replace("\"P\"", person);
        let path = self.path.replace("/R", &format!("/{runtime}")).replace("=R", &format!("={runtime}"));
        Self { path: path.replace("/P/", &format!("/{person}/")), body, ..self.clone() }
    }

    fn is_page(&self) -> bool {
        !self.path.starts_with("/api/")
    }
}

fn everything() -> Vec<Asked> {
    let api = API.iter().map(|entry| Asked {
        name: entry.route.to_owned(),
        needs: entry.needs,
        method: entry.route.split(' ').next().unwrap().parse().unwrap(),
        path: if entry.path.ends_with("z") { entry.path.to_owned() } else { format!("/api/v1{}", entry.path) },
        content_type: "application/json",
        body: entry.body.to_owned(),
    });
    let query = serde_json::to_string(&domain::VersionQuery::default()).unwrap();
    let filter = serde_json::to_string(&domain::ActivityFilter::default()).unwrap();
    let audit = serde_json::to_string(&domain::AuditFilter::default()).unwrap();
    let functions = FUNCTIONS.iter().map(|(name, needs, body)| Asked {
        name: format!("function {name}"),
        needs: *needs,
        method: Method::POST,
        path: format!("/api/fn/{name}"),
        content_type: if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" },
        body: body.replace("QUERY", &query).replace("FILTER", &filter).replace("AUDIT", &audit),
    });
    let pages = PAGES.iter().map(|(pattern, needs, path)| Asked {
        name: format!("page {pattern}"),
        needs: *needs,
        method: Method::GET,
        path: (*path).to_owned(),
        content_type: "text/html",
        body: String::new(),
    });
    pages.chain(functions).chain(api).collect()
}

/// What the source has between these two, each time.
fn all_between<'a>(source: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    source.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
}

#[test]
fn each_route_function_and_page_is_in_the_matrix() {
    let name = |route: Route| format!("{} {}", route.method, route.path.trim_start_matches("/api/v1"));
    let routes: BTreeSet<_> = document().routes().into_iter().map(name).collect();
    assert_eq!(routes, API.iter().map(|entry| entry.route.to_owned()).collect::<BTreeSet<_>>());
    let sources = [include_str!("../../../app/src/api/mod.rs"), include_str!("../../../app/src/api/accounts.rs")];
    let functions: BTreeSet<_> =
        sources.into_iter().flat_map(|source| all_between(source, "endpoint = \"", "\"")).collect();
    assert_eq!(functions, FUNCTIONS.iter().map(|(name, ..)| *name).collect());
    let pages: BTreeSet<_> =
        all_between(include_str!("../../../app/src/pages/mod.rs"), "path!(\"", "\")").into_iter().collect();
    assert_eq!(pages, PAGES.iter().map(|(pattern, ..)| *pattern).collect());
}

/// What nobody may learn who has no role on the runtime `hidden`.
const SECRETS: [&str; 2] = ["Secret Thing", "secretv"];

struct Team {
    server: TestServer,
    admin: Member,
    /// To whom something is done.
    other: Member,
}

/// With versions in `demo` and in `hidden`, and nobody who sees either.
async fn team() -> Team {
    let server = TestServer::start_with(with_logins).await;
    let store = server.store().await;
    remove_default_grant(&store).await;
    let admin = add_member(&store, "root", Some(Role::Admin), Timestamp::now()).await;
    let other = add_member(&store, "other", None, Timestamp::now()).await;
    for (id, name) in [("demo", "Demo"), ("hidden", SECRETS[0])] {
        let body = serde_json::json!({ "id": id, "name": name }).to_string();
        server.ask(&admin.by, Method::POST, "/api/v1/runtimes", body).await.expect(201);
        for version in ["v1", "v2", if id == "demo" { "v3" } else { SECRETS[1] }] {
            let path = format!("/api/v1/runtimes/{id}/versions");
            server.ask(&admin.by, Method::POST, &path, Krt::new(version).bytes()).await.expect(201);
        }
    }
    Team { server, admin, other }
}

impl Team {
    /// Of what never ends, its beginning.
    async fn ask(&self, by: &As, asked: &Asked) -> Answer {
        let url = self.server.url(&asked.path);
        let request = self.server.client().request(asked.method.clone(), url).body(asked.body.clone());
        let mut response = by.on(request.header("content-type", asked.content_type)).send().await.unwrap();
        if asked.path.ends_with("/events") && response.status() == 200 {
            let (status, headers) = (200, response.headers().clone());
            return Answer { status, headers, body: response.chunk().await.unwrap().unwrap_or_default() };
        }
        Answer::of(response).await
    }

    async fn asked_of(&self, by: &As, asked: &Asked, runtime: &str) -> Answer {
        self.ask(by, &asked.of(runtime, &self.other.id.0.to_string())).await
    }

    /// Asks everything as somebody who has this role on `demo` and none elsewhere.
    async fn expect_role_on_demo(&self, by: &As, role: Option<Role>) {
        for asked in everything() {
            let what = format!("{} as {role:?}", asked.name);
            let answer = self.asked_of(by, &asked, "demo").await;
            let told = answer.text();
            match asked.needs {
                Nothing | SignIn => assert_eq!(answer.status, 200, "{what}: {told}"),
                InPerson if matches!(by, As::Token(_)) => assert_eq!(answer.status, 403, "{what}: {told}"),
                // Without any role there is none that a token could have.
                InPerson if role.is_none() && asked.name.ends_with("create_token") => assert_eq!(answer.status, 403),
                InPerson => assert!(![401, 403].contains(&answer.status), "{what}: {told}"),
                Server(_) | Oneself => assert_eq!(answer.status, 403, "{what}: {told}"),
                On(_) if role.is_none() => assert_eq!(answer.status, 404, "{what}: {told}"),
                On(permission) if role >= Some(permission.role()) => {
                    assert!(![401, 403].contains(&answer.status), "{what}: {} {told}", answer.status);
                }
                On(_) => assert_eq!(answer.status, 403, "{what}: {told}"),
            }
            self.expect_no_secret(&what, &answer);
            let [of_demo, of_hidden] = ["demo", "hidden"].map(|runtime| asked.of(runtime, "0"));
            if (&of_demo.path, &of_demo.body) == (&of_hidden.path, &of_hidden.body) {
                continue;
            }
            let hidden = self.asked_of(by, &asked, "hidden").await;
            let nowhere = self.asked_of(by, &asked, "nowhere").await;
            assert_eq!(hidden.status, if asked.needs == SignIn { 200 } else { 404 }, "{what}: {}", hidden.text());
            self.expect_no_secret(&what, &hidden);
            if !asked.is_page() {
                assert_eq!(hidden.text().replace("hidden", "R"), nowhere.text().replace("nowhere", "R"), "{what}");
            }
        }
    }

    #[track_caller]
    fn expect_no_secret(&self, what: &str, answer: &Answer) {
        for secret in SECRETS {
            assert!(!answer.text().contains(secret), "{what}: {}", answer.text());
        }
    }

    /// Asks everything as somebody who is not known.
    async fn expect_unknown(&self, by: &As, who: &str) {
        for asked in everything() {
            let answer = self.asked_of(by, &asked, "demo").await;
            let what = format!("{} as {who}: {}", asked.name, answer.text());
            if asked.needs == Nothing {
                assert_eq!(answer.status, 200, "{what}");
            } else if asked.is_page() {
                assert_eq!(answer.status, 303, "{what}");
                assert!(answer.header("location").starts_with("/sign-in"), "{what}");
            } else {
                assert_eq!(answer.status, 401, "{what}");
            }
            self.expect_no_secret(&what, &answer);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_known_gets_nothing() {
    let team = team().await;
    let store = team.server.store().await;
    let nine_hours_ago = Timestamp::now().checked_sub(std::time::Duration::from_secs(9 * 3600)).unwrap();
    let expired = add_member(&store, "expired", Some(Role::Admin), nine_hours_ago).await;
    let disabled = add_member(&store, "disabled", Some(Role::Admin), Timestamp::now()).await;
    let token = serde_json::json!({ "name": "t", "role": "admin" }).to_string();
    let token = team.server.ask(&disabled.by, Method::POST, "/api/v1/people/me/tokens", token).await.expect(201);
    let disable = format!("/api/v1/people/{}/disable", disabled.id.0);
    assert_eq!(team.server.ask(&team.admin.by, Method::POST, &disable, "").await.status, 204);
    team.expect_unknown(&As::Nobody, "nobody").await;
    team.expect_unknown(&As::Session("0".repeat(64)), "an unknown session").await;
    team.expect_unknown(&As::Token("kai_x_y".to_owned()), "no token").await;
    team.expect_unknown(&expired.by, "an expired session").await;
    team.expect_unknown(&disabled.by, "a disabled person").await;
    team.expect_unknown(&secret_of(&token), "a disabled person's token").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_may_do_what_it_may_on_its_own_runtime_and_learns_of_no_other() {
    let team = team().await;
    let store = team.server.store().await;
    let none = add_member(&store, "none", None, Timestamp::now()).await;
    team.expect_role_on_demo(&none.by, None).await;
    for role in Role::ALL {
        let member = add_member(&store, &format!("the {role}"), None, Timestamp::now()).await;
        add_grant(&store, Subject::Person(member.id), "demo", role).await;
        team.expect_role_on_demo(&member.by, Some(role)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_its_own_runtime_and_no_other() {
    let team = team().await;
    let made = async |runtime: &str, role: &str| {
        let body = serde_json::json!({ "name": format!("{runtime} {role}"), "runtime": runtime, "role": role });
        let made = team.server.ask(&team.admin.by, Method::POST, "/api/v1/people/me/tokens", body.to_string()).await;
        secret_of(&made.expect(201))
    };
    team.server
        .ask(&team.admin.by, Method::POST, "/api/v1/runtimes", r#"{"id":"third","name":"Third"}"#)
        .await
        .expect(201);
    team.expect_role_on_demo(&made("third", "admin").await, None).await;
    team.expect_role_on_demo(&made("demo", "operator").await, Some(Role::Operator)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_of_all_may_do_everything_but_speak_for_others() {
    let team = team().await;
    for asked in everything() {
        let answer = team.asked_of(&team.admin.by, &asked, "demo").await;
        if asked.needs == Oneself {
            assert_eq!(answer.status, 403, "{}", asked.name);
        } else {
            assert!(![401, 403].contains(&answer.status), "{}: {} {}", asked.name, answer.status, answer.text());
        }
    }
}

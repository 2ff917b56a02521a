//! A PostgreSQL of the tests' own: one cluster for the test binary, one database for each test.
//!
//! It is started when the first test asks for it and reached by a Unix socket in its own folder. A shell guards it:
//! it waits on a pipe that closes when this process ends, however it ends, and then stops the cluster and removes the
//! folder.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// `$1` is the folder of PostgreSQL's programs. Under /tmp and not TMPDIR: a socket's path has at most a hundred bytes.
const GUARD: &str = r#"
set -eu
dir=$(mktemp -d /tmp/kai-postgres.XXXXXX)
trap '"$1/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true; rm -rf "$dir"' EXIT
if ! {
    "$1/initdb" -D "$dir/data" -U kai -A trust -E UTF8 --locale=C --no-sync &&
    cat >> "$dir/data/postgresql.conf" <<END &&
listen_addresses = ''
unix_socket_directories = '$dir'
max_connections = 300
fsync = off
END
    "$1/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w start
} > "$dir/log" 2>&1; then
    echo "failed"
    cat "$dir/log"
    cat "$dir/server.log" || true
    exit 1
fi
echo "$dir"
read -r _ || true
"#;

static CLUSTER: OnceLock<Cluster> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

struct Cluster {
    dir: String,
    /// Holds the pipe that the guard waits on.
    _guard: Child,
}

/// The URL of a new, empty database.
///
/// # Panics
/// Where no PostgreSQL is found, or it does not start; the message says what to do.
pub(crate) async fn new_database() -> String {
    let cluster = CLUSTER.get_or_init(start);
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let url = |database: &str| format!("postgres://kai@localhost/{database}?host={}", cluster.dir);
    let mut connection = PgConnection::connect(&url("postgres")).await.expect("the tests' PostgreSQL answers");
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await
        .expect("a database can be made");
    connection.close().await.expect("a connection can be closed");
    url(&name)
}

fn start() -> Cluster {
    let programs = programs().expect(
        "these tests need PostgreSQL's `initdb` and `pg_ctl`, on PATH or in /usr/lib/postgresql/*/bin: \
         install Debian's `postgresql` (`make test` does it)",
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", GUARD, "guard"]).arg(programs).current_dir("/");
    // A group of its own, so that what ends the tests (Ctrl-C, a kill of their group) leaves somebody to clean up.
    shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    if id(&["-u"]) == Some(0) {
        // PostgreSQL does not run as root.
        let user = ["postgres", "nobody"].into_iter().find(|user| id(&["-u", user]).is_some());
        let user = user.expect("as root the tests need a user `postgres` or `nobody` for PostgreSQL to run as");
        shell.uid(id(&["-u", user]).expect("the user's id")).gid(id(&["-g", user]).expect("the user's group"));
    }
    let mut guard = shell.spawn().expect("a shell runs");
    let mut output = BufReader::new(guard.stdout.take().expect("its output is a pipe"));
    let mut dir = String::new();
    output.read_line(&mut dir).expect("the guard's answer is text");
    if !dir.starts_with('/') {
        let mut why = String::new();
        output.read_to_string(&mut why).expect("the guard's answer is text");
        panic!("PostgreSQL does not start: {why}");
    }
    Cluster { dir: dir.trim_end().to_owned(), _guard: guard }
}

/// The folder with both programs: the first of PATH, or else the newest of Debian's.
fn programs() -> Option<PathBuf> {
    let has_both = |dir: &PathBuf| ["initdb", "pg_ctl"].iter().all(|program| dir.join(program).is_file());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = debian.map(|dir| dir.join("bin")).filter(has_both).max_by_key(|dir| major_version(dir));
    std::env::split_paths(&path).find(has_both).or(newest)
}

/// Of a folder such as `/usr/lib/postgresql/15/bin`.
fn major_version(bin: &Path) -> Option<u32> {
    bin.parent()?.file_name()?.to_str()?.parse().ok()
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

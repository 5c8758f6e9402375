use std::path::Path;

use super::*;
use crate::model::Random;

fn load(env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    load_with(&Flags::default(), env)
}

fn load_with(flags: &Flags, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let find = |name: &str| {
        env.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| OsString::from(value))
    };
    Config::from_sources(flags, find, false)
}

fn file(folder: &Path, text: &str) -> Flags {
    let path = folder.join("rollcall.toml");
    std::fs::write(&path, text).unwrap();
    Flags {
        file: Some(path),
        ..Flags::default()
    }
}

#[test]
fn nothing_needs_to_be_set() {
    let config = load(&[]).unwrap();
    assert_eq!(config.database_url, "sqlite://data/rollcall.db");
    assert_eq!(config.public_url, "http://127.0.0.1:3000");
    assert_eq!(config.lease, Span(2_000));
    assert_eq!(config.mail_url, "file://data/mail");
    assert_eq!(config.log_format, LogFormat::Json);
    assert!(config.metrics_address.is_none() && config.audience.is_none());
    assert!(config.trusted_proxies.is_empty());
}

#[test]
fn flags_count_before_the_environment_and_that_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut flags = file(
        folder.path(),
        "lease = \"3s\"\naddr = \"127.0.0.1:1\"\naudience = \"from the file\"\n\
         trusted_proxies = [\"10.0.0.0/8\", \"192.0.2.1\"]",
    );
    flags.address = Some("127.0.0.1:3".to_owned());
    let env = [
        ("ROLLCALL_LEASE", "4s"),
        ("ROLLCALL_ADDR", "127.0.0.1:2"),
        ("ROLLCALL_AUDIENCE", ""),
    ];
    let config = load_with(&flags, &env).unwrap();
    assert_eq!(config.address.port(), 3);
    assert_eq!(config.lease, Span(4_000));
    assert_eq!(config.audience.as_deref(), Some("from the file"));
    assert_eq!(config.trusted_proxies.len(), 2);
}

#[test]
fn a_bad_value_names_its_key_and_what_it_takes() {
    for (key, value, takes) in [
        ("ROLLCALL_LEASE", "two", "2s"),
        ("ROLLCALL_LEASE", "1ms", "500ms"),
        ("ROLLCALL_ADDR", "localhost", "127.0.0.1:3000"),
        ("ROLLCALL_DATABASE_URL", "mysql://x", "sqlite://FILE"),
        ("ROLLCALL_MODE", "loose", "enforce or observe"),
        ("ROLLCALL_MAIL_URL", "http://x", "smtp://"),
        ("ROLLCALL_TRUSTED_PROXIES", "10.0.0.0/8, x", "10.0.0.0/8"),
        ("ROLLCALL_LOG", "rollcall=loud", "debug"),
        ("ROLLCALL_LOG_FORMAT", "xml", "pretty or json"),
        ("ROLLCALL_METRICS_ADDR", "9090", "127.0.0.1:3000"),
        ("ROLLCALL_MASTER_KEY", "c2hvcnQ=", "32 bytes"),
        ("ROLLCALL_MASTER_KEY_FILE", "/nowhere/key", "/nowhere/key"),
    ] {
        let message = load(&[(key, value)]).unwrap_err().to_string();
        assert!(
            message.contains(key) && message.contains(takes),
            "{message}"
        );
    }
}

#[test]
fn a_bad_secret_is_not_shown() {
    let error = load(&[("ROLLCALL_MASTER_KEY", "hunter2hunter2")]).unwrap_err();
    assert!(!error.to_string().contains("hunter2"));
}

#[test]
fn an_unknown_key_of_the_file_is_refused_with_the_known_ones() {
    let folder = tempfile::tempdir().unwrap();
    let flags = file(folder.path(), "leese = \"3s\"");
    let message = load_with(&flags, &[]).unwrap_err().to_string();
    assert!(
        message.contains("leese") && message.contains("lease"),
        "{message}"
    );
}

#[test]
fn a_file_that_is_named_must_exist() {
    let flags = Flags {
        file: Some("/nowhere/rollcall.toml".into()),
        ..Flags::default()
    };
    let message = load_with(&flags, &[]).unwrap_err().to_string();
    assert!(message.contains("ROLLCALL_CONFIG"), "{message}");
}

#[test]
fn plain_http_stays_on_this_machine() {
    for fine in [
        "http://localhost:3000",
        "http://127.0.0.1:8080/",
        "http://[::1]:3000",
        "https://keys.example.com",
    ] {
        let config = load(&[("ROLLCALL_PUBLIC_URL", fine)]).unwrap();
        assert_eq!(config.public_url, fine.trim_end_matches('/'));
    }
    for wrong in [
        "http://keys.example.com",
        "http://localhost.example.com",
        "https://keys.example.com/rollcall",
        "https://user@keys.example.com",
        "https://keys.example.com?x=1",
        "keys.example.com",
        "ftp://keys.example.com",
    ] {
        let message = load(&[("ROLLCALL_PUBLIC_URL", wrong)])
            .unwrap_err()
            .to_string();
        assert!(message.contains("ROLLCALL_PUBLIC_URL"), "{message}");
    }
}

#[test]
fn listening_to_other_machines_needs_a_public_url() {
    let message = load(&[("ROLLCALL_ADDR", "0.0.0.0:3000")])
        .unwrap_err()
        .to_string();
    assert!(message.contains("ROLLCALL_PUBLIC_URL"), "{message}");
    let both = [
        ("ROLLCALL_ADDR", "0.0.0.0:3000"),
        ("ROLLCALL_PUBLIC_URL", "https://keys.example.com"),
    ];
    assert!(load(&both).is_ok());
}

#[test]
fn the_public_url_follows_the_port_that_the_system_gave() {
    let mut config = load(&[("ROLLCALL_ADDR", "127.0.0.1:0")]).unwrap();
    config.listens_on("127.0.0.1:4711".parse().unwrap());
    assert_eq!(config.public_url, "http://127.0.0.1:4711");
}

#[test]
fn postgresql_requires_a_master_key() {
    let url = ("ROLLCALL_DATABASE_URL", "postgres://u:secret@host/db");
    let message = load(&[url]).unwrap_err().to_string();
    assert!(message.contains("ROLLCALL_MASTER_KEY"), "{message}");
    let key = (
        "ROLLCALL_MASTER_KEY",
        "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    );
    let shown = format!("{:?}", load(&[url, key]).unwrap());
    assert!(
        !shown.contains("secret") && !shown.contains(key.1),
        "{shown}"
    );
    assert!(shown.contains("postgres://…@host/db"), "{shown}");
}

#[test]
fn a_master_key_is_generated_once_and_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/new/rollcall.db", folder.path().display());
    let config = load(&[("ROLLCALL_DATABASE_URL", &url)]).unwrap();
    let random = Random::system();
    let first = config.master_key.resolve(&random).unwrap();
    let again = config.master_key.resolve(&random).unwrap();
    assert_eq!(first.fingerprints(), again.fingerprints());
    let path = folder.path().join("new/rollcall.key");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_database_whose_master_key_is_lost_gets_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("rollcall.db");
    std::fs::write(&database, "data").unwrap();
    let url = format!("sqlite://{}", database.display());
    let config = load(&[("ROLLCALL_DATABASE_URL", &url)]).unwrap();
    let error = config.master_key.resolve(&Random::system()).unwrap_err();
    assert!(error.to_string().contains("put it back"), "{error}");
    assert!(!folder.path().join("rollcall.key").exists());
}

#[test]
fn a_pooler_is_named_and_the_way_past_it_is_a_secret() {
    let direct = "postgres://app:hidden@db/rollcall";
    let config = load(&[
        ("ROLLCALL_DATABASE_POOLER", "transaction"),
        ("ROLLCALL_DATABASE_DIRECT_URL", direct),
    ])
    .unwrap();
    assert!(config.pooled);
    assert_eq!(config.database().direct_url.as_deref(), Some(direct));
    assert!(!format!("{config:?}").contains("hidden"));
    for (name, wrong) in [
        ("ROLLCALL_DATABASE_POOLER", "session"),
        ("ROLLCALL_DATABASE_DIRECT_URL", "sqlite://x.db"),
    ] {
        let error = load(&[(name, wrong)]).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format as _, Toml};
use figment::value::Value;

use super::{ConfigError, Flags};

/// Every setting, by its name in the file; in the environment `ROLLCALL_` stands before it, in
/// capitals.
pub const NAMES: [&str; 16] = [
    "database_url",
    "database_pooler",
    "database_direct_url",
    "addr",
    "public_url",
    "metrics_addr",
    "master_key",
    "master_key_previous",
    "version_mark",
    "lease",
    "mode",
    "mail_url",
    "audience",
    "trusted_proxies",
    "log",
    "log_format",
];

/// Those that may hold a secret, and so may stand in a file of their own (`…_file`).
pub const SECRETS: [&str; 5] = [
    "database_url",
    "database_direct_url",
    "master_key",
    "master_key_previous",
    "mail_url",
];

/// Where the settings file is looked for when nothing names one.
const USUAL_FILE: &str = "rollcall.toml";

/// A value and where it was given.
struct Given {
    text: String,
    origin: String,
}

/// The values that count, by the setting's name.
pub struct Layers(BTreeMap<&'static str, Given>);

impl Layers {
    /// Reads the file, then the environment over it, then the flags over that. An empty value is
    /// as good as none.
    pub fn read(
        flags: &Flags,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let mut layers = Self(BTreeMap::new());
        if !flags.alone {
            layers.take_file(flags.file.as_deref(), &env)?;
        }
        layers.take_env(&env)?;
        for (name, flag, value) in [
            ("database_url", "--database-url", &flags.database_url),
            ("addr", "--address", &flags.address),
            ("public_url", "--public-url", &flags.public_url),
        ] {
            if let Some(text) = value {
                layers.set(name, text.clone(), format!("{flag} ({})", env_name(name)));
            }
        }
        Ok(layers)
    }

    /// Reads one setting; `None` when nobody gave it.
    pub fn parse<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(given) = self.0.get(name) else {
            return Ok(None);
        };
        read(&given.text)
            .map(Some)
            .map_err(|takes| ConfigError::Value {
                name: given.origin.clone(),
                given: if SECRETS.contains(&name) {
                    "the value is not valid".to_owned()
                } else {
                    format!("{:?} is not valid", given.text)
                },
                takes,
            })
    }

    /// Reads one setting, or takes its default.
    pub fn parse_or<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, String>,
        default: impl FnOnce() -> T,
    ) -> Result<T, ConfigError> {
        Ok(self.parse(name, read)?.unwrap_or_else(default))
    }

    fn set(&mut self, name: &'static str, text: String, origin: String) {
        if !text.trim().is_empty() {
            self.0.insert(name, Given { text, origin });
        }
    }

    fn take_file(
        &mut self,
        named: Option<&Path>,
        env: &impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), ConfigError> {
        let named = named
            .map(Path::to_owned)
            .or_else(|| env("ROLLCALL_CONFIG").map(PathBuf::from));
        let path = match named {
            Some(path) if path.is_file() => path,
            Some(path) => {
                return Err(ConfigError::File {
                    name: "--config (ROLLCALL_CONFIG)".to_owned(),
                    path: path.display().to_string(),
                    problem: "is not a file".to_owned(),
                });
            }
            None if Path::new(USUAL_FILE).is_file() => PathBuf::from(USUAL_FILE),
            None => return Ok(()),
        };
        let shown = path.display().to_string();
        let values: BTreeMap<String, Value> = Figment::from(Toml::file_exact(&path))
            .extract()
            .map_err(|error| ConfigError::File {
                name: "the settings file".to_owned(),
                path: shown.clone(),
                problem: format!("cannot be read: {error}"),
            })?;
        for (key, value) in values {
            self.take_line(&shown, &key, &value)?;
        }
        Ok(())
    }

    fn take_line(&mut self, file: &str, key: &str, value: &Value) -> Result<(), ConfigError> {
        let secret = SECRETS
            .into_iter()
            .find(|name| key.strip_suffix("_file") == Some(name));
        let Some(name) = NAMES.into_iter().find(|name| *name == key).or(secret) else {
            return Err(ConfigError::Value {
                name: format!("{key} in {file}"),
                given: "there is no such setting".to_owned(),
                takes: format!(
                    "one of {}; {} also with _file",
                    NAMES.join(", "),
                    SECRETS.join(", ")
                ),
            });
        };
        let origin = format!("{key} in {file} ({})", env_name(name));
        let text = text_of(value).ok_or_else(|| ConfigError::Value {
            name: origin.clone(),
            given: "the value is neither text nor a list of texts".to_owned(),
            takes: "a text in quotes".to_owned(),
        })?;
        let text = if secret.is_some() {
            read_secret(&origin, Path::new(&text))?
        } else {
            text
        };
        self.set(name, text, origin);
        Ok(())
    }

    fn take_env(&mut self, env: &impl Fn(&str) -> Option<OsString>) -> Result<(), ConfigError> {
        for name in NAMES {
            let key = env_name(name);
            if SECRETS.contains(&name)
                && let Some(path) = env(&format!("{key}_FILE")).filter(|path| !path.is_empty())
            {
                let origin = format!("{key}_FILE");
                let text = read_secret(&origin, Path::new(&path))?;
                self.set(name, text, origin);
            }
            if let Some(value) = env(&key) {
                let text = value.into_string().map_err(|_| ConfigError::Value {
                    name: key.clone(),
                    given: "the value is not UTF-8".to_owned(),
                    takes: "text".to_owned(),
                })?;
                self.set(name, text, key);
            }
        }
        Ok(())
    }
}

/// A setting's name in the environment.
pub fn env_name(name: &str) -> String {
    format!("ROLLCALL_{}", name.to_uppercase())
}

/// A text, a number as it is written, or a list of texts with commas between.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Num(_, number) => number.to_i128().map(|number| number.to_string()),
        Value::Array(_, values) => {
            let texts: Option<Vec<String>> = values.iter().map(text_of).collect();
            texts.map(|texts| texts.join(","))
        }
        _ => None,
    }
}

fn read_secret(name: &str, path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map(|text| text.trim().to_owned())
        .map_err(|error| ConfigError::File {
            name: name.to_owned(),
            path: path.display().to_string(),
            problem: format!("cannot be read: {error}"),
        })
}

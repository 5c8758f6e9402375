use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use super::list;
use crate::cli::Settings;
use crate::cli::failure::{Failure, Result};
use crate::cli::opening::within;
use crate::cli::output::facts;
use crate::rotation::{KeyImport, Material, SOUND_SECRET, SecretForm};

/// More than any key; what is longer is not one.
const MOST_INPUT: u64 = 64 * 1024;

/// `rollcall key import`
#[derive(Debug, Args)]
#[command(
    after_help = "The key verifies and never signs; the next rotation makes its tokens old. RS256, ES256 and EdDSA \
take a public key in PEM or as a JSON Web Key; HS256 takes the shared secret, which is sealed under the master key and \
destroyed when that rotation is closed. A secret on the command line would stand in the history: it comes from a file \
or stdin.

What arrives with a good signature and is not registered is held: see `rollcall token held`. Where there is a list of \
what was issued, `rollcall token import` registers it.

Examples:
  rollcall key import --kid 2024-key --account-claim tenant old.pem
  rollcall key import --no-kid --account-claim org --issuer https://old.example < secret.b64"
)]
pub struct Import {
    /// The file it stands in; stdin when left out
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// What the headers of its tokens call it (`kid`)
    #[arg(long, value_name = "KID", conflicts_with = "no_kid")]
    kid: Option<String>,
    /// The headers of its tokens name no key
    #[arg(long)]
    no_kid: bool,
    /// The claim that names the account, by id or name
    #[arg(long, value_name = "CLAIM")]
    account_claim: Option<String>,
    /// The claim that names the integration, by id or name
    #[arg(long, value_name = "CLAIM", default_value = "sub")]
    integration_claim: String,
    /// The one issuer (`iss`) that its tokens must name
    #[arg(long, value_name = "ISSUER")]
    issuer: Option<String>,
    /// The shared secret stands there as plain text, not in base64
    #[arg(long)]
    text: bool,
}

impl Import {
    /// Does it.
    pub async fn run(self, settings: &Settings) -> Result<()> {
        let form = if self.text {
            SecretForm::Text
        } else {
            SecretForm::Base64
        };
        let material = Material::read(&read(self.file.as_deref())?, form)?;
        let kid = match (self.kid, self.no_kid, material.kid()) {
            (_, true, _) => None,
            (Some(kid), ..) => Some(kid),
            (None, _, Some(kid)) => Some(kid.to_owned()),
            (None, _, None) => {
                return Err(Failure::usage(
                    "say what the headers of its tokens call the key: --kid KID, or --no-kid where they name none",
                ));
            }
        };
        let short = material.is_secret() && material.bytes().len() < SOUND_SECRET;
        let key = KeyImport {
            material,
            kid,
            account_claim: self.account_claim,
            integration_claim: Some(self.integration_claim),
            issuer: self.issuer,
        };
        within(settings, async |at| {
            let key = at.engine.import_key(&at.by, key).await?;
            let output = settings.output();
            if short {
                output.say("The secret is shorter than the 32 bytes that HS256 asks for: whoever has a token may guess it. Rotate soon.");
            }
            if key.reading.account_claim.is_none() {
                output.say("Without --account-claim nobody can tell whose its held tokens are before you say so.");
            }
            let (kid, algorithm) = (key.kid.clone(), key.algorithm.clone());
            let names = if key.reading.names_kid { "name it" } else { "name no key" };
            let shown = list::one(at, &key.kid).await?;
            output.data(&shown, || {
                facts(&[
                    ("key", kid),
                    ("algorithm", algorithm),
                    ("its tokens", names.to_owned()),
                    ("next", "rollcall token import FILE --dry-run, or watch rollcall token held list".to_owned()),
                ])
            })
        })
        .await
    }
}

/// Reads a file or stdin.
fn read(file: Option<&Path>) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let (what, input): (String, Box<dyn Read>) = match file {
        Some(path) if path != Path::new("-") => {
            let what = path.display().to_string();
            let open = std::fs::File::open(path);
            let file =
                open.map_err(|error| Failure::failed(format!("{what} cannot be read: {error}")))?;
            (what, Box::new(file))
        }
        _ => {
            if io::stdin().is_terminal() {
                eprintln!("Paste the key, then Ctrl-D on a line of its own:");
            }
            ("stdin".to_owned(), Box::new(io::stdin()))
        }
    };
    input
        .take(MOST_INPUT)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::failed(format!("{what} cannot be read: {error}")))?;
    Ok(bytes)
}

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use crate::model::{Digest, PlainToken, is_unseen};

/// The most characters that are looked at: more is cut off before anything else is done with it.
const MOST_READ: usize = 12_000;
/// The most characters of a token's header, and of its claims.
const MOST_PART: usize = 4_096;
/// From how many characters on a run of letters and digits in both cases is no word.
const SECRET_RUN: usize = 40;
/// From how many characters on what follows `Bearer`, or a session's cookie name, is taken out.
const SECRET_WORD: usize = 16;
/// Reads base64url leniently: what a mail program cut is a token all the same.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What a person wrote, without the secrets that were in it: the only form in which a text goes on
/// from the form it was written in. What was taken out is known by digests alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    text: String,
    tokens: Vec<Digest>,
    removed: usize,
}

impl Written {
    /// Reads what was written and takes the secrets out: JSON Web Tokens, whole or in pieces, also
    /// where a program has wrapped or quoted them; what follows `Bearer`; the dashboard's cookie; and
    /// any run of letters and digits that is too long and too mixed to be a word.
    pub fn of(raw: &str) -> Self {
        let text = Text(normalised(raw));
        let mut written = Self::default();
        let mut at = 0;
        while at < text.0.len() {
            if let Some(secret) = text.secret(at) {
                written.take_out(&secret);
                at = secret.end;
            } else {
                written.text.push(text.0[at]);
                at += 1;
            }
        }
        written.text = written.text.trim().to_owned();
        written
    }

    fn take_out(&mut self, secret: &Secret) {
        self.removed += 1;
        match &secret.token {
            Some(token) => {
                self.tokens.push(token.digest());
                self.text.push_str("[token …");
                self.text.push_str(&token.hint());
                self.text.push_str(" removed]");
            }
            None => self.text.push_str("[secret removed]"),
        }
    }

    /// The text. In the place of each secret stands that it was removed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The digests of the whole tokens that stood in it.
    pub fn tokens(&self) -> &[Digest] {
        &self.tokens
    }

    /// How many secrets were taken out.
    pub const fn removed(&self) -> usize {
        self.removed
    }

    /// The same on one line.
    #[must_use]
    pub fn on_one_line(mut self) -> Self {
        self.text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        self
    }
}

/// Lines end as they do here, and nothing stands in them that cannot be seen.
fn normalised(raw: &str) -> Vec<char> {
    raw.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| !is_unseen(*c) || matches!(c, '\n' | '\t'))
        .take(MOST_READ)
        .collect()
}

/// A secret in a text.
struct Secret {
    /// Behind its last character.
    end: usize,
    /// The token it is, when it is a whole one.
    token: Option<PlainToken>,
}

impl Secret {
    const fn nameless(end: usize) -> Self {
        Self { end, token: None }
    }
}

/// A text by its characters.
struct Text(Vec<char>);

impl Text {
    /// The secret that begins at a character.
    fn secret(&self, at: usize) -> Option<Secret> {
        self.token(at)
            .or_else(|| self.bearer(at))
            .or_else(|| self.cookie(at))
            .or_else(|| self.run(at))
    }

    fn is_part(&self, at: usize) -> bool {
        self.0.get(at).is_some_and(|c| is_part(*c))
    }

    /// Whether something begins here: no letter or digit stands before.
    fn begins(&self, at: usize) -> bool {
        at == 0 || !is_part(self.0[at - 1])
    }

    /// Behind the run of base64url that begins here.
    fn run_end(&self, at: usize) -> usize {
        (at..self.0.len())
            .find(|at| !is_part(self.0[*at]))
            .unwrap_or(self.0.len())
    }

    /// The next character of a token behind what a program has put in between, if one comes.
    fn behind_gap(&self, at: usize) -> Option<usize> {
        let next = (at..self.0.len().min(at + 40)).find(|at| !is_gap(self.0[*at]))?;
        (next > at && (is_part(self.0[next]) || self.0[next] == '.')).then_some(next)
    }

    /// Whether the pieces from here on have together as many characters as are missing, and not all of
    /// them look like words: then one that does is a piece of a signature too.
    fn completes(&self, mut at: usize, missing: usize) -> bool {
        let (mut length, mut is_mixed) = (0, false);
        loop {
            let end = self.run_end(at);
            length += end - at;
            is_mixed |= !is_prose(&self.0[at..end]);
            match self.behind_gap(end) {
                Some(next) if length < missing => at = next,
                _ => return is_mixed && length == missing,
            }
        }
    }

    /// A JSON Web Token (RFC 7519), or as much of one as is there.
    fn token(&self, at: usize) -> Option<Secret> {
        if self.0[at] != 'e' || !(self.begins(at) || self.starts(at, "eyJ")) {
            return None;
        }
        let mut walk = Walk::new(self, at);
        let header = walk.part()?;
        let header: serde_json::Value =
            serde_json::from_slice(&LENIENT.decode(&header).ok()?).ok()?;
        let algorithm = header.get("alg").and_then(|alg| alg.as_str())?.to_owned();
        let header_end = walk.at;
        let Some(_claims) = walk.part() else {
            // Cut off in the middle: the piece that hangs on is a secret, what comes after may be prose.
            return Some(Secret::nameless(self.run_end(header_end)));
        };
        let end = walk.signature(signature_length(&algorithm));
        let token = PlainToken::new(std::mem::take(&mut walk.compact));
        let end = self.more_parts(end);
        let is_whole = !token.expose().ends_with('.');
        Some(Secret {
            end,
            token: is_whole.then_some(token),
        })
    }

    /// Parts that hang on directly, as an encrypted token has them (RFC 7516).
    fn more_parts(&self, mut end: usize) -> usize {
        while self.0.get(end) == Some(&'.') && self.is_part(end + 1) {
            end = self.run_end(end + 1);
        }
        end
    }

    fn starts(&self, at: usize, word: &str) -> bool {
        word.chars().enumerate().all(|(i, c)| {
            self.0
                .get(at + i)
                .is_some_and(|found| found.eq_ignore_ascii_case(&c))
        })
    }

    /// What stands behind `Bearer` (RFC 6750), whatever it is, if it can be no word.
    fn bearer(&self, at: usize) -> Option<Secret> {
        let between = |c: char| is_gap(c) || c == ':';
        if between(self.0[at]) {
            return None;
        }
        let before = (0..at).rev().take(6).find(|at| !between(self.0[*at]))?;
        if before + 1 == at || before < 5 || !self.starts(before - 5, "bearer") {
            return None;
        }
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>');
        let end = (at..self.0.len())
            .find(|at| ends(self.0[*at]))
            .unwrap_or(self.0.len());
        let word = &self.0[at..end];
        let is_word = word.len() < SECRET_WORD || !word.iter().any(char::is_ascii_digit);
        (!is_word).then(|| Secret::nameless(end))
    }

    /// The value of the dashboard's cookie: whoever has it is signed in.
    fn cookie(&self, at: usize) -> Option<Secret> {
        if !self.is_part(at) || at == 0 || self.0[at - 1] != '=' {
            return None;
        }
        let name = self.0[..at - 1]
            .rsplit(|c| !is_part(*c))
            .next()
            .map(|name| name.iter().collect::<String>())?;
        let end = self.run_end(at);
        (name.contains("rollcall") && end - at >= SECRET_WORD).then(|| Secret::nameless(end))
    }

    /// A run that is no word: part of a token, the secret of a link.
    fn run(&self, at: usize) -> Option<Secret> {
        if !self.is_part(at) || !self.begins(at) {
            return None;
        }
        let end = self.run_end(at);
        if (at + 1..end).any(|at| self.starts(at, "eyJ") && self.token(at).is_some()) {
            // Something hangs on a token: its name, a mark.
            return None;
        }
        let run = &self.0[at..end];
        let any = |is: fn(&char) -> bool| run.iter().any(is);
        let is_mixed = any(char::is_ascii_lowercase)
            && any(char::is_ascii_uppercase)
            && any(char::is_ascii_digit);
        let is_json = self.starts(at, "eyJ") && run[2] == 'J' && run.len() >= SECRET_WORD;
        ((is_mixed && run.len() >= SECRET_RUN) || is_json)
            .then(|| Secret::nameless(self.more_parts(end)))
    }
}

/// Whether a character may stand in a part of a token.
const fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// What mail programs, terminals and source code put into the middle of a token: blanks and line ends, marks
/// of quotation, of continued lines and of joined strings, and characters without width.
const fn is_gap(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t'
            | '\n'
            | '>'
            | '|'
            | '\\'
            | '"'
            | '\''
            | '`'
            | '+'
            | '='
            | '\u{a0}'
            | '\u{ad}'
            | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{feff}'
    )
}

/// How many characters a signature of an algorithm has (RFC 7518 §3.1, RFC 8037); of RSA by its usual keys.
fn signature_length(algorithm: &str) -> &'static [usize] {
    match algorithm {
        "HS256" => &[43],
        "HS384" => &[64],
        "HS512" | "ES256" | "ES256K" | "EdDSA" | "Ed25519" => &[86],
        "ES384" => &[128],
        "ES512" => &[176],
        _ => &[342, 512, 683],
    }
}

/// A way through a token, over the gaps in it.
struct Walk<'t> {
    text: &'t Text,
    /// Where it stands.
    at: usize,
    /// What it has gathered: the token as it was issued.
    compact: String,
    /// How many gaps it has crossed.
    gaps: usize,
}

impl<'t> Walk<'t> {
    const fn new(text: &'t Text, at: usize) -> Self {
        Self {
            text,
            at,
            compact: String::new(),
            gaps: 0,
        }
    }

    /// Gathers a part that a dot ends, and the dot; gives the part. `None` when something else comes.
    fn part(&mut self) -> Option<String> {
        let from = self.compact.len();
        while self.compact.len() - from <= MOST_PART {
            match self.text.0.get(self.at) {
                Some(c) if is_part(*c) => {
                    self.compact.push(*c);
                    self.at += 1;
                }
                Some('.') => {
                    self.at += 1;
                    self.compact.push('.');
                    return Some(self.compact[from..self.compact.len() - 1].to_owned());
                }
                _ => {
                    self.at = self.text.behind_gap(self.at)?;
                    self.gaps += 1;
                }
            }
        }
        None
    }

    /// Gathers the signature; gives where it ends. It may have one of these lengths: behind one of
    /// them no gap is crossed any more, for what comes then is prose.
    fn signature(&mut self, lengths: &[usize]) -> usize {
        let from = self.compact.len();
        // Cut into small pieces, any of which may look like a word.
        let is_minced = self.gaps * 12 > from;
        loop {
            let end = self.text.run_end(self.at);
            self.compact.extend(&self.text.0[self.at..end]);
            self.at = end;
            let length = self.compact.len() - from;
            let Some(left) = lengths
                .iter()
                .find(|most| **most > length)
                .map(|most| most - length)
            else {
                break;
            };
            if lengths.contains(&length) {
                break;
            }
            let Some(next) = self.text.behind_gap(end) else {
                break;
            };
            let piece = &self.text.0[next..self.text.run_end(next)];
            let goes_on = is_minced
                || piece.len() == left
                || !is_prose(piece)
                || self.text.completes(next, left);
            if piece.is_empty() || !goes_on {
                break;
            }
            self.gaps += 1;
            self.at = next;
        }
        self.at
    }
}

/// Whether letters look like a word of a sentence: in lower case, but for the first.
fn is_prose(piece: &[char]) -> bool {
    piece.len() < 20
        && piece
            .iter()
            .enumerate()
            .all(|(at, c)| c.is_ascii_lowercase() || (at == 0 && c.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests;

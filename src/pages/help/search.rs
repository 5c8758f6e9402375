//! A search through the answers, as people type it: "was I logged out?".

use super::codes::{Meaning, OTHERS, meaning};
use super::questions::{QUESTIONS, Question};
use crate::model::Reason;

/// The most words that are looked for.
const MOST_WORDS: usize = 8;

/// Words that say nothing about what is looked for.
const EMPTY: [&str; 46] = [
    "a", "about", "after", "all", "am", "an", "and", "any", "are", "be", "but", "can", "did", "do",
    "does", "for", "from", "get", "got", "has", "have", "how", "i", "if", "in", "is", "it", "its",
    "me", "mine", "my", "no", "of", "on", "or", "our", "still", "that", "the", "this", "to", "was",
    "we", "what", "why", "with",
];

/// What a search found.
pub struct Found {
    /// The answers, those with all the words, or, where there is none, those with most of them.
    pub questions: Vec<&'static Question>,
    /// The refusal codes.
    pub codes: Vec<(&'static str, Meaning)>,
    /// Whether all the words were found in each answer.
    pub is_exact: bool,
}

/// Every refusal code with its meaning.
pub fn all_codes() -> Vec<(&'static str, Meaning)> {
    Reason::ALL
        .map(Reason::code)
        .into_iter()
        .chain(OTHERS)
        .filter_map(|code| Some((code, meaning(code)?)))
        .collect()
}

/// Looks for words in questions, answers and codes; everything where none is given.
pub fn search(text: &str) -> Found {
    let words = words(text);
    if words.is_empty() {
        return Found {
            questions: QUESTIONS.iter().collect(),
            codes: all_codes(),
            is_exact: true,
        };
    }
    let mut ranked: Vec<_> = QUESTIONS
        .iter()
        .map(|question| (score(question, &words), question))
        .filter(|((hits, _), _)| *hits > 0)
        .collect();
    // Stable: what is found alike stays in the order of need.
    ranked.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    let most = ranked.first().map_or(0, |((hits, _), _)| *hits);
    let codes = all_codes()
        .into_iter()
        .filter(|(code, meaning)| {
            let text = format!(
                "{code} {} {} {}",
                meaning.status, meaning.title, meaning.happened
            )
            .to_lowercase();
            words.iter().all(|word| holds(&text, word))
        })
        .collect();
    Found {
        questions: ranked
            .into_iter()
            .filter(|((hits, _), _)| *hits == most)
            .map(|(_, question)| question)
            .collect(),
        codes,
        is_exact: most == words.len(),
    }
}

/// The words of a search that say something, in lower case; all of them where none does.
fn words(text: &str) -> Vec<String> {
    let all: Vec<String> = text
        .to_lowercase()
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let some: Vec<String> = all
        .iter()
        .filter(|word| !EMPTY.contains(&word.as_str()))
        .cloned()
        .collect();
    let mut words = if some.is_empty() { all } else { some };
    words.truncate(MOST_WORDS);
    words
}

/// How many of the words a question has, and how many of those where it asks.
fn score(question: &Question, words: &[String]) -> (usize, usize) {
    let asks = question.asks.to_lowercase();
    let text = format!(
        "{asks} {} {} {}",
        question.answer.join(" "),
        question.also,
        question.id
    )
    .to_lowercase();
    let count = |text: &str| words.iter().filter(|word| holds(text, word)).count();
    (count(&text), count(&asks))
}

/// Whether a text holds a word, in the singular too.
fn holds(text: &str, word: &str) -> bool {
    let one = word.strip_suffix('s').filter(|one| one.len() > 3);
    text.contains(word) || one.is_some_and(|one| text.contains(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<&'static str> {
        search(text)
            .questions
            .into_iter()
            .map(|question| question.id)
            .collect()
    }

    #[test]
    fn what_customers_type_finds_its_answer_first() {
        for (text, id) in [
            ("was I logged out?", "signed-out"),
            ("did my integration stop", "did-it-stop"),
            ("do I need a new token", "need-new-token"),
            ("I see 401", "why-401"),
            ("401 Unauthorized", "why-401"),
            ("how long does my captured token live", "captured-life"),
            ("is my password affected", "password"),
            ("MONTHLY cron", "monthly-job"),
            ("token leaked on GitHub", "leaked"),
            ("delete integrations", "archive"),
            ("503", "see-503"),
        ] {
            assert_eq!(ids(text).first(), Some(&id), "{text}: {:?}", ids(text));
        }
    }

    #[test]
    fn without_words_there_is_everything() {
        for text in ["", "  ", "?!"] {
            let found = search(text);
            assert_eq!(found.questions.len(), QUESTIONS.len());
            assert_eq!(found.codes.len(), Reason::ALL.len() + OTHERS.len());
        }
    }

    #[test]
    fn codes_are_found_by_name_and_by_meaning() {
        let codes = |text| -> Vec<_> {
            search(text)
                .codes
                .into_iter()
                .map(|(code, _)| code)
                .collect()
        };
        assert_eq!(codes("token_not_captured"), ["token_not_captured"]);
        assert_eq!(codes("429"), ["rate_limited"]);
        assert!(codes("zebra").is_empty());
    }

    #[test]
    fn some_of_the_words_are_better_than_nothing() {
        let found = search("leaked zebra");
        assert!(!found.is_exact);
        assert_eq!(found.questions[0].id, "leaked");
        assert!(search("zebra").questions.is_empty());
    }
}

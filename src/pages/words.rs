/// An error's words as a sentence: a capital first, a full stop last.
pub fn sentence(words: &str) -> String {
    format!("{}.", capital(words))
}

/// The same with a capital first.
pub fn capital(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(chars).collect()
}

/// Names in a sentence: "a", "a and b", "a, b and c", "a, b and 5 more".
pub fn in_short<T: AsRef<str>>(names: &[T]) -> String {
    match names {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [a, b] => format!("{} and {}", a.as_ref(), b.as_ref()),
        [a, b, c] => format!("{}, {} and {}", a.as_ref(), b.as_ref(), c.as_ref()),
        [a, b, rest @ ..] => format!("{}, {} and {} more", a.as_ref(), b.as_ref(), rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_begins_with_a_capital_and_ends() {
        assert_eq!(sentence("a name is taken"), "A name is taken.");
    }

    #[test]
    fn many_names_are_told_in_short() {
        let names = ["a", "b", "c", "d", "e"];
        let told: Vec<String> = (0..=5).map(|many| in_short(&names[..many])).collect();
        let expected = [
            "",
            "a",
            "a and b",
            "a, b and c",
            "a, b and 2 more",
            "a, b and 3 more",
        ];
        assert_eq!(told, expected);
    }
}

//! Rules as they were written: what in them is literal, and what they say in words.

use super::Field;

/// A rule by its word, with its arguments as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule<'r> {
    pub(crate) word: &'r str,
    pub(crate) text: &'r str,
    /// The condition under which it holds.
    pub(crate) when: Option<&'r str>,
}

impl Field {
    /// Returns the rules, with their conditions apart.
    pub(crate) fn written_rules(&self) -> impl Iterator<Item = Rule<'static>> + use<> {
        self.rules.iter().map(|&(word, text)| {
            if word != "when" {
                return Rule { word, text, when: None };
            }
            let rule = split(text).next().unwrap_or_default();
            let condition = text[rule.len()..].trim_start_matches(',').trim();
            Rule { when: Some(condition), ..Rule::parse(rule) }
        })
    }
}

impl<'r> Rule<'r> {
    fn parse(written: &'r str) -> Self {
        let written = written.trim();
        let end = written.find(|character: char| !is_word(character)).unwrap_or(written.len());
        let (word, rest) = written.split_at(end);
        let rest = rest.trim();
        let text = match rest.strip_prefix('=') {
            Some(path) => path.trim(),
            None => rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(rest).trim(),
        };
        Self { word, text, when: None }
    }

    /// Returns the rules that stand in the parentheses of `each`, `keys` and `values`.
    pub(crate) fn nested(&self) -> impl Iterator<Item = Self> + use<'r> {
        split(self.text).filter(|part| !part.trim().is_empty()).map(Rule::parse)
    }

    /// Returns the rule as the derive reads it.
    pub(crate) fn spelled(&self) -> String {
        let Self { word, text, when } = self;
        let rule = match *word {
            "non_empty" | "unique" => (*word).to_owned(),
            "validate" | "key" => format!("{word} = {text}"),
            _ => format!("{word}({text})"),
        };
        when.map_or(rule.clone(), |when| format!("{rule}, when = {when}"))
    }

    /// Says it in words, for people who write the file.
    pub(crate) fn words(&self) -> String {
        let Self { word, text, when } = self;
        let nested = || self.nested().map(|rule| rule.words()).collect::<Vec<_>>().join(", ");
        let words = match *word {
            "range" => format!("in {text}"),
            "length" => format!("length in {text}"),
            "non_empty" => "not empty".to_owned(),
            "one_of" => format!("one of {text}"),
            "pattern" => format!("matches {text}"),
            "unique" => "no element twice".to_owned(),
            "each" => format!("each {}", nested()),
            "keys" => format!("each key {}", nested()),
            "values" => format!("each value {}", nested()),
            "key" => format!("told apart by {}", text.trim_matches('"')),
            _ => "checked by the program".to_owned(),
        };
        when.map_or(words.clone(), |when| format!("{words} when {when}"))
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Splits at the commas that are in no brackets and no literal.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = comma(text).unwrap_or(text.len());
        rest = text.get(end + 1..);
        Some(&text[..end])
    })
}

fn comma(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        match character {
            ',' if depth == 0 => return Some(at),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '"' | '\'' | 'r' => {
                if let Some(length) = quoted(&text[at..]) {
                    at += length;
                    continue;
                }
            }
            _ => {}
        }
        at += character.len_utf8();
    }
    None
}

/// Returns how long the literal is with which a text begins, if it begins with a quoted one.
pub(super) fn quoted(text: &str) -> Option<usize> {
    if let Some(rest) = text.strip_prefix('r') {
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let content = rest[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(content.find(&end)? + 2 + hashes + end.len());
    }
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return Some(at + 1),
            // A lifetime or a label has no closing quote.
            _ if quote == '\'' && at > 1 && !text[1..].starts_with('\\') => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(word: &'static str, text: &'static str) -> Rule<'static> {
        Rule { word, text, when: None }
    }

    #[test]
    fn nested_rules_and_conditions_are_taken_apart() {
        let nested: Vec<_> =
            rule("each", "non_empty, length(1..=9), each(one_of(\"a,\", \"b)\")), validate = f::g")
                .nested()
                .map(|rule| format!("{} {}", rule.word, rule.text))
                .collect();
        assert_eq!(nested, ["non_empty ", "length 1..=9", "each one_of(\"a,\", \"b)\")", "validate f::g"]);
        let field = Field::new("a", <u8 as super::super::Describe>::describe)
            .rules(&[("when", "one_of(\"a,b\", \"c\"), f(self.x, 1)"), ("range", "1..")]);
        let rules: Vec<_> = field.written_rules().collect();
        assert_eq!(
            rules,
            [
                Rule { word: "one_of", text: "\"a,b\", \"c\"", when: Some("f(self.x, 1)") },
                rule("range", "1..")
            ]
        );
        assert_eq!(rules[0].spelled(), "one_of(\"a,b\", \"c\"), when = f(self.x, 1)");
        assert_eq!(rules[0].words(), "one of \"a,b\", \"c\" when f(self.x, 1)");
    }
}

//! serde's rules for renaming.

/// One of the styles of `#[serde(rename_all = "..")]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

/// As serde spells them.
pub(crate) const CASES: [(&str, Case); 8] = [
    ("lowercase", Case::Lower),
    ("UPPERCASE", Case::Upper),
    ("PascalCase", Case::Pascal),
    ("camelCase", Case::Camel),
    ("snake_case", Case::Snake),
    ("SCREAMING_SNAKE_CASE", Case::ScreamingSnake),
    ("kebab-case", Case::Kebab),
    ("SCREAMING-KEBAB-CASE", Case::ScreamingKebab),
];

impl Case {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        CASES.iter().find_map(|(known, case)| (*known == name).then_some(*case))
    }

    /// Renames a field, which is taken to be in `snake_case`.
    pub(crate) fn field(self, field: &str) -> String {
        match self {
            Self::Lower | Self::Snake => field.to_owned(),
            Self::Upper | Self::ScreamingSnake => field.to_ascii_uppercase(),
            Self::Pascal => field.split('_').map(capitalized).collect(),
            Self::Camel => uncapitalized(&Self::Pascal.field(field)),
            Self::Kebab => field.replace('_', "-"),
            Self::ScreamingKebab => field.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// Renames a variant, which is taken to be in `PascalCase`.
    pub(crate) fn variant(self, variant: &str) -> String {
        match self {
            Self::Pascal => variant.to_owned(),
            Self::Lower => variant.to_ascii_lowercase(),
            Self::Upper => variant.to_ascii_uppercase(),
            Self::Camel => uncapitalized(variant),
            Self::Snake => {
                let mut snake = String::new();
                for (position, character) in variant.char_indices() {
                    if position > 0 && character.is_uppercase() {
                        snake.push('_');
                    }
                    snake.push(character.to_ascii_lowercase());
                }
                snake
            }
            Self::ScreamingSnake => Self::Snake.variant(variant).to_ascii_uppercase(),
            Self::Kebab => Self::Snake.variant(variant).replace('_', "-"),
            Self::ScreamingKebab => Self::ScreamingSnake.variant(variant).replace('_', "-"),
        }
    }
}

fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    characters
        .next()
        .map(|first| first.to_ascii_uppercase().to_string() + characters.as_str())
        .unwrap_or_default()
}

fn uncapitalized(word: &str) -> String {
    let mut characters = word.chars();
    characters
        .next()
        .map(|first| first.to_ascii_lowercase().to_string() + characters.as_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_serde_makes() {
        for (case, field, variant) in [
            (Case::Lower, "max_pool_size", "veryTasty"),
            (Case::Upper, "MAX_POOL_SIZE", "VERYTASTY"),
            (Case::Pascal, "MaxPoolSize", "VeryTasty"),
            (Case::Camel, "maxPoolSize", "veryTasty"),
            (Case::Snake, "max_pool_size", "very_tasty"),
            (Case::ScreamingSnake, "MAX_POOL_SIZE", "VERY_TASTY"),
            (Case::Kebab, "max-pool-size", "very-tasty"),
            (Case::ScreamingKebab, "MAX-POOL-SIZE", "VERY-TASTY"),
        ] {
            assert_eq!(case.field("max_pool_size"), field);
            let expected = if case == Case::Lower { "verytasty" } else { variant };
            assert_eq!(case.variant("VeryTasty"), expected);
        }
    }
}

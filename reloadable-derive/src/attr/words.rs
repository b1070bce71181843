//! The words between the commas of an attribute.

use proc_macro2::{Group, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Attribute, Ident, Meta, Token, token};

use crate::ctxt::Ctxt;

/// Calls `word` for every word of `#[reload(word, word = .., word(..))]`; it reads what follows the word. After a
/// mistake it goes on behind the next comma.
pub(super) fn each(
    attribute: &Attribute,
    ctxt: &Ctxt,
    mut word: impl FnMut(Ident, ParseStream<'_>) -> syn::Result<()>,
) {
    let Meta::List(list) = &attribute.meta else {
        ctxt.error_on(&attribute.meta, "expected words in parentheses: `#[reload(..)]`");
        return;
    };
    let parsed = list.parse_args_with(|input: ParseStream<'_>| {
        within(input, ctxt, &mut word);
        Ok(())
    });
    if let Err(error) = parsed {
        ctxt.push(error);
    }
}

/// As [`each`], for the inside of a word's own parentheses.
pub(super) fn within(
    input: ParseStream<'_>,
    ctxt: &Ctxt,
    word: &mut dyn FnMut(Ident, ParseStream<'_>) -> syn::Result<()>,
) {
    while !input.is_empty() {
        let result = Ident::parse_any(input).and_then(|ident| word(ident, input)).and_then(|()| {
            if input.is_empty() || input.peek(Token![,]) { Ok(()) } else { Err(input.error("expected `,`")) }
        });
        if let Err(error) = result {
            ctxt.push(error);
            while !input.is_empty() && !input.peek(Token![,]) {
                let _skipped = input.parse::<TokenTree>();
            }
        }
        let _comma = input.parse::<Token![,]>();
    }
}

/// Reads the parentheses that follow a word.
pub(super) fn arguments(word: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<Group> {
    match input.cursor().group(proc_macro2::Delimiter::Parenthesis) {
        Some(_) => input.parse::<Group>(),
        None => Err(syn::Error::new(word.span(), format!("`{word}` needs arguments: write `{example}`"))),
    }
}

/// Reads the `=` that follows a word.
pub(super) fn equals(word: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<()> {
    match input.parse::<Token![=]>() {
        Ok(_) => Ok(()),
        Err(_) => Err(syn::Error::new(word.span(), format!("`{word}` needs a value: write `{example}`"))),
    }
}

/// Refuses a value or arguments behind a word that stands alone.
pub(super) fn alone(word: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
    if input.peek(Token![=]) || input.peek(token::Paren) {
        return Err(input.error(format!("`{word}` stands alone: remove what follows it")));
    }
    Ok(())
}

/// Stores what a word said, unless it was said before.
pub(super) fn once<T>(place: &mut Option<T>, word: &Ident, value: T) -> syn::Result<()> {
    if place.is_some() {
        return Err(syn::Error::new(word.span(), format!("`{word}` is given twice: remove one")));
    }
    *place = Some(value);
    Ok(())
}

/// The known word that was most likely meant.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let limit = (word.chars().count() / 3).max(1) + 1;
    known
        .iter()
        .map(|known| (distance(word, known), *known))
        .filter(|(distance, known)| *distance <= limit && *distance < known.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<_>, Vec<_>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![(0..=right.len()).collect::<Vec<_>>()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(a != b);
            let mut best = replaced.min(row[j] + 1).min(rows[i][j + 1] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

/// Returns tokens as they were written, or close to it where the source is not at hand.
pub(crate) fn written(tokens: &TokenStream, group: Option<&Group>) -> String {
    if let Some(source) = group.and_then(|group| group.span().source_text()) {
        if let Some(inner) = source.strip_prefix('(').and_then(|source| source.strip_suffix(')')) {
            return inner.trim().to_owned();
        }
    }
    let mut text = tokens.to_string();
    for tight in ["::", "..=", ".."] {
        text = text.replace(&format!(" {tight} "), tight);
        text = text.replace(&format!("{tight} "), tight).replace(&format!(" {tight}"), tight);
    }
    text.replace(" ,", ",").replace(" . ", ".").replace(" (", "(").replace("& ", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_word() {
        let known = ["range", "length", "one_of", "secret", "each"];
        for (typo, meant) in [
            ("rnage", Some("range")),
            ("lenght", Some("length")),
            ("oneof", Some("one_of")),
            ("sercet", Some("secret")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(typo, &known), meant, "{typo}");
        }
    }
}

//! The attributes of serde that decide where a value stands in the file. They are serde's to check: whatever is
//! unknown or malformed is passed over.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, ExprPath, Ident, LitStr, Meta, Token, Type};

use super::case::Case;

/// What serde was told about a struct or an enum.
#[derive(Default)]
pub(crate) struct ContainerAttr {
    pub(crate) rename_all: Option<Case>,
    pub(crate) rename_all_fields: Option<Case>,
    pub(crate) tag: Option<String>,
    pub(crate) content: Option<String>,
    pub(crate) untagged: bool,
    pub(crate) transparent: bool,
    pub(crate) default: bool,
    pub(crate) deny_unknown_fields: bool,
    /// The type of `from` or `try_from`.
    pub(crate) from: Option<Type>,
}

/// What serde was told about a variant.
#[derive(Default)]
pub(crate) struct VariantAttr {
    pub(crate) rename: Option<String>,
    pub(crate) aliases: Vec<String>,
    pub(crate) rename_all: Option<Case>,
    pub(crate) skip: bool,
    pub(crate) untagged: bool,
    pub(crate) with: bool,
}

/// What serde was told about a field.
#[derive(Default)]
pub(crate) struct FieldAttr {
    pub(crate) rename: Option<String>,
    pub(crate) aliases: Vec<String>,
    pub(crate) flatten: bool,
    pub(crate) default: bool,
    pub(crate) skip: bool,
    pub(crate) with: bool,
    /// The function that decodes it.
    pub(crate) decode: Option<ExprPath>,
    /// The word `borrow`.
    pub(crate) borrow: Option<Ident>,
}

impl ContainerAttr {
    pub(crate) fn from_attributes(attributes: &[Attribute]) -> Self {
        let mut attr = Self::default();
        each_word(attributes, |word, value| match word.to_string().as_str() {
            "rename_all" => attr.rename_all = value.deserialized().and_then(|name| Case::from_name(&name)),
            "rename_all_fields" => {
                attr.rename_all_fields = value.deserialized().and_then(|name| Case::from_name(&name));
            }
            "tag" => attr.tag = value.text(),
            "content" => attr.content = value.text(),
            "untagged" => attr.untagged = true,
            "transparent" => attr.transparent = true,
            "default" => attr.default = true,
            "deny_unknown_fields" => attr.deny_unknown_fields = true,
            "from" | "try_from" => attr.from = value.literal().and_then(|text| text.parse().ok()),
            _ => {}
        });
        attr
    }
}

impl VariantAttr {
    pub(crate) fn from_attributes(attributes: &[Attribute]) -> Self {
        let mut attr = Self::default();
        each_word(attributes, |word, value| match word.to_string().as_str() {
            "rename" => attr.rename = value.deserialized().or(attr.rename.take()),
            "alias" => attr.aliases.extend(value.text()),
            "rename_all" => attr.rename_all = value.deserialized().and_then(|name| Case::from_name(&name)),
            "skip" | "skip_deserializing" => attr.skip = true,
            "untagged" => attr.untagged = true,
            "with" | "deserialize_with" => attr.with = true,
            _ => {}
        });
        attr
    }
}

impl FieldAttr {
    pub(crate) fn from_attributes(attributes: &[Attribute]) -> Self {
        let mut attr = Self::default();
        each_word(attributes, |word, value| match word.to_string().as_str() {
            "rename" => attr.rename = value.deserialized().or(attr.rename.take()),
            "alias" => attr.aliases.extend(value.text()),
            "flatten" => attr.flatten = true,
            "default" => attr.default = true,
            "skip" | "skip_deserializing" => attr.skip = true,
            "with" => {
                attr.with = true;
                let module = value.literal().and_then(|text| text.parse::<ExprPath>().ok());
                attr.decode = module.map(|mut module| {
                    module.path.segments.push(Ident::new("deserialize", Span::call_site()).into());
                    module
                });
            }
            "deserialize_with" => {
                attr.with = true;
                attr.decode = value.literal().and_then(|text| text.parse().ok());
            }
            "borrow" => attr.borrow = Some(word),
            _ => {}
        });
        // Where `serde_with`'s attribute macro stands below the derive it has not been turned into serde's words yet.
        attr.with |= attributes.iter().any(|attribute| attribute.path().is_ident("serde_as"));
        attr
    }
}

/// What follows a word.
enum Value {
    Nothing,
    /// `= ..`
    Equals(TokenStream),
    /// `(..)`
    Within(TokenStream),
}

impl Value {
    fn literal(&self) -> Option<LitStr> {
        match self {
            Self::Equals(tokens) => syn::parse2(tokens.clone()).ok(),
            _ => None,
        }
    }

    fn text(&self) -> Option<String> {
        self.literal().map(|literal| literal.value())
    }

    /// The text of `= ".."` or of `(deserialize = "..")`.
    fn deserialized(&self) -> Option<String> {
        match self {
            Self::Within(tokens) => {
                let mut text = None;
                words(tokens.clone(), &mut |word, value| {
                    if word == "deserialize" {
                        text = value.text();
                    }
                });
                text
            }
            other => other.text(),
        }
    }
}

fn each_word(attributes: &[Attribute], mut word: impl FnMut(Ident, Value)) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        if let Meta::List(list) = &attribute.meta {
            words(list.tokens.clone(), &mut word);
        }
    }
}

fn words(tokens: TokenStream, word: &mut dyn FnMut(Ident, Value)) {
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            if let Ok(ident) = Ident::parse_any(input) {
                let value = if input.parse::<Token![=]>().is_ok() {
                    Value::Equals(until_comma(input)?)
                } else if let Some((_, _, rest)) = input.cursor().group(proc_macro2::Delimiter::Parenthesis) {
                    let _ = rest;
                    Value::Within(input.parse::<proc_macro2::Group>()?.stream())
                } else {
                    Value::Nothing
                };
                word(ident, value);
            }
            until_comma(input)?;
            let _comma = input.parse::<Token![,]>();
        }
        Ok(())
    };
    // What serde cannot read either is reported by serde.
    let _ = parser.parse2(tokens);
}

fn until_comma(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        tokens.extend([input.parse::<TokenTree>()?]);
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn both_forms_of_renaming_are_read() {
        for (attribute, expected) in [
            (parse_quote!(#[serde(rename = "a")]), Some("a")),
            (parse_quote!(#[serde(rename(deserialize = "b", serialize = "c"))]), Some("b")),
            (parse_quote!(#[serde(rename(serialize = "c"))]), None),
            (parse_quote!(#[serde(default = "Pool::<{ 3 }>::make", rename = "d")]), Some("d")),
            (parse_quote!(#[serde(unheard_of(of, 3), !, rename = "e")]), Some("e")),
        ] {
            let attribute: Attribute = attribute;
            assert_eq!(FieldAttr::from_attributes(&[attribute]).rename.as_deref(), expected);
        }
    }

    #[test]
    fn a_type_may_be_any_path() {
        let attr =
            ContainerAttr::from_attributes(&[parse_quote!(#[serde(try_from = "Raw<'static, { 1 + 2 }>")])]);
        assert!(attr.from.is_some());
    }
}

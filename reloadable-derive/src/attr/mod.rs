//! From attributes to what they say, as it was written: nothing is weighed against anything else here.

pub(crate) mod words;
pub(crate) mod case;
pub(crate) mod serde;
pub(crate) mod rule;
pub(crate) mod reload;

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// Returns the doc comment without the spaces in front.
pub(crate) fn docs(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("doc")) {
        let Meta::NameValue(meta) = &attribute.meta else { continue };
        // Anything else, such as `include_str!`, has no text yet.
        if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &meta.value {
            lines.extend(text.value().lines().map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned()));
            if text.value().is_empty() {
                lines.push(String::new());
            }
        }
    }
    lines.join("\n").trim().to_owned()
}

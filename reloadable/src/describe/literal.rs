//! What in the text of a rule is literal, so that its value is known without the program.

use std::borrow::Cow;

use super::written::{Rule, quoted, split};

/// An argument whose value stands in the text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal<'r> {
    Bool(bool),
    Integer(i128),
    Float(f64),
    Char(char),
    Text(Cow<'r, str>),
}

/// The ends of a range that are literal; what is not told may still be bounded.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Bounds<'r> {
    pub(crate) start: Option<Literal<'r>>,
    pub(crate) end: Option<Literal<'r>>,
    /// Whether the end belongs to it.
    pub(crate) closed: bool,
}

impl<'r> Rule<'r> {
    /// Returns the choices of `one_of`; none if one of them is not literal.
    pub(crate) fn choices(&self) -> Option<Vec<Literal<'r>>> {
        split(self.text).filter(|part| !part.trim().is_empty()).map(Literal::parse).collect()
    }

    /// Returns the bounds of `range` and `length`.
    pub(crate) fn bounds(&self) -> Bounds<'r> {
        let Some((start, end)) = self.text.split_once("..") else { return Bounds::default() };
        let (end, closed) = end.strip_prefix('=').map_or((end, false), |end| (end, true));
        Bounds { start: Literal::parse(start), end: Literal::parse(end), closed }
    }
}

impl<'r> Literal<'r> {
    fn parse(text: &'r str) -> Option<Self> {
        let text = text.trim();
        match text {
            "true" => return Some(Self::Bool(true)),
            "false" => return Some(Self::Bool(false)),
            _ => {}
        }
        if quoted(text) == Some(text.len()) {
            return Self::quoted(text);
        }
        number(text)
    }

    fn quoted(text: &'r str) -> Option<Self> {
        if let Some(raw) = text.strip_prefix('r') {
            let content = raw.trim_matches('#');
            return Some(Self::Text(Cow::Borrowed(content.strip_prefix('"')?.strip_suffix('"')?)));
        }
        let content = text.get(1..text.len() - 1)?;
        let content = if content.contains('\\') { Cow::Owned(unescaped(content)?) } else { content.into() };
        if text.starts_with('"') {
            return Some(Self::Text(content));
        }
        let mut characters = content.chars();
        let only = characters.next()?;
        characters.next().is_none().then_some(Self::Char(only))
    }
}

fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        out.push(match characters.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            'x' => {
                let digits: String = characters.by_ref().take(2).collect();
                char::from(u8::from_str_radix(&digits, 16).ok()?)
            }
            'u' => {
                let digits: String = characters.by_ref().skip(1).take_while(|next| *next != '}').collect();
                char::from_u32(u32::from_str_radix(&digits.replace('_', ""), 16).ok()?)?
            }
            same @ ('\\' | '"' | '\'') => same,
            _ => return None,
        });
    }
    Some(out)
}

const SUFFIXES: [&str; 14] =
    ["i128", "u128", "isize", "usize", "i16", "i32", "i64", "u16", "u32", "u64", "f32", "f64", "i8", "u8"];

fn number(text: &str) -> Option<Literal<'static>> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest.trim_start()));
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let digits = text.replace('_', "");
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find(|(prefix, _)| digits.starts_with(prefix));
    // In hexadecimal, `f32` is a number.
    let suffix = SUFFIXES.into_iter().find(|suffix| {
        digits.ends_with(suffix) && (radix.is_none_or(|(_, radix)| radix != 16) || !suffix.starts_with('f'))
    });
    let digits = suffix.and_then(|suffix| digits.strip_suffix(suffix)).unwrap_or(&digits);
    let integer = match radix {
        Some((prefix, radix)) => i128::from_str_radix(digits.strip_prefix(prefix)?, radix).ok(),
        None => digits.parse::<i128>().ok(),
    };
    match integer {
        Some(integer) if !suffix.is_some_and(|suffix| suffix.starts_with('f')) => {
            Some(Literal::Integer(if negative { -integer } else { integer }))
        }
        _ => {
            let float: f64 = digits.parse().ok().filter(|float: &f64| float.is_finite())?;
            Some(Literal::Float(if negative { -float } else { float }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(word: &'static str, text: &'static str) -> Rule<'static> {
        Rule { word, text, when: None }
    }

    #[test]
    fn literal_bounds_are_told_and_others_are_not() {
        use Literal::{Char, Float, Integer};
        for (text, start, end, closed) in [
            ("1..=1_024", Some(Integer(1)), Some(Integer(1024)), true),
            ("-5..5i8", Some(Integer(-5)), Some(Integer(5)), false),
            ("0x10..", Some(Integer(16)), None, false),
            ("..=MAX", None, None, true),
            ("0.5..=1.5f32", Some(Float(0.5)), Some(Float(1.5)), true),
            ("1f64..2.", Some(Float(1.0)), Some(Float(2.0)), false),
            ("'a'..='z'", Some(Char('a')), Some(Char('z')), true),
            ("Duration::from_secs(1)..", None, None, false),
            ("RANGE", None, None, false),
            ("- 3 .. 0xffu8", Some(Integer(-3)), Some(Integer(255)), false),
        ] {
            assert_eq!(rule("range", text).bounds(), Bounds { start, end, closed }, "{text}");
        }
    }

    #[test]
    fn choices_are_told_if_all_are_literal() {
        let text = |text: &'static str| Literal::Text(text.into());
        for (written, choices) in [
            (r#""tcp", "u,dp""#, Some(vec![text("tcp"), text("u,dp")])),
            (r##"r"a\d", r#"b"c"#"##, Some(vec![text(r"a\d"), text("b\"c")])),
            (r#""\u{e9}\n\"\x41","#, Some(vec![text("é\n\"A")])),
            (r"',', '\'', '\n'", Some(vec![Literal::Char(','), Literal::Char('\''), Literal::Char('\n')])),
            ("80, 443", Some(vec![Literal::Integer(80), Literal::Integer(443)])),
            ("true", Some(vec![Literal::Bool(true)])),
            ("\"a\", OTHER", None),
            ("\"open", None),
        ] {
            assert_eq!(rule("one_of", written).choices(), choices, "{written}");
        }
    }
}

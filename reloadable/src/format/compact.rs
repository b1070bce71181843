//! A text that needs no allocation where it is short, as most keys and values of a configuration are.

use std::borrow::Cow;
use std::ops::Deref;

#[derive(Clone)]
pub(super) struct Compact(Repr);

/// How many bytes fit into what a long text needs anyway.
const SHORT: usize = 22;

#[derive(Clone)]
enum Repr {
    /// The length, and as many bytes of a text.
    Short(u8, [u8; SHORT]),
    Long(Box<str>),
}

impl Compact {
    /// Returns the bytes of the text, which are at hand without a check.
    pub(super) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Short(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Repr::Long(text) => text.as_bytes(),
        }
    }

    /// Takes another text, without a move where that is short.
    #[cfg(feature = "json")]
    pub(super) fn set(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(length) if text.len() <= SHORT => {
                self.0 = Repr::Short(length, [0; SHORT]);
                if let Repr::Short(_, bytes) = &mut self.0 {
                    bytes[..text.len()].copy_from_slice(text.as_bytes());
                }
            }
            _ => self.0 = Repr::Long(text.into()),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        self
    }

    fn short(text: &str) -> Option<Self> {
        let mut bytes = [0; SHORT];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self(Repr::Short(u8::try_from(text.len()).ok()?, bytes)))
    }
}

impl Default for Compact {
    fn default() -> Self {
        Self(Repr::Short(0, [0; SHORT]))
    }
}

impl Deref for Compact {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            // They were taken from a text, so the check, which safe code cannot leave out, always succeeds.
            Repr::Short(..) => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Repr::Long(text) => text,
        }
    }
}

impl From<&str> for Compact {
    fn from(text: &str) -> Self {
        Self::short(text).unwrap_or_else(|| Self(Repr::Long(text.into())))
    }
}

impl From<String> for Compact {
    fn from(text: String) -> Self {
        Self::short(&text).unwrap_or_else(|| Self(Repr::Long(text.into())))
    }
}

impl From<Cow<'_, str>> for Compact {
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => text.into(),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl PartialEq for Compact {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl From<Compact> for Cow<'static, str> {
    fn from(text: Compact) -> Self {
        Cow::Owned(text.as_str().to_owned())
    }
}

impl PartialEq<&str> for Compact {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<str> for Compact {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_out_as_it_went_in() {
        for length in 0..50 {
            for text in ["x".repeat(length), "ö".repeat(length), format!("{}😀", "x".repeat(length))] {
                let compact = Compact::from(text.as_str());
                assert_eq!((&*compact, compact.as_bytes()), (text.as_str(), text.as_bytes()));
                assert_eq!(matches!(compact.0, Repr::Short(..)), text.len() <= SHORT);
                assert!(compact == Compact::from(text.clone()) && compact == *text);
                assert!(compact != *format!("{text}x") && compact != Compact::from(Cow::from("other")));
            }
        }
    }

    #[test]
    fn it_is_not_larger_than_a_string() {
        assert_eq!(size_of::<Compact>(), size_of::<String>());
    }
}

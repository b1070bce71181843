//! Bytes by characters, for libraries that count the latter.

/// Finds where the characters of a text begin.
pub(super) struct Offsets<'t> {
    text: &'t str,
    /// Where every [`BLOCK`]th character begins; empty where every character is one byte.
    blocks: Vec<usize>,
}

/// How many characters are counted anew for each answer, at most.
const BLOCK: usize = 64;

impl<'t> Offsets<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let blocks = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().step_by(BLOCK).map(|(at, _)| at).collect()
        };
        Self { text, blocks }
    }

    /// Returns where a character begins, in bytes; the end of the text for one that is not there.
    pub(super) fn byte(&self, character: usize) -> usize {
        if self.blocks.is_empty() {
            return character.min(self.text.len());
        }
        let Some(start) = self.blocks.get(character / BLOCK) else { return self.text.len() };
        let block = self.text.get(*start..).unwrap_or_default();
        block.char_indices().nth(character % BLOCK).map_or(self.text.len(), |(at, _)| start + at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_any_text() {
        for text in ["", "a", "é", &"aé😀".repeat(100), &"a".repeat(200), &"é".repeat(BLOCK)] {
            let offsets = Offsets::new(text);
            let mut number = 0;
            for (at, _) in text.char_indices() {
                assert_eq!(offsets.byte(number), at, "{text}");
                number += 1;
            }
            assert_eq!((offsets.byte(number), offsets.byte(usize::MAX)), (text.len(), text.len()), "{text}");
        }
    }
}

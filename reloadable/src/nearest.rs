//! Which of several words somebody may have meant.

/// Returns the candidate that is nearest to `word` and near enough to be meant: a third of its characters may be
/// wrong, and at least one.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word: Vec<char> = word.chars().collect();
    // A misspelt word is short; comparing long texts would cost the square of their length.
    if word.len() > 64 {
        return None;
    }
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let letters: Vec<char> = candidate.chars().take(65).collect();
            let allowed = (word.len().max(letters.len()) / 3).max(1);
            let distance = distance(&word, &letters);
            (distance <= allowed && distance < letters.len()).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be inserted, left out, replaced or swapped with their neighbour, without regard to case.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, a) in left.iter().enumerate() {
        let mut current = Vec::with_capacity(last.len());
        current.push(row + 1);
        for (column, b) in right.iter().enumerate() {
            let replaced = last[column] + usize::from(!a.eq_ignore_ascii_case(b));
            let mut best = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0 && column > 0 && left[row - 1] == *b && *a == right[column - 1];
            if swapped {
                best = best.min(before_last[column - 1] + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_recognized() {
        let levels = ["debug", "info", "warn", "error"];
        for (word, meant) in [
            ("wran", Some("warn")),
            ("inof", Some("info")),
            ("INFO", Some("info")),
            ("debgu", Some("debug")),
            ("erro", Some("error")),
            ("warnn", Some("warn")),
            ("trace", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, levels), meant, "{word}");
        }
        let fields = ["routes", "listen", "pool_size", "x"];
        for (word, meant) in [
            ("route", Some("routes")),
            ("pool-size", Some("pool_size")),
            ("poolsize", Some("pool_size")),
            ("y", None),
            ("something", None),
        ] {
            assert_eq!(nearest(word, fields), meant, "{word}");
        }
    }

    #[test]
    fn a_long_text_is_not_compared() {
        let long = "a".repeat(100_000);
        assert_eq!(nearest(&long, [long.as_str()]), None);
        assert_eq!(nearest("a", [long.as_str()]), None);
    }
}

//! Which known name somebody may have meant.

/// Returns the name that is nearest to `found`, if it is near: about one letter in three may differ.
pub(super) fn nearest<'n>(found: &str, names: &[&'n str]) -> Option<&'n str> {
    let found: Vec<char> = found.chars().collect();
    names
        .iter()
        .map(|name| {
            let letters: Vec<char> = name.chars().collect();
            (distance(&found, &letters), found.len().max(letters.len()), *name)
        })
        .filter(|(distance, length, _)| *distance <= length.div_ceil(3) && distance < length)
        .min_by_key(|(distance, ..)| *distance)
        .map(|(.., name)| name)
}

/// Counts the letters to insert, to remove, to replace, or to swap with their neighbour.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, letter) in from.iter().enumerate() {
        let mut next = Vec::with_capacity(last.len());
        next.push(row + 1);
        for (column, other) in to.iter().enumerate() {
            let replaced = last[column] + usize::from(letter != other);
            let mut best = replaced.min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && *letter == to[column - 1] && from[row - 1] == *other {
                let two_before: &Vec<usize> = &before;
                best = best.min(two_before[column - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognized() {
        let names = ["routes", "listen", "pool_size", "x"];
        for (found, meant) in [
            ("route", Some("routes")),
            ("lisetn", Some("listen")),
            ("pool-size", Some("pool_size")),
            ("poolsize", Some("pool_size")),
            ("y", None),
            ("", None),
            ("something", None),
        ] {
            assert_eq!(nearest(found, &names), meant, "{found}");
        }
    }
}

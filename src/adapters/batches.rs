//! Cuts rows into requests. Both systems refuse, or worse mishandle, a key that a request repeats.

use std::collections::HashSet;
use std::hash::Hash;

/// Batches of at most `size_max` rows in which no key repeats; rows without a key go anywhere. The
/// order is kept inside a batch, and between rows of one key.
pub(super) fn without_repeats<T, K: Hash + Eq>(
    rows: impl IntoIterator<Item = T>,
    size_max: usize,
    key: impl Fn(&T) -> Option<K>,
) -> Vec<Vec<T>> {
    let mut batches: Vec<(Vec<T>, HashSet<K>)> = Vec::new();
    // Batches before this one are full.
    let mut open = 0;
    for row in rows {
        let key = key(&row);
        while batches
            .get(open)
            .is_some_and(|(rows, _)| rows.len() >= size_max)
        {
            open += 1;
        }
        // Not before the last batch that has the key, or rows of one key would change places.
        let after = key.as_ref().map_or(0, |key| {
            batches
                .iter()
                .rposition(|(_, keys)| keys.contains(key))
                .map_or(0, |index| index + 1)
        });
        let mut index = open.max(after);
        while batches
            .get(index)
            .is_some_and(|(rows, _)| rows.len() >= size_max)
        {
            index += 1;
        }
        if index >= batches.len() {
            batches.push((Vec::new(), HashSet::new()));
            index = batches.len() - 1;
        }
        let (rows, keys) = &mut batches[index];
        rows.push(row);
        keys.extend(key);
    }
    batches.into_iter().map(|(rows, _)| rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_repeats_in_a_batch_and_its_rows_keep_their_order() {
        let rows = [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("a", 5), ("d", 6)];
        let batches = without_repeats(rows, 2, |(key, _)| Some(*key));
        assert_eq!(
            batches,
            [
                vec![("a", 1), ("b", 2)],
                vec![("a", 3), ("c", 4)],
                vec![("a", 5), ("d", 6)]
            ]
        );
    }

    #[test]
    fn rows_without_a_key_fill_batches() {
        let batches = without_repeats(0..5, 2, |_| None::<u8>);
        assert_eq!(batches, [vec![0, 1], vec![2, 3], vec![4]]);
    }
}

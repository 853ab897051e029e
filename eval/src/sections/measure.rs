//! mir_eval's measures of segmentations, in bars.
//!
//! # References
//! C. Raffel et al., "mir_eval: A Transparent Implementation of Common MIR Metrics", ISMIR 2014; the measures are
//! `segment.detection` with `trim` and `segment.pairwise`.

/// Labels of bars, and which bars begin a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// (first bar, bars, label) of every section in order.
    sections: Vec<(usize, usize, String)>,
}

impl Labelled {
    /// From labels and lengths in bars; sections without bars are none.
    pub fn new(sections: impl IntoIterator<Item = (String, usize)>) -> Self {
        let mut first = 0;
        let placed = sections.into_iter().filter(|(_, bars)| *bars > 0).map(|(label, bars)| {
            first += bars;
            (first - bars, bars, label)
        });
        Self { sections: placed.collect() }
    }

    /// How many bars are labelled.
    pub fn bars(&self) -> usize {
        self.sections.last().map_or(0, |(first, bars, _)| first + bars)
    }

    /// Label and length of every section.
    pub fn iter(&self) -> impl Iterator<Item = (&str, usize)> {
        self.sections.iter().map(|(_, bars, label)| (label.as_str(), *bars))
    }

    /// The first bars of all sections but the first one, as far as they lie in so many bars.
    fn inner(&self, bars: usize) -> Vec<usize> {
        self.sections.iter().skip(1).map(|(first, _, _)| *first).filter(|first| *first < bars).collect()
    }

    /// The label of each of so many bars; those behind the end are alike.
    fn of_bars(&self, bars: usize) -> Vec<Option<&str>> {
        let mut labels: Vec<Option<&str>> =
            self.iter().flat_map(|(label, length)| std::iter::repeat_n(Some(label), length)).collect();
        labels.resize(bars, None);
        labels
    }
}

/// F-measure of the first bars of sections, within some bars; the beginning and the end of the song do not count.
pub fn boundaries_f(truth: &Labelled, found: &Labelled, within: usize) -> f64 {
    let mut inner = found.inner(truth.bars());
    if found.bars() < truth.bars() {
        inner.push(found.bars());
    }
    let wanted = truth.inner(truth.bars());
    if wanted.is_empty() || inner.is_empty() {
        return f64::from(u8::from(wanted.is_empty() && inner.is_empty()));
    }
    // Both are in order and every window is equally wide: taking the first that fits matches as many as can be.
    let (mut hits, mut next) = (0, 0);
    for at in &wanted {
        while next < inner.len() && inner[next] + within < *at {
            next += 1;
        }
        if next < inner.len() && inner[next] <= at + within {
            (hits, next) = (hits + 1, next + 1);
        }
    }
    2.0 * f64::from(hits) / (wanted.len() + inner.len()) as f64
}

/// F-measure of the pairs of bars that have one label.
pub fn pairs_f(truth: &Labelled, found: &Labelled) -> f64 {
    let bars = truth.bars();
    let (wanted, is) = (truth.of_bars(bars), found.of_bars(bars));
    let (mut both, mut in_truth, mut in_found) = (0u32, 0u32, 0u32);
    for a in 0..bars {
        for b in 0..a {
            let (t, f) = (wanted[a] == wanted[b], is[a] == is[b]);
            both += u32::from(t && f);
            in_truth += u32::from(t);
            in_found += u32::from(f);
        }
    }
    if in_truth + in_found == 0 { 1.0 } else { 2.0 * f64::from(both) / f64::from(in_truth + in_found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(text: &[(&str, usize)]) -> Labelled {
        Labelled::new(text.iter().map(|(label, bars)| ((*label).to_owned(), *bars)))
    }

    /// The figures are those of mir_eval 0.8.2 with a bar for a second and frames of a bar.
    #[test]
    fn measures_are_those_of_mir_eval() {
        let truth = labelled(&[("i", 4), ("A", 8), ("B", 8), ("A", 8), ("o", 2)]);
        let found = labelled(&[("i", 4), ("A", 4), ("A", 5), ("B", 7), ("C", 8), ("o", 2)]);
        assert!((boundaries_f(&truth, &found, 0) - 0.666_666).abs() < 1e-5);
        assert!((boundaries_f(&truth, &found, 1) - 0.888_888).abs() < 1e-5);
        assert!((pairs_f(&truth, &found) - 0.680_161).abs() < 1e-5);
        assert_eq!((boundaries_f(&truth, &truth, 0), pairs_f(&truth, &truth)), (1.0, 1.0));
    }

    #[test]
    fn what_lies_behind_the_end_of_the_truth_does_not_count() {
        let truth = labelled(&[("A", 8), ("B", 8)]);
        let longer = labelled(&[("A", 8), ("B", 8), ("o", 3)]);
        assert_eq!((boundaries_f(&truth, &longer, 0), pairs_f(&truth, &longer)), (1.0, 1.0));
        // The other way round a boundary is missing, or rather: the end that is there is one.
        assert_eq!((boundaries_f(&longer, &truth, 0), pairs_f(&longer, &truth)), (1.0, 1.0));
    }

    #[test]
    fn a_boundary_is_matched_once() {
        let truth = labelled(&[("A", 4), ("B", 1), ("C", 4)]);
        let found = labelled(&[("A", 5), ("C", 4)]);
        assert!((boundaries_f(&truth, &found, 1) - 2.0 / 3.0).abs() < 1e-9);
    }
}

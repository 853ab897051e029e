//! How early a live form had the right chord.

use collavoce::compose::model::spans;
use collavoce::score::ChordSymbol;
use collavoce::time::Ticks;
use collavoce_data::tune::{Tune, majmin};

use super::figures::chord_at;
use super::forms::Played;
use super::pattern::written_spans;

/// Names of the moments from which on the right chord was held until its end.
const MOMENTS: [&str; 6] = ["ahead", "onset", "half bar", "bar", "later", "never"];

/// Counts of written chords by the moment from which on the right one was held.
#[derive(Debug, Default)]
pub struct Early {
    counts: [f64; MOMENTS.len()],
}

impl Early {
    /// Names of the columns of [`Early::row`].
    pub fn columns() -> String {
        MOMENTS.map(|name| format!("{name:>8}")).join(" ") + "  chords"
    }

    /// Counts a song.
    pub fn add(&mut self, tune: &Tune, played: &Played) {
        let sounded = spans(&played.slots);
        let bar = tune.meter.bar();
        for written in written_spans(tune) {
            let Some(right) = majmin(written.chord) else { continue };
            let is_right = |chord: Option<ChordSymbol>| chord.and_then(majmin) == Some(right);
            // Where the form's chord may have changed: at its onset and at every slot within it.
            let changes: Vec<Ticks> = std::iter::once(written.start)
                .chain(played.slots.iter().map(|slot| slot.at.start))
                .filter(|at| (written.start..written.end()).contains(at))
                .collect();
            let wrong = changes.iter().rposition(|at| !is_right(chord_at(&sounded, *at)));
            let held = match wrong {
                None => Some(written.start),
                Some(last) => changes[last + 1..].iter().min().copied(),
            };
            let moment = match held {
                None => 5,
                Some(at) if at > written.start + bar => 4,
                Some(at) if at > written.start + bar / 2 => 3,
                Some(at) if at > written.start => 2,
                Some(_) if is_right(foretold(played, written.start)) => 0,
                Some(_) => 1,
            };
            self.counts[moment] += 1.0;
        }
    }

    /// A row of a table: shares.
    pub fn row(&self) -> String {
        let all = self.counts.iter().sum::<f64>();
        let shares = self.counts.map(|count| format!("{:>8.3}", count / all.max(1.0))).join(" ");
        format!("{shares} {all:>7}")
    }
}

/// What was written for a position before it came, where it lies in a bar that had begun.
fn foretold(played: &Played, at: Ticks) -> Option<ChordSymbol> {
    let index = played.slots.partition_point(|slot| slot.at.start <= at).checked_sub(1)?;
    let slot = played.slots.get(index)?;
    let is_ahead = slot.at.slot.place.slot > 0 || slot.at.start < at;
    played.foretold.get(index).copied().filter(|_| is_ahead)
}

//! What the settings ask of the arranger's network.

use collavoce_models::arranger::{PARTS, Wish};

use crate::score::Part;
use crate::song::{Settings, Style};

/// The parts in the order of the network.
pub const ORDER: [Part; PARTS] = [Part::Drums, Part::Bass, Part::Guitar, Part::Strings];

/// What a style is to the network.
struct Manner {
    /// Its manners of drums, bass, guitar, strings.
    styles: [usize; PARTS],
    /// Strokes a beat of each part at no energy and at full energy: about the fifth and the ninety-fifth in a hundred bars
    /// of what was learnt in that manner.
    densities: [(f32, f32); PARTS],
}

const FOLK: Manner =
    Manner { styles: [7, 0, 0, 1], densities: [(0.7, 5.0), (0.5, 1.2), (0.8, 3.2), (0.25, 0.9)] };
const POP: Manner =
    Manner { styles: [0, 1, 1, 2], densities: [(1.2, 6.0), (0.5, 2.0), (0.6, 2.4), (0.2, 0.7)] };
const BALLAD: Manner =
    Manner { styles: [8, 2, 2, 1], densities: [(1.0, 6.0), (0.3, 1.2), (0.8, 3.2), (0.25, 0.9)] };
const JAZZ: Manner =
    Manner { styles: [5, 3, 3, 1], densities: [(1.4, 5.0), (0.5, 1.2), (0.4, 2.0), (0.2, 0.8)] };
/// Mean level of the drums at no energy and at full energy.
const LEVELS: (f32, f32) = (2.2, 5.6);

fn manner(style: Style) -> &'static Manner {
    match style {
        Style::Folk => &FOLK,
        Style::Pop => &POP,
        Style::Ballad => &BALLAD,
        Style::Jazz => &JAZZ,
    }
}

/// What is asked for where a section has some energy, 0 to 1.
pub fn wish(settings: &Settings, energy: f64) -> Wish {
    let Manner { styles, densities } = manner(settings.style);
    let plays = ORDER.map(|part| settings.parts.contains(&part) || settings.is_beside(part));
    let energy_of = |part: Part| (energy + settings.density_shift(part)).clamp(0.0, 1.0) as f32;
    let between = |(low, high): (f32, f32), share: f32| low + (high - low) * share;
    Wish {
        plays,
        styles: std::array::from_fn(|part| plays[part].then_some(styles[part])),
        densities: std::array::from_fn(|part| {
            plays[part].then(|| between(densities[part], energy_of(ORDER[part])))
        }),
        level: plays[0].then(|| between(LEVELS, energy_of(Part::Drums))),
    }
}

/// Place of a part in the network's order.
pub fn index_of(part: Part) -> usize {
    ORDER.iter().position(|one| *one == part).unwrap_or(0)
}

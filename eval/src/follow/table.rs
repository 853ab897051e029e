//! What is printed.

use super::Outcome;
use super::case::{Known, Situation};
use super::measure::{Figures, median, quantile, spread};
use super::replies::{ANSWER_S, Replies};

/// One line for a case.
pub fn print_case(outcome: &Outcome) {
    let case = &outcome.case;
    let known = if case.known == Known::Counted { "counted" } else { "nothing" };
    let direction = if case.rises { "up" } else { "down" };
    print!(
        "{:3} {:22} {known} {:3.0} {:4} {:7} {direction:4}",
        case.number,
        case.situation.name(),
        case.bpm,
        case.meter.to_string(),
        format!("{:?}", case.room)
    );
    match &outcome.band {
        None => println!(" never entered"),
        Some(figures) => {
            let (mean, sd) = spread(&figures.errors);
            println!(
                " F {:.3} bars {:.3} mean {:5.0} sd {:4.0} entry {:4.1} level {:.2} metronome {:.3} loop {:.3}",
                figures.beats_f,
                figures.bars_f,
                mean * 1e3,
                sd * 1e3,
                figures.entry_s,
                figures.level,
                outcome.baselines[0].beats_f,
                outcome.baselines[1].beats_f,
            );
        }
    }
}

/// All tables.
pub fn print(outcomes: &[Outcome]) {
    for (known, title) in
        [(Known::Counted, "tempo, metre and bar 1 known"), (Known::Nothing, "nothing known")]
    {
        let of: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.case.known == known).collect();
        println!("{title}: {} cases; errors in ms: played less sung", of.len());
        println!(
            "                      cases  F70 bars |  mean   sd  |e|  95 % | metronome  loop aubio (F70)"
        );
        for situation in Situation::ALL {
            let rows: Vec<&Outcome> =
                of.iter().copied().filter(|outcome| outcome.case.situation == situation).collect();
            print_row(situation.name(), &rows);
        }
        print_row("all", &of);
        if known == Known::Nothing {
            print_found(&of);
        }
        println!();
    }
    print_with_song(outcomes);
    print_recovery(outcomes);
    print_holds(outcomes);
    print_shares(outcomes);
    print_replies(outcomes);
    print_verses(outcomes);
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    spread(&values.collect::<Vec<_>>()).0
}

fn print_row(name: &str, rows: &[&Outcome]) {
    if rows.is_empty() {
        return;
    }
    let silent = Figures::default();
    let bands: Vec<&Figures> = rows.iter().map(|outcome| outcome.band.as_ref().unwrap_or(&silent)).collect();
    let errors: Vec<f64> = bands.iter().flat_map(|figures| figures.errors.iter().copied()).collect();
    let sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
    let (middle, sd) = spread(&errors);
    println!(
        "{name:22} {:4} {:.3} {:.3} | {:5.0} {:4.0} {:4.0} {:5.0} | {:9.3} {:.3} {:.3}",
        rows.len(),
        mean(bands.iter().map(|figures| figures.beats_f)),
        mean(bands.iter().map(|figures| figures.bars_f)),
        middle * 1e3,
        sd * 1e3,
        median(&sizes).unwrap_or(0.0) * 1e3,
        quantile(&sizes, 0.95).unwrap_or(0.0) * 1e3,
        mean(rows.iter().map(|outcome| outcome.baselines[0].beats_f)),
        mean(rows.iter().map(|outcome| outcome.baselines[1].beats_f)),
        mean(rows.iter().map(|outcome| outcome.baselines[2].beats_f)),
    );
}

/// The band that knows the song beside the one that does not.
fn print_with_song(outcomes: &[Outcome]) {
    println!("tempo and bar 1 known: the band that knows the song, and in brackets the one that does not");
    println!("                         F70          bars         |e|      95 %      right chords");
    for situation in Situation::ALL.map(Some).into_iter().chain([None]) {
        let rows: Vec<&Outcome> = outcomes
            .iter()
            .filter(|outcome| outcome.case.known == Known::Counted)
            .filter(|outcome| situation.is_none_or(|situation| outcome.case.situation == situation))
            .collect();
        let figures = |pick: fn(&Outcome) -> Option<&Figures>| -> [f64; 5] {
            let of: Vec<&Figures> = rows.iter().filter_map(|outcome| pick(outcome)).collect();
            let sizes: Vec<f64> = of.iter().flat_map(|f| f.errors.iter().map(|error| error.abs())).collect();
            let chords: Vec<f64> = of
                .iter()
                .flat_map(|f| f.right_chords.iter().map(|right| f64::from(u8::from(*right))))
                .collect();
            [
                mean(of.iter().map(|f| f.beats_f)),
                mean(of.iter().map(|f| f.bars_f)),
                median(&sizes).unwrap_or(f64::NAN) * 1e3,
                quantile(&sizes, 0.95).unwrap_or(f64::NAN) * 1e3,
                mean(chords.into_iter()),
            ]
        };
        if rows.is_empty() {
            continue;
        }
        let (with, without) = (figures(|o| o.with_song.as_ref()), figures(|o| o.band.as_ref()));
        println!(
            "{:22} {:.3} ({:.3}) {:.3} ({:.3}) {:3.0} ({:3.0}) {:4.0} ({:4.0}) {:.3} ({:.3})",
            situation.map_or("all", Situation::name),
            with[0],
            without[0],
            with[1],
            without[1],
            with[2],
            without[2],
            with[3],
            without[3],
            with[4],
            without[4]
        );
    }
    println!("bars from a line that is left out or sung again until the right chords are back for two bars:");
    for situation in [Situation::Skip, Situation::Repeat] {
        let rows = outcomes.iter().filter(|outcome| outcome.case.situation == situation);
        let back: Vec<Option<usize>> =
            rows.filter_map(|outcome| outcome.with_song.as_ref()).map(Figures::bars_to_return).collect();
        let soon = back.iter().filter(|bars| bars.is_some_and(|bars| bars <= 2)).count();
        println!("  {:20} {soon} of {} within two bars: {back:?}", situation.name(), back.len());
    }
    println!();
}

/// How often the beat was found, and in time.
fn print_found(rows: &[&Outcome]) {
    let entered: Vec<&Figures> = rows.iter().filter_map(|outcome| outcome.band.as_ref()).collect();
    let levels =
        |low: f64, high: f64| entered.iter().filter(|figures| (low..high).contains(&figures.level)).count();
    let soon = entered.iter().filter(|figures| figures.entry_s <= 8.0).count();
    let right: Vec<f64> =
        entered.iter().filter(|f| (0.8..1.25).contains(&f.level)).map(|figures| figures.beats_f).collect();
    println!(
        "entered within 8 s of singing: {soon} of {}; beat level right in {}, half as fast in {}, twice in {}; F70 where it is right {:.3}",
        rows.len(),
        levels(0.8, 1.25),
        levels(0.4, 0.65),
        levels(1.6, 2.5),
        mean(right.into_iter())
    );
}

fn print_recovery(outcomes: &[Outcome]) {
    println!("sung onsets from a change of tempo until three beats running are within 50 ms");
    for situation in [Situation::Ramp10, Situation::Ramp20, Situation::Step10, Situation::Step20] {
        let rows =
            outcomes.iter().filter(|o| o.case.situation == situation && o.case.known == Known::Counted);
        let found: Vec<Option<usize>> = rows
            .filter_map(|outcome| outcome.band.as_ref())
            .map(|figures| figures.onsets_to_recover)
            .collect();
        let counts: Vec<f64> = found.iter().flatten().map(|count| *count as f64).collect();
        println!(
            "  {:20} median {:4.0}, 90 % {:4.0}, never in {} of {}",
            situation.name(),
            median(&counts).unwrap_or(f64::NAN),
            quantile(&counts, 0.9).unwrap_or(f64::NAN),
            found.iter().filter(|count| count.is_none()).count(),
            found.len()
        );
    }
}

fn print_holds(outcomes: &[Outcome]) {
    println!(
        "the first beats after a hold, tempo and bar 1 known: median error in ms, and share within 70 ms"
    );
    for situation in [Situation::Fermata, Situation::Pause, Situation::Break] {
        let rows: Vec<&Figures> = outcomes
            .iter()
            .filter(|o| o.case.situation == situation && o.case.known == Known::Counted)
            .filter_map(|outcome| outcome.band.as_ref())
            .collect();
        print!("  {:20}", situation.name());
        for beat in 0..3 {
            let sizes: Vec<f64> =
                rows.iter().flat_map(|figures| figures.after_hold[beat].iter().map(|e| e.abs())).collect();
            let near = sizes.iter().filter(|size| **size <= super::measure::BEAT_S).count();
            print!(
                "  {:4.0} {:.2}",
                median(&sizes).unwrap_or(f64::NAN) * 1e3,
                near as f64 / sizes.len().max(1) as f64
            );
        }
        println!();
    }
}

/// What the band does about holds.
fn print_replies(outcomes: &[Outcome]) {
    println!(
        "drums stop within two beats of the one that a held note swallows; after a hold, on a bar line:"
    );
    println!(
        "                               stops          guitar within 120 ms, median   drums on the next beat"
    );
    let share = |right: &[bool]| right.iter().filter(|is| **is).count() as f64 / right.len().max(1) as f64;
    let print = |name: &str, of: &[&Figures]| {
        let all = |pick: fn(&Replies) -> &Vec<bool>| -> Vec<bool> {
            of.iter().flat_map(|figures| pick(&figures.replies).iter().copied()).collect()
        };
        let (stops, drums) = (all(|replies| &replies.stops), all(|replies| &replies.drums_next));
        let answers: Vec<f64> = of.iter().flat_map(|f| f.replies.answers_s.iter().copied()).collect();
        let soon: Vec<bool> = answers.iter().map(|after| *after <= ANSWER_S).collect();
        println!(
            "  {name:28} {:.2} of {:3}    {:.2} of {:3}   {:4.0} ms              {:.2} of {:3}",
            share(&stops),
            stops.len(),
            share(&soon),
            soon.len(),
            1e3 * median(&answers).unwrap_or(f64::NAN),
            share(&drums),
            drums.len()
        );
    };
    let of = |known: Known, pick: fn(&Outcome) -> Option<&Figures>| -> Vec<&Figures> {
        outcomes.iter().filter(|outcome| outcome.case.known == known).filter_map(pick).collect()
    };
    print("tempo and bar 1 known", &of(Known::Counted, |outcome| outcome.band.as_ref()));
    print("nothing known", &of(Known::Nothing, |outcome| outcome.band.as_ref()));
    print("tempo, bar 1 and song known", &of(Known::Counted, |outcome| outcome.with_song.as_ref()));
}

/// Whether a second verse is followed better than the first.
fn print_verses(outcomes: &[Outcome]) {
    println!("line ends slow: F70 in lines 1 and 2, 3 and 4, and 5 and 6, which are the second verse");
    for (known, name) in [(Known::Counted, "tempo and bar 1 known"), (Known::Nothing, "nothing known")] {
        let of = outcomes.iter().filter(|o| o.case.known == known && o.case.situation == Situation::LineEnds);
        let pairs: Vec<[f64; 3]> =
            of.filter_map(|o| o.band.as_ref()).map(|figures| figures.pairs_f).collect();
        let [first, second, third] = [0, 1, 2].map(|pair| mean(pairs.iter().map(|pairs| pairs[pair])));
        println!("  {name:28} {first:.3} {second:.3} {third:.3} of {}", pairs.len());
    }
}

/// How often the beat goes on under a held note, and how often sung notes clash with the chords.
fn print_shares(outcomes: &[Outcome]) {
    let print = |name: &str, of: &[Option<&Figures>]| {
        let share = |pick: fn(&Figures) -> &Vec<bool>, wanted: bool| {
            let all: Vec<bool> =
                of.iter().flatten().flat_map(|figures| pick(figures).iter().copied()).collect();
            (all.iter().filter(|is| **is == wanted).count() as f64 / all.len().max(1) as f64, all.len())
        };
        let (goes_on, long) = share(|figures| &figures.goes_on, true);
        let (clashes, strong) = share(|figures| &figures.clashes, true);
        println!("  {name:30} {goes_on:.3} of {long:4}   {clashes:.3} of {strong:4}");
    };
    println!(
        "the beat goes on under notes of two beats and more in tempo; sung notes on strong places that clash"
    );
    for (known, name) in [(Known::Counted, "tempo and bar 1 known"), (Known::Nothing, "nothing known")] {
        let of: Vec<Option<&Figures>> =
            outcomes.iter().filter(|o| o.case.known == known).map(|o| o.band.as_ref()).collect();
        print(name, &of);
    }
    let with_song: Vec<Option<&Figures>> = outcomes.iter().map(|o| o.with_song.as_ref()).collect();
    print("tempo, bar 1 and song known", &with_song);
}

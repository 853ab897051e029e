//! Parts by the trained arranger, under constraints of our own.
//!
//! A bar is a function of what it stands on (chords, melody, sections: [`ground`]), of the notes of the bars before it as
//! they are stored ([`played`]) and of `(seed, part, bar, take)`. All of its parts are chosen together, sixteenth by
//! sixteenth (`choose`), and written as notes (`write`).

mod choose;
pub mod ground;
pub mod played;
pub mod wish;
mod write;

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};

use collavoce_models::arranger::{ArrangerNet, BASS, GUITAR, KIT, Odds, STRINGS, Step};

use super::rules::{BarContext, Rules};
use super::{Composer, Plan, PlanRequest, Wanted};
use crate::score::{Bar, BarNumber, ChordSpan, Part, PartBar, Score};
use crate::song::{FixedBar, Harmonist, Rng, Settings};
use choose::{Asked, Bow, Place};
use ground::{STEP, steps, steps_in_bar};
use played::{LINES, Played};

/// Bars that a part is taken to have played before it enters.
const WARM_UP_BARS: i32 = 2;
/// Bars in which strokes are counted to see whether a part plays as much as is asked.
const RECENT_BARS: usize = 2;
/// Steps before a bar that the network reads: four bars of 4/4.
const CONTEXT_STEPS: usize = 64;

/// Chords by another composer, parts by the network.
pub struct Arranged {
    chords: Box<dyn Composer>,
    net: &'static ArrangerNet,
    harmonist: Harmonist,
}

impl std::fmt::Debug for Arranged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arranged").field("harmonist", &self.harmonist).finish_non_exhaustive()
    }
}

impl Arranged {
    /// Parts over the chords of a composer.
    pub fn new(chords: Box<dyn Composer>, net: &'static ArrangerNet, harmonist: Harmonist) -> Self {
        Self { chords, net, harmonist }
    }

    /// Parts of a bar; by rules if the network fails, whose errors are panics.
    fn write(
        &self,
        score: &Score,
        settings: &Settings,
        number: BarNumber,
        wanted: &[Wanted],
    ) -> Vec<PartBar> {
        catch_unwind(AssertUnwindSafe(|| bar(self.net, score, settings, number, wanted)))
            .unwrap_or_else(|_| Rules.bar(score, settings, number, wanted))
    }
}

impl Composer for Arranged {
    fn name(&self) -> &'static str {
        match self.harmonist {
            Harmonist::Model => "model",
            Harmonist::Rules => "rules and model",
        }
    }

    /// Every bar hears the first takes of those before it, over the chords that would be there if none were given bar by
    /// bar. So another take of a bar, or another chord, changes what stands on it and nothing else.
    fn plan(&mut self, request: &PlanRequest<'_>) -> Plan {
        let settings = request.settings;
        let chords_of = |composer: &mut dyn Composer, fixed: Vec<FixedBar>| {
            let alone = Settings { parts: Vec::new(), fixed, ..settings.clone() };
            composer.plan(&PlanRequest { settings: &alone, ..*request })
        };
        let plan = chords_of(self.chords.as_mut(), settings.fixed.clone());
        let bars = || (0..request.bars).map(|offset| BarNumber(request.first.0 + offset as i32));
        let mut score = over(request.score, request.first, plan.chords.clone());
        let mut first = match settings.fixed.is_empty() {
            true => score.clone(),
            false => over(request.score, request.first, chords_of(self.chords.as_mut(), Vec::new()).chords),
        };
        let all: Vec<Wanted> = settings.parts.iter().map(|part| (*part, 1)).collect();
        for number in bars() {
            let written = self.write(&first, settings, number, &all);
            first.parts.extend(written);
        }
        score.parts.clone_from(&first.parts);
        let (mut parts, mut other_takes) = (Vec::new(), Vec::new());
        for number in bars() {
            let is_same = settings.fixed.is_empty() || stands_alike(&first, &score, settings, number);
            let here = |bar: &&PartBar| bar.bar == number;
            let mut written: Vec<PartBar> = match is_same {
                true => first.parts.iter().filter(here).cloned().collect(),
                false => self.write(&score, settings, number, &all),
            };
            let takes = written.iter().map(|part| (part.part, settings.take_of(part.part, number)));
            let others: Vec<Wanted> = takes.filter(|(_, take)| *take != 1).collect();
            if !others.is_empty() {
                let heard = with(&score, &written);
                for other in others.iter().flat_map(|other| self.write(&heard, settings, number, &[*other])) {
                    if let Some(part) = written.iter_mut().find(|part| part.part == other.part) {
                        other_takes.push(std::mem::replace(part, other));
                    }
                }
            }
            parts.extend(written);
        }
        parts.sort_by_key(|bar| (settings.parts.iter().position(|part| *part == bar.part), bar.bar));
        Plan { parts, other_takes, ..plan }
    }

    fn bar(&mut self, score: &Score, settings: &Settings, bar: BarNumber, wanted: &[Wanted]) -> Vec<PartBar> {
        self.write(score, settings, bar, wanted)
    }
}

/// A score with other chords, and no notes yet, from a bar on.
fn over(score: &Score, first: BarNumber, chords: Vec<ChordSpan>) -> Score {
    let from = score.bar(first).start;
    let mut score = score.clone();
    score.chords.retain(|span| span.start < from);
    score.chords.extend(chords);
    score.parts.retain(|part| part.bar < first);
    score
}

/// Whether a bar stands on the same in two scores.
fn stands_alike(one: &Score, other: &Score, settings: &Settings, number: BarNumber) -> bool {
    let chords = |score: &Score| BarContext::new(score, settings, Part::Guitar, number).chords;
    let ground = |score: &Score| steps(score, settings.mode, score.bar(number));
    chords(one) == chords(other) && ground(one) == ground(other)
}

/// Whether drummers were heard in a bar's metre; elsewhere the drums play by rules. In 3/4 only machines were.
fn has_drummers(score: &Score) -> bool {
    !score.meter.is_compound() && steps_in_bar(score.meter) == 16
}

/// Writes some parts of a bar. What the score holds of that bar in other parts stands and is heard.
pub fn bar(
    net: &ArrangerNet,
    score: &Score,
    settings: &Settings,
    number: BarNumber,
    wanted: &[Wanted],
) -> Vec<PartBar> {
    let context = BarContext::new(score, settings, Part::Guitar, number);
    let by_rules = |(part, take): &Wanted| Rules.part_bar(score, settings, *part, number, *take);
    if !choose::is_arranged(&context) {
        return wanted.iter().map(by_rules).collect();
    }
    let (ruled, arranged): (Vec<Wanted>, Vec<Wanted>) =
        wanted.iter().copied().partition(|(part, _)| *part == Part::Drums && !has_drummers(score));
    let mut written: Vec<PartBar> = ruled.iter().map(by_rules).collect();
    if !arranged.is_empty() {
        let heard = warmed_up(with(&beside(score, settings, number), &written), settings, number, &arranged);
        written.extend(Session::new(&heard, settings, context.bar, &arranged).play(net));
    }
    written.sort_by_key(|one| wanted.iter().position(|(part, _)| *part == one.part));
    written
}

/// What somebody played in a bar, from a step of it on, as the notes that are written for it.
pub fn transcribed(
    score: &Score,
    settings: &Settings,
    (part, number): (Part, BarNumber),
    played: &Played,
    from: usize,
) -> PartBar {
    let context = BarContext::new(score, settings, part, number);
    let rng = settings.seed.rng(part, number, 1);
    let hands = Hands { players: vec![Hand { part, take: 1, context, rng }] };
    let written = hands.write(played, from, None);
    written.into_iter().next().unwrap_or(PartBar { part, bar: number, take: 1, notes: Vec::new() })
}

/// A score with what is heard beside it up to a bar, as far back as the network reads.
fn beside(score: &Score, settings: &Settings, number: BarNumber) -> Score {
    let mut score = score.clone();
    let first = BarNumber(number.0 - CONTEXT_STEPS.div_ceil(steps_in_bar(score.meter)) as i32 - 1);
    let heard = settings.beside.iter().filter(|bar| (first..=number).contains(&bar.bar));
    score.parts.extend(heard.cloned());
    score
}

/// A score in which whoever enters with a bar has played before it what the rules would have them play in it. A network
/// that is to go on from silence hardly knows which of all grooves it is in.
fn warmed_up(mut score: Score, settings: &Settings, number: BarNumber, wanted: &[Wanted]) -> Score {
    let bar_length = score.meter.bar();
    for (part, _) in wanted {
        let has_played = |bar: &PartBar| bar.part == *part && bar.bar < number && !bar.notes.is_empty();
        if score.parts.iter().any(has_played) {
            continue;
        }
        let written = Rules.part_bar(&score, settings, *part, number, 1);
        for back in 1..=WARM_UP_BARS {
            let mut earlier = PartBar { bar: BarNumber(number.0 - back), ..written.clone() };
            for note in &mut earlier.notes {
                note.start = note.start - bar_length * i64::from(back);
            }
            score.parts.push(earlier);
        }
    }
    score
}

/// A score with some bars of parts in the place of what it holds of them.
pub fn with(score: &Score, bars: &[PartBar]) -> Score {
    let mut score = score.clone();
    for bar in bars {
        score.parts.retain(|one| (one.part, one.bar) != (bar.part, bar.bar));
        score.parts.push(bar.clone());
    }
    score
}

/// A bar that is being written.
struct Session<'a> {
    score: &'a Score,
    settings: &'a Settings,
    bar: Bar,
    wanted: &'a [Wanted],
    /// What was played in the bars before, and in this one by those who are not asked.
    played: Played,
    /// Bars of it before this one.
    earlier: usize,
    /// The bar in which somebody began to play.
    entered: BarNumber,
}

impl<'a> Session<'a> {
    fn new(score: &'a Score, settings: &'a Settings, bar: Bar, wanted: &'a [Wanted]) -> Self {
        let most = CONTEXT_STEPS.div_ceil(steps_in_bar(score.meter)) as i32;
        // Silence before anybody plays says nothing of how they will.
        let played = score.parts.iter().filter(|part| part.bar < bar.number && !part.notes.is_empty());
        let entered = played.map(|part| part.bar).min().unwrap_or(bar.number);
        let earlier = most.min(bar.number.0 - entered.0).max(0) as usize;
        let first = BarNumber(bar.number.0 - earlier as i32);
        let played = Played::of(score, first, earlier + 1, |part, number| {
            number != bar.number || wanted.iter().all(|(one, _)| *one != part)
        });
        Self { score, settings, bar, wanted, played, earlier, entered }
    }

    /// All that the network is told of the steps of a bar but what was played just before.
    fn ground(&self, number: BarNumber) -> (Vec<Step>, Option<Played>) {
        let score = self.score;
        let mut steps = steps(score, self.settings.mode, score.bar(number));
        let energy = score.section_of(number).map_or(0.5, |section| section.energy);
        let wish = wish::wish(self.settings, energy);
        let like = ground::bar_like(score, self.settings.mode, number, self.entered);
        for step in &mut steps {
            step.wish = wish;
            step.comes_back = like.is_some_and(|(_, comes_back)| comes_back);
        }
        (steps, like.map(|(like, _)| Played::of(score, like, 1, |_, _| true)))
    }

    fn play(mut self, net: &ArrangerNet) -> Vec<PartBar> {
        let per_bar = steps_in_bar(self.score.meter);
        let mut reader = net.reader();
        let mut past = Vec::new();
        for earlier in 0..self.earlier {
            let number = BarNumber(self.bar.number.0 - (self.earlier - earlier) as i32);
            let (steps, like) = self.ground(number);
            let told = steps.iter().enumerate();
            past.extend(
                told.map(|(place, step)| self.told(step, earlier * per_bar + place, place, like.as_ref())),
            );
        }
        reader.skim(&past[past.len().saturating_sub(CONTEXT_STEPS)..]);
        let (mut steps, like) = self.ground(self.bar.number);
        let mut hands = self.hands();
        hands.mark_fill(&mut steps);
        let per_beat = (ground::pulse(self.score.meter).0 / STEP.0) as usize;
        let from = self.earlier * per_bar;
        let recent = from.saturating_sub(RECENT_BARS * per_bar)..from;
        let (densities, _) = self.played.densities(recent.clone(), per_beat);
        for (place, step) in steps.iter().enumerate() {
            let index = from + place;
            // Before anything was played nobody lags behind.
            let lean = |part: usize| match step.wish.densities[part] {
                Some(wanted) if !recent.is_empty() => choose::lean(part, wanted, densities[part]),
                _ => 0.0,
            };
            let again = like.as_ref().filter(|_| step.comes_back).map(|like| &like.frames[place]);
            let mut odds = reader.read(&self.told(step, index, place, like.as_ref()));
            let asked = Asked { leans: std::array::from_fn(lean), again, is_fill: step.place.is_fill };
            hands.choose(&mut self.played, (index, place), asked, &mut odds);
        }
        let level = steps.first().and_then(|step| step.wish.level);
        hands.write(&self.played, self.earlier * per_bar, level)
    }

    fn told(&self, step: &Step, index: usize, place: usize, like: Option<&Played>) -> Step {
        let root = ground::root_at(self.score, self.played.at(index));
        let told = self.played.told(step, index, root);
        Step { before: like.map(|like| like.frames[place]), ..told }
    }

    /// Those who are asked, each with what is known of the bar and a die of its own.
    fn hands(&self) -> Hands<'a> {
        let player = |(part, take): &Wanted| Hand {
            part: *part,
            take: *take,
            context: BarContext::new(self.score, self.settings, *part, self.bar.number),
            rng: self.settings.seed.rng(*part, self.bar.number, *take),
        };
        Hands { players: self.wanted.iter().map(player).collect() }
    }
}

/// A player who is asked.
struct Hand<'a> {
    part: Part,
    take: u32,
    context: BarContext<'a>,
    rng: Rng,
}

/// All who are asked.
struct Hands<'a> {
    players: Vec<Hand<'a>>,
}

impl Hands<'_> {
    /// Asks the drums for a fill where there is room for one.
    fn mark_fill(&mut self, steps: &mut [Step]) {
        let Some(drums) = self.players.iter_mut().find(|hand| hand.part == Part::Drums) else { return };
        let place = super::rules::drums::room_for_fill(&drums.context, &mut drums.rng);
        let Some((from, to)) = place else { return };
        for (index, step) in steps.iter_mut().enumerate() {
            let at = drums.context.bar.start + STEP * index as i64;
            step.place.is_fill = (from..to).contains(&at);
        }
    }

    /// Chooses what is played in a step; who is not asked has chosen.
    fn choose(
        &mut self,
        played: &mut Played,
        (index, place): (usize, usize),
        asked: Asked<'_>,
        odds: &mut Odds<'_>,
    ) {
        let at = played.at(index);
        let held = index.checked_sub(1).map_or([None; LINES], |last| played.pitches[last]);
        let mut frame = played.frames[index];
        let mut pitches = played.pitches[index];
        for part in wish::ORDER {
            let Some(hand) = self.players.iter_mut().find(|hand| hand.part == part) else {
                let voices = match part {
                    Part::Drums => 0..KIT,
                    Part::Bass => BASS..BASS + 1,
                    Part::Guitar => GUITAR..GUITAR + 1,
                    Part::Strings => STRINGS..STRINGS + 4,
                };
                voices.for_each(|voice| odds.decide(voice, frame.choices[voice]));
                continue;
            };
            let context = &hand.context;
            let here = Place::of(context, (at, place), asked);
            let mut rng = hand.rng.clone();
            match part {
                Part::Drums => {
                    let struck = here.drums(odds, &mut rng);
                    for (piece, struck) in struck.into_iter().enumerate() {
                        let (level, shift) = choose::touch(odds, piece, &mut rng);
                        frame.choices[piece] = u8::from(struck);
                        if struck {
                            (frame.levels[piece], frame.shifts[piece]) = (level, shift);
                        }
                    }
                }
                Part::Bass => {
                    (frame.choices[BASS], pitches[0]) = here.bass(odds, held[0], &mut rng);
                }
                Part::Guitar => frame.choices[GUITAR] = here.guitar(odds, &mut rng),
                Part::Strings => {
                    let bows = match (write::bows(context, at), write::bows(context, at - STEP)) {
                        (false, _) => Bow::Off,
                        (true, false) => Bow::Lands,
                        (true, true) => Bow::On,
                    };
                    let voices = choose::string_voices(context);
                    let (choices, notes) =
                        here.strings(odds, [held[1], held[2], held[3], held[4]], (bows, voices), &mut rng);
                    frame.choices[STRINGS..].copy_from_slice(&choices);
                    pitches[1..].copy_from_slice(&notes);
                }
            }
            hand.rng = rng;
        }
        played.frames[index] = frame;
        played.pitches[index] = pitches;
    }

    /// The notes of all who were asked.
    fn write(mut self, played: &Played, from: usize, level: Option<f32>) -> Vec<PartBar> {
        let bars = self.players.iter_mut().map(|hand| {
            let mut notes = match hand.part {
                Part::Drums => write::drums(&hand.context, played, from, level),
                Part::Bass => write::bass(&hand.context, played, from, &mut hand.rng),
                Part::Guitar => write::guitar(&hand.context, played, from, hand.take, &mut hand.rng),
                Part::Strings => write::strings(&hand.context, played, from, &mut hand.rng),
            };
            notes.sort_by_key(|note| (note.start, note.pitch));
            notes.dedup_by_key(|note| (note.start, note.pitch));
            PartBar { part: hand.part, bar: hand.context.bar.number, take: hand.take, notes }
        });
        bars.collect()
    }
}

//! `collavoce analyze`.

use collavoce::bounce::{analyse, analyse_mix, analysis_json, hex, mix_json};
use collavoce::follow::mix::MixTake;
use collavoce::song::Settings;

use super::args::{Analyze, Source};
use super::progress::Reporter;

/// Runs the command.
pub fn run(options: &Analyze) -> anyhow::Result<()> {
    let settings = options.musical.settings()?;
    match options.source {
        Source::Voice => voice(options, &settings),
        Source::Mix => mix(options, &settings),
    }
}

fn voice(options: &Analyze, settings: &Settings) -> anyhow::Result<()> {
    let mut reporter = Reporter::new(options.json);
    let pitch = options.musical.pitch;
    let result = analyse(&options.vocal, settings, pitch, &mut |stage, done| reporter.tell(stage, done));
    reporter.clear();
    let (input, session) = result?;
    if options.json {
        let path = options.vocal.display().to_string();
        let json = analysis_json(&session, settings, &input, &path, &hex(&input.sha256), pitch);
        super::say(&format!("{}\n", serde_json::to_string(&json)?))
    } else {
        super::say(&super::accompany::heard(&session))
    }
}

fn mix(options: &Analyze, settings: &Settings) -> anyhow::Result<()> {
    let mut reporter = Reporter::new(options.json);
    let result = analyse_mix(&options.vocal, settings, &mut |stage, done| reporter.tell(stage, done));
    reporter.clear();
    let (input, take) = result?;
    if options.json {
        let path = options.vocal.display().to_string();
        let json = mix_json(&take, settings, &input, &path, &hex(&input.sha256));
        super::say(&format!("{}\n", serde_json::to_string(&json)?))
    } else {
        super::say(&summary(&take))
    }
}

/// What is heard of a mix, for a person: chords by bar, four bars a line.
fn summary(take: &MixTake) -> String {
    let mut text = String::from("heard\n");
    if let [first, others @ ..] = take.keys.as_slice() {
        let others: Vec<String> =
            others.iter().take(2).map(|g| format!("{} {:.0} %", g.key, g.probability * 100.0)).collect();
        let else_ = if others.is_empty() { String::new() } else { format!("; else {}", others.join(", ")) };
        text += &format!("  key     {} ({:.0} % sure{else_})\n", first.key, first.probability * 100.0);
    }
    text += &format!(
        "  tempo   {:.0} bpm\n  metre   {}\n  tuning  {:+.0} cents\n",
        take.bpm(),
        take.meter,
        take.tuning_cents
    );
    let flats = take.keys.first().is_none_or(|guess| guess.key.uses_flats());
    let starts: Vec<f64> = take.beats.iter().filter(|b| b.place == 0).map(|b| b.time_s).collect();
    let end_s = take.chords.last().map_or(0.0, |chord| chord.end_s);
    for (line, bars) in starts.chunks(4).enumerate() {
        text += &format!("  bar {:3} ", line * 4 + 1);
        for (index, start_s) in bars.iter().enumerate() {
            let next_s = starts.get(line * 4 + index + 1).copied().unwrap_or(end_s);
            let names: Vec<String> = take
                .chords
                .iter()
                .filter(|c| c.start_s < next_s && c.end_s > *start_s)
                .map(|c| c.chord.map_or_else(|| "-".to_owned(), |chord| chord.lead_sheet(flats)))
                .collect();
            text += &format!("| {:10}", names.join(" "));
        }
        text += "|\n";
    }
    text
}

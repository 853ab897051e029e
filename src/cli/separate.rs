//! `collavoce separate`.

use collavoce::bounce::separate::{SeparateReport, SeparateRequest, separate};
use collavoce::separate::Way;

use super::args::Separate;
use super::progress::Reporter;

/// Runs the command.
pub fn run(options: &Separate) -> anyhow::Result<()> {
    let request = SeparateRequest {
        backing: options.backing.clone(),
        way: options.way.0,
        is_live: options.live,
        format: options.format.into(),
        ..SeparateRequest::new(&options.input, &options.out)
    };
    let mut reporter = Reporter::new(options.quiet);
    let result = separate(&request, &mut |stage, done| reporter.tell(stage, done));
    reporter.clear();
    let report = result?;
    if options.json {
        super::say(&format!("{}\n", serde_json::to_string_pretty(&report.report)?))
    } else if options.quiet {
        Ok(())
    } else {
        super::say(&summary(&report))
    }
}

/// What was found and written.
fn summary(report: &SeparateReport) -> String {
    let mut text = format!(
        "heard   {}: {}\nway     {}: {}\n",
        report.verdict.kind.label(),
        report.verdict.why,
        report.way,
        explained(report.way)
    );
    let reference = &report.report["reference"];
    if let (Some(delay_s), Some(removed_db)) =
        (reference["delay_s"].as_f64(), reference["removed_db"].as_f64())
    {
        text.push_str(&format!(
            "backing {:.1} ms late, {:.1} ppm slow; {removed_db:.1} dB taken out\n",
            1e3 * delay_s,
            reference["drift_ppm"].as_f64().unwrap_or(0.0)
        ));
    }
    text.push_str(&format!("\nwrote {}/\n", report.out.display()));
    for file in &report.files {
        let what = match file.split('.').next().unwrap_or_default() {
            "voice" => "the voice",
            "backing" => "all the rest: with the voice it is the input, to the bit",
            _ => "what was found and done, with hashes",
        };
        text.push_str(&format!("  {file:16} {what}\n"));
    }
    text
}

fn explained(way: Way) -> &'static str {
    match way {
        Way::Off => "all of it is the voice",
        Way::Reference => "the known backing was taken out",
        Way::Centre => "what stands in the middle was kept; rough isolation, for following and tracking",
        Way::Percussive => "what moves was kept; rough isolation, for following and tracking",
        Way::Network => {
            "a trained network took out what is no voice; rough isolation, for following and tracking"
        }
    }
}

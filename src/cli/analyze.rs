//! `collavoce analyze`.

use collavoce::bounce::{analyse, analysis_json, hex};

use super::args::Analyze;
use super::progress::Reporter;

/// Runs the command.
pub fn run(options: &Analyze) -> anyhow::Result<()> {
    let settings = options.musical.settings()?;
    let mut reporter = Reporter::new(options.json);
    let pitch = options.musical.pitch;
    let result = analyse(&options.vocal, &settings, pitch, &mut |stage, done| reporter.tell(stage, done));
    reporter.clear();
    let (input, session) = result?;
    if options.json {
        let path = options.vocal.display().to_string();
        let json = analysis_json(&session, &settings, &input, &path, &hex(&input.sha256), pitch);
        super::say(&format!("{}\n", serde_json::to_string(&json)?))
    } else {
        super::say(&super::accompany::heard(&session))
    }
}

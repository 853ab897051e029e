//! The application of its own starts without a sound card.

use std::process::Command;

#[test]
fn the_application_says_how_it_is_called() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_collavoce_plugin")).arg("--help").output().expect("it starts");
    assert!(output.status.success(), "{:?}", output.status);
    let help = String::from_utf8_lossy(&output.stdout);
    for option in ["--backend", "--sample-rate", "--period-size"] {
        assert!(help.contains(option), "no {option} in\n{help}");
    }
}

//! The standalone application.

use collavoce_plugin::Collavoce;

fn main() -> std::process::ExitCode {
    if nice_plug::nice_export_standalone::<Collavoce>() {
        std::process::ExitCode::SUCCESS
    } else {
        std::process::ExitCode::FAILURE
    }
}

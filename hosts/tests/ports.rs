//! What hosts keep in their projects: ports and parameters. Both are fixed for good.

use std::fmt::Write as _;
use std::path::Path;

use collavoce_hosts::{Activation, Port, STEMS, both};

fn channels(ports: &[Port]) -> Vec<usize> {
    ports.iter().map(|port| port.channels).collect()
}

#[test]
fn the_ports_are_fixed() -> anyhow::Result<()> {
    for mut plugin in both()? {
        let ports = plugin.ports()?;
        assert_eq!(channels(&ports.inputs), [2, 2], "{}", plugin.format());
        assert_eq!(channels(&ports.outputs), [2; 5], "{}", plugin.format());
        assert!(ports.takes_notes && ports.gives_notes, "{}", plugin.format());
        let names: Vec<&str> =
            ports.inputs.iter().chain(&ports.outputs).filter_map(|port| port.name.as_deref()).collect();
        if plugin.format() == "CLAP" {
            assert_eq!(names[1], "Sidechain");
            assert_eq!(names[3..], STEMS);
        }
    }
    Ok(())
}

#[test]
fn the_parameters_are_fixed() -> anyhow::Result<()> {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parameters.txt");
    for mut plugin in both()? {
        let mut text = String::new();
        for parameter in plugin.parameters()? {
            let collavoce_hosts::ParameterInfo { name, id, steps, default } = parameter;
            writeln!(text, "{id:10} {name}: {default} ({steps} steps)")?;
        }
        if std::env::var_os("COLLAVOCE_BLESS").is_some() {
            std::fs::write(&fixture, &text)?;
        }
        let fixed = std::fs::read_to_string(&fixture)?;
        assert_eq!(text, fixed, "{}: projects would lose their automation", plugin.format());
    }
    Ok(())
}

#[test]
fn the_latency_is_the_look_ahead() -> anyhow::Result<()> {
    let activation = Activation { rate: 48_000, max_block: 512, is_offline: false };
    for mut plugin in both()? {
        plugin.activate(activation)?;
        assert_eq!(plugin.latency()?, 0, "{}", plugin.format());
        plugin.set("Lookahead", "200 ms")?;
        plugin.stand(512, &mut collavoce_hosts::Heard::default())?;
        plugin.activate(activation)?;
        assert_eq!(plugin.latency()?, 9_600, "{}", plugin.format());
    }
    Ok(())
}

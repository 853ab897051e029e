//! Lets the plugin bring a SoundFont with it: the file that `COLLAVOCE_BANK` names, as `cargo xtask bundle --bank` does.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(bundled_bank)");
    println!("cargo::rerun-if-env-changed=COLLAVOCE_BANK");
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(bank) = std::env::var("COLLAVOCE_BANK") {
        println!("cargo::rustc-cfg=bundled_bank");
        println!("cargo::rustc-env=COLLAVOCE_BANK={bank}");
        println!("cargo::rerun-if-changed={bank}");
    }
}

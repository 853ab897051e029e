//! What a packaged plugin brings with it beside its code.

/// The band's SoundFont, in builds that have one (`cargo xtask bundle --bank`).
#[cfg(bundled_bank)]
pub const BUNDLED: Option<&[u8]> = Some(include_bytes!(env!("COLLAVOCE_BANK")));
/// The band's SoundFont, in builds that have one (`cargo xtask bundle --bank`).
#[cfg(not(bundled_bank))]
pub const BUNDLED: Option<&[u8]> = None;

//! Audio files in and out.

mod decode;
mod encode;
mod error;
mod guard;
mod header;
mod mono;
#[cfg(test)]
mod tests;

pub use decode::Reader;
pub use encode::{FULL_SCALE, StemBlock, StemFormat, StemReader, StemWriter, quantise};
pub use error::AudioFileError;
pub(crate) use guard::guarded;
pub use mono::{Conversion, MonoInput, file_sha256, read_mono};

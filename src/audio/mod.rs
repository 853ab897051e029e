//! Blocks, resampling, file decode and encode.

mod block;
mod file;
mod resample;

pub use block::StereoBlock;
pub(crate) use file::guarded;
pub use file::{
    AudioFileError, Conversion, FULL_SCALE, MonoInput, Reader, StemBlock, StemFormat, StemReader, StemWriter,
    file_sha256, quantise, read_mono,
};
pub use resample::{ResampleError, Resampler, resample};

//! Blocks, resampling, file decode and encode.

mod block;

pub use block::StereoBlock;

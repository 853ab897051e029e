//! The way from the follower to the composer and back.

use std::collections::VecDeque;

use super::band::{Band, BandAnswer, BandRequest};
use crate::engine::EngineError;

/// The way to the composer. Answers come in the order of requests.
pub trait ComposerLink {
    /// Asks for something.
    fn ask(&mut self, request: BandRequest);

    /// The answer to the oldest request that has none yet. It is called a beat after the request; if there is no
    /// answer by then, [`Reply::Late`].
    fn answer(&mut self) -> Result<Reply, EngineError>;
}

/// What came back from the composer.
#[derive(Debug)]
pub enum Reply {
    /// What was composed.
    Answer(Box<BandAnswer>),
    /// Nothing has to change.
    Nothing,
    /// The composer is not ready; its answer will be thrown away.
    Late,
}

/// The composer on the caller's own thread.
#[derive(Debug, Default)]
pub struct Inline {
    /// The composer.
    pub band: Band,
    answers: VecDeque<Result<Option<BandAnswer>, EngineError>>,
}

impl ComposerLink for Inline {
    fn ask(&mut self, request: BandRequest) {
        self.answers.push_back(self.band.answer(&request));
    }

    fn answer(&mut self) -> Result<Reply, EngineError> {
        match self.answers.pop_front() {
            Some(answer) => Ok(answer?.map_or(Reply::Nothing, |answer| Reply::Answer(Box::new(answer)))),
            None => Ok(Reply::Nothing),
        }
    }
}

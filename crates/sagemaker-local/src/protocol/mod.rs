//! The AWS JSON protocol: requests, their constraints, answers and error answers.

pub mod control_plane;
pub mod listing;
pub mod members;
pub mod recorder;
pub mod refusal;
pub mod validation;

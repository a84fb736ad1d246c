//! The commands of `millrace`: run the pipeline on this machine, start and watch runs, read and act
//! on what runs left in the lake, generate the schemas.

pub mod approval;
pub mod arguments;
pub mod clean;
pub mod convert;
pub mod definitions;
mod demand;
pub mod demo;
pub mod deploy;
pub mod doctor;
pub mod encode;
pub mod execution;
pub mod exit;
pub mod init;
pub mod local;
pub mod logs;
pub mod output;
pub mod place;
pub mod plan;
pub mod predict;
pub mod progress;
pub mod replay;
pub mod report;
pub mod restore;
pub mod rollback;
pub mod runs;
pub mod schemas;
pub mod signals;
pub mod template;
mod text;
pub mod upload;
pub mod validate;
pub mod verify;

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

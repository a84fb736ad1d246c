//! End to end on local AWS, contract and infrastructure checks, faults.

pub mod pipeline;

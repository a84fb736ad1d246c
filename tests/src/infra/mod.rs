//! What the stack's template allows and what its code needs, without an account. It must not know
//! what a step does.

pub mod access;
pub mod calls;
pub mod concrete;
pub mod intrinsics;
pub mod needs;
pub mod policy;
pub mod settings;

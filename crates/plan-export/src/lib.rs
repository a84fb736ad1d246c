//! Decides what to export, checks that it can be, and freezes the plan

//! The person's side of Millrace: runs the pipeline on this machine and looks into the lake

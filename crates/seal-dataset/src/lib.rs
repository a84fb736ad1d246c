//! Reconciles what the shards wrote with what was exported, and commits the dataset

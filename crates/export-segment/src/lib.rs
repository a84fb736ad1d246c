//! Scans a task's segments side by side into raw parts

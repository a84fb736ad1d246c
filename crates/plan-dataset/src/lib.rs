//! Joins the profiles, decides columns and encoders, bins the parts into shards

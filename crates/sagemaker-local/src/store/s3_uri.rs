//! S3 URIs.

use crate::protocol::refusal::Refusal;

/// `s3://bucket/key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Uri {
    pub bucket: String,
    pub key: String,
}

impl S3Uri {
    /// Parses `s3://bucket/key`. The key may be empty.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let rest = text.strip_prefix("s3://").filter(|rest| !rest.is_empty());
        let (bucket, key) = rest
            .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
            .filter(|(bucket, _)| !bucket.is_empty())
            .ok_or_else(|| {
                Refusal::validation(format!("{text:?} is not an S3 URI (s3://bucket/key)"))
            })?;
        Ok(Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }

    /// The URI of `name` below this one.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let parent = self.key.trim_end_matches('/');
        let separator = if parent.is_empty() { "" } else { "/" };
        Self {
            bucket: self.bucket.clone(),
            key: format!("{parent}{separator}{name}"),
        }
    }
}

impl std::fmt::Display for S3Uri {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_joined_with_one_slash() {
        for (base, joined) in [
            ("s3://b", "s3://b/job/x"),
            ("s3://b/", "s3://b/job/x"),
            ("s3://b/out", "s3://b/out/job/x"),
            ("s3://b/out/", "s3://b/out/job/x"),
        ] {
            assert_eq!(
                S3Uri::parse(base).unwrap().join("job/x").to_string(),
                joined
            );
        }
        for text in ["", "b/k", "https://b/k", "s3://", "s3:///k"] {
            assert!(S3Uri::parse(text).is_err(), "{text}");
        }
    }
}

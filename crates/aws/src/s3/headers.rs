//! The media type of an object, and how long a browser may keep it, by its key: without a type a
//! browser downloads a page instead of showing it.

use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;

/// The media type of an object with this key, if its ending says.
pub fn content_type(key: &str) -> Option<&'static str> {
    let (_, ending) = key.rsplit_once('.')?;
    Some(match ending {
        "html" => "text/html; charset=utf-8",
        "json" => "application/json",
        "jsonl" => "application/x-ndjson",
        "md" => "text/markdown; charset=utf-8",
        "csv" => "text/csv",
        _ => return None,
    })
}

/// How long a browser may keep it. A report is replaced when its run is redriven, and the table of
/// runs by each run.
pub fn cache_control(key: &str) -> Option<&'static str> {
    key.starts_with("reports/").then_some("no-cache")
}

/// The request with the headers of its key.
pub fn with_headers(request: PutObjectFluentBuilder, key: &str) -> PutObjectFluentBuilder {
    request
        .set_content_type(content_type(key).map(str::to_owned))
        .set_cache_control(cache_control(key).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_shown_and_not_kept() {
        let page = "reports/default/run=1/index.html";
        assert_eq!(content_type(page), Some("text/html; charset=utf-8"));
        assert_eq!(cache_control(page), Some("no-cache"));
        let part = "raw/default/run=1/segment-00000/part-00000-a.jsonl.zst";
        assert_eq!((content_type(part), cache_control(part)), (None, None));
    }
}

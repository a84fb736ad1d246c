//! Answers `ListObjectsV2` with pages of keys that nobody stores, `GetObject` with a few images in turn,
//! and takes uploads without keeping them.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use image::{Digest, Pixels};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

/// Different images, which come again in turn.
const IMAGES: u32 = 16;
/// Their size, and the quality of their JPEG.
const SIDES: (u32, u32) = (1280, 960);
const QUALITY: u8 = 80;

/// What a client knows of an image before it reads it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Known {
    pub etag: String,
    pub digest: String,
    pub bytes: usize,
}

struct Served {
    keys: u64,
    images: Vec<(Known, Bytes)>,
}

/// The key of an image, of the length that they have in a fleet.
pub fn key(number: u64) -> String {
    let (trip, vehicle) = (number / 1000, number / 100_000);
    format!(
        "images/date=2026-11-29/vehicle={vehicle:05}/trip={trip:07}/{number:012}-1f2e3d4c5b6a7988.jpg"
    )
}

fn number_of(key: &str) -> Option<u64> {
    let name = key.rsplit('/').next()?;
    name.split('-').next()?.parse().ok()
}

/// A picture with something to compress.
fn jpeg(seed: u32) -> Vec<u8> {
    let (width, height) = SIDES;
    let mut noise = seed.wrapping_mul(2_654_435_761) | 1;
    let mut bytes = Vec::with_capacity((width * height * 3) as usize);
    for at in 0..width * height {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        let (x, y) = (at % width, at / width);
        for channel in 0..3 {
            let shade = (x / 5 + y / 3 * (channel + 1) + (noise >> (8 * channel) & 31)) % 256;
            bytes.push(u8::try_from(shade).unwrap_or(u8::MAX));
        }
    }
    image::encode_jpeg(&Pixels::new(width, height, 3, bytes), QUALITY)
}

/// Serves until the process ends. Prints the port once it listens.
pub async fn serve(keys: u64, folder: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let images = (0..IMAGES).map(|number| {
        let bytes = Bytes::from(jpeg(number));
        let known = Known {
            etag: format!("\"{number:032x}\""),
            digest: Digest::of(&bytes).to_string(),
            bytes: bytes.len(),
        };
        (known, bytes)
    });
    let images: Vec<_> = images.collect();
    let known: Vec<_> = images.iter().map(|(known, _)| known).collect();
    std::fs::write(folder.join("images.json"), serde_json::to_vec(&known)?)?;
    let object = get(object).put(put).post(post);
    let router = Router::new()
        .route("/{bucket}", get(listing))
        .route("/{bucket}/", get(listing))
        .route("/{bucket}/{*key}", object)
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::new(Served { keys, images }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
    axum::serve(listener, router).await?;
    Ok(())
}

type Asked = Query<HashMap<String, String>>;

async fn listing(State(served): State<Arc<Served>>, Query(asked): Asked) -> Response {
    let token = asked.get("continuation-token");
    let after = token.or_else(|| asked.get("start-after"));
    let first = after
        .and_then(|after| number_of(after))
        .map_or(0, |it| it + 1);
    let most = asked.get("max-keys").and_then(|most| most.parse().ok());
    let end = (first + most.unwrap_or(1000)).min(served.keys);
    let is_over = end == served.keys;
    let mut page = String::with_capacity(400_000);
    page.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult>");
    page.push_str("<Name>fleet</Name><Prefix>images/</Prefix><MaxKeys>1000</MaxKeys>");
    let count = end - first.min(end);
    let mut add = |text: std::fmt::Arguments<'_>| {
        // Writing to a string does not fail.
        let _ = page.write_fmt(text);
    };
    add(format_args!(
        "<KeyCount>{count}</KeyCount><IsTruncated>{}</IsTruncated>",
        !is_over
    ));
    for number in first..end {
        add(format_args!(
            "<Contents><Key>{}</Key><LastModified>2026-11-29T10:00:00.000Z</LastModified>\
             <ETag>&quot;{number:032x}&quot;</ETag><Size>{}</Size>\
             <StorageClass>STANDARD</StorageClass></Contents>",
            key(number),
            200_000 + number % 99_991,
        ));
    }
    if !is_over {
        let last = key(end - 1);
        add(format_args!(
            "<NextContinuationToken>{last}</NextContinuationToken>"
        ));
    }
    page.push_str("</ListBucketResult>");
    ([(header::CONTENT_TYPE, "application/xml")], page).into_response()
}

async fn object(
    State(served): State<Arc<Served>>,
    Path((_, key)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let place = number_of(&key).and_then(|number| usize::try_from(number).ok());
    let Some(place) = place else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (known, bytes) = &served.images[place % served.images.len()];
    let asked = headers.get(header::IF_MATCH);
    if asked.is_some_and(|asked| asked.as_bytes() != known.etag.as_bytes()) {
        return StatusCode::PRECONDITION_FAILED.into_response();
    }
    let headers = [
        (header::ETAG, known.etag.clone()),
        (header::CONTENT_TYPE, "image/jpeg".to_owned()),
    ];
    (headers, bytes.clone()).into_response()
}

/// An object or a part of one, which is forgotten.
async fn put(_: Bytes) -> Response {
    [(header::ETAG, "\"0123456789abcdef0123456789abcdef\"")].into_response()
}

/// The beginning and the end of an upload.
async fn post(Path((bucket, key)): Path<(String, String)>, Query(asked): Asked) -> Response {
    let answer = if asked.contains_key("uploads") {
        let of = format!("<Bucket>{bucket}</Bucket><Key>{key}</Key>");
        format!(
            "<InitiateMultipartUploadResult>{of}<UploadId>1</UploadId></InitiateMultipartUploadResult>"
        )
    } else {
        "<CompleteMultipartUploadResult><ETag>\"1-1\"</ETag></CompleteMultipartUploadResult>"
            .to_owned()
    };
    ([(header::CONTENT_TYPE, "application/xml")], answer).into_response()
}

//! `upload`: a folder of images into the lake, once, whatever happens in between, and every file that
//! cannot be uploaded by its name.

use crate::output::documented;
use crate::refused;
use crate::world::{Ended, World};
use axum::http::StatusCode;
use image::{Digest, Pixels, encode_jpeg, encode_png};
use local_servers::s3::S3;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const KEYS: &str = "images/{class}/{name}.{ext}";

struct Place {
    world: World,
    s3: S3,
}

impl Place {
    async fn new() -> Self {
        let place = Self {
            world: World::new().await,
            s3: S3::start(&["lake"]).await,
        };
        std::fs::create_dir(place.photos()).unwrap();
        place
    }

    fn photos(&self) -> PathBuf {
        self.world.folder.path().join("photos")
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.photos().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The object below `images/`, if there is one.
    fn object(&self, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.s3.folder().join("lake").join(key)).ok()
    }

    fn objects(&self) -> usize {
        count(&self.s3.folder().join("lake/images"))
    }

    async fn run(&self, line: &str) -> Ended {
        self.world.run_at(&self.s3, line).await
    }

    /// What the command says, which is as its schema says.
    async fn uploaded(&self, code: i32, options: &str) -> Value {
        let ended = self.run(&format!("upload photos --json {options}")).await;
        assert_eq!(ended.code, code, "{ended:?}");
        documented("upload", &ended.output)
    }
}

fn count(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| if path.is_dir() { count(&path) } else { 1 })
        .sum()
}

fn picture(number: u8) -> Pixels {
    let shade = |at: u32| u8::try_from((at * (u32::from(number) + 3)) % 251).unwrap();
    Pixels::new(24, 16, 3, (0..24 * 16 * 3).map(shade).collect())
}

fn jpeg(number: u8) -> Vec<u8> {
    encode_jpeg(&picture(number), 85)
}

/// A JPEG of which the camera recorded the time.
fn taken(number: u8, at: &str) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0".to_vec();
    // DateTime, ASCII, of 20 bytes behind the directory.
    tiff.extend_from_slice(b"\x32\x01\x02\0\x14\0\0\0\x1a\0\0\0\0\0\0\0");
    tiff.extend_from_slice(at.as_bytes());
    tiff.push(0);
    let jpeg = jpeg(number);
    let length = u16::try_from(tiff.len() + 8).unwrap();
    let mut file = jpeg[..2].to_vec();
    file.extend_from_slice(&[0xff, 0xe1]);
    file.extend_from_slice(&length.to_be_bytes());
    file.extend_from_slice(b"Exif\0\0");
    file.extend_from_slice(&tiff);
    file.extend_from_slice(&jpeg[2..]);
    file
}

fn numbers(document: &Value) -> [u64; 4] {
    ["uploaded", "alreadyThere", "duplicates", "otherFiles"]
        .map(|field| document[field].as_u64().unwrap())
}

#[tokio::test]
async fn a_folder_is_uploaded_once_and_nothing_is_replaced() {
    let place = Place::new().await;
    for number in 0..40 {
        let class = ["cat", "dog"][usize::from(number) % 2];
        place.put(&format!("{class}/{number:02}.jpg"), &jpeg(number));
    }
    place.put("dog/a.PNG", &encode_png(&picture(99)));
    place.put("dog/notes.txt", b"hello");
    let keys = format!("--keys {KEYS}");

    let dry = place.uploaded(0, &format!("{keys} --dry-run")).await;
    assert_eq!((numbers(&dry), place.objects()), ([41, 0, 0, 1], 0));
    assert_eq!(dry["dryRun"], true);

    let first = place.uploaded(0, &keys).await;
    assert_eq!((numbers(&first), place.objects()), ([41, 0, 0, 1], 41));
    assert_eq!(place.object("images/dog/01.jpg"), Some(jpeg(1)));
    assert_eq!(
        place.object("images/dog/a.PNG"),
        Some(encode_png(&picture(99)))
    );

    // The same command continues: what is there is not sent again.
    place.put("cat/new.jpg", &jpeg(50));
    let second = place.uploaded(0, &keys).await;
    assert_eq!((numbers(&second), place.objects()), ([1, 41, 0, 1], 42));
    assert_eq!(second["bytes"], jpeg(50).len());

    // Another image of the same name is refused, and the lake's stays: also one of the same size.
    let mut other = jpeg(0);
    let last = other.len() - 3;
    other[last] ^= 1;
    place.put("cat/00.jpg", &other);
    place.put("cat/02.jpg", &jpeg(77));
    let third = place.uploaded(3, &keys).await;
    assert_eq!(numbers(&third), [0, 40, 0, 1]);
    let files: Vec<_> = third["refused"].as_array().unwrap().iter().collect();
    assert_eq!(files.len(), 2);
    assert_eq!(files[0]["file"], "cat/00.jpg");
    let reason = files[0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("another object images/cat/00.jpg"),
        "{reason}"
    );
    assert_eq!(place.object("images/cat/00.jpg"), Some(jpeg(0)));
    let shown = place.run(&format!("upload photos {keys} -q")).await;
    assert_eq!(shown.code, 3, "{shown:?}");
    assert!(shown.output.contains("0 images uploaded"), "{shown:?}");
    assert!(shown.output.contains("; 40 already there;"), "{shown:?}");
    assert!(shown.output.contains("  refused cat/02.jpg: "), "{shown:?}");
    assert!(
        shown.error.contains("2 files are not uploaded"),
        "{shown:?}"
    );
}

#[tokio::test]
async fn keys_are_made_of_parts_the_time_and_the_digest() {
    let place = Place::new().await;
    let morning = taken(1, "2026:11:28 09:30:00");
    place.put("DCIM/100/IMG_1.JPG", &morning);
    place.put("DCIM/101/IMG_1.JPG", &taken(2, "2026:11:29 00:00:01"));
    place.put("DCIM/102/copy of IMG_1.JPG", &morning);
    place.put("DCIM/102/screenshot.png", &encode_png(&picture(3)));
    let definition = json!({"source": {"images": {
        "keys": "images/date={date}/vehicle={vehicle}/{name}.{ext}",
    }}});
    std::fs::write(
        place.world.folder.path().join("fleet.json"),
        definition.to_string(),
    )
    .unwrap();
    let options = "--definition fleet.json --part vehicle=v-7";
    let first = place.uploaded(3, options).await;
    assert_eq!(numbers(&first), [2, 0, 1, 0]);
    let refused = first["refused"][0]["reason"].as_str().unwrap();
    assert!(
        refused.contains("nothing gives the part {date}"),
        "{refused}"
    );
    let key = format!(
        "images/date=2026-11-28/vehicle=v-7/20261128T093000-{}.jpg",
        Digest::of(&morning)
    );
    assert_eq!(place.object(&key), Some(morning));
    let dated = format!("{options} --part date=2026-11-30");
    let second = place.uploaded(0, &dated).await;
    assert_eq!(numbers(&second), [3, 0, 1, 0]);

    // The definition of the lake says it too.
    let folder = place.s3.folder().join("lake/config");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("default.json"), definition.to_string()).unwrap();
    let third = place
        .uploaded(0, "--part vehicle=v-7 --part date=2026-11-30")
        .await;
    assert_eq!(numbers(&third), [0, 3, 1, 0]);
}

#[tokio::test]
async fn what_is_no_whole_image_is_named() {
    let place = Place::new().await;
    let whole = jpeg(1);
    place.put("cat/good.jpg", &whole);
    place.put("cat/empty.jpg", b"");
    place.put("cat/half.jpg", &whole[..whole.len() / 2]);
    place.put("cat/page.jpg", b"<html>not found</html>");
    place.put("lost.jpg", &whole);
    let document = place.uploaded(3, &format!("--keys {KEYS}")).await;
    assert_eq!((numbers(&document)[0], place.objects()), (1, 1));
    let refused: Vec<_> = document["refused"].as_array().unwrap().iter().collect();
    for (at, file, says) in [
        (0, "cat/empty.jpg", "Empty"),
        (1, "cat/half.jpg", "Truncated"),
        (2, "cat/page.jpg", "NotAnImage"),
        (3, "lost.jpg", "{class}"),
    ] {
        assert_eq!(refused[at]["file"], file);
        let reason = refused[at]["reason"].as_str().unwrap();
        assert!(reason.contains(says), "{file}: {reason}");
    }
}

#[tokio::test]
async fn an_identity_that_may_only_create_uploads_and_says_what_it_cannot_know() {
    let place = Place::new().await;
    place.put("cat/1.jpg", &jpeg(1));
    place.put("cat/2.jpg", &jpeg(2));
    let line = format!("upload photos --json --bucket lake --keys {KEYS}");
    place.world.account().s3 = Some((StatusCode::FORBIDDEN, "AccessDenied"));
    place.world.account().s3_put = Some((StatusCode::OK, ""));
    let first = place.world.run(&line).await;
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(numbers(&documented("upload", &first.output))[0], 2);
    place.world.account().s3_put = Some((StatusCode::PRECONDITION_FAILED, "PreconditionFailed"));
    let again = place.world.run(&line).await;
    let document = documented("upload", &again.output);
    assert_eq!((again.code, &document["notCompared"]), (0, &json!(2)));

    // A failure says that the same command continues.
    place.world.account().s3_put = Some((StatusCode::SERVICE_UNAVAILABLE, "SlowDown"));
    let words = ["the same command continues", "SlowDown"];
    let failed = place.world.run(&format!("{line} -q")).await;
    refused(&failed, 6, &words, "the same command again");
}

#[tokio::test]
async fn each_mistake_is_one_message() {
    let place = Place::new().await;
    place.put("notes.txt", b"x");
    let table = json!({"source": {"dynamodb": {"table": "films"}}});
    let other = json!({"source": {"images": {"bucket": "fleet-images", "keys": "{name}.{ext}"}}});
    for (file, definition) in [("table.json", table), ("other.json", other)] {
        let path = place.world.folder.path().join(file);
        std::fs::write(path, definition.to_string()).unwrap();
    }
    for (options, code, words, advice) in [
        (
            format!("nowhere --keys {KEYS}"),
            5,
            "cannot list the folder nowhere",
            "",
        ),
        (
            format!("photos --keys {KEYS}"),
            5,
            "photos holds no file that ends with .jpg, .jpeg, .png",
            "another folder",
        ),
        (
            "photos --definition table.json".to_owned(),
            2,
            "source is dynamodb",
            "--keys PATTERN",
        ),
        (
            "photos --definition other.json".to_owned(),
            2,
            "reads the bucket \"fleet-images\"",
            "its own tools",
        ),
        (
            format!("photos --keys {KEYS} --part trip=1"),
            2,
            "no part {trip}; it has {class}, {name}",
            "",
        ),
        (
            "photos".to_owned(),
            5,
            "cannot read the definition of pipeline `default`",
            "",
        ),
    ] {
        let ended = place.run(&format!("upload {options} -q")).await;
        assert_eq!(ended.code, code, "{options}: {ended:?}");
        assert!(ended.error.contains(words), "{options}: {}", ended.error);
        assert!(ended.error.contains(advice), "{options}: {}", ended.error);
    }
    let faulty = place
        .run("upload photos --keys pictures/{name}.{ext}")
        .await;
    assert_eq!(faulty.code, 1, "{faulty:?}");
    assert!(faulty.error.contains("begin with it"), "{faulty:?}");
    assert_eq!(place.run("upload photos --concurrency 0").await.code, 2);
}

//! A shard, packed and joined, on the store in memory: what is damaged between indexing and packing,
//! and attempts that die.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test"
)]

use bytes::Bytes;
use contract::RunId;
use image::{Accept, Digest, Pixels, Resize, inspect};
use lake::memory::poll_at_most;
use lake::{JoinError, MemoryStore, ObjectStore, RunKeys, StoreError, join};
use pack_images::{
    Fetched, ImageSource, PackFormat, PackImagesError, Packed, PlannedImage, Shard, Side, pack,
};
use record_io::Records;
use std::collections::BTreeMap;
use std::io::Read;

/// A bucket of images: what the index saw is compared by `ETag`, as S3 does.
#[derive(Clone, Default)]
struct Bucket {
    objects: BTreeMap<String, (String, Bytes)>,
    archived: Vec<String>,
    refused: bool,
}

impl ImageSource for Bucket {
    async fn get(&self, image: &PlannedImage) -> Result<Fetched, StoreError> {
        tokio::task::yield_now().await;
        if self.refused {
            return Err(StoreError::NotFound {
                bucket: image.bucket.clone(),
                key: "refused".to_owned(),
            });
        }
        Ok(match self.objects.get(&image.key) {
            None => Fetched::Vanished,
            Some(_) if self.archived.contains(&image.key) => Fetched::Archived,
            Some((etag, _)) if *etag != image.etag => Fetched::Vanished,
            Some((_, bytes)) => Fetched::Bytes(bytes.clone()),
        })
    }

    async fn check(&self, image: &PlannedImage) -> Result<Fetched, StoreError> {
        Ok(match self.get(image).await? {
            Fetched::Bytes(_) => Fetched::Unread,
            other => other,
        })
    }
}

fn file(number: u64, width: u32) -> Bytes {
    let height = width * 3 / 4;
    // Noise, which no format makes smaller.
    let noise = |at: u32| {
        let mixed = (at + (number as u32) * 1_000_003).wrapping_mul(0x9e37_79b1);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca77);
        (mixed ^ (mixed >> 13)).to_le_bytes()[0]
    };
    let values = (0..width * height * 3).map(noise);
    let pixels = Pixels::new(width, height, 3, values.collect());
    if number.is_multiple_of(3) {
        image::encode_png(&pixels).into()
    } else {
        image::encode_jpeg(&pixels, 80).into()
    }
}

/// `count` images and their plan; every fifth is to validate on.
fn lake_of_images(count: u64, width: u32) -> (Bucket, Vec<PlannedImage>) {
    let mut bucket = Bucket::default();
    let planned = (0..count).map(|number| {
        let key = format!("images/{number:05}");
        let bytes = file(number, width);
        bucket
            .objects
            .insert(key.clone(), ("\"1\"".to_owned(), bytes.clone()));
        PlannedImage {
            number,
            bucket: "fleet".to_owned(),
            key,
            version: None,
            etag: "\"1\"".to_owned(),
            size: bytes.len() as u64,
            digest: Digest::of(&bytes),
            orientation: if number % 7 == 0 { 6 } else { 1 },
            class: (number % 4) as u32,
            side: if number % 5 == 0 {
                Side::Validation
            } else {
                Side::Train
            },
            about: serde_json::json!({"number": number}),
        }
    });
    let planned = planned.collect();
    (bucket, planned)
}

fn keys() -> RunKeys {
    RunKeys::new(
        "default",
        &RunId::parse("20261120-173000-1a2b3c4d").unwrap(),
    )
}

fn shard<'k>(keys: &'k RunKeys, attempt: &'k str, format: PackFormat) -> Shard<'k> {
    Shard {
        keys,
        number: 3,
        attempt,
        format,
        classes: &[],
        resize: None,
        max_pixels: 1 << 20,
    }
}

/// Number, class and file of each record.
async fn records(store: &MemoryStore, key: &str) -> Vec<(u64, u32, Vec<u8>)> {
    let bytes = store.get(key).await.unwrap();
    let records = Records::new(bytes.as_ref()).map(|record| {
        let record = record.unwrap();
        let image = record_io::Image::of_record(&record).unwrap();
        (image.id, image.label as u32, image.file.to_vec())
    });
    records.collect()
}

fn file_of<'p>(packed: &'p Packed, channel: &str) -> &'p lake::records::ChannelFile {
    packed
        .files
        .iter()
        .find(|file| file.channel == channel)
        .unwrap()
}

#[tokio::test]
async fn every_image_is_in_its_channel_as_it_was() {
    let (bucket, planned) = lake_of_images(50, 64);
    let (store, keys) = (MemoryStore::new(), keys());
    let shard = shard(&keys, "a", PackFormat::RecordIo);
    let packed = pack(&store, &bucket, shard, &planned).await.unwrap();
    assert_eq!((packed.rows.train, packed.rows.validation), (40, 10));
    assert_eq!((packed.rows.total(), packed.encoded_again), (50, 8));
    assert!(packed.rejected.is_empty());
    let mut seen = 0;
    for side in [Side::Train, Side::Validation] {
        let file = file_of(&packed, side.channel());
        assert!(file.key.contains("/packed/"), "{}", file.key);
        let expected = planned.iter().filter(|image| image.side == side);
        let found = records(&store, &file.key).await;
        assert_eq!(file.rows, found.len() as u64);
        for (image, (id, class, bytes)) in expected.zip(found) {
            assert_eq!((image.number, image.class), (id, class));
            let stored = &bucket.objects[&image.key].1;
            if image.orientation == 1 {
                assert_eq!(bytes, stored[..]);
            } else {
                let upright = inspect(&bytes, &Accept::default()).unwrap();
                assert_eq!((upright.width, upright.height), (48, 64));
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 50);
}

#[tokio::test]
async fn what_is_not_the_indexed_image_is_rejected_by_its_reason() {
    let (mut bucket, mut planned) = lake_of_images(20, 64);
    bucket.objects.remove("images/00002");
    bucket.objects.get_mut("images/00004").unwrap().0 = "\"2\"".to_owned();
    let turned = bucket.objects.get_mut("images/00006").unwrap();
    let mut bytes = turned.1.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    turned.1 = bytes.into();
    bucket.archived.push("images/00008".to_owned());
    // Half a file that the index was told to accept.
    let half = bucket.objects.get_mut("images/00011").unwrap();
    half.1.truncate(half.1.len() / 2);
    planned[11].digest = Digest::of(&half.1);
    let (store, keys) = (MemoryStore::new(), keys());
    let shard = shard(&keys, "a", PackFormat::RecordIo);
    let packed = pack(&store, &bucket, shard, &planned).await.unwrap();
    let rejected = packed
        .rejected
        .iter()
        .map(|one| (one.key.as_str(), one.reason.as_str()));
    let expected = [
        ("images/00002", "Vanished"),
        ("images/00004", "Vanished"),
        ("images/00006", "ChecksumDiffers"),
        ("images/00008", "Archived"),
        ("images/00011", "Truncated"),
    ];
    assert_eq!(rejected.collect::<Vec<_>>(), expected);
    assert_eq!((packed.rows.rejected, packed.rows.total()), (5, 20));
    let held: u64 = packed.files.iter().map(|file| file.rows).sum();
    assert_eq!(held, 15);
}

#[tokio::test]
async fn an_error_that_is_not_the_images_own_leaves_no_file() {
    let (mut bucket, planned) = lake_of_images(5, 64);
    bucket.refused = true;
    let (store, keys) = (MemoryStore::new(), keys());
    let shard = shard(&keys, "a", PackFormat::RecordIo);
    let failed = pack(&store, &bucket, shard, &planned).await.unwrap_err();
    let is_named = matches!(&failed, PackImagesError::Image { key, .. } if key == "images/00000");
    assert!(is_named, "{failed}");
    assert!(store.list("").await.unwrap().is_empty());
}

#[tokio::test]
async fn archives_hold_each_image_with_what_is_known_of_it() {
    let (bucket, planned) = lake_of_images(10, 64);
    let (store, keys) = (MemoryStore::new(), keys());
    let resized = Shard {
        resize: Some(Resize {
            shorter_side: 32,
            quality: 90,
        }),
        ..shard(&keys, "a", PackFormat::WebDataset)
    };
    let packed = pack(&store, &bucket, resized, &planned).await.unwrap();
    assert_eq!(packed.encoded_again, 10);
    let file = file_of(&packed, "validation");
    assert!(file.key.ends_with("-a.tar"), "{}", file.key);
    let bytes = store.get(&file.key).await.unwrap();
    let mut archive = tar::Archive::new(bytes.as_ref());
    let mut names = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if let Some((_, "jpg" | "png")) = name.rsplit_once('.') {
            let seen = inspect(&content, &Accept::default()).unwrap();
            assert_eq!(seen.width.min(seen.height), 32);
        }
        names.push(name);
    }
    let expected = [0, 5].map(|number: usize| {
        let extension = if number == 0 { "png" } else { "jpg" };
        [extension, "cls", "json"].map(|end| format!("{}.{end}", planned[number].digest))
    });
    assert_eq!(names, expected.as_flattened());
}

/// Of images that stay where they are, a line each, and the first ones of each channel as they are.
#[tokio::test]
async fn a_manifest_names_what_is_still_there_and_a_sample_has_the_first() {
    let (mut bucket, planned) = lake_of_images(300, 16);
    bucket.objects.remove("images/00001");
    bucket.objects.get_mut("images/00299").unwrap().0 = "\"2\"".to_owned();
    bucket.archived.push("images/00290".to_owned());
    let (store, keys) = (MemoryStore::new(), keys());
    let shard = shard(&keys, "a", PackFormat::AugmentedManifest);
    let packed = pack(&store, &bucket, shard, &planned).await.unwrap();
    assert_eq!((packed.rows.rejected, packed.rows.total()), (3, 300));
    assert_eq!(packed.encoded_again, 0);
    let gone = ["images/00001", "images/00290", "images/00299"];
    let rejected: Vec<_> = packed.rejected.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(rejected, gone);
    for (side, first) in [(Side::Train, 99), (Side::Validation, 59)] {
        let of_side = planned.iter().filter(|image| image.side == side);
        let kept: Vec<_> = of_side
            .filter(|image| !gone.contains(&image.key.as_str()))
            .collect();
        let file = file_of(&packed, side.channel());
        assert!(file.key.ends_with("-a.manifest"), "{}", file.key);
        let text = store.get(&file.key).await.unwrap();
        let lines: Vec<serde_json::Value> = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        let expected = kept.iter().map(|image| {
            serde_json::json!({
                "source-ref": format!("s3://fleet/{}", image.key), "class": image.class.to_string(),
            })
        });
        assert_eq!(lines, expected.collect::<Vec<_>>());
        assert_eq!(file.rows, kept.len() as u64);
        // Of a hundred that were to be read, one is gone; of sixty, one is archived.
        let sample = file_of(&packed, &format!("{}-sample", side.channel()));
        let found = records(&store, &sample.key).await;
        assert_eq!((sample.rows, found.len()), (first, first as usize));
        for (image, (id, class, bytes)) in kept.iter().zip(found) {
            assert_eq!((image.number, image.class), (id, class));
            assert_eq!(bytes, bucket.objects[&image.key].1[..], "as it is");
        }
    }
}

/// Each image is an object below the attempt's own prefix, and a line of the list.
#[tokio::test]
async fn images_are_objects_of_their_own() {
    let classes = ["ant", "bee", "stop sign", "yield"].map(str::to_owned);
    for format in [PackFormat::Folders, PackFormat::List] {
        let (bucket, planned) = lake_of_images(150, 16);
        let (store, keys) = (MemoryStore::new(), keys());
        let shard = Shard {
            classes: &classes,
            ..shard(&keys, "a", format)
        };
        let packed = pack(&store, &bucket, shard, &planned).await.unwrap();
        assert_eq!(packed.rows.total(), 150);
        for (side, sampled) in [(Side::Train, 100), (Side::Validation, 30)] {
            let of_side: Vec<_> = planned.iter().filter(|image| image.side == side).collect();
            let file = file_of(&packed, side.channel());
            let objects = file.objects.as_ref().unwrap();
            assert_eq!(file.rows, of_side.len() as u64);
            let there = store.list(&objects.prefix).await.unwrap();
            assert_eq!(there.len(), of_side.len());
            let bytes: u64 = there.iter().map(|object| object.size).sum();
            assert_eq!(
                (file.object_bytes(), file.object_count()),
                (bytes, file.rows)
            );
            let text = store.get(&file.key).await.unwrap();
            let text = String::from_utf8(text.to_vec()).unwrap();
            for (image, line) in of_side.iter().zip(text.lines()) {
                let listed = lake::records::ListedObject::of_line(line).unwrap();
                let folder = ["ant/", "bee/", "stop%20sign/", "yield/"][image.class as usize];
                let folder = if format == PackFormat::Folders {
                    folder
                } else {
                    ""
                };
                let name = format!("{folder}{}.", image.digest);
                assert!(listed.path.starts_with(&name), "{line}");
                let key = format!("{}{}", objects.prefix, listed.path);
                let object = store.get(&key).await.unwrap();
                assert_eq!(object.len() as u64, listed.bytes);
                if image.orientation == 1 {
                    assert_eq!(object, bucket.objects[&image.key].1);
                }
            }
            let sample = file_of(&packed, &format!("{}-sample", side.channel()));
            assert_eq!(sample.rows, sampled);
            let list = packed
                .files
                .iter()
                .find(|file| file.channel == format!("{}_lst", side.channel()));
            assert_eq!(list.is_some(), format == PackFormat::List);
            let Some(list) = list else { continue };
            let text = store.get(&list.key).await.unwrap();
            let text = String::from_utf8(text.to_vec()).unwrap();
            for (image, line) in of_side.iter().zip(text.lines()) {
                let extension = if image.number.is_multiple_of(3) {
                    "png"
                } else {
                    "jpg"
                };
                let (number, class) = (image.number, image.class);
                assert_eq!(
                    line,
                    format!("{number}\t{class}\t{}.{extension}", image.digest)
                );
            }
        }
    }
}

/// Shards of less and of more than S3's minimum of a part, joined: all records, once.
#[tokio::test]
async fn shards_are_joined_to_one_file() {
    let (store, keys) = (MemoryStore::new(), keys());
    let mut files = Vec::new();
    let mut expected = BTreeMap::new();
    // Well below 5 MiB, above it, and below it again.
    for (number, (count, width)) in [(10, 64), (60, 320), (10, 64)].into_iter().enumerate() {
        let (bucket, mut planned) = lake_of_images(count, width);
        for image in &mut planned {
            image.number += 1000 * number as u64;
            image.orientation = 1;
            image.side = Side::Train;
            expected.insert(image.number, bucket.objects[&image.key].1.clone());
        }
        let shard = Shard {
            number: number as u32,
            ..shard(&keys, "a", PackFormat::RecordIo)
        };
        files.extend(pack(&store, &bucket, shard, &planned).await.unwrap().files);
    }
    assert!(
        files[0].bytes < 1 << 20 && files[1].bytes > 5 << 20,
        "{files:?}"
    );
    let key = keys.channel_whole("train", "rec");
    let whole = join(&store, &files, &key).await.unwrap();
    assert_eq!((whole.rows, whole.channel.as_str()), (80, "train"));
    let first = store.get(&key).await.unwrap();
    let found = records(&store, &key).await;
    assert_eq!(found.len(), 80);
    for (id, _, bytes) in found {
        assert_eq!(expected.remove(&id).unwrap(), bytes);
    }
    assert!(expected.is_empty());
    join(&store, &files, &key).await.unwrap();
    assert!(
        store.get(&key).await.unwrap() == first,
        "the same files give the same bytes"
    );

    // A shard's file that is not the one that was committed.
    store
        .put(&files[1].key, Bytes::from_static(b"short"))
        .await
        .unwrap();
    let failed = join(&store, &files, &key).await.unwrap_err();
    assert!(
        matches!(failed, JoinError::Size { found: 5, .. }),
        "{failed}"
    );
    assert!(
        store.get(&key).await.unwrap() == first,
        "the key stays as it was"
    );
}

/// An attempt that dies at any point leaves nothing that the next one could take for its own.
#[test]
fn an_attempt_may_die_anywhere() {
    let (bucket, planned) = lake_of_images(6, 32);
    let keys = keys();
    let whole = {
        let store = MemoryStore::new();
        let shard = shard(&keys, "whole", PackFormat::RecordIo);
        poll_at_most(10_000, pack(&store, &bucket, shard, &planned))
            .unwrap()
            .unwrap()
    };
    let digests = |packed: &Packed| {
        let files = packed.files.iter();
        files
            .map(|file| (file.channel.clone(), file.rows, file.digest))
            .collect::<Vec<_>>()
    };
    let mut ended = false;
    for polls in 1..200 {
        let store = MemoryStore::new();
        let first = shard(&keys, "first", PackFormat::RecordIo);
        ended = poll_at_most(polls, pack(&store, &bucket, first, &planned)).is_some();
        if ended {
            break;
        }
        let second = shard(&keys, "second", PackFormat::RecordIo);
        let packed = poll_at_most(10_000, pack(&store, &bucket, second, &planned));
        let packed = packed.unwrap().unwrap();
        assert_eq!(
            digests(&packed),
            digests(&whole),
            "died after {polls} polls"
        );
        assert!(
            packed
                .files
                .iter()
                .all(|file| file.key.contains("-second."))
        );
    }
    assert!(ended, "an attempt ends");
}

//! Damaged and foreign files: each under its reason and no other.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test"
)]

mod samples;

use image::{Accept, Format, Reason, Verify, inspect};
use proptest::prelude::*;
use samples::{Random, chunk, jpeg, picture, png, with_chunk};
use std::collections::BTreeSet;

/// Where the first scan's data starts.
fn scan_of(jpeg: &[u8]) -> usize {
    jpeg.windows(2)
        .position(|pair| pair == [0xff, 0xda])
        .unwrap()
        + 14
}

/// `count` seeded bits of the scan, turned over; no byte becomes or was a marker's.
fn flipped(mut jpeg: Vec<u8>, count: usize, seed: u64) -> Vec<u8> {
    let scan = scan_of(&jpeg)..jpeg.len() - 2;
    let mut random = Random(seed);
    let mut turned = 0;
    while turned < count {
        let at = scan.start + random.below(scan.len());
        let byte = jpeg[at] ^ 1 << random.below(8);
        if byte != 0xff && jpeg[at] != 0xff && jpeg[at - 1] != 0xff {
            jpeg[at] = byte;
            turned += 1;
        }
    }
    jpeg
}

/// Half a file, ended as some programs end what they recover.
fn half_with_end(jpeg: &[u8]) -> Vec<u8> {
    let mut half = jpeg[..jpeg.len() / 2].to_vec();
    while half.last() == Some(&0xff) {
        half.pop();
    }
    half.extend_from_slice(&[0xff, 0xd9]);
    half
}

/// A header of 65,535 × 65,535 pixels over the data of a small image, in both formats.
fn bombs() -> [Vec<u8>; 2] {
    let mut bomb = jpeg(320, 240);
    let frame = frame_of(&bomb);
    bomb[frame + 5..frame + 9].fill(0xff);
    let mut png_bomb = png(320, 240)[..8].to_vec();
    let header = [&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff][..], &[8, 2, 0, 0, 0]].concat();
    png_bomb.extend(chunk(b"IHDR", &header));
    png_bomb.extend(chunk(b"IDAT", &[]));
    png_bomb.extend(chunk(b"IEND", &[]));
    [bomb, png_bomb]
}

fn frame_of(jpeg: &[u8]) -> usize {
    jpeg.windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap()
}

fn without_frame(jpeg: &[u8]) -> Vec<u8> {
    let frame = frame_of(jpeg);
    [&jpeg[..frame], &jpeg[frame + 19..]].concat()
}

fn turned_png() -> Vec<u8> {
    let mut png = png(320, 240);
    let middle = png.len() / 2;
    png[middle] ^= 1;
    png
}

fn animated_png() -> Vec<u8> {
    with_chunk(&png(320, 240), b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0])
}

fn damaged_files() -> Vec<(&'static str, Vec<u8>, Reason)> {
    let (jpeg_file, png_file) = (jpeg(320, 240), png(320, 240));
    let [bomb, png_bomb] = bombs();
    let first = |file: &[u8], count: usize| file[..count].to_vec();
    let but = |file: &[u8], count: usize| file[..file.len() - count].to_vec();
    let turned = flipped(jpeg_file.clone(), 40, 1);
    let cmyk = include_bytes!("files/cmyk.jpg").to_vec();
    let text = |bytes: &[u8]| bytes.to_vec();
    vec![
        ("empty", Vec::new(), Reason::Empty),
        (
            "half a JPEG",
            first(&jpeg_file, jpeg_file.len() / 2),
            Reason::Truncated,
        ),
        (
            "half a JPEG with an end marker",
            half_with_end(&jpeg_file),
            Reason::Truncated,
        ),
        (
            "a JPEG less two bytes",
            but(&jpeg_file, 2),
            Reason::Truncated,
        ),
        (
            "a JPEG less one byte",
            but(&jpeg_file, 1),
            Reason::Truncated,
        ),
        (
            "a JPEG's first 600 bytes",
            first(&jpeg_file, 600),
            Reason::Truncated,
        ),
        (
            "a JPEG's first two bytes",
            first(&jpeg_file, 2),
            Reason::Truncated,
        ),
        (
            "half a PNG",
            first(&png_file, png_file.len() / 2),
            Reason::Truncated,
        ),
        (
            "a PNG less four bytes",
            but(&png_file, 4),
            Reason::Truncated,
        ),
        ("a PNG's signature", first(&png_file, 8), Reason::Truncated),
        ("a JPEG with forty bits turned", turned, Reason::Undecodable),
        (
            "a PNG with one bit turned",
            turned_png(),
            Reason::Undecodable,
        ),
        (
            "a JPEG without frame header",
            without_frame(&jpeg_file),
            Reason::Undecodable,
        ),
        (
            "a web page",
            text(b"<!DOCTYPE html><p>404</p>"),
            Reason::NotAnImage,
        ),
        ("one byte", text(b"x"), Reason::NotAnImage),
        ("an archive", text(b"PK\x03\x04rest"), Reason::NotAnImage),
        ("a JPEG of 65,535 × 65,535", bomb, Reason::TooManyPixels),
        ("a PNG of 65,535 × 65,535", png_bomb, Reason::TooManyPixels),
        ("one pixel", jpeg(1, 1), Reason::TooSmall),
        ("31 rows", png(64, 31), Reason::TooSmall),
        (
            "a GIF",
            text(b"GIF89a\x01\0\x01\0"),
            Reason::FormatNotAccepted,
        ),
        (
            "a WebP",
            text(b"RIFF\0\0\0\0WEBPVP8 "),
            Reason::FormatNotAccepted,
        ),
        (
            "a telephone's HEIC",
            text(b"\0\0\0\x18ftypheic"),
            Reason::FormatNotAccepted,
        ),
        ("an animated PNG", animated_png(), Reason::FormatNotAccepted),
        ("CMYK", cmyk, Reason::ColourNotAccepted),
        (
            "more bytes than accepted",
            vec![0xff; 200_001],
            Reason::TooLarge,
        ),
    ]
}

#[test]
fn each_damaged_file_has_one_reason() {
    let accept = Accept {
        max_bytes: 200_000,
        ..Accept::default()
    };
    let mut reasons = BTreeSet::new();
    for (what, file, reason) in damaged_files() {
        let rejected = inspect(&file, &accept).expect_err(what);
        assert_eq!(rejected.reason, reason, "{what}: {rejected}");
        assert!(!rejected.detail.contains('\n'), "{what}: {rejected}");
        reasons.insert(reason);
    }
    assert_eq!(reasons, BTreeSet::from(Reason::ALL));
}

/// Without decoding, what lies within a scan stays unseen, and nothing else does.
#[test]
fn the_structure_alone_shows_every_cut() {
    let accept = Accept {
        max_bytes: 200_000,
        verify: Verify::Structure,
        ..Accept::default()
    };
    for (what, file, reason) in damaged_files() {
        match inspect(&file, &accept) {
            Err(rejected) => assert_eq!(rejected.reason, reason, "{what}"),
            Ok(seen) => {
                assert!(
                    what.contains("turned") || what.contains("end marker"),
                    "{what}"
                );
                assert_eq!(seen.difference_hash, None);
            }
        }
    }
}

/// Codes find their step again behind a turned bit, and a turned bit of a value is another value:
/// only a checksum of the camera's sees them all.
#[test]
fn most_files_with_forty_turned_bits_are_found() {
    let mut found = 0;
    for seed in 0..100 {
        let file = flipped(jpeg(320, 240), 40, seed);
        if let Err(rejected) = inspect(&file, &Accept::default()) {
            assert!(
                matches!(rejected.reason, Reason::Undecodable | Reason::Truncated),
                "{seed}: {rejected}"
            );
            found += 1;
        }
    }
    assert!(found >= 70, "{found} of 100");
}

/// Between restarts a turned bit has nowhere to go: lost and surplus units are found at each.
#[test]
fn restarts_are_counted() {
    let whole = include_bytes!("files/restarts.jpg");
    inspect(whole, &Accept::default()).unwrap();
    let at = |number: u8| {
        whole
            .windows(2)
            .position(|pair| pair == [0xff, 0xd0 | number])
            .unwrap()
    };
    let lost = [&whole[..at(1)], &whole[at(2)..]].concat();
    let rejected = inspect(&lost, &Accept::default()).unwrap_err();
    assert_eq!(rejected.reason, Reason::Truncated, "{rejected}");
    let doubled = [&whole[..at(2)], &whole[at(1)..]].concat();
    let rejected = inspect(&doubled, &Accept::default()).unwrap_err();
    assert_eq!(rejected.reason, Reason::Undecodable, "{rejected}");
}

#[test]
fn every_cut_of_a_file_is_truncated() {
    for whole in [jpeg(64, 48), png(64, 48)] {
        for end in 2..whole.len() {
            let rejected = inspect(&whole[..end], &Accept::default()).unwrap_err();
            assert_eq!(rejected.reason, Reason::Truncated, "at {end}: {rejected}");
        }
        inspect(&whole, &Accept::default()).unwrap();
    }
}

#[test]
fn bytes_behind_the_end_are_counted() {
    for whole in [jpeg(64, 48), png(64, 48)] {
        let longer = [&whole[..], &[7; 5000]].concat();
        let seen = inspect(&longer, &Accept::default()).unwrap();
        assert_eq!(seen.trailing_bytes, 5000);
        assert_ne!(
            seen.digest,
            inspect(&whole, &Accept::default()).unwrap().digest
        );
    }
}

#[test]
fn the_format_is_that_of_the_bytes() {
    let only_jpeg = Accept {
        formats: BTreeSet::from([Format::Jpeg]),
        ..Accept::default()
    };
    assert_eq!(
        inspect(&jpeg(32, 32), &only_jpeg).unwrap().format,
        Format::Jpeg
    );
    let rejected = inspect(&png(32, 32), &only_jpeg).unwrap_err();
    assert_eq!(rejected.reason, Reason::FormatNotAccepted);
    assert!(rejected.detail.contains("png"), "{rejected}");
}

#[test]
fn colours_are_accepted_as_asked() {
    let cmyk = include_bytes!("files/cmyk.jpg");
    let any = Accept {
        cmyk: true,
        ..Accept::default()
    };
    assert_eq!(inspect(cmyk, &any).unwrap().channels, 4);
    let coloured = Accept {
        grey: false,
        ..Accept::default()
    };
    for channels in [1, 2] {
        let grey = image::encode_png(&picture(40, 40, channels, 3));
        assert_eq!(inspect(&grey, &any).unwrap().channels, channels);
        let rejected = inspect(&grey, &coloured).unwrap_err();
        assert_eq!(rejected.reason, Reason::ColourNotAccepted);
    }
    let grey = image::encode_jpeg(&picture(40, 40, 1, 3), 80);
    assert_eq!(inspect(&grey, &any).unwrap().channels, 1);
    assert!(inspect(&grey, &coloured).is_err());
}

#[test]
fn a_progressive_file_is_whole_or_not_as_any_other() {
    let progressive = include_bytes!("files/progressive.jpg");
    let seen = inspect(progressive, &Accept::default()).unwrap();
    assert_eq!((seen.width, seen.height, seen.channels), (96, 64, 3));
    for end in 2..progressive.len() {
        let rejected = inspect(&progressive[..end], &Accept::default()).unwrap_err();
        assert_eq!(rejected.reason, Reason::Truncated, "at {end}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the bytes, there is an answer: no panic, no endless loop.
    #[test]
    fn any_bytes_get_an_answer(
        seed in any::<u64>(),
        changes in 0..40_usize,
        end in 0..6000_usize,
        is_png in any::<bool>(),
    ) {
        let mut bytes = if is_png { png(40, 36) } else { jpeg(64, 48) };
        let mut random = Random(seed);
        for _ in 0..changes {
            let at = random.below(bytes.len());
            bytes[at] = random.next() as u8;
        }
        bytes.truncate(end);
        let any = Accept { min_side: 1, max_pixels: 1 << 20, ..Accept::default() };
        if let Ok(seen) = inspect(&bytes, &any) {
            prop_assert!(u64::from(seen.width) * u64::from(seen.height) <= 1 << 20);
            let prepared = image::prepare(&bytes, seen.orientation, None, any.max_pixels).unwrap();
            inspect(&prepared.bytes, &any).unwrap();
        }
    }
}

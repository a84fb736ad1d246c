//! What a camera recorded, and how images look alike.

#![allow(clippy::unwrap_used, reason = "a test")]

mod samples;

use image::{Accept, Digest, Position, inspect};
use samples::{CAMERA, Camera, jpeg, picture, png, tiff, with_chunk, with_exif};

#[test]
fn orientation_and_time_are_read_from_both_formats() {
    let block = tiff(&CAMERA);
    for file in [
        with_exif(&jpeg(64, 48), &block),
        with_chunk(&png(64, 48), b"eXIf", &block),
    ] {
        let seen = inspect(&file, &Accept::default()).unwrap();
        // The sides are those of the file: 64×48 is shown as 48×64.
        assert_eq!((seen.width, seen.height, seen.orientation), (64, 48, 6));
        assert_eq!(
            seen.captured_at.as_deref(),
            Some("2026-11-28T09:30:00+01:00")
        );
        assert!(!seen.metadata_damaged);
    }
}

#[test]
fn the_position_is_given_to_who_asks_for_it() {
    let file = with_exif(&jpeg(64, 48), &tiff(&CAMERA));
    assert_eq!(inspect(&file, &Accept::default()).unwrap().position, None);
    let asking = Accept {
        position: true,
        ..Accept::default()
    };
    let position = Position {
        latitude: 48.5,
        longitude: -9.25,
    };
    assert_eq!(inspect(&file, &asking).unwrap().position, Some(position));
    assert_eq!(inspect(&jpeg(64, 48), &asking).unwrap().position, None);
}

#[test]
fn a_clock_that_was_never_set_is_no_time() {
    for taken in [
        b"0000:00:00 00:00:00\0",
        b"    :  :     :  :  \0",
        b"2026:13:41 25:61:00\0",
    ] {
        let camera = Camera { taken, ..CAMERA };
        let file = with_exif(&jpeg(64, 48), &tiff(&camera));
        assert_eq!(
            inspect(&file, &Accept::default()).unwrap().captured_at,
            None
        );
    }
    let camera = Camera {
        offset: b"   :  \0",
        ..CAMERA
    };
    let seen = inspect(
        &with_exif(&jpeg(64, 48), &tiff(&camera)),
        &Accept::default(),
    )
    .unwrap();
    assert_eq!(seen.captured_at.as_deref(), Some("2026-11-28T09:30:00"));
}

#[test]
fn damaged_metadata_is_said_and_harms_no_image() {
    let block = tiff(&CAMERA);
    for cut in [0, 4, 12, 60, block.len() - 1] {
        let seen = inspect(&with_exif(&jpeg(64, 48), &block[..cut]), &Accept::default()).unwrap();
        assert!(seen.metadata_damaged, "cut at {cut}");
    }
    let camera = Camera {
        orientation: 9,
        ..CAMERA
    };
    let seen = inspect(
        &with_exif(&jpeg(64, 48), &tiff(&camera)),
        &Accept::default(),
    )
    .unwrap();
    assert_eq!((seen.orientation, seen.metadata_damaged), (1, true));
}

#[test]
fn an_image_compressed_or_scaled_again_looks_the_same() {
    for seed in 0..6 {
        let pixels = picture(320, 240, 3, seed);
        let hash = |file: &[u8]| {
            inspect(file, &Accept::default())
                .unwrap()
                .difference_hash
                .unwrap()
        };
        let first = hash(&image::encode_png(&pixels));
        for other in [
            image::encode_jpeg(&pixels, 90),
            image::encode_jpeg(&pixels, 50),
            image::encode_jpeg(&pixels.resized(160, 120), 80),
            image::encode_png(&pixels.grey()),
        ] {
            let apart = (first ^ hash(&other)).count_ones();
            assert!(apart <= 3, "{seed}: {apart} bits");
        }
        let another = hash(&image::encode_png(&picture(320, 240, 3, seed + 1)));
        assert!((first ^ another).count_ones() > 3, "{seed}");
    }
}

#[test]
fn digests_are_those_of_the_bytes() {
    // Of XXH3-128's own test values.
    assert_eq!(
        Digest::of(b"").to_string(),
        "99aa06d3014798d86001c324468d497f"
    );
    let file = jpeg(64, 48);
    let digest = inspect(&file, &Accept::default()).unwrap().digest;
    assert_eq!(digest, Digest::of(&file));
    assert_eq!(digest.to_string().parse(), Ok(digest));
    for text in [
        "",
        "99AA06D3014798D86001C324468D497F",
        "+9aa06d3014798d86001c324468d497f",
    ] {
        let refused = text.parse::<Digest>().unwrap_err().to_string();
        assert!(refused.contains("32 lower-case"), "{refused}");
    }
}

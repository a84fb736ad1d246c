//! Images as training reads them: upright, without metadata, not larger than needed.

#![allow(clippy::unwrap_used, reason = "a test")]

mod samples;

use image::{Accept, Format, Pixels, Resize, decode, inspect, prepare};
use samples::{CAMERA, Camera, distance, jpeg, picture, png, tiff, with_chunk, with_exif};

const MAX_PIXELS: u64 = 1 << 20;

fn any() -> Accept {
    Accept {
        min_side: 1,
        cmyk: true,
        position: true,
        ..Accept::default()
    }
}

/// `upright` as a camera held in another way stores it: EXIF says how to turn it back.
fn stored(upright: &Pixels, orientation: u8) -> Pixels {
    // Turning by 6 and by 8 undo each other; all others undo themselves.
    upright.clone().upright(match orientation {
        6 => 8,
        8 => 6,
        same => same,
    })
}

#[test]
fn pixels_are_turned_as_exif_says() {
    // 0 1 2 / 3 4 5, by the standard's drawings.
    let stored = Pixels::new(3, 2, 1, vec![0, 1, 2, 3, 4, 5]);
    let shown: [(u8, u32, &[u8]); 8] = [
        (1, 3, &[0, 1, 2, 3, 4, 5]),
        (2, 3, &[2, 1, 0, 5, 4, 3]),
        (3, 3, &[5, 4, 3, 2, 1, 0]),
        (4, 3, &[3, 4, 5, 0, 1, 2]),
        (5, 2, &[0, 3, 1, 4, 2, 5]),
        (6, 2, &[3, 0, 4, 1, 5, 2]),
        (7, 2, &[5, 2, 4, 1, 3, 0]),
        (8, 2, &[2, 5, 1, 4, 0, 3]),
    ];
    for (orientation, width, data) in shown {
        let upright = stored.clone().upright(orientation);
        assert_eq!(
            (upright.width(), upright.data()),
            (width, data),
            "{orientation}"
        );
    }
}

#[test]
fn the_orientation_becomes_that_of_the_pixels() {
    let upright = picture(96, 64, 3, 5);
    for orientation in 1..=8 {
        let camera = Camera {
            orientation: orientation.into(),
            ..CAMERA
        };
        let stored = stored(&upright, orientation);
        let files = [
            (
                with_exif(&image::encode_jpeg(&stored, 95), &tiff(&camera)),
                6.0,
            ),
            (
                with_chunk(&image::encode_png(&stored), b"eXIf", &tiff(&camera)),
                0.0,
            ),
        ];
        for (file, most) in files {
            let seen = inspect(&file, &any()).unwrap();
            assert_eq!(seen.orientation, orientation);
            let prepared = prepare(&file, orientation, None, MAX_PIXELS).unwrap();
            assert_eq!(prepared.encoded_again, orientation != 1);
            let again = inspect(&prepared.bytes, &any()).unwrap();
            assert_eq!(
                (again.width, again.height, again.format),
                (96, 64, seen.format)
            );
            assert_eq!(
                (again.orientation, again.captured_at, again.position),
                (1, None, None)
            );
            assert!(
                (again.difference_hash.unwrap() ^ seen.difference_hash.unwrap()).count_ones() <= 3
            );
            let decoded = decode(&prepared.bytes, &any()).unwrap();
            let distance = distance(&decoded, &upright);
            assert!(
                distance <= most,
                "{orientation} {}: {distance}",
                seen.format
            );
        }
    }
}

#[test]
fn an_upright_image_passes_byte_for_byte() {
    for file in [jpeg(64, 48), png(64, 48)] {
        let with_metadata = match inspect(&file, &any()).unwrap().format {
            Format::Jpeg => {
                let file = with_exif(&file, &tiff(&CAMERA));
                let file = samples::with_segment(&file, 0xed, b"Photoshop 3.0\0secret");
                let file =
                    samples::with_segment(&file, 0xe1, b"http://ns.adobe.com/xap/1.0/\0secret");
                samples::with_segment(&file, 0xfe, b"secret")
            }
            Format::Png => with_chunk(
                &with_chunk(&file, b"tEXt", b"a\0secret"),
                b"eXIf",
                &tiff(&CAMERA),
            ),
        };
        let longer = [&with_metadata[..], b"secret"].concat();
        let prepared = prepare(&longer, 1, None, MAX_PIXELS).unwrap();
        assert!(!prepared.encoded_again);
        assert_eq!(prepared.bytes, file);
        let prepared = prepare(&file, 1, None, MAX_PIXELS).unwrap();
        assert_eq!(prepared.bytes, file);
    }
}

#[test]
fn what_says_how_colours_look_stays() {
    let profile = [&b"ICC_PROFILE\0\x01\x01"[..], &[7; 40]].concat();
    let coloured = samples::with_segment(&jpeg(64, 48), 0xe2, &profile);
    assert_eq!(
        prepare(&coloured, 1, None, MAX_PIXELS).unwrap().bytes,
        coloured
    );
    let coloured = with_chunk(&png(64, 48), b"gAMA", &[0, 0, 0xb1, 0x8f]);
    assert_eq!(
        prepare(&coloured, 1, None, MAX_PIXELS).unwrap().bytes,
        coloured
    );
    // Adobe's segment says that this one is CMYK, inverted.
    let cmyk = include_bytes!("files/cmyk.jpg");
    let prepared = prepare(cmyk, 1, None, MAX_PIXELS).unwrap();
    assert_eq!(decode(&prepared.bytes, &any()), decode(cmyk, &any()));
}

#[test]
fn a_thumbnail_of_jfif_is_left_out() {
    let whole = jpeg(64, 48);
    let mut with_thumbnail = whole[..2].to_vec();
    with_thumbnail.extend_from_slice(&[0xff, 0xe0, 0, 16 + 12]);
    with_thumbnail.extend_from_slice(b"JFIF\0\x01\x01\0\0\x01\0\x01\x02\x02secretsecret");
    with_thumbnail.extend_from_slice(&whole[20..]);
    inspect(&with_thumbnail, &any()).unwrap();
    assert_eq!(
        prepare(&with_thumbnail, 1, None, MAX_PIXELS).unwrap().bytes,
        whole
    );
}

#[test]
fn a_large_image_is_made_smaller_and_a_small_one_stays() {
    let resize = Resize {
        shorter_side: 60,
        quality: 90,
    };
    let upright = picture(400, 300, 3, 5);
    let exact = upright.resized(80, 60);
    for file in [
        image::encode_jpeg(&upright, 95),
        image::encode_png(&upright),
    ] {
        let prepared = prepare(&file, 1, Some(resize), MAX_PIXELS).unwrap();
        assert!(prepared.encoded_again);
        let decoded = decode(&prepared.bytes, &any()).unwrap();
        let distance = distance(&decoded, &exact);
        assert!(distance < 4.0, "{distance}");
        // Turned by a quarter, the sides are exchanged.
        let turned = prepare(&file, 6, Some(resize), MAX_PIXELS).unwrap();
        let seen = inspect(&turned.bytes, &any()).unwrap();
        assert_eq!((seen.width, seen.height), (60, 80));
    }
    let small = jpeg(60, 90);
    let prepared = prepare(&small, 1, Some(resize), MAX_PIXELS).unwrap();
    assert_eq!((prepared.bytes, prepared.encoded_again), (small, false));
}

#[test]
fn a_mean_of_an_area_is_exact() {
    let pixels = Pixels::new(3, 1, 1, vec![0, 90, 240]);
    // 0, half of 90; half of 90, 240.
    assert_eq!(pixels.resized(2, 1).data(), [30, 190]);
    assert_eq!(pixels.resized(1, 1).data(), [110]);
    assert_eq!(pixels.resized(3, 2).data(), [0, 90, 240, 0, 90, 240]);
    assert_eq!(pixels.resized(6, 1).data(), [0, 0, 90, 90, 240, 240]);
}

#[test]
fn grey_is_the_brightness() {
    let pixels = Pixels::new(3, 1, 4, vec![255, 0, 0, 9, 0, 255, 0, 9, 10, 10, 10, 9]);
    assert_eq!(pixels.grey().data(), [76, 150, 10]);
}

#[test]
fn encoded_images_of_every_size_decode() {
    for (width, height) in [(1, 1), (7, 9), (8, 8), (16, 16), (17, 33), (100, 3)] {
        for channels in 1..=4 {
            let pixels = picture(width, height, channels, 2);
            let colours = if channels > 2 { 3 } else { 1 };
            let jpeg = decode(&image::encode_jpeg(&pixels, 98), &any()).unwrap();
            assert_eq!(jpeg.channels(), colours);
            let distance = distance(
                &jpeg.grey(),
                &Pixels::new(
                    width,
                    height,
                    colours,
                    pixels
                        .data()
                        .chunks_exact(channels.into())
                        .flat_map(|pixel| pixel[..colours.into()].to_vec())
                        .collect(),
                )
                .grey(),
            );
            assert!(distance < 3.0, "{width}×{height}×{channels}: {distance}");
            assert_eq!(decode(&image::encode_png(&pixels), &any()).unwrap(), pixels);
        }
    }
}

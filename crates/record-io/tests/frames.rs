//! Frames, written and read.

#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use record_io::{Image, LONGEST, NotAnImage, ReadError, Records, TooLong, write};

const MAGIC: [u8; 4] = [0x0a, 0x23, 0xd7, 0xce];

fn framed(record: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write(record, &mut out).unwrap();
    out
}

fn read(file: &[u8]) -> Result<Vec<Vec<u8>>, ReadError> {
    Records::new(file).collect()
}

/// The bytes that MXNet's own writer makes of the same record.
#[test]
fn a_magic_number_splits_a_record() {
    let record = [&b"ABCD"[..], &MAGIC, b"EFGH"].concat();
    let expected = [
        &MAGIC[..],
        &[4, 0, 0, 0x20],
        b"ABCD",
        &MAGIC,
        &[4, 0, 0, 0x60],
        b"EFGH",
    ];
    assert_eq!(framed(&record), expected.concat());
    let whole = [&MAGIC[..], &[5, 0, 0, 0], b"ABCDE", &[0; 3]].concat();
    assert_eq!(framed(b"ABCDE"), whole);
}

#[test]
fn a_magic_number_that_is_not_aligned_splits_nothing() {
    let record = [&b"A"[..], &MAGIC, b"BCD"].concat();
    assert_eq!(framed(&record).len(), 8 + record.len());
    assert_eq!(read(&framed(&record)).unwrap(), [record]);
}

#[test]
fn no_frame_holds_a_magic_number_where_a_reader_looks_for_one() {
    let record = [MAGIC; 5].concat();
    let file = framed(&record);
    let (words, rest) = file.as_chunks::<4>();
    assert!(rest.is_empty());
    let heads = words.iter().filter(|word| **word == MAGIC).count();
    // A first, four middle ones, a last: each empty, each with a length behind its magic number.
    assert_eq!((heads, words.len()), (6, 12));
    assert_eq!(read(&file).unwrap(), [record]);
}

#[test]
fn joined_files_are_a_file() {
    let joined = [framed(b"one"), framed(b""), framed(b"three")].concat();
    assert_eq!(read(&joined).unwrap(), [&b"one"[..], b"", b"three"]);
    assert!(read(b"").unwrap().is_empty());
}

#[test]
fn every_cut_is_found() {
    let file = [
        framed(&[&b"ABCD"[..], &MAGIC, b"EFGH"].concat()),
        framed(b"xyz"),
    ]
    .concat();
    let between = [0, 24, file.len()];
    for end in 0..=file.len() {
        let records = read(&file[..end]);
        match records {
            Ok(records) => assert_eq!(between.get(records.len()), Some(&end)),
            Err(ReadError::Cut { .. }) => assert!(!between.contains(&end)),
            Err(error) => panic!("{end}: {error}"),
        }
    }
}

#[test]
fn damage_has_its_place() {
    let mut file = [framed(b"one"), framed(b"two")].concat();
    file[12] = 0;
    assert!(matches!(read(&file), Err(ReadError::NoFrame { at: 12 })));
    let parts = framed(&[&b"ABCD"[..], &MAGIC, b"EFGH"].concat());
    let last_first = [&parts[12..], &parts[..12]].concat();
    assert!(matches!(
        read(&last_first),
        Err(ReadError::OutOfOrder { at: 0 })
    ));
    let twice = [&parts[..12], &parts[..]].concat();
    assert!(matches!(
        read(&twice),
        Err(ReadError::OutOfOrder { at: 12 })
    ));
    // A length of half a gigabyte in a file of 12 bytes.
    let long = [&MAGIC[..], &[0xff, 0xff, 0xff, 0x1f], b"ABCD"].concat();
    assert!(matches!(read(&long), Err(ReadError::Cut { at: 0 })));
}

#[test]
fn a_record_that_is_too_long_is_refused() {
    // Zeros that nobody touches take no memory.
    let record = vec![0; LONGEST + 1];
    let refused = write(&record, &mut Vec::new());
    assert_eq!(
        refused,
        Err(TooLong {
            length: LONGEST + 1
        })
    );
}

#[test]
fn an_image_is_a_record() {
    let image = Image {
        label: 7.0,
        id: 1 << 40,
        file: b"\xff\xd8",
    };
    let record = image.to_record();
    assert_eq!(record.len(), 26);
    assert_eq!(&record[4..8], 7.0_f32.to_le_bytes());
    assert_eq!(Image::of_record(&record), Ok(image));
    // The label behind the header.
    let mut labelled = record.clone();
    labelled[0] = 1;
    labelled.splice(24..24, 3.0_f32.to_le_bytes());
    let label = 3.0;
    assert_eq!(Image::of_record(&labelled), Ok(Image { label, ..image }));
    labelled[0] = 2;
    let refused = Image::of_record(&labelled);
    assert_eq!(refused, Err(NotAnImage::Labels { labels: 2 }));
    let refused = Image::of_record(&record[..23]);
    assert_eq!(refused, Err(NotAnImage::Short { length: 23 }));
}

/// Bytes in which the magic number is frequent.
fn record() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(MAGIC.to_vec()),
        Just(vec![0; 4]),
        proptest::collection::vec(any::<u8>(), 0..9),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn records_come_back(records in proptest::collection::vec(record(), 0..6)) {
        let file: Vec<u8> = records.iter().flat_map(|record| framed(record)).collect();
        prop_assert_eq!(file.len() % 4, 0);
        prop_assert_eq!(read(&file).unwrap(), records);
    }

    #[test]
    fn any_bytes_get_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let file = [framed(b"ABCD"), bytes].concat();
        let _ = read(&file);
    }
}

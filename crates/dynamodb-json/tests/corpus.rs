//! The fuzz targets' corpus, and a seeded walk around it, compared with the oracle: what a fuzzer has
//! once found stays found. The targets themselves are in `fuzz/`.

#![allow(clippy::unwrap_used, reason = "a helper's panic fails its test")]

mod oracle;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::path::Path;

/// Inputs that are made of each of the corpus.
const CHANGED: usize = 40;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort_unstable();
    assert!(paths.len() > 20, "{} inputs", paths.len());
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// Checks each input of the corpus, and what comes of it by a few changes and by crossing it with
/// another one.
fn replay(target: &str, check: fn(&[u8])) {
    let corpus = corpus(target);
    for bytes in &corpus {
        check(bytes);
    }
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let index = || any::<prop::sample::Index>();
    let special = prop::sample::select(b"\"\\{}[]:,.eu0+-SNMLBtf \n\x01\xc3".as_slice());
    let edits = prop::collection::vec((index(), 0..4, special), 1..5);
    for bytes in &corpus {
        for _ in 0..CHANGED {
            let changes = (&edits, index(), index(), index());
            let (edits, other, from, to) = changes.new_tree(&mut runner).unwrap().current();
            let mut bytes = bytes.clone();
            for (at, edit, byte) in edits {
                let at = at.index(bytes.len() + 1);
                match edit {
                    0 => bytes.insert(at, byte),
                    1 if at < bytes.len() => bytes[at] = byte,
                    2 if at < bytes.len() => drop(bytes.remove(at)),
                    _ => {}
                }
            }
            check(&bytes);
            let other = other.get(&corpus);
            bytes.truncate(from.index(bytes.len() + 1));
            bytes.extend_from_slice(&other[to.index(other.len() + 1)..]);
            check(&bytes);
        }
    }
}

#[test]
fn lines_of_the_corpus_are_read_as_the_oracle_reads_them() {
    replay("line", oracle::check_line);
}

#[test]
fn answers_of_the_corpus_are_read_as_the_oracle_reads_them() {
    replay("body", oracle::check_body);
}

//! What listing and packing images take, beside peers of other languages: one server of pages and
//! images, and one process for each way. `run.py` measures these processes.

mod server;

use aws::s3::S3Store;
use clap::{Parser, Subcommand};
use contract::RunId;
use lake::records::{KeyRange, Listing};
use lake::{PagedStore, RunKeys};
use pack_images::{LakeImages, PackFormat, PlannedImage, Shard, Side, pack};
use server::{Known, key};
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

#[derive(Parser)]
#[command(about = "Lists and packs images, or serves them; benches/run.py compares")]
struct Options {
    #[command(subcommand)]
    role: Role,
    /// Given by cargo.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Serves pages of keys, and images; prints its port
    Serve {
        /// Keys of the bucket
        #[arg(long)]
        keys: u64,
        /// Where the images' digests are written
        #[arg(long)]
        folder: PathBuf,
    },
    /// Lists all keys as the index does, and prints how many there are
    List {
        #[arg(long)]
        port: u16,
    },
    /// Packs images as a shard, and prints their bytes
    Pack {
        #[arg(long)]
        port: u16,
        #[arg(long)]
        images: u64,
        #[arg(long)]
        folder: PathBuf,
    },
}

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let counted = match Options::parse().role {
        Role::Serve { keys, folder } => return server::serve(keys, &folder).await,
        Role::List { port } => list(&store(port).await).await?,
        Role::Pack {
            port,
            images,
            folder,
        } => packed(&store(port).await, images, &folder).await?,
    };
    writeln!(std::io::stdout(), "{counted}")?;
    Ok(())
}

async fn store(port: u16) -> S3Store {
    let config = aws::local(&format!("http://127.0.0.1:{port}")).await;
    S3Store::new(&config, "fleet")
}

/// What `index-images` does for a key that did not change: it is parsed, and counted.
async fn list(store: &S3Store) -> Outcome<u64> {
    let (range, mut listing) = (KeyRange::default(), Listing::default());
    let mut after: Option<String> = None;
    loop {
        let page = store.list_page("images/", after.as_deref(), 1000).await?;
        for object in &page.objects {
            if range.holds(&object.key) {
                let etag = object.etag.as_deref().unwrap_or_default();
                listing.add(&object.key, etag, object.size);
            }
        }
        after = page.objects.last().map(|object| object.key.clone());
        if !page.more || after.is_none() {
            return Ok(listing.objects);
        }
    }
}

/// Reads images with `If-Match`, takes their digests again, walks through their structure, drops their
/// metadata, frames them as records and uploads the file.
async fn packed(store: &S3Store, images: u64, folder: &Path) -> Outcome<u64> {
    let known: Vec<Known> = serde_json::from_slice(&fs::read(folder.join("images.json"))?)?;
    let planned = (0..images)
        .zip(known.iter().cycle())
        .map(|(number, known)| {
            Ok(PlannedImage {
                number,
                bucket: "fleet".to_owned(),
                key: key(number),
                version: None,
                etag: known.etag.clone(),
                // Only a manifest asks for it.
                size: 0,
                digest: known.digest.parse()?,
                orientation: 1,
                class: 0,
                side: Side::Train,
                about: serde_json::Value::Null,
            })
        });
    let planned: Vec<PlannedImage> = planned.collect::<Outcome<_>>()?;
    let run = RunId::parse("20261120-173000-1a2b3c4d")?;
    let keys = RunKeys::new("default", &run);
    let shard = Shard {
        keys: &keys,
        number: 0,
        attempt: "1a2b",
        format: PackFormat::RecordIo,
        classes: &[],
        resize: None,
        max_pixels: 50_000_000,
    };
    let packed = pack(store, &LakeImages::new(store), shard, &planned).await?;
    if packed.rows.train != images {
        return Err(format!("{:?}", packed.rejected.first()).into());
    }
    Ok(packed.files.iter().map(|file| file.bytes).sum())
}

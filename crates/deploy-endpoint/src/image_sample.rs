//! The images that an endpoint is asked about. They are read at a few places that are spread over all
//! files, because one file, or one piece of a joined file, has images of neighbouring keys, and so
//! perhaps of one class or camera.

use crate::DeployEndpointError;
use definition::Format;
use format::images::{PackedImage, first_images};
use lake::records::ChannelFile;
use lake::store::ByteStream;
use lake::{PagedStore, StoreError};

/// Images that are asked about, at most.
pub const IMAGES: usize = 100;
/// Places that they are read from, at most: each is a request.
const PLACES: usize = 10;
/// Bytes of a request that every endpoint takes: a serverless one takes 4 MB.
const MOST_BYTES: usize = 4_000_000;
/// Bytes that are held in memory, at most.
const MOST_READ: usize = 64 << 20;

/// Where images begin: a file, or a piece of a joined file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place<'f> {
    file: &'f ChannelFile,
    from: u64,
    bytes: u64,
}

/// Images of these files that a request can hold. The same files give the same images.
pub async fn of(
    store: &impl PagedStore,
    files: &[&ChannelFile],
    format: &Format,
) -> Result<Vec<PackedImage>, DeployEndpointError> {
    let places = spread(&places(files));
    let mut sample = Vec::new();
    let mut etag: Option<(&str, String)> = None;
    for (at, place) in places.iter().enumerate() {
        // What one place lacks is taken from those behind it.
        let wanted = (IMAGES - sample.len()).div_ceil(places.len() - at);
        let most = (MOST_READ / places.len()).max(2 * MOST_BYTES);
        let read = if place.from == 0 {
            let stream = store.stream(&place.file.key).await?;
            read(stream, place, format, (wanted, most)).await?
        } else {
            let key = place.file.key.as_str();
            let known = match etag.take().filter(|(of, _)| *of == key) {
                Some((_, known)) => known,
                None => etag_of(store, key).await?,
            };
            let stream = store.stream_if_match(key, &known, place.from).await?;
            etag = Some((key, known));
            let stream = stream.ok_or_else(|| missing(store, key))?;
            read(stream, place, format, (wanted, most)).await?
        };
        sample.extend(read);
    }
    Ok(sample)
}

/// Where each file and each piece begins.
fn places<'f>(files: &[&'f ChannelFile]) -> Vec<Place<'f>> {
    let mut places = Vec::new();
    for &file in files {
        if file.pieces.is_empty() {
            let bytes = file.bytes;
            places.push(Place {
                file,
                from: 0,
                bytes,
            });
        }
        let mut from = 0;
        for piece in &file.pieces {
            let bytes = piece.bytes;
            places.push(Place { file, from, bytes });
            from += bytes;
        }
    }
    places
}

/// A few of the places, as far from each other as possible.
fn spread<T: Copy>(places: &[T]) -> Vec<T> {
    let few = places.len().min(PLACES);
    let place = |at: usize| places[at * places.len() / few];
    (0..few).map(place).collect()
}

/// The first images of a place that a request can hold, as much of it as they need.
async fn read(
    mut stream: impl ByteStream,
    place: &Place<'_>,
    format: &Format,
    (wanted, most): (usize, usize),
) -> Result<Vec<PackedImage>, DeployEndpointError> {
    let end = usize::try_from(place.bytes).unwrap_or(usize::MAX);
    let fit = |beginning: &[u8]| {
        let whole = &beginning[..beginning.len().min(end)];
        let mut images = first_images(format, whole, IMAGES);
        images.retain(|image| image.file.len() <= MOST_BYTES);
        images.truncate(wanted);
        images
    };
    let (mut beginning, mut enough) = (Vec::new(), 1 << 20);
    while let Some(frame) = stream.next().await? {
        beginning.extend_from_slice(&frame);
        if beginning.len() >= most.min(end) {
            break;
        }
        if beginning.len() >= enough {
            let images = fit(&beginning);
            if images.len() == wanted {
                return Ok(images);
            }
            enough *= 2;
        }
    }
    Ok(fit(&beginning))
}

/// The entity tag of a file that is read from its middle.
async fn etag_of(store: &impl PagedStore, key: &str) -> Result<String, StoreError> {
    let page = store.list_page(key, None, 1).await?;
    let file = page.objects.into_iter().find(|object| object.key == key);
    let etag = file.and_then(|file| file.etag);
    etag.ok_or_else(|| missing(store, key))
}

fn missing(store: &impl PagedStore, key: &str) -> StoreError {
    StoreError::NotFound {
        bucket: store.bucket().to_owned(),
        key: key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_spread_over_all() {
        let spread_of = |count: usize| spread(&(0..count).collect::<Vec<_>>());
        assert!(spread_of(0).is_empty());
        assert_eq!(spread_of(3), [0, 1, 2]);
        let of_many = spread_of(1000);
        assert_eq!(of_many.len(), PLACES);
        assert!(of_many.windows(2).all(|pair| pair[1] - pair[0] == 100));
        assert_eq!(spread_of(15), [0, 1, 3, 4, 6, 7, 9, 10, 12, 13]);
    }
}

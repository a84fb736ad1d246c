//! The model's file, in the `safetensors` format, which other languages can read too.
//!
//! It is written under another name and renamed, so that it is never incomplete. A file that is
//! incomplete, damaged, of another program or of another version is refused.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, View, serialize};
use serde::{Deserialize, Serialize};

use crate::hyperparameters::Layout;
use container::{Error, write_whole};

use crate::Model;

/// The file's name in the model's folder.
pub const FILE: &str = "model.safetensors";
/// The version of the file's content. Other versions are not read.
const VERSION: u32 = 1;
/// The entry of the file's metadata that identifies it. It is the only one, because the library
/// writes entries in random order and the same model must give the same bytes.
const ENTRY: &str = "recommender";

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    #[serde(flatten)]
    layout: Layout,
}

/// A tensor of little-endian numbers.
struct Tensor {
    kind: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    fn floats(shape: &[usize], values: &[f32]) -> Self {
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        Self {
            kind: Dtype::F32,
            shape: shape.to_vec(),
            bytes,
        }
    }

    fn indices(values: &[u32]) -> Self {
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        Self {
            kind: Dtype::U32,
            shape: vec![values.len()],
            bytes,
        }
    }
}

impl View for Tensor {
    fn dtype(&self) -> Dtype {
        self.kind
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Writes the model into `folder`.
pub fn save(model: &Model, folder: &Path) -> Result<(), Error> {
    let (users, items) = (model.user_ids.len(), model.item_ids.len());
    let tensors = [
        ("mean", Tensor::floats(&[1], &[model.mean])),
        ("user_ids", Tensor::indices(&model.user_ids)),
        ("item_ids", Tensor::indices(&model.item_ids)),
        ("user_biases", Tensor::floats(&[users], &model.user_biases)),
        ("item_biases", Tensor::floats(&[items], &model.item_biases)),
        (
            "user_factors",
            Tensor::floats(&[users, model.factors], &model.user_factors),
        ),
        (
            "item_factors",
            Tensor::floats(&[items, model.factors], &model.item_factors),
        ),
        ("seen_offsets", Tensor::indices(&model.seen_offsets)),
        ("seen", Tensor::indices(&model.seen)),
    ];
    let header = serde_json::to_string(&Header {
        version: VERSION,
        layout: model.layout,
    })
    .expect("three numbers are JSON");
    let metadata = HashMap::from([(ENTRY.to_owned(), header)]);
    let bytes = serialize(tensors, Some(metadata)).map_err(|error| Error::BadModel {
        path: folder.join(FILE),
        reason: error.to_string(),
    })?;
    write_whole(folder, FILE, &bytes)
}

/// Reads the model from `folder`.
pub fn load(folder: &Path) -> Result<Model, Error> {
    let path = folder.join(FILE);
    let bytes = std::fs::read(&path).map_err(|source| Error::Io {
        action: "reading",
        path: path.clone(),
        source,
    })?;
    parse(&bytes).map_err(|reason| Error::BadModel { path, reason })
}

fn parse(bytes: &[u8]) -> Result<Model, String> {
    let unreadable =
        |error| format!("not a safetensors file, or cut short ({error}); train it again");
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
    let header = metadata
        .metadata()
        .as_ref()
        .and_then(|entries| entries.get(ENTRY));
    let header = header.ok_or("it is a safetensors file of another program")?;
    let header: Header = serde_json::from_str(header).map_err(|error| error.to_string())?;
    if header.version != VERSION {
        return Err(format!(
            "it has version {}, and this program reads {VERSION}: serve it with the program that \
             trained it, or train it again",
            header.version
        ));
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(unreadable)?;
    let words = |name: &str, kind: Dtype| -> Result<(Vec<usize>, Vec<[u8; 4]>), String> {
        let tensor = tensors.tensor(name).map_err(|error| error.to_string())?;
        if tensor.dtype() != kind {
            return Err(format!("{name} has type {:?}", tensor.dtype()));
        }
        let words = tensor.data().as_chunks::<4>().0.to_vec();
        Ok((tensor.shape().to_vec(), words))
    };
    let floats = |name: &str| -> Result<(Vec<usize>, Vec<f32>), String> {
        let (shape, words) = words(name, Dtype::F32)?;
        Ok((shape, words.into_iter().map(f32::from_le_bytes).collect()))
    };
    let indices = |name: &str| -> Result<Vec<u32>, String> {
        Ok(words(name, Dtype::U32)?
            .1
            .into_iter()
            .map(u32::from_le_bytes)
            .collect())
    };
    let (shape, user_factors) = floats("user_factors")?;
    let model = Model {
        layout: header.layout,
        mean: floats("mean")?.1.first().copied().ok_or("mean is empty")?,
        factors: shape
            .get(1)
            .copied()
            .ok_or("user_factors has no second dimension")?,
        user_ids: indices("user_ids")?,
        item_ids: indices("item_ids")?,
        user_biases: floats("user_biases")?.1,
        item_biases: floats("item_biases")?.1,
        user_factors,
        item_factors: floats("item_factors")?.1,
        seen_offsets: indices("seen_offsets")?,
        seen: indices("seen")?,
    };
    check(&model).map_err(|what| format!("it is damaged: {what}; train it again"))?;
    Ok(model)
}

/// Checks the conditions on which the model's methods rely. Without them, they would panic or
/// return wrong scores.
fn check(model: &Model) -> Result<(), &'static str> {
    let (users, items) = (model.user_ids.len(), model.item_ids.len());
    let ascending = |ids: &[u32]| ids.is_sorted_by(|a, b| a < b);
    let numbers = [
        &model.user_biases,
        &model.item_biases,
        &model.user_factors,
        &model.item_factors,
    ];
    let held = [
        (
            ascending(&model.user_ids) && ascending(&model.item_ids),
            "indices are not ascending",
        ),
        (
            model.user_biases.len() == users && model.item_biases.len() == items,
            "the numbers of biases and indices differ",
        ),
        (
            users.checked_mul(model.factors) == Some(model.user_factors.len()),
            "the number of user factors is wrong",
        ),
        (
            items.checked_mul(model.factors) == Some(model.item_factors.len()),
            "the number of item factors is wrong",
        ),
        (
            numbers.iter().all(|v| v.iter().all(|f| f.is_finite())),
            "a number is not finite",
        ),
        (model.mean.is_finite(), "the mean is not finite"),
        (
            model.seen_offsets.len() == users + 1,
            "the number of offsets is wrong",
        ),
        (model.seen_offsets.is_sorted(), "offsets are not ascending"),
        (
            model.seen_offsets.first() == Some(&0),
            "offsets do not begin at zero",
        ),
        (
            model.seen_offsets.last().map(|&o| o as usize) == Some(model.seen.len()),
            "the last offset is not the number of seen items",
        ),
        (
            model.seen.iter().all(|&row| (row as usize) < items),
            "a seen item does not exist",
        ),
    ];
    held.into_iter()
        .find(|(holds, _)| !holds)
        .map_or(Ok(()), |(_, what)| Err(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::small;

    fn saved(model: &Model) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        save(model, folder.path()).unwrap();
        std::fs::read(folder.path().join(FILE)).unwrap()
    }

    #[test]
    fn a_saved_model_is_loaded_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        save(&small(), folder.path()).unwrap();
        assert_eq!(load(folder.path()).unwrap(), small());
        assert_eq!(saved(&small()), saved(&small()), "the same bytes");
    }

    #[test]
    fn a_truncated_file_is_refused() {
        let whole = saved(&small());
        for length in 0..whole.len() {
            assert!(
                parse(&whole[..length]).is_err(),
                "{length} of {} bytes",
                whole.len()
            );
        }
        let message = parse(&whole[..whole.len() - 1]).unwrap_err();
        assert!(message.contains("cut short"), "{message}");
    }

    #[test]
    fn files_of_other_programs_and_versions_and_damaged_ones_are_refused() {
        assert!(
            parse(b"user,item,rating\n1,2,3\n")
                .unwrap_err()
                .contains("not a safetensors file")
        );
        let other = serialize([("x", Tensor::indices(&[1]))], None).unwrap();
        assert!(parse(&other).unwrap_err().contains("another program"));
        let newer = String::from_utf8_lossy(&saved(&small()))
            .find("version")
            .unwrap();
        let mut bytes = saved(&small());
        let digit = newer + bytes[newer..].iter().position(|&b| b == b'1').unwrap();
        bytes[digit] = b'2';
        assert!(parse(&bytes).unwrap_err().contains("version 2"));
        let unsorted = Model {
            user_ids: vec![9, 3],
            ..small()
        };
        assert!(
            parse(&saved(&unsorted))
                .unwrap_err()
                .contains("not ascending")
        );
        let dangling = Model {
            seen: vec![3],
            ..small()
        };
        assert!(parse(&saved(&dangling)).unwrap_err().contains("seen item"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let message = load(folder.path()).unwrap_err().to_string();
        assert!(message.ends_with(FILE), "{message}");
    }
}

//! The model's file, in the `safetensors` format. A file that is incomplete, damaged, of another
//! program or of another version is refused.

use crate::Model;
use crate::features::Features;
use container::{Error, write_whole};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// The file's name in the model's folder.
pub const FILE: &str = "model.safetensors";
/// The version of the file's content. Other versions are not read.
const VERSION: u32 = 1;
/// The entry of the file's metadata that identifies it.
const ENTRY: &str = "image-classifier";
const WEIGHTS: &str = "weights";

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    image_size: u32,
}

/// Writes the model into `folder`.
pub fn save(model: &Model, folder: &Path) -> Result<(), Error> {
    let header = serde_json::to_string(&Header {
        version: VERSION,
        image_size: model.image_size,
    });
    let header = header.expect("two numbers are JSON");
    let weights = model.weights.iter();
    let weights: Vec<u8> = weights.flat_map(|weight| weight.to_le_bytes()).collect();
    let shape = vec![model.classes, model.weights.len() / model.classes];
    let bad = |error: safetensors::SafeTensorError| Error::BadModel {
        path: folder.join(FILE),
        reason: error.to_string(),
    };
    let tensor = TensorView::new(Dtype::F32, shape, &weights).map_err(bad)?;
    let metadata = HashMap::from([(ENTRY.to_owned(), header)]);
    let bytes = serialize([(WEIGHTS, tensor)], Some(metadata)).map_err(bad)?;
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
    let entries = metadata.metadata().as_ref();
    let header = entries.and_then(|entries| entries.get(ENTRY));
    let header = header.ok_or("it is a safetensors file of another program")?;
    let header: Header = serde_json::from_str(header).map_err(|error| error.to_string())?;
    if header.version != VERSION {
        return Err(format!(
            "it has version {}, this program reads {VERSION}: train it again",
            header.version
        ));
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(unreadable)?;
    let weights = tensors.tensor(WEIGHTS).map_err(unreadable)?;
    let width = Features::new(header.image_size).count() + 1;
    let &[classes, columns] = weights.shape() else {
        return Err("its weights are no table".to_owned());
    };
    if columns != width || classes < 2 || weights.dtype() != Dtype::F32 {
        return Err(format!(
            "its weights are not a table of {width} columns of float32"
        ));
    }
    let (values, _) = weights.data().as_chunks::<4>();
    let weights: Vec<f32> = values
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    if weights.iter().any(|weight| !weight.is_finite()) {
        return Err("a weight is not finite".to_owned());
    }
    Ok(Model {
        classes,
        image_size: header.image_size,
        weights,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_comes_back_and_damage_does_not_pass() {
        let folder = tempfile::tempdir().unwrap();
        let width = Features::new(16).count();
        let mut model = Model::new(3, 16, width);
        model.weights[5] = 1.5;
        save(&model, folder.path()).unwrap();
        assert_eq!(load(folder.path()).unwrap(), model);
        let path = folder.path().join(FILE);
        let bytes = std::fs::read(&path).unwrap();
        for end in [0, 10, bytes.len() / 2, bytes.len() - 1] {
            let reason = parse(&bytes[..end]).unwrap_err();
            assert!(reason.contains("cut short"), "{reason}");
        }
        model.weights[5] = f32::NAN;
        save(&model, folder.path()).unwrap();
        let message = load(folder.path()).unwrap_err().to_string();
        assert!(message.contains("not finite"), "{message}");
        save(&Model::new(3, 32, width), folder.path()).unwrap();
        let message = load(folder.path()).unwrap_err().to_string();
        assert!(message.contains("columns"), "{message}");
    }
}

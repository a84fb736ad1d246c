//! Checks the output of a completed transform job: a file for each of the run's, with a line of
//! finite numbers for each row.

use crate::DeployEndpointError;
use crate::batch::Job;
use lake::records::ChannelFile;
use lake::store::ByteStream;
use lake::{ObjectStore, RunKeys};
use std::collections::BTreeMap;

/// Checks the predictions, and returns the number of their rows if it is known. For the run's own
/// rows every file must exist, and the smallest is read. The objects below a prefix may have
/// changed meanwhile, so only the existence of some output is checked.
pub async fn check(
    store: &impl ObjectStore,
    run: &RunKeys,
    job: &Job,
) -> Result<Option<u64>, DeployEndpointError> {
    let wrong = |finding: String| DeployEndpointError::PredictionsWrong {
        job: job.spec.name.clone(),
        finding,
    };
    let listed = store.list(&format!("{}/", run.predictions())).await?;
    let there: BTreeMap<&str, &str> = listed
        .iter()
        .filter(|object| object.size > 0)
        .filter_map(|object| Some((file_name(&object.key).strip_suffix(".out")?, &*object.key)))
        .collect();
    if there.is_empty() {
        return Err(wrong(format!("nothing is below {}", job.spec.output)));
    }
    let mut smallest: Option<(&ChannelFile, &str)> = None;
    for file in &job.files {
        let name = file_name(&file.key);
        let key = there
            .get(name)
            .ok_or_else(|| wrong(format!("there is no {name}.out")))?;
        if smallest.is_none_or(|(other, _)| file.rows < other.rows) {
            smallest = Some((file, key));
        }
    }
    let Some((file, key)) = smallest else {
        return Ok(None);
    };
    let lines = count_lines(store, key, &wrong).await?;
    if lines != file.rows {
        return Err(wrong(format!(
            "{key} has {lines} lines for the {} rows of {}",
            file.rows, file.key
        )));
    }
    Ok(Some(job.files.iter().map(|file| file.rows).sum()))
}

fn file_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// The number of lines in the file, all of which must be finite numbers.
async fn count_lines(
    store: &impl ObjectStore,
    key: &str,
    wrong: &impl Fn(String) -> DeployEndpointError,
) -> Result<u64, DeployEndpointError> {
    let mut stream = store.stream(key).await?;
    let (mut rest, mut count) = (Vec::new(), 0);
    let mut check = |lines: &[u8]| -> Result<(), DeployEndpointError> {
        for line in String::from_utf8_lossy(lines).lines() {
            sagemaker_ports::check_line(line)
                .map_err(|finding| wrong(format!("{key}: {finding}")))?;
            count += 1;
        }
        Ok(())
    };
    while let Some(frame) = stream.next().await? {
        rest.extend_from_slice(&frame);
        let end = rest.iter().rposition(|byte| *byte == b'\n');
        let whole: Vec<u8> = rest.drain(..end.map_or(0, |end| end + 1)).collect();
        check(&whole)?;
    }
    check(&rest)?;
    Ok(count)
}

//! Channels in Pipe mode: a named pipe for each pass over the data,
//! `input/data/<channel>_<pass>`, passes counted from 0. A program reads a pipe to its end or leaves
//! it early, and opens the next one when it wants the data again.
//!
//! Source: SageMaker's `TrainingInputMode`, `Channel` (`RecordWrapperType`) and `S3DataSource`
//! (`AttributeNames`) reference.

use crate::app::App;
use crate::store::s3_uri::S3Uri;
use crate::training::channels::{Channel, client_error};
use crate::training::request::TrainingRequest;
use bytes::Bytes;
use futures::{StreamExt, stream};
use lake::store::{ByteStream, ObjectStore};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::{Map, Value};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::{OpenOptions, Sender};
use tokio::task::JoinSet;

/// How often it is seen whether the program has opened a pipe.
const POLL: Duration = Duration::from_millis(10);
/// Lines of a manifest whose objects are read at once.
const AT_ONCE: usize = 8;

/// Checks that the channel has data, and makes the pipe of its first pass.
pub async fn prepare(app: &App, channel: &Channel, data: &Path) -> Result<(), String> {
    if channel.attributes().is_some() {
        manifest(app, channel).await?;
    } else {
        channel.objects(app).await?;
    }
    make(&path(data, channel, 0))
}

fn path(data: &Path, channel: &Channel, pass: u64) -> PathBuf {
    data.join(format!("{}_{pass}", channel.name))
}

fn make(path: &Path) -> Result<(), String> {
    let made = mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR);
    made.map_err(|error| client_error(format!("{}: {error}", path.display())))
}

/// What fills the pipes of a job's channels. Dropped, it closes them.
#[derive(Debug, Default)]
pub struct Feeds {
    serving: JoinSet<Failed>,
    failed: Vec<Failed>,
}

/// A channel that cannot be read further.
#[derive(Debug)]
struct Failed {
    reason: String,
    /// It stays open: at its end, the program would take what it got for the whole.
    #[expect(dead_code, reason = "it is held, not used")]
    pipe: Option<Sender>,
}

impl Feeds {
    /// Begins to serve the channels that come through pipes.
    pub fn start(app: &Arc<App>, request: &TrainingRequest, data: &Path) -> Self {
        let mode = &request.algorithm_specification.training_input_mode;
        let channels = request.input_data_config.iter();
        let mut feeds = Self::default();
        for channel in channels.filter(|channel| channel.is_piped(mode)) {
            let serving = serve(app.clone(), channel.clone(), data.to_owned());
            feeds.serving.spawn(serving);
        }
        feeds
    }

    /// Waits until a channel cannot be read: the job's `FailureReason`. Never returns otherwise.
    pub async fn failed(&mut self) -> String {
        match self.serving.join_next().await {
            Some(Ok(failed)) => {
                let reason = failed.reason.clone();
                self.failed.push(failed);
                reason
            }
            Some(Err(error)) => format!("InternalServerError: {error}"),
            None => std::future::pending().await,
        }
    }
}

/// Fills the pipe of each pass that the program opens.
async fn serve(app: Arc<App>, channel: Channel, data: PathBuf) -> Failed {
    let mut pass = 0;
    loop {
        let here = path(&data, &channel, pass);
        pass += 1;
        let failed = |reason, pipe| Failed { reason, pipe };
        let mut pipe = match opened(&here).await {
            Ok(pipe) => pipe,
            Err(reason) => return failed(reason, None),
        };
        // It is there before the program can have come to the end of this one.
        if let Err(reason) = make(&path(&data, &channel, pass)) {
            return failed(reason, Some(pipe));
        }
        match fill(&app, &channel, &mut pipe).await {
            // A program need not read to the end.
            Ok(()) | Err(Ended::Closed) => {}
            Err(Ended::Failed(reason)) => return failed(reason, Some(pipe)),
        }
        if let Err(error) = std::fs::remove_file(&here) {
            let reason = client_error(format!("{}: {error}", here.display()));
            return failed(reason, Some(pipe));
        }
    }
}

/// The pipe, once the program has opened it.
async fn opened(path: &Path) -> Result<Sender, String> {
    loop {
        match OpenOptions::new().open_sender(path) {
            Ok(pipe) => return Ok(pipe),
            // Nobody reads it.
            Err(error) if error.raw_os_error() == Some(nix::libc::ENXIO) => {
                tokio::time::sleep(POLL).await;
            }
            Err(error) => return Err(client_error(format!("{}: {error}", path.display()))),
        }
    }
}

/// Why a pass is not written to its end.
enum Ended {
    /// The program has closed the pipe.
    Closed,
    /// The data cannot be read.
    Failed(String),
}

impl From<String> for Ended {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

async fn fill(app: &Arc<App>, channel: &Channel, pipe: &mut Sender) -> Result<(), Ended> {
    if let Some(attributes) = channel.attributes() {
        return fill_by_manifest(app, channel, attributes, pipe).await;
    }
    let (store, objects) = channel.objects(app).await?;
    for object in objects.iter().filter(|object| !object.is_folder()) {
        if channel.is_wrapped() {
            let content = store.get(&object.key).await.map_err(client_error)?;
            write(pipe, &wrapped(&content)?).await?;
            continue;
        }
        let mut stream = store.stream(&object.key).await.map_err(client_error)?;
        while let Some(frame) = stream.next().await.map_err(client_error)? {
            write(pipe, &frame).await?;
        }
    }
    Ok(())
}

async fn fill_by_manifest(
    app: &Arc<App>,
    channel: &Channel,
    attributes: &[String],
    pipe: &mut Sender,
) -> Result<(), Ended> {
    let lines = manifest(app, channel).await?;
    let lines = lines.into_iter().map(|line| {
        let (app, attributes) = (app.clone(), attributes.to_vec());
        values(app, line, attributes)
    });
    let mut lines = stream::iter(lines).buffered(AT_ONCE);
    while let Some(values) = lines.next().await {
        for value in values? {
            if channel.is_wrapped() {
                write(pipe, &wrapped(&value)?).await?;
            } else {
                write(pipe, &value).await?;
            }
        }
    }
    Ok(())
}

/// A line of an augmented manifest.
struct Line {
    /// Its place, for messages.
    at: String,
    fields: Map<String, Value>,
}

/// The lines of the channel's augmented manifest.
async fn manifest(app: &App, channel: &Channel) -> Result<Vec<Line>, String> {
    let uri = channel.uri()?;
    let text = app.bucket(&uri.bucket).get(&uri.key).await;
    let text = text.map_err(client_error)?;
    let lines = text.split(|byte| *byte == b'\n').zip(1..);
    let filled = lines.filter(|(line, _)| !line.trim_ascii().is_empty());
    let lines = filled.map(|(line, number)| {
        let at = format!("the augmented manifest {uri}, line {number},");
        match serde_json::from_slice(line) {
            Ok(fields) => Ok(Line { at, fields }),
            Err(error) => Err(client_error(format!("{at} is no JSON object: {error}"))),
        }
    });
    let lines: Vec<Line> = lines.collect::<Result<_, _>>()?;
    if lines.is_empty() {
        return Err(client_error(format!(
            "the augmented manifest {uri} has no line"
        )));
    }
    Ok(lines)
}

/// The values of a line's attributes: of one whose name ends with `-ref`, the object that it names.
async fn values(app: Arc<App>, line: Line, attributes: Vec<String>) -> Result<Vec<Bytes>, String> {
    let at = &line.at;
    let mut values = Vec::with_capacity(attributes.len());
    for name in &attributes {
        let value = match line.fields.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => return Err(client_error(format!("{at} has no attribute {name:?}"))),
        };
        if !name.ends_with("-ref") {
            values.push(Bytes::from(value));
            continue;
        }
        let failed = |error: &dyn std::fmt::Display| client_error(format!("{at} {name}: {error}"));
        let uri = S3Uri::parse(&value).map_err(|refusal| failed(&refusal.message))?;
        let content = app.bucket(&uri.bucket).get(&uri.key).await;
        values.push(content.map_err(|error| failed(&error))?);
    }
    Ok(values)
}

fn wrapped(content: &[u8]) -> Result<Vec<u8>, String> {
    let mut record = Vec::new();
    record_io::write(content, &mut record).map_err(client_error)?;
    Ok(record)
}

async fn write(pipe: &mut Sender, bytes: &[u8]) -> Result<(), Ended> {
    pipe.write_all(bytes).await.map_err(|error| {
        if error.kind() == ErrorKind::BrokenPipe {
            Ended::Closed
        } else {
            Ended::Failed(client_error(format!("writing into a pipe: {error}")))
        }
    })
}

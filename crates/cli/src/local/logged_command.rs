//! Runs a program to its end: logs its output, passes each line on as it comes, and turns a failure
//! into an error that quotes the most telling line.

use super::LocalError;
use sagemaker_local::ProcessGroup;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

const GRACE: Duration = Duration::from_secs(5);

/// A program run with a log.
#[derive(Debug)]
pub struct LoggedCommand {
    what: &'static str,
    log: PathBuf,
}

impl LoggedCommand {
    /// `what` is the subject of the error, as in "building the programs failed". Output is appended
    /// to `log`.
    pub fn new(what: &'static str, log: &Path) -> Self {
        Self {
            what,
            log: log.to_owned(),
        }
    }

    /// Runs the program to its end and passes every line of output to `on_line`, also progress
    /// lines. Returns the lines of standard output.
    pub async fn run(
        &self,
        command: &mut Command,
        mut on_line: impl FnMut(&str),
    ) -> Result<Vec<String>, LocalError> {
        let log = async {
            if let Some(folder) = self.log.parent() {
                tokio::fs::create_dir_all(folder).await?;
            }
            File::options()
                .create(true)
                .append(true)
                .open(&self.log)
                .await
        };
        let mut log = log.await.map_err(LocalError::file("write", &self.log))?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let program = command.as_std().get_program().to_owned();
        let mut group = ProcessGroup::start(command, GRACE)
            .map_err(LocalError::file("run", PathBuf::from(program)))?;
        let output = group
            .child()
            .stdout
            .take()
            .expect("standard output is piped");
        let errors = group
            .child()
            .stderr
            .take()
            .expect("standard error is piped");
        let (mut output, mut errors) = (Lines::new(output), Lines::new(errors));
        let mut stdout = Vec::new();
        let mut message = String::new();
        while !(output.ended && errors.ended) {
            let (line, is_output) = tokio::select! {
                line = output.next(), if !output.ended => (line, true),
                line = errors.next(), if !errors.ended => (line, false),
            };
            let Some(line) = line.map_err(LocalError::file("read output for", &self.log))? else {
                continue;
            };
            on_line(&line.text);
            if line.overwritten {
                continue;
            }
            if is_better(&line.text, &message) {
                message = line.text.trim().to_owned();
            }
            let text = format!("{}\n", line.text);
            if is_output {
                stdout.push(line.text);
            }
            log.write_all(text.as_bytes())
                .await
                .map_err(LocalError::file("write", &self.log))?;
        }
        log.flush()
            .await
            .map_err(LocalError::file("write", &self.log))?;
        let status = group
            .wait()
            .await
            .map_err(LocalError::file("wait for", &self.log))?;
        if status.success() {
            return Ok(stdout);
        }
        Err(LocalError::Program {
            what: self.what,
            last_line: message,
            log: self.log.clone(),
        })
    }
}

/// Whether a line explains a failure better than an earlier one: the first line that begins with
/// "error" does, or else the last one that is not empty.
fn is_better(line: &str, before: &str) -> bool {
    let is_error = |line: &str| line.trim_start().to_ascii_lowercase().starts_with("error");
    !line.trim().is_empty() && !is_error(before)
}

/// A line of output.
struct Line {
    text: String,
    /// It ends in a carriage return: a progress line that the next one replaces.
    overwritten: bool,
}

/// Lines that end in a line break or in a carriage return.
struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    ended: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    const fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            ended: false,
        }
    }

    /// Safe to cancel: bytes that were read stay in the buffer.
    async fn next(&mut self) -> std::io::Result<Option<Line>> {
        loop {
            if let Some(end) = self
                .buffer
                .iter()
                .position(|byte| matches!(byte, b'\n' | b'\r'))
            {
                let overwritten = self.buffer[end] == b'\r';
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                let text = String::from_utf8_lossy(&line[..end]).into_owned();
                if text.is_empty() && overwritten {
                    continue;
                }
                return Ok(Some(Line { text, overwritten }));
            }
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                self.ended = true;
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                let text = String::from_utf8_lossy(&std::mem::take(&mut self.buffer)).into_owned();
                return Ok(Some(Line {
                    text,
                    overwritten: false,
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn output_is_passed_on_and_logged() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("logs/log");
        let script = "printf '1/2\\r2/2\\rdone\\n' >&2; printf 'result'";
        let mut lines = Vec::new();
        let stdout = LoggedCommand::new("counting", &log)
            .run(&mut shell(script), |line| lines.push(line.to_owned()))
            .await
            .unwrap();
        assert_eq!(stdout, ["result"]);
        lines.sort();
        assert_eq!(lines, ["1/2", "2/2", "done", "result"]);
        let logged = std::fs::read_to_string(&log).unwrap();
        assert!(
            logged.contains("done\n") && logged.contains("result\n") && !logged.contains("1/2")
        );
    }

    #[tokio::test]
    async fn an_error_quotes_the_line_of_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let script = "echo trying; echo 'error: no space left'; echo 'more of it'; exit 3";
        let failed = LoggedCommand::new("building", &log)
            .run(&mut shell(script), |_| ())
            .await;
        let line = failed.unwrap_err().to_string();
        assert!(
            line.starts_with("building failed (error: no space left): see "),
            "{line}"
        );
    }
}

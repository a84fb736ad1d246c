//! 1,797 handwritten digits, which scikit-learn's wheel ships.
//!
//! Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
//! Learning Repository.

use super::logged_command::LoggedCommand;
use super::tools::lock;
use super::{Local, LocalError, python};
use crate::progress::Progress;
use tokio::process::Command;

/// Prints the file without importing the package, which would need others.
const PRINT: &str = "\
import gzip, importlib.util, pathlib
package = pathlib.Path(importlib.util.find_spec('sklearn').origin).parent
print(gzip.open(package / 'datasets/data/digits.csv.gz', 'rt').read(), end='')
";

impl Local {
    /// The digits as CSV, a line each: 64 shades from 0 to 16, row by row, and which digit it is.
    ///
    /// # Errors
    /// If the wheel cannot be installed.
    pub async fn digits(&self, progress: &Progress) -> Result<String, LocalError> {
        let step = progress.step("Digits");
        let workspace = &self.prepared.workspace;
        let lock = lock(workspace, |text| step.say(text)).await?;
        let (tools, installed) = python::install(&python::DIGITS, workspace, &step).await?;
        drop(lock);
        let log = self.folder().join("digits.log");
        let mut command = Command::new(tools.program("python"));
        command.args(["-c", PRINT]);
        let printing = LoggedCommand::new("reading the digits", &log);
        let lines = printing.run(&mut command, |_| ()).await?;
        step.done(if installed {
            "installed"
        } else {
            "already installed"
        });
        Ok(lines.join("\n"))
    }
}

//! The SQL Server for tests on this machine: a program of the workspace in a process of its own.

use super::readiness::wait_until_ready;
use super::{Local, LocalError, run_folder};
use crate::progress::Progress;
use sagemaker_local::{ProcessGroup, orphans};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

const GRACE: Duration = Duration::from_secs(1);
const ADDRESS: &str = "127.0.0.1";
const PROGRAM: &str = "sqlserver-local";
const DATABASE: &str = "shop";
const READER: &str = "reader";

/// A running server. Dropping it ends its process.
#[derive(Debug)]
pub struct SqlServer {
    _group: ProcessGroup,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// The authority of its certificate, in PEM.
    pub authority: String,
    password: String,
}

impl SqlServer {
    /// Builds the server's program unless it is there, and starts it with a table in the form of
    /// the program's table files.
    ///
    /// # Errors
    /// If it cannot be built or does not start.
    pub async fn start(
        local: &Local,
        table: &Value,
        progress: &Progress,
    ) -> Result<Self, LocalError> {
        let step = progress.step("SQL Server");
        let program = local.program(PROGRAM, &step).await?;
        let folder = run_folder::sql_server(local.folder());
        fs::create_dir_all(&folder).map_err(LocalError::file("make", &folder))?;
        let file = folder.join("table.json");
        fs::write(&file, table.to_string()).map_err(LocalError::file("write", &file))?;
        let authority = folder.join("authority.pem");
        let log = folder.join("sql-server.log");
        let output = File::create(&log).map_err(LocalError::file("write", &log))?;
        let port = sagemaker_local::port::reserve().map_err(LocalError::Port)?;
        let password = format!("{:016x}", fastrand::u64(..));
        let mut command = Command::new(&program);
        command
            .env_clear()
            .env("SQLSERVER_LOCAL_PASSWORD", &password)
            .args(["--port", &port.to_string()])
            .args(["--database", DATABASE, "--user", READER])
            .arg("--table")
            .arg(&file)
            .arg("--authority")
            .arg(&authority)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output);
        let group = ProcessGroup::start(&mut command, GRACE);
        let mut group = group.map_err(LocalError::file("run", program))?;
        let records = orphans::records(&folder);
        group
            .record(&records)
            .map_err(LocalError::file("write", records))?;
        // It says where it listens when its table is filled.
        let said = format!("{PROGRAM}: {ADDRESS},{port}");
        let is_ready = async || fs::read_to_string(&log).is_ok_and(|text| text.contains(&said));
        wait_until_ready(&mut group, &log, is_ready).await?;
        let authority =
            fs::read_to_string(&authority).map_err(LocalError::file("read", authority))?;
        step.done(&format!("{ADDRESS}:{port}, with the table"));
        Ok(Self {
            _group: group,
            port,
            authority,
            password,
        })
    }

    /// The secret of the login, which may only read, as RDS writes it.
    pub fn secret(&self) -> String {
        json!({
            "engine": "sqlserver",
            "host": ADDRESS,
            "port": self.port,
            "username": READER,
            "password": self.password,
            "dbname": DATABASE,
        })
        .to_string()
    }
}

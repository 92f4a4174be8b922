//! The LLVM tools of the same major version as the compiler: of the toolchain itself
//! (`rustup component add llvm-tools`), of the distribution, or installed from it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::interrupt::Interrupt;
use crate::packages;

/// Where the two programs are.
pub(super) struct Tools {
    pub(super) profdata: PathBuf,
    pub(super) cov: PathBuf,
}

impl Tools {
    pub(super) fn find_or_install(interrupt: &Interrupt) -> Result<Self> {
        let version = rustc(&["-vV"])?;
        let major = llvm_major(&version).context("rustc does not tell its LLVM version")?;
        let host = field(&version, "host: ").context("rustc does not tell its host")?;
        let sysroot = rustc(&["--print", "sysroot"])?;
        let of_toolchain = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin");
        let of_distribution = PathBuf::from(format!("/usr/lib/llvm-{major}/bin"));
        let find =
            || [&of_toolchain, &of_distribution].into_iter().find_map(|folder| Self::in_folder(folder));
        if let Some(tools) = find() {
            return Ok(tools);
        }
        let by_hand = "`rustup component add llvm-tools` brings them";
        if let Err(error) = packages::install(interrupt, &[&format!("llvm-{major}")]) {
            bail!("the tools of LLVM {major} are missing ({error:#}); {by_hand}");
        }
        find().with_context(|| format!("llvm-{major} was installed, but holds no llvm-cov; {by_hand}"))
    }

    fn in_folder(folder: &Path) -> Option<Self> {
        let tools = Self { profdata: folder.join("llvm-profdata"), cov: folder.join("llvm-cov") };
        (tools.profdata.is_file() && tools.cov.is_file()).then_some(tools)
    }
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let program = std::env::var("RUSTC").unwrap_or("rustc".to_owned());
    let output = Command::new(program).args(arguments).output().context("rustc did not start")?;
    String::from_utf8(output.stdout).context("rustc printed something that is not text")
}

fn llvm_major(version: &str) -> Option<u32> {
    field(version, "LLVM version: ")?.split('.').next()?.parse().ok()
}

fn field<'text>(text: &'text str, name: &str) -> Option<&'text str> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_llvm_version_is_read_from_what_rustc_prints() {
        let version = "rustc 1.95.0\nhost: x86_64-unknown-linux-gnu\nLLVM version: 22.1.2\n";
        assert_eq!(llvm_major(version), Some(22));
        assert_eq!(field(version, "host: "), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(llvm_major("rustc 1.95.0\n"), None);
    }
}

//! A Redis that forgets: nothing is written to disk.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::{Server, free_port, servant};
use crate::interrupt::Interrupt;

/// Starts a server on a free port.
pub(super) fn start(interrupt: &Interrupt, program: &Path, folder: &Path) -> Result<Server> {
    let port = free_port()?;
    let log = folder.join("redis.log");
    let output = File::create(&log)?;
    let child = servant(program)
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
        .arg(port.to_string())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .context("Redis did not start")?;
    let mut server = Server { name: "Redis", port, child, stop_signal: Signal::TERM };
    server.wait_until_ready(interrupt, &log, answers)?;
    Ok(server)
}

fn answers(port: u16) -> bool {
    let ping = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_millis(500)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"+PONG")
    };
    ping().unwrap_or(false)
}

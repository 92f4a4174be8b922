//! nginx of the distribution with `grpc_pass`, the usual alternative in front of gRPC.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use crate::process::{Bench, Process, free_address};

/// Starts it in front of a service, with its log off and connections to the service kept.
pub(crate) fn start(bench: &Bench, service: SocketAddr) -> Result<Process, Box<dyn Error>> {
    let address = free_address()?;
    let folder = bench.folder.join("nginx");
    fs::create_dir_all(&folder)?;
    let settings = format!(
        "daemon off; worker_processes 2; pid {folder}/pid; error_log {folder}/error.log;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n\
           access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n\
           fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n\
           upstream service {{ server {service}; keepalive 64; }}\n\
           server {{\n\
             listen {address} http2; keepalive_requests 100000000; http2_max_concurrent_streams 1024;\n\
             location / {{ grpc_pass grpc://service; }}\n\
           }}\n\
         }}\n",
        folder = folder.display(),
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, settings)?;
    let program = ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| fs::metadata(path).is_ok());
    let mut command = Command::new(program.unwrap_or("nginx"));
    command.arg("-c").arg(&file).arg("-p").arg(&folder);
    Process::start(command, address)
}

//! `larder privacy export`: the file is there whole or not at all.

use std::io::Write;
use std::path::PathBuf;

use larder_proto::larder::privacy::v1::ExportCustomerRequest;

use crate::client::call_refused;
use crate::commands::Context;
use crate::commands::incident::{PlainArgs, connect};
use crate::console;
use crate::error::CommandError;

#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// The customer's id
    customer_id: String,
    /// The file to write; it must not exist [default: the name that the service gives]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    plain: PlainArgs,
}

/// Writes beside the final name, makes it durable, and gives it that name.
pub(super) async fn run(args: ExportArgs, context: &Context) -> Result<(), CommandError> {
    let mut client = connect(&args.plain, context).await?.privacy;
    let request = ExportCustomerRequest { customer_id: args.customer_id };
    let refused = || call_refused("ExportCustomer");
    let mut parts = client.export_customer(request).await.map_err(refused())?.into_inner();
    let mut path = args.to;
    let mut file: Option<tempfile::NamedTempFile> = None;
    while let Some(message) = parts.message().await.map_err(refused())? {
        let path = path.get_or_insert_with(|| PathBuf::from(&message.file_name));
        if file.is_none() {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.map_or_else(|| PathBuf::from("."), PathBuf::from);
            file = Some(tempfile::NamedTempFile::new_in(&folder).map_err(CommandError::file(folder))?);
        }
        if let (Some(file), Some(part)) = (&mut file, message.part) {
            file.write_all(&part.data).map_err(CommandError::file(path.clone()))?;
        }
    }
    let (Some(file), Some(path)) = (file, path) else {
        return Err(CommandError::Refused("the service sent an empty export".to_owned()));
    };
    file.as_file().sync_all().map_err(CommandError::file(path.clone()))?;
    let size_bytes = file.as_file().metadata().map_err(CommandError::file(path.clone()))?.len();
    file.persist_noclobber(&path).map_err(|error| CommandError::file(path.clone())(error.error))?;
    let told = path.display().to_string();
    if args.plain.json {
        console::print_json(&serde_json::json!({ "file": told, "sizeBytes": size_bytes }));
    } else {
        console::print_line(&format!("{told}: {size_bytes} bytes"));
    }
    Ok(())
}

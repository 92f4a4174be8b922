//! What an import of a million purchases costs over gRPC: the first look at the file, the commit from the call
//! to the last row written, and the most memory that the program held until then.

use std::error::Error;
use std::fmt::Write;
use std::time::{Duration, Instant};

use larder_proto::larder::exchange::v1::exchange_service_client::ExchangeServiceClient;
use larder_proto::larder::exchange::v1::*;
use larder_testkit::Row;
use tonic::transport::Channel;

use crate::program::Larder;

const PART_BYTES: usize = 1 << 20;
const PREVIEWED: i32 = 1_000;
const LOOK: Duration = Duration::from_millis(20);
/// 2023-11-14T22:13:20Z.
const FIRST_S: i64 = 1_700_000_000;

/// Measures an import of so many rows into an empty shop.
pub(crate) fn measure(larder: &Larder, rows: i64) -> Result<(), Box<dyn Error>> {
    let larder = larder.on_folder("imports");
    let running = larder.start(&[])?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(import(running.service_url(), &purchases(rows)?, rows));
    let memory_mb = running.memory_mb("VmHWM");
    running.stop()?;
    measured?;
    Row::new("import-memory-peak", memory_mb?, "MB").target("< 200").print();
    Ok(())
}

fn purchases(rows: i64) -> Result<String, Box<dyn Error>> {
    let mut file =
        "transaction_id,customer_id,product_id,quantity,amount,currency,occurred_at\r\n".to_owned();
    for number in 0..rows {
        let at = jiff::Timestamp::from_second(FIRST_S + number * 31)?;
        let cents = number * 137 % 90_000;
        writeln!(
            file,
            "till-{}-{number:08},household-{},{:07},{},{}.{:02},ZAR,{at}\r",
            number % 9,
            number * 7 % 20_011,
            number * 13 % 50_021,
            number % 5 + 1,
            cents / 100,
            cents % 100,
        )?;
    }
    Ok(file)
}

async fn import(url: String, file: &str, rows: i64) -> Result<(), Box<dyn Error>> {
    let mut exchange = ExchangeServiceClient::new(Channel::from_shared(url)?.connect().await?);
    let started = Instant::now();
    let request = CreateImportRequest { kind: "transactions".to_owned(), file_name: "bench.csv".to_owned() };
    let created = exchange.create_import(request).await?.into_inner().import;
    let import_id = created.ok_or("no import was begun")?.import_id;
    let parts: Vec<&[u8]> = file.as_bytes().chunks(PART_BYTES).collect();
    for (part, content) in parts.iter().enumerate() {
        let request = UploadImportPartRequest {
            import_id: import_id.clone(),
            part: i32::try_from(part)?,
            content: content.to_vec(),
            is_last: part + 1 == parts.len(),
        };
        exchange.upload_import_part(request).await?;
    }
    Row::new("import-upload", started.elapsed().as_secs_f64(), "s").print();

    let started = Instant::now();
    let request =
        PreviewImportRequest { import_id: import_id.clone(), row_count: PREVIEWED, ..Default::default() };
    exchange.preview_import(request).await?;
    let preview_ms = started.elapsed().as_secs_f64() * 1e3;
    Row::new("import-preview-1000", preview_ms, "ms").target("< 1000").print();

    let started = Instant::now();
    let request = CommitImportRequest { import_id: import_id.clone(), ..CommitImportRequest::default() };
    exchange.commit_import(request).await?;
    loop {
        let request = GetImportRequest { import_id: import_id.clone() };
        let import = exchange.get_import(request).await?.into_inner().import.unwrap_or_default();
        match import.run.unwrap_or_default() {
            run if run.outcome() == ImportOutcome::Running => tokio::time::sleep(LOOK).await,
            run if run.outcome() == ImportOutcome::Succeeded => break,
            run => return Err(format!("the import ended: {run:?}").into()),
        }
    }
    let rate = rows as f64 / started.elapsed().as_secs_f64();
    Row::new("import-commit-rate", rate, "rows/s").target("> 50000").print();

    let started = Instant::now();
    exchange.undo_import(UndoImportRequest { import_id }).await?;
    Row::new("import-undo", started.elapsed().as_secs_f64(), "s").print();
    Ok(())
}

//! Exports and templates over the wire: whose rows, which rows, in which form.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::ControlFlow;

use larder_exchange::{Dialect, Header, Limits, Mapping, Parser, RawRow, Row, RowSink, Table, Value, table};
use larder_proto::google::r#type::Money;
use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::exchange::v1::*;
use tonic::{Code, Status};

use crate::house::{Guest, House, product, purchase};

struct File {
    name: String,
    content_type: String,
    bytes: Vec<u8>,
    parts: usize,
}

async fn export(guest: &mut Guest, request: ExportTableRequest) -> Result<File, Status> {
    let mut parts = guest.exchange.export_table(request).await?.into_inner();
    let mut file = File { name: String::new(), content_type: String::new(), bytes: Vec::new(), parts: 0 };
    while let Some(message) = parts.message().await? {
        if file.parts == 0 {
            file.name = message.file_name;
        }
        let part = message.part.unwrap();
        file.content_type = part.content_type;
        file.bytes.extend(part.data);
        file.parts += 1;
    }
    Ok(file)
}

fn of(kind: &str, format: &str) -> ExportTableRequest {
    ExportTableRequest { kind: kind.into(), format: format.into(), ..ExportTableRequest::default() }
}

#[derive(Default)]
struct Seen {
    titles: Vec<String>,
    rows: Vec<RawRow>,
}

impl RowSink for Seen {
    fn header(&mut self, header: &Header) -> ControlFlow<()> {
        self.titles.clone_from(&header.titles);
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: RawRow) -> ControlFlow<()> {
        self.rows.push(row);
        ControlFlow::Continue(())
    }
}

/// The values of a file of rows of `kind`, by the names of the columns.
fn rows(bytes: &[u8], kind: &str) -> (Table, Vec<Row>) {
    let table = table(kind).unwrap();
    let mut seen = Seen::default();
    larder_exchange::read(Cursor::new(bytes), &table, &Limits::default(), &mut seen).unwrap();
    let parser = Parser::new(Mapping::settle(&table, &seen.titles, &[]).unwrap(), Dialect::default());
    let rows = seen.rows.iter().map(|row| parser.row(row).unwrap()).collect();
    (parser.mapping().table.clone(), rows)
}

async fn stock(guest: &mut Guest) {
    let bread = Product {
        name: "=HYPERLINK(\"x\")".into(),
        category: "Bread; \"fresh\"".into(),
        price: Some(Money { currency_code: "ZAR".into(), units: 1_234, nanos: 500_000_000 }),
        tags: vec!["a;b".into(), "c".into()],
        attributes: BTreeMap::from([("origin".into(), "Paarl".into())]),
        ..product("007", "Bread")
    };
    let milk = Product { category: "Dairy".into(), in_stock: Some(false), ..product("milk", "Dairy") };
    guest.upsert(vec![bread, milk]).await;
}

#[tokio::test]
async fn an_export_has_the_tenants_own_rows_with_their_types() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    stock(&mut guest).await;
    other.upsert(vec![product("foreign", "Bread")]).await;
    for format in ["xlsx", "csv", ""] {
        let file = export(&mut guest, of("products", format)).await.unwrap();
        let ending = if format.is_empty() { "xlsx" } else { format };
        assert_eq!(file.name, format!("shop-products-2026-03-01T120000Z.{ending}"));
        let (table, rows) = rows(&file.bytes, "products");
        let at = |row: &Row, name: &str| row[table.position(name).unwrap()].clone();
        assert_eq!(rows.len(), 2, "{format}");
        assert_eq!(at(&rows[0], "product_id"), Value::Text("007".into()));
        assert_eq!(at(&rows[0], "name"), Value::Text("=HYPERLINK(\"x\")".into()));
        assert_eq!(at(&rows[0], "price"), Value::Money(1_234_500_000));
        assert_eq!(at(&rows[0], "tags"), Value::List(vec!["a;b".into(), "c".into()]));
        assert_eq!(at(&rows[0], "attributes.origin"), Value::Text("Paarl".into()));
        assert_eq!(at(&rows[1], "in_stock"), Value::Bool(false));
    }
    let parquet = export(&mut guest, of("products", "parquet")).await.unwrap();
    assert!(parquet.bytes.starts_with(b"PAR1") && parquet.bytes.ends_with(b"PAR1"));
    assert_eq!(parquet.content_type, "application/vnd.apache.parquet");
}

#[tokio::test]
async fn filters_narrow_an_export_and_foreign_ones_are_refused() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    stock(&mut guest).await;
    let request = ExportTableRequest { in_stock: Some(false), ..of("products", "csv") };
    let (_, left) = rows(&export(&mut guest, request).await.unwrap().bytes, "products");
    assert_eq!(left.len(), 1);
    let narrowed = ExportTableRequest { category: "Dairy".into(), ..of("budgets", "csv") };
    for (request, told) in [
        (narrowed, "category: is no filter of budgets; they have customer_id"),
        (of("prodcts", "csv"), "kind: must be one of customers, products"),
        (of("products", "pdf"), "format: must be xlsx, csv or parquet"),
        (ExportTableRequest { company: "x".repeat(200), ..of("products", "csv") }, "company: must be"),
    ] {
        let refused = export(&mut guest, request).await.err().unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        assert!(refused.message().contains(told), "{told}: {}", refused.message());
    }
}

#[tokio::test]
async fn an_export_has_no_page_limit_and_every_kind() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest
        .record(
            (0..9_000)
                .map(|number| Interaction {
                    event_id: format!("event-{number}"),
                    ..purchase("ann", "bread", number % 300)
                })
                .collect(),
        )
        .await;
    let file = export(&mut guest, of("transactions", "csv")).await.unwrap();
    let (table, all) = rows(&file.bytes, "transactions");
    let ids: std::collections::BTreeSet<_> = all.iter().map(|row| format!("{:?}", row[0])).collect();
    assert_eq!((all.len(), ids.len()), (9_000, 9_000), "every row once");
    let times: Vec<_> = all
        .iter()
        .map(|row| match row[table.position("occurred_at").unwrap()] {
            Value::Instant(at_us) => at_us,
            _ => 0,
        })
        .collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "the newest first, across pages");
    assert!(file.parts > 1, "it leaves part by part");
    for kind in larder_exchange::KINDS {
        let file = export(&mut guest, of(kind, "xlsx")).await.unwrap();
        assert!(file.bytes.starts_with(b"PK"), "{kind}");
    }
}

#[tokio::test]
async fn readers_who_leave_make_room_for_others() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest
        .record(
            (0..9_000)
                .map(|number| Interaction {
                    event_id: format!("event-{number}"),
                    ..purchase("ann", "bread", number % 300)
                })
                .collect(),
        )
        .await;
    for _ in 0..12 {
        let request = of("transactions", "csv");
        let mut stream = loop {
            match guest.exchange.export_table(request.clone()).await {
                Ok(stream) => break stream.into_inner(),
                // The place of one who left is free once that is noticed.
                Err(status) => assert_eq!(status.code(), Code::Aborted, "{status}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        };
        assert!(stream.message().await.unwrap().is_some());
    }
}

#[tokio::test]
async fn templates_are_for_what_can_be_imported() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let get = |kind: &str, format: &str| GetTemplateRequest { kind: kind.into(), format: format.into() };
    let template = guest.exchange.get_template(get("budgets", "")).await.unwrap().into_inner();
    assert_eq!(template.file_name, "budgets-template.xlsx");
    let (_, example) = rows(&template.file.unwrap().data, "budgets");
    assert_eq!(example[0][0], Value::Text("september-fruit".into()));
    let refused = guest.exchange.get_template(get("market-plans", "csv")).await.unwrap_err();
    assert_eq!(refused.message(), "kind: market-plans are not imported");
    let refused = guest.exchange.get_template(get("budgets", "parquet")).await.unwrap_err();
    assert_eq!(refused.message(), "format: must be xlsx or csv");
}

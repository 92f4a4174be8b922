//! Imports from the upload to the undoing: what would happen is told first, it happens as a whole or not
//! at all, and it can be taken back.

mod bad_files;
mod interrupted;

use std::time::Duration;

use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::exchange::v1::*;
use larder_recommendation::{SCHEMA, migrator};
use larder_testkit::TestDatabase;
use tonic::{Code, Status};

use crate::house::{Guest, House, product};

const BUDGETS: &str = "Budget ID,Name,Amount,Currency,Starts on,Ends on\n\
                       one,Fruit,\"1 500,50\",ZAR,01.09.2026,30 Sep 2026\n\
                       two,Bread,,ZAR,2026-09-01,2026-09-30\n\
                       three,Milk,12,ZAR,2026-09-01,2026-08-30\n\
                       four,Tea,12,ZAR,03/04/2026,2026-09-30\n\
                       one,Fruit again,7,ZAR,2026-09-01,2026-09-30\n";

async fn create(guest: &mut Guest, kind: &str) -> String {
    let request = CreateImportRequest { kind: kind.into(), file_name: "rows".into() };
    let import = guest.exchange.create_import(request).await.unwrap().into_inner().import.unwrap();
    assert_eq!(import.state(), ImportState::Uploading);
    import.import_id
}

async fn upload_part(
    guest: &mut Guest,
    import_id: &str,
    part: usize,
    content: &[u8],
    is_last: bool,
) -> Result<(), Status> {
    let (import_id, content) = (import_id.to_owned(), content.to_vec());
    let request = UploadImportPartRequest { import_id, part: part as i32, content, is_last };
    guest.exchange.upload_import_part(request).await.map(drop)
}

async fn upload(guest: &mut Guest, import_id: &str, file: &[u8]) {
    let parts: Vec<_> = file.chunks(700_000).collect();
    for (part, content) in parts.iter().enumerate() {
        // A part that is sent twice counts once.
        for _ in 0..2 {
            upload_part(guest, import_id, part, content, part + 1 == parts.len()).await.unwrap();
        }
    }
}

async fn begin(guest: &mut Guest, kind: &str, file: &[u8]) -> String {
    let import_id = create(guest, kind).await;
    upload(guest, &import_id, file).await;
    import_id
}

async fn preview(
    guest: &mut Guest,
    import_id: &str,
    answers: Option<ImportAnswers>,
) -> PreviewImportResponse {
    let request =
        PreviewImportRequest { import_id: import_id.into(), answers, ..PreviewImportRequest::default() };
    guest.exchange.preview_import(request).await.unwrap().into_inner()
}

async fn get(guest: &mut Guest, import_id: &str) -> Import {
    let request = GetImportRequest { import_id: import_id.into() };
    guest.exchange.get_import(request).await.unwrap().into_inner().import.unwrap()
}

/// The import once its run has ended.
async fn finished(guest: &mut Guest, import_id: &str) -> Import {
    for _ in 0..30_000 {
        let import = get(guest, import_id).await;
        if import.run.as_ref().unwrap().outcome() != ImportOutcome::Running {
            return import;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the import does not end");
}

/// Runs an import to its end.
async fn run(guest: &mut Guest, import_id: &str, mode: ImportMode, dry_run: bool) -> Import {
    let request = CommitImportRequest { import_id: import_id.into(), mode: mode.into(), dry_run };
    guest.exchange.commit_import(request).await.unwrap();
    finished(guest, import_id).await
}

async fn budgets(guest: &mut Guest) -> Vec<Budget> {
    guest.catalog.list_budgets(ListBudgetsRequest::default()).await.unwrap().into_inner().budgets
}

#[tokio::test]
async fn every_row_hears_what_would_happen_and_nothing_is_written_before() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    let id = begin(&mut guest, "budgets", BUDGETS.as_bytes()).await;
    let shown = preview(&mut guest, &id, None).await;
    assert_eq!(shown.form, "csv in UTF-8, parted by ','");
    assert!(shown.columns.iter().all(|column| column.is_exact && !column.column.is_empty()), "{shown:?}");
    let told: Vec<_> = shown
        .verdicts
        .iter()
        .map(|verdict| {
            let problem = verdict.problems.first();
            (verdict.line, verdict.outcome(), problem.map_or("", |problem| problem.column.as_str()))
        })
        .collect();
    let expected = [
        (2, RowOutcome::New, ""),
        (3, RowOutcome::Refused, "amount"),
        (4, RowOutcome::Refused, "ends_on"),
        (5, RowOutcome::Refused, "starts_on"),
        (6, RowOutcome::New, ""),
    ];
    assert_eq!(told, expected, "{shown:?}");
    assert_eq!(shown.verdicts[0].notices, ["row 6 has the same id, and the last one counts"]);
    assert!(shown.verdicts[3].problems[0].description.contains("could be two days"), "{shown:?}");
    let dry = run(&mut guest, &id, ImportMode::ValidRows, true).await;
    let counts = dry.run.unwrap();
    assert_eq!((counts.read_count, counts.accepted_count, counts.rejected_count), (5, 2, 3));
    assert!(budgets(&mut guest).await.is_empty(), "a dry run writes nothing");
    let foreign = other.exchange.get_import(GetImportRequest { import_id: id }).await.unwrap_err();
    assert_eq!(foreign.code(), Code::NotFound);
}

#[tokio::test]
async fn all_or_nothing_is_nothing_where_a_row_is_wrong() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let id = begin(&mut guest, "budgets", BUDGETS.as_bytes()).await;
    let refused = run(&mut guest, &id, ImportMode::AllOrNothing, false).await;
    let told = refused.run.clone().unwrap();
    assert_eq!(told.outcome(), ImportOutcome::Refused);
    assert!(told.message.contains("3 of 5 rows are refused"), "{}", told.message);
    assert_eq!(refused.state(), ImportState::Ready);
    assert!(budgets(&mut guest).await.is_empty());

    let request = ExportImportProblemsRequest { import_id: id.clone() };
    let (name, file) = problems(&mut guest, request).await;
    assert_eq!(name, "shop-budgets-to-mend-2026-03-01T120000Z.xlsx");
    let mended = begin(&mut guest, "budgets", &file).await;
    let shown = preview(&mut guest, &mended, None).await;
    assert_eq!(shown.verdicts.len(), 3, "the workbook of problems can be uploaded again: {shown:?}");
    let answers = ImportAnswers { date_order: "day_first".into(), ..ImportAnswers::default() };
    let shown = preview(&mut guest, &mended, Some(answers)).await;
    assert_eq!(shown.verdicts[2].outcome(), RowOutcome::New, "{shown:?}");
}

#[tokio::test]
async fn valid_rows_go_in_once_and_can_be_taken_back() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let kept = Budget {
        budget_id: "one".into(),
        name: "As it was".into(),
        amount: Some(larder_proto::google::r#type::Money { currency_code: "EUR".into(), units: 3, nanos: 0 }),
        starts_on: Some(larder_proto::google::r#type::Date { year: 2026, month: 1, day: 1 }),
        ends_on: Some(larder_proto::google::r#type::Date { year: 2026, month: 1, day: 2 }),
        ..Budget::default()
    };
    let request = BatchUpsertBudgetsRequest { budgets: vec![kept.clone()] };
    guest.catalog.batch_upsert_budgets(request.clone()).await.unwrap();
    let good = "budget_id,name,amount,currency,starts_on,ends_on\n\
                one,Changed,1,ZAR,2026-09-01,2026-09-30\n\
                new,New,2,ZAR,2026-09-01,2026-09-30\n\
                newer,Newer,3,ZAR,2026-09-01,2026-09-30\n\
                bad,Bad,-1,ZAR,2026-09-01,2026-09-30\n";
    let id = begin(&mut guest, "budgets", good.as_bytes()).await;
    let done = run(&mut guest, &id, ImportMode::ValidRows, false).await;
    assert_eq!((done.state(), done.run.as_ref().unwrap().accepted_count), (ImportState::Committed, 3));
    let again = run(&mut guest, &id, ImportMode::ValidRows, false).await;
    assert_eq!(again.committed_at, done.committed_at, "sent twice, it is done once");
    let names: Vec<_> = budgets(&mut guest).await.into_iter().map(|budget| budget.name).collect();
    assert_eq!(names, ["New", "Newer", "Changed"]);

    let since = Budget { budget_id: "newer".into(), name: "Since".into(), ..kept.clone() };
    guest.catalog.batch_upsert_budgets(BatchUpsertBudgetsRequest { budgets: vec![since] }).await.unwrap();
    let undo = UndoImportRequest { import_id: id };
    let undone = guest.exchange.undo_import(undo.clone()).await.unwrap().into_inner().import.unwrap();
    assert_eq!((undone.state(), undone.kept_count), (ImportState::Undone, 1));
    let left: Vec<_> =
        budgets(&mut guest).await.into_iter().map(|budget| (budget.budget_id, budget.name)).collect();
    let expected =
        [("newer", "Since"), ("one", "As it was")].map(|(id, name)| (id.to_owned(), name.to_owned()));
    assert_eq!(left, expected, "what somebody changed since stays");
    let twice = guest.exchange.undo_import(undo).await.unwrap().into_inner().import.unwrap();
    assert_eq!(twice.kept_count, 1);
}

#[tokio::test]
async fn an_export_that_is_imported_makes_the_same_export() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    let bread = Product {
        name: "=1+1; \"Brot\"".into(),
        tags: vec!["a;b".into(), "c".into()],
        price: Some(larder_proto::google::r#type::Money {
            currency_code: "ZAR".into(),
            units: 24,
            nanos: 990_000_000,
        }),
        nutrition_per_100g: Some(Nutrition { fat_g: Some(0.1), ..Nutrition::default() }),
        attributes: [("shelf life".to_owned(), "3".to_owned())].into(),
        allergens_complete: true,
        ..product("007", "Bread")
    };
    guest.upsert(vec![bread, product("milk", "Dairy")]).await;
    for format in ["csv", "xlsx"] {
        let request = || ExportTableRequest {
            kind: "products".into(),
            format: format.into(),
            company: "Same".into(),
            ..ExportTableRequest::default()
        };
        let file = bytes(&mut guest, request()).await;
        let id = begin(&mut other, "products", &file).await;
        let done = run(&mut other, &id, ImportMode::AllOrNothing, false).await;
        assert_eq!(done.run.unwrap().outcome(), ImportOutcome::Succeeded);
        assert!(bytes(&mut other, request()).await == file, "{format}: the clock of tests stands still");
    }
}

async fn bytes(guest: &mut Guest, request: ExportTableRequest) -> Vec<u8> {
    let mut parts = guest.exchange.export_table(request).await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(message) = parts.message().await.unwrap() {
        bytes.extend(message.part.unwrap().data);
    }
    bytes
}

async fn problems(guest: &mut Guest, request: ExportImportProblemsRequest) -> (String, Vec<u8>) {
    let mut parts = guest.exchange.export_import_problems(request).await.unwrap().into_inner();
    let (mut name, mut bytes) = (String::new(), Vec::new());
    while let Some(message) = parts.message().await.unwrap() {
        name.push_str(&message.file_name);
        bytes.extend(message.part.unwrap().data);
    }
    (name, bytes)
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused_by_name() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let create = |kind: &str| CreateImportRequest { kind: kind.into(), file_name: String::new() };
    let refused = guest.exchange.create_import(create("market-plans")).await.unwrap_err();
    assert_eq!(refused.message(), "kind: market-plans are not imported");
    let id = begin(&mut guest, "budgets", b"Customer id,Birth date,Goal\na,2000-01-01,maintain\n").await;
    let request = PreviewImportRequest { import_id: id.clone(), ..PreviewImportRequest::default() };
    let refused = guest.exchange.preview_import(request).await.unwrap_err();
    assert!(refused.message().contains("the file looks like customers"), "{}", refused.message());
    let request =
        PreviewImportRequest { import_id: id, columns_only: true, ..PreviewImportRequest::default() };
    let shown = guest.exchange.preview_import(request).await.unwrap().into_inner();
    let told: Vec<_> =
        shown.columns.iter().map(|column| (column.title.as_str(), column.column.as_str())).collect();
    assert_eq!(told, [("Customer id", "customer_id"), ("Birth date", ""), ("Goal", "")], "{shown:?}");
    let needed = shown.table_columns.iter().find(|column| column.name == "budget_id").unwrap();
    assert!(needed.required && shown.verdicts.is_empty(), "{shown:?}");
    let unfinished =
        guest.exchange.create_import(create("budgets")).await.unwrap().into_inner().import.unwrap();
    let commit =
        CommitImportRequest { import_id: unfinished.import_id.clone(), ..CommitImportRequest::default() };
    let refused = guest.exchange.commit_import(commit).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let part = UploadImportPartRequest {
        import_id: unfinished.import_id,
        part: 500,
        content: Vec::new(),
        is_last: true,
    };
    let refused = guest.exchange.upload_import_part(part).await.unwrap_err().message().to_owned();
    assert!(refused.contains("part: ") && refused.contains("content: "), "{refused}");
}

#[tokio::test]
async fn purchases_are_recorded_once_and_gone_after_an_undoing() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let mut file = "transaction_id,customer_id,product_id,quantity,amount,currency,occurred_at\n".to_owned();
    for number in 0..10_000 {
        file.push_str(&format!("t-{},ann,bread,1,2.50,ZAR,2026-02-01T10:00:00Z\n", number % 9_000));
    }
    let id = begin(&mut guest, "transactions", file.as_bytes()).await;
    let shown = preview(&mut guest, &id, None).await;
    assert_eq!(shown.verdicts[0].notices, ["not in the catalogue: bread"]);
    assert!(shown.has_more && shown.verdicts.len() == 100);
    let done = run(&mut guest, &id, ImportMode::AllOrNothing, false).await.run.unwrap();
    assert_eq!(
        (done.read_count, done.duplicate_count, done.outcome()),
        (10_000, 1_000, ImportOutcome::Succeeded)
    );
    let count = async |house: &House| -> i64 {
        let query = "select count(*) from recommendation.interactions";
        sqlx::query_scalar(query).fetch_one(&house.database.admin_pool()).await.unwrap()
    };
    assert_eq!(count(&house).await, 9_000);
    guest.exchange.undo_import(UndoImportRequest { import_id: id }).await.unwrap();
    assert_eq!(count(&house).await, 0);
}

#[tokio::test]
async fn an_undoing_takes_as_long_as_it_takes_and_goes_on_without_its_caller() {
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    let impatient = Duration::from_secs(2);
    let house = House::open_with(database, |settings| settings.database.statement_timeout = impatient).await;
    let mut guest = house.guest("shop").await;
    let file = "transaction_id,customer_id,product_id,quantity,amount,currency,occurred_at\n\
                t-1,ann,bread,1,2.50,ZAR,2026-02-01T10:00:00Z\n";
    let id = begin(&mut guest, "transactions", file.as_bytes()).await;
    run(&mut guest, &id, ImportMode::AllOrNothing, false).await;
    let admin = house.database.admin_pool();
    let slow = "create function recommendation.wait_long() returns trigger language plpgsql as
                    $$ begin perform pg_catalog.pg_sleep(3); return null; end $$;
                create trigger waits_long after delete on recommendation.interactions
                    for each statement execute function recommendation.wait_long()";
    sqlx::raw_sql(slow).execute(&admin).await.unwrap();

    let request = UndoImportRequest { import_id: id.clone() };
    let left = guest.exchange.undo_import(request.clone());
    tokio::time::timeout(Duration::from_millis(500), left).await.unwrap_err();
    let limit = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let request = GetImportRequest { import_id: id.clone() };
        let import = guest.exchange.get_import(request).await.unwrap().into_inner().import.unwrap();
        if import.state() == ImportState::Undone {
            break;
        }
        assert!(tokio::time::Instant::now() < limit, "{import:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let again = guest.exchange.undo_import(request).await.unwrap().into_inner().import.unwrap();
    assert_eq!((again.state(), again.kept_count), (ImportState::Undone, 0));
    let left: i64 = sqlx::query_scalar("select count(*) from recommendation.interactions")
        .fetch_one(&admin)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

//! Imports in whose middle something happens: somebody asks twice, goes away, wants it to end, erases a
//! customer, or the service stops.

use std::time::Duration;

use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::exchange::v1::*;
use sqlx::{PgConnection, Postgres, Transaction};
use tonic::Code;

use super::{begin, budgets, create, finished, get, run, upload_part};
use crate::house::{Guest, House, pass_s};

fn purchases(rows: usize) -> String {
    let mut file = "transaction_id,customer_id,product_id,occurred_at\n".to_owned();
    for number in 0..rows {
        file.push_str(&format!("t-{number},ann,bread,2026-02-01T10:00:00Z\n"));
    }
    file
}

async fn recorded(house: &House) -> i64 {
    let query = "select count(*) from recommendation.interactions";
    sqlx::query_scalar(query).fetch_one(&house.database.admin_pool()).await.unwrap()
}

/// Holds every import up at the end of its first batch.
async fn hold_up(house: &House) -> Transaction<'static, Postgres> {
    let mut held = house.database.admin_pool().begin().await.unwrap();
    let query = "lock table recommendation.import_purchases in exclusive mode";
    sqlx::query(query).execute(&mut *held).await.unwrap();
    held
}

/// Waits until an import is held up.
async fn is_held_up(db: &mut PgConnection) {
    let query = "select count(*) from pg_locks where not granted
                 and relation = 'recommendation.import_purchases'::regclass";
    for _ in 0..2_000 {
        if sqlx::query_scalar::<_, i64>(query).fetch_one(&mut *db).await.unwrap() > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no import comes so far");
}

async fn commit(guest: &mut Guest, import_id: &str) -> Import {
    let request = CommitImportRequest { import_id: import_id.into(), ..CommitImportRequest::default() };
    guest.exchange.commit_import(request).await.unwrap().into_inner().import.unwrap()
}

#[tokio::test]
async fn sent_twice_at_the_same_moment_it_is_done_once() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let id = begin(&mut guest, "transactions", purchases(6_000).as_bytes()).await;
    let (mut one, mut other) = (guest.clone(), guest.clone());
    let (first, second) = tokio::join!(commit(&mut one, &id), commit(&mut other, &id));
    let started = |import: Import| import.run.unwrap().started_at;
    assert_eq!(started(first), started(second), "both hear of one run");
    let done = finished(&mut guest, &id).await;
    assert_eq!(done.run.unwrap().accepted_count, 6_000);
    assert_eq!(recorded(&house).await, 6_000);

    let again = begin(&mut guest, "transactions", purchases(6_001).as_bytes()).await;
    let done = run(&mut guest, &again, ImportMode::AllOrNothing, false).await.run.unwrap();
    assert_eq!((done.accepted_count, done.passed_over_count), (6_001, 6_000), "recorded before");
    guest.exchange.undo_import(UndoImportRequest { import_id: again }).await.unwrap();
    assert_eq!(recorded(&house).await, 6_000, "only what it added is taken away");
}

#[tokio::test]
async fn a_lost_connection_costs_only_the_part_that_was_on_its_way() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let id = create(&mut guest, "transactions").await;
    let file = purchases(100);
    let parts: Vec<_> = file.as_bytes().chunks(1_000).collect();
    let last = parts.len() - 1;
    for part in (0..=last).filter(|part| *part != 2) {
        upload_part(&mut guest, &id, part, parts[part], part == last).await.unwrap();
    }
    let request = PreviewImportRequest { import_id: id.clone(), ..PreviewImportRequest::default() };
    let refused = guest.exchange.preview_import(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("part 2 is missing; upload it and go on"), "{refused}");
    upload_part(&mut guest, &id, last + 1, b"more", false).await.unwrap();
    assert_eq!(get(&mut guest, &id).await.state(), ImportState::Uploading, "the file goes on");
    upload_part(&mut guest, &id, last, parts[last], true).await.unwrap();
    upload_part(&mut guest, &id, 2, parts[2], false).await.unwrap();
    assert_eq!(get(&mut guest, &id).await.size_bytes, file.len() as i64);

    // Whoever asked is gone before the answer comes; the import goes on without them.
    let mut gone = house.guest("shop").await;
    let asked = id.clone();
    let asking = tokio::spawn(async move { commit(&mut gone, &asked).await });
    let state = async |guest: &mut Guest| get(guest, &id).await.state();
    while state(&mut guest).await == ImportState::Ready {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    asking.abort();
    assert_eq!(finished(&mut guest, &id).await.state(), ImportState::Committed);
    assert_eq!(recorded(&house).await, 100);
}

#[tokio::test]
async fn a_run_that_is_cancelled_writes_nothing_and_may_be_run_again() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let id = begin(&mut guest, "transactions", purchases(9_000).as_bytes()).await;
    let mut held = hold_up(&house).await;
    commit(&mut guest, &id).await;
    is_held_up(&mut held).await;
    let running = get(&mut guest, &id).await;
    assert_eq!(running.state(), ImportState::Running);
    let request =
        UploadImportPartRequest { import_id: id.clone(), content: vec![b'x'], ..Default::default() };
    let refused = guest.exchange.upload_import_part(request).await.unwrap_err();
    assert!(refused.message().contains("the import runs"), "{refused}");
    guest.exchange.cancel_import(CancelImportRequest { import_id: id.clone() }).await.unwrap();
    held.rollback().await.unwrap();
    let ended = finished(&mut guest, &id).await;
    assert_eq!(ended.run.unwrap().outcome(), ImportOutcome::Cancelled);
    assert_eq!((ended.state, recorded(&house).await), (ImportState::Ready.into(), 0));
    let done = run(&mut guest, &id, ImportMode::AllOrNothing, false).await;
    assert_eq!((done.state(), recorded(&house).await), (ImportState::Committed, 9_000));
}

#[tokio::test]
async fn an_erased_customer_does_not_come_back_with_a_file_that_was_sent_before() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let (id, waiting) = (
        begin(&mut guest, "transactions", purchases(9_000).as_bytes()).await,
        begin(&mut guest, "customers", b"customer_id,name\nann,Ann\n").await,
    );
    let mut held = hold_up(&house).await;
    commit(&mut guest, &id).await;
    is_held_up(&mut held).await;
    let request = EraseCustomerRequest { customer_id: "ann".into() };
    guest.catalog.erase_customer(request).await.unwrap();
    held.rollback().await.unwrap();
    let ended = finished(&mut guest, &id).await;
    let told = ended.run.unwrap();
    assert_eq!(told.outcome(), ImportOutcome::Refused);
    assert!(told.message.contains("was taken away"), "{}", told.message);
    assert_eq!((ended.state, recorded(&house).await), (ImportState::Uploading.into(), 0));
    let request = CommitImportRequest { import_id: waiting, ..CommitImportRequest::default() };
    let refused = guest.exchange.commit_import(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
}

#[tokio::test]
async fn a_run_whose_service_stopped_is_known_for_it_and_may_be_run_again() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let id = begin(&mut guest, "transactions", purchases(10).as_bytes()).await;
    // What a process that was killed leaves behind.
    let query = "update recommendation.imports set run = jsonb_build_object(
                     'outcome', 'running', 'dry_run', false, 'valid_rows_only', false, 'read', 5, 'accepted', 5,
                     'rejected', 0, 'passed_over', 0, 'duplicates', 0, 'read_percent', 50, 'message', '',
                     'started_at_us', $1, 'alive_at_us', $1)";
    let now_us = crate::house::now_s() * 1_000_000;
    sqlx::query(query).bind(now_us).execute(&house.database.admin_pool()).await.unwrap();
    assert_eq!(get(&mut guest, &id).await.state(), ImportState::Running);
    pass_s(61);
    let silent = get(&mut guest, &id).await;
    assert_eq!(silent.state(), ImportState::Ready);
    let told = silent.run.unwrap();
    assert_eq!(told.outcome(), ImportOutcome::Failed);
    assert!(told.message.contains("nothing was written, run it again"), "{}", told.message);
    let done = run(&mut guest, &id, ImportMode::AllOrNothing, false).await;
    assert_eq!((done.state(), recorded(&house).await), (ImportState::Committed, 10));
}

#[tokio::test]
async fn imports_are_taken_back_one_after_the_other_and_what_was_deleted_since_stays_deleted() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let file = |rows: &str| format!("budget_id,name,amount,currency,starts_on,ends_on\n{rows}");
    let row = |id: &str, name: &str| format!("{id},{name},1,ZAR,2026-09-01,2026-09-30\n");
    let first = file(&(row("a", "First") + &row("b", "First") + &row("c", "First")));
    let first = begin(&mut guest, "budgets", first.as_bytes()).await;
    run(&mut guest, &first, ImportMode::AllOrNothing, false).await;
    let second = file(&(row("a", "Second") + &row("c", "Second")));
    let second = begin(&mut guest, "budgets", second.as_bytes()).await;
    run(&mut guest, &second, ImportMode::AllOrNothing, false).await;
    guest.catalog.delete_budget(DeleteBudgetRequest { budget_id: "c".into() }).await.unwrap();

    let undo = async |guest: &mut Guest, id: &str| {
        let request = UndoImportRequest { import_id: id.into() };
        guest.exchange.undo_import(request).await.unwrap().into_inner().import.unwrap().kept_count
    };
    let names = async |guest: &mut Guest| -> Vec<String> {
        budgets(guest).await.into_iter().map(|budget| budget.budget_id + " " + &budget.name).collect()
    };
    assert_eq!(undo(&mut guest, &second).await, 1);
    assert_eq!(names(&mut guest).await, ["a First", "b First"], "the deleted one stays deleted");
    assert_eq!(undo(&mut guest, &first).await, 1);
    assert!(names(&mut guest).await.is_empty());
    let request = CommitImportRequest { import_id: first, ..CommitImportRequest::default() };
    let refused = guest.exchange.commit_import(request).await.unwrap_err();
    assert!(refused.message().contains("was taken back; begin another one"), "{refused}");
}

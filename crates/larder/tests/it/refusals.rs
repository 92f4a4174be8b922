//! What `larder up` refuses before it starts anything.

use std::net::TcpListener;

use super::larder::{DataDir, finish, larder, on_folder};

#[tokio::test]
async fn a_port_in_use_is_told_with_its_setting() {
    let data = DataDir::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = larder(&["up"]);
    on_folder(&mut command, &data.path());
    command.env("LARDER_RECOMMENDATION__OPS_ADDRESS", &address);
    let refused = finish(&mut command).await.expect_code(1);
    for part in [address.as_str(), "recommendation.ops_address", "LARDER_RECOMMENDATION__OPS_ADDRESS"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    assert!(!data.cluster().exists(), "no database was made");
}

#[tokio::test]
async fn missing_postgresql_is_told_with_the_command_that_installs_it() {
    let data = DataDir::new();
    let mut command = larder(&["up"]);
    on_folder(&mut command, &data.path());
    command.env("LARDER_DATABASE__BIN_DIR", data.beside("nowhere"));
    let refused = finish(&mut command).await.expect_code(1);
    assert!(refused.stderr.contains("install it with"), "{refused:?}");
}

#[tokio::test]
async fn a_file_where_the_data_folder_should_be_is_refused() {
    let data = DataDir::new();
    std::fs::write(data.path(), "no folder").unwrap();
    let mut command = larder(&["up"]);
    on_folder(&mut command, &data.path());
    let refused = finish(&mut command).await.expect_code(1);
    assert!(refused.stderr.contains(data.path().to_str().unwrap()), "{refused:?}");
}

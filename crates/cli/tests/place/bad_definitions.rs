//! Files that are no good definition, and two people who push one at the same time.

use crate::refused;
use crate::world::{Ended, World, run};
use axum::http::StatusCode;
use local_servers::s3::S3;

/// The file's text and its name, and how `validate` and `push` of it end.
async fn both(name: &str, text: &[u8]) -> [Ended; 2] {
    let world = World::new().await;
    let path = world.folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    [
        run(
            world.folder.path(),
            &format!("validate --offline {name}"),
            &[],
        )
        .await,
        world.run(&format!("push {name}")).await,
    ]
}

/// One definition with one fault at this place, by `validate` and by `push`.
async fn one_fault(text: &str, place: &str, message: &str) {
    let [validated, pushed] = both("films.json", text.as_bytes()).await;
    let place = format!("films.json:{place}");
    // `validate` shows faults as its data, `push` beside its own.
    for (ended, shown) in [(&validated, &validated.output), (&pushed, &pushed.error)] {
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(shown.contains(message), "{message} is not in {shown}");
        assert!(shown.contains(&place), "{place} is not in {shown}");
        assert!(shown.contains("films.json: 1 fault\n"), "{shown}");
        assert!(shown.len() < 700, "{shown}");
        let last = ended.error.lines().last().unwrap();
        let expected = "error: 1 of 1 definitions not valid";
        assert!(last.starts_with(expected), "{last}");
    }
}

const GOOD: &str = "{\n  \"source\": {\"dynamodb\": {\"table\": \"films\"}}\n}\n";

#[tokio::test]
async fn a_byte_order_mark_and_windows_line_ends_are_accepted() {
    let windows = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    let world = World::new().await;
    std::fs::write(world.folder.path().join("films.json"), &windows).unwrap();
    let ended = run(world.folder.path(), "validate --offline films.json", &[]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.output, "films.json: valid (pipeline `films`)\n");
    // What the lake gets is strict JSON.
    let s3 = S3::start(&["lake"]).await;
    let ended = world.run_at(&s3, "push films.json").await;
    assert_eq!(
        ended.output, "created s3://lake/config/films.json\n",
        "{ended:?}"
    );
    let stored = std::fs::read(s3.folder().join("lake/config/films.json")).unwrap();
    let stored: serde_json::Value = serde_json::from_slice(&stored).unwrap();
    assert_eq!(stored["source"]["dynamodb"]["table"], "films");
    // Faults have their place in what the person sees, without the mark.
    one_fault(&windows.replace("table", "tabel"), "2:27", "`table`?").await;
}

#[tokio::test]
async fn a_file_that_is_no_definition_by_its_size_or_bytes_is_named() {
    let ten_megabytes = vec![b' '; 10 << 20];
    for ended in both("films.json", &ten_megabytes).await {
        assert_eq!((ended.code, &*ended.output), (1, ""), "{ended:?}");
        let expected = "error: films.json has 10485760 bytes, a definition at most 1048576: is it \
                        another file?\n";
        assert_eq!(ended.error, expected);
    }
    for ended in both("films.json", b"{\"source\": \"\xff\"}").await {
        assert_eq!(ended.code, 1, "{ended:?}");
        let expected = "error: films.json is not UTF-8 text: byte 12 cannot be read";
        assert!(ended.error.starts_with(expected), "{ended:?}");
        assert_eq!(ended.error.lines().count(), 1);
    }
}

#[tokio::test]
async fn ten_thousand_levels_and_fields_that_are_there_twice_are_named() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    // The snippet of a long line is cut to what is around the fault.
    one_fault(&deep, "1:", "nest").await;
    let twice = GOOD.replace("\"table\"", "\"table\": \"a\", \"table\"");
    one_fault(
        &twice,
        "2:41",
        "field `source.dynamodb.table`: is there twice: remove one",
    )
    .await;
}

#[tokio::test]
async fn of_two_people_who_push_at_once_one_is_refused() {
    let s3 = S3::start(&["lake"]).await;
    let (ada, grace) = (World::new().await, World::new().await);
    for (world, table) in [(&ada, "films"), (&grace, "films-2")] {
        let text = GOOD.replace("films", table);
        std::fs::write(world.folder.path().join("films.json"), text).unwrap();
    }
    let (first, second) = tokio::join!(
        ada.run_at(&s3, "push films.json"),
        grace.run_at(&s3, "push films.json")
    );
    let (done, late) = if first.code == 0 {
        (first, second)
    } else {
        (second, first)
    };
    assert_eq!(
        done.output, "created s3://lake/config/films.json\n",
        "{done:?}"
    );
    let words = ["s3://lake/config/films.json was changed by somebody else"];
    refused(&late, 1, &words, "millrace diff");
}

/// The lake has no definition when the command looks, and has one when it writes.
#[tokio::test]
async fn what_somebody_else_writes_after_the_look_is_not_replaced() {
    let world = World::new().await;
    std::fs::write(world.folder.path().join("films.json"), GOOD).unwrap();
    world.account().s3_put = Some((StatusCode::PRECONDITION_FAILED, "PreconditionFailed"));
    for line in ["push films.json", "push films.json --replace"] {
        let words = ["was changed by somebody else", "nothing was written"];
        refused(&world.run(line).await, 1, &words, "millrace diff");
    }
}

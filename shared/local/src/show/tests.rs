use super::*;
use crate::cloud::{Cloud, Options, Storage};
use crate::{demo, program};

#[tokio::test]
async fn everything_stored_can_be_read() {
    let cloud = Cloud::open(Options::new(Storage::Memory)).await.unwrap();
    let app = cloud.app("accounts").unwrap();
    program::ensure(app).await.unwrap();
    demo::load(&cloud, Instant::parse("2026-02-20T12:00:00Z").unwrap()).await.unwrap();
    let text = account(app, &AccountId::parse(demo::ACCOUNT).unwrap(), 7).await.unwrap();
    // The day that something due is filed under is the day of the commit: today.
    let text = text.lines().filter(|line| !line.contains("filed under")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(text);
    let unknown = account(app, &AccountId::parse("nobody").unwrap(), 4).await.unwrap_err();
    assert_eq!(unknown.to_string(), "there is no account nobody");
}

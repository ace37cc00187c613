//! The Lambda function `events-out`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::start::run_with_bus(events_out::handle).await
}
